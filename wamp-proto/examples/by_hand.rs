//! The core, driven by hand: a client session over RawSocket on a `std::net::TcpStream`, without any adapter.
//!
//! `wamp router run` in one terminal, `cargo run -p wamp-proto --example by_hand` in another.
//!
//! Whatever the world is, the loop is the same: read bytes, hand them to the codec, its frames to the session, the session's
//! frames to the codec, write. What an adapter adds is only how to wait for several things at once.
#![allow(clippy::disallowed_methods, reason = "here is the world that has a clock")]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant as Clock},
};

use wamp_proto::{
    Encoding, Instant, Payload,
    session::{Call, Config, Event, Session},
    transport::rawsocket::{self, RawSocket},
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result {
    let mut stream = TcpStream::connect(std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:8080"))?;
    let start = Clock::now();
    let now = || Instant::from_origin(start.elapsed());

    // One machine turns bytes into frames, another frames into events; neither knows that there is a socket.
    let mut codec = RawSocket::client(Encoding::Json, &rawsocket::Config::default());
    let mut session = Session::new(Arc::new(Config::new("realm1".parse()?)), Encoding::Json, now());
    while !session.is_finished() {
        // The first bytes are the codec's handshake.
        write(&mut stream, &mut codec)?;
        // No deadline is later than this; without one, the read may take as long as it likes.
        let deadline = session.poll_timeout().map(|deadline| deadline.at - now());
        stream.set_read_timeout(deadline.map(|left| left.max(Duration::from_millis(1))))?;
        match read(&mut stream, &mut codec) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => session.handle_timeout(now()),
            Err(error) => session.handle_eof(&error.to_string()),
        }
        while let Some(event) = codec.poll_event() {
            match event {
                rawsocket::Event::Frame(frame) => session.handle_frame(now(), frame),
                rawsocket::Event::Failed(why) => session.handle_eof(&why.to_string()),
                _ => {}
            }
        }
        while let Some(event) = session.poll_event() {
            react(&mut session, event, now())?;
        }
        while let Some(frame) = session.poll_transmit() {
            codec.send(&frame)?;
        }
    }
    write(&mut stream, &mut codec)
}

fn read(stream: &mut TcpStream, codec: &mut RawSocket) -> std::io::Result<()> {
    let mut bytes = [0; 4096];
    match stream.read(&mut bytes)? {
        0 => codec.handle_eof(),
        read => {
            codec.buffer().extend_from_slice(&bytes[..read]);
            codec.handle_read();
        }
    }
    Ok(())
}

fn write(stream: &mut TcpStream, codec: &mut RawSocket) -> Result {
    stream.write_all(codec.output())?;
    codec.advance(codec.output().len());
    Ok(())
}

/// The application: it offers a procedure, calls it, and leaves.
fn react(session: &mut Session, event: Event, now: Instant) -> Result {
    match event {
        Event::Joined(_) => _ = session.register(now, "com.example.add".parse()?, Default::default())?,
        Event::Registered { .. } => {
            let payload = Payload::from_args(Encoding::Json, &(2, 3))?;
            let (procedure, timeout) = ("com.example.add".parse()?, Some(Duration::from_secs(5)));
            _ = session.call(now, Call { procedure, options: Default::default(), payload, timeout })?;
        }
        Event::Invocation { request, payload, .. } => {
            let (a, b) = payload.args::<(i64, i64)>()?;
            session.reply(request)?.result(Payload::from_args(Encoding::Json, &(a + b,))?)?;
        }
        Event::Result { payload, .. } => {
            println!("2 + 3 = {}", payload.value::<i64>()?);
            session.close(now, "wamp.close.close_realm".parse()?);
        }
        Event::Closed(why) => println!("closed: {why}"),
        _ => {}
    }
    Ok(())
}
