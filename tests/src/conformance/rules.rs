//! Peers that do not keep to the rules of their transport; and what the router tells them.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use tungstenite::{
    Message, WebSocket,
    client::IntoClientRequest as _,
    protocol::{
        CloseFrame,
        frame::{
            Frame,
            coding::{CloseCode, Data, OpCode},
        },
    },
};
use wamp_driver::ConnectError;

use super::{
    Kit, RouterSettings, Serving, Transport,
    tools::{BOUND, echo},
};

/// A router on a port that takes WebSocket and RawSocket, and its URL.
pub(super) async fn start(
    kit: &Kit,
    change: impl FnOnce(RouterSettings) -> RouterSettings,
) -> (Arc<dyn Serving>, String) {
    let router = kit.start(change(RouterSettings::on(Transport::Ws))).await;
    let url = router.endpoints()[0].to_string();
    (router, url)
}

fn address(url: &str) -> &str {
    url.trim_start_matches("ws://").trim_end_matches("/ws")
}

/// A socket of the standard library: what is tested has no part in it.
fn open(url: &str) -> TcpStream {
    let stream = TcpStream::connect(address(url)).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.set_write_timeout(Some(BOUND)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

pub(super) type Socket = WebSocket<TcpStream>;

pub(super) fn websocket(url: &str, protocol: &str) -> Result<Socket, tungstenite::Error> {
    let mut request = url.into_client_request().unwrap();
    if !protocol.is_empty() {
        request.headers_mut().insert("Sec-WebSocket-Protocol", protocol.parse().unwrap());
    }
    match tungstenite::client(request, open(url)) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::HandshakeError::Failure(error)) => Err(error),
        Err(tungstenite::HandshakeError::Interrupted(_)) => panic!("it hangs"),
    }
}

/// The HTTP status that a handshake is refused with.
fn refused(url: &str, protocol: &str) -> u16 {
    match websocket(url, protocol) {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    }
}

/// The close frame that comes.
pub(super) fn close_frame(socket: &mut Socket) -> CloseFrame {
    loop {
        match socket.read() {
            Ok(Message::Close(Some(close))) => return close,
            Ok(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Everything that comes until the peer closes.
pub(super) fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("it is not closed"),
        // A reset is an end, too.
        _ => rest,
    }
}

pub(super) const HELLO: &str = r#"[1,"realm1",{"roles":{"caller":{}}}]"#;

pub(super) async fn websocket_handshakes_that_are_refused(kit: Kit) {
    let (router, url) = start(&kit, |settings| settings.max_connections(1)).await;
    for protocol in ["", "wamp.3.json", "graphql-ws"] {
        assert_eq!(refused(&url, protocol), 400, "{protocol}");
    }
    let client = kit.connect(&url).await.unwrap();
    assert_eq!(refused(&url, "wamp.2.json"), 503);
    let error = kit.within(kit.connect(&url)).await.unwrap_err();
    assert!(error.to_string().contains("too many connections"), "{error}");
    let raw = kit.within(kit.connect(format!("tcp://{}", address(&url)))).await.unwrap_err();
    assert!(matches!(&raw, ConnectError::Handshake { why, .. } if why.contains("error 4")), "{raw}");
    let mut stream = open(&url);
    stream.write_all(&[0x7F, 0xF1, 0, 0]).unwrap();
    assert_eq!(rest(&mut stream), [0x7F, 0x40, 0, 0]);
    kit.within(client.close()).await;
    kit.settle(&*router, |counts| counts.connections == 0).await;
    // There is room again, as soon as the connection's task is done.
    let again = async {
        loop {
            if let Ok(client) = kit.connect(&url).await {
                return client;
            }
        }
    };
    assert!(kit.within(again).await.close_reason().is_none());
}

pub(super) async fn garbage_is_closed_and_nobody_else_minds(kit: Kit) {
    let (router, url) = start(&kit, |settings| settings).await;
    let client = kit.connect(&url).await.unwrap();
    client.register("t.echo", echo).await.unwrap();
    let garbage: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /ws HTTP/1.1\r\nContent-Length: 4\r\n\r\nwhat",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03\r\n\r\n",
        &[b'x'; 100_000],
    ];
    for bytes in garbage {
        let mut stream = open(&url);
        // The router may close before it has read everything.
        let _ = stream.write_all(bytes);
        let answer = rest(&mut stream);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{bytes:?}: {answer:?}");
        if bytes.starts_with(b"GET ") {
            let answer = String::from_utf8_lossy(&answer);
            assert!(
                answer.ends_with("it takes WebSockets, and this is a plain request of HTTP\n"),
                "{answer}"
            );
        }
    }
    assert_eq!(client.call("t.echo").args((1,)).value::<i64>().await.unwrap(), 1);
    assert_eq!(router.counts().connections, 1);
}

pub(super) async fn websocket_messages_that_break_the_rules(kit: Kit) {
    let (router, url) =
        start(&kit, |settings| settings.config(|config| config.limits.message_size = 10_000)).await;
    let frame =
        |opcode, payload: &'static [u8]| Message::Frame(Frame::message(payload, OpCode::Data(opcode), true));
    let mut reserved = Frame::message(&b"x"[..], OpCode::Data(Data::Text), true);
    reserved.header_mut().rsv1 = true;
    let cases = [
        ("wamp.2.msgpack", Message::text("[1]"), CloseCode::Unsupported),
        ("wamp.2.cbor", Message::text("[1]"), CloseCode::Unsupported),
        ("wamp.2.json", Message::binary(&b"[1]"[..]), CloseCode::Unsupported),
        ("wamp.2.json", Message::text("x".repeat(10_001)), CloseCode::Size),
        ("wamp.2.cbor", Message::binary(vec![0; 1 << 20]), CloseCode::Size),
        ("wamp.2.json", frame(Data::Text, b"[1,\"\xFF\"]"), CloseCode::Invalid),
        ("wamp.2.json", frame(Data::Continue, b"x"), CloseCode::Protocol),
        ("wamp.2.json", Message::Frame(reserved), CloseCode::Protocol),
    ];
    for (protocol, message, code) in cases {
        let mut socket = websocket(&url, protocol).unwrap();
        let shown = format!("{protocol} {:.60}", format!("{message:?}"));
        // The router may have closed before everything is sent.
        let _ = socket.send(message);
        assert_eq!(close_frame(&mut socket).code, code, "{shown}");
    }
    kit.settle(&*router, |counts| counts.connections == 0).await;
}

pub(super) async fn a_message_that_breaks_the_protocol_is_answered_by_abort(kit: Kit) {
    let (router, url) = start(&kit, |settings| settings).await;
    for message in ["[]", "{", "[99]", "[1]", "[8,32,1,{},\"a.b\"]"] {
        let mut socket = websocket(&url, "wamp.2.json").unwrap();
        socket.send(Message::text(message)).unwrap();
        let answer = socket.read().unwrap().into_text().unwrap();
        assert!(answer.starts_with("[3,") && answer.contains("protocol_violation"), "{message}: {answer}");
    }
    kit.settle(&*router, |counts| counts.connections == 0).await;
}

pub(super) async fn a_websocket_ping_is_answered(kit: Kit) {
    let (router, url) = start(&kit, |settings| settings).await;
    let mut socket = websocket(&url, "wamp.2.json").unwrap();
    for payload in [&b""[..], b"are you there"] {
        socket.send(Message::Ping(payload.into())).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Pong(payload.into()));
    }
    socket.send(Message::text(HELLO)).unwrap();
    let welcome = socket.read().unwrap();
    assert!(welcome.to_text().unwrap().starts_with("[2,"));
    // A peer that leaves in the way of its transport has left.
    socket.close(None).unwrap();
    while socket.read().is_ok() {}
    kit.settle(&*router, |counts| counts.connections == 0).await;
}

pub(super) async fn rawsocket_handshakes_and_frames_that_break_the_rules(kit: Kit) {
    let (router, url) =
        start(&kit, |settings| settings.config(|config| config.limits.message_size = 1 << 10)).await;
    let start: &[u8] = &[0x7F, 0xF1, 0, 0];
    let opened: &[u8] = &[0x7F, 0x11, 0, 0];
    let cases: [(&[u8], &[u8], &[u8]); 9] = [
        (&[0x7F, 0xF0, 0, 0], &[], &[0x7F, 0x10, 0, 0]),
        (&[0x7F, 0xF9, 0, 0], &[], &[0x7F, 0x10, 0, 0]),
        (&[0x7F, 0xF1, 1, 0], &[], &[0x7F, 0x30, 0, 0]),
        // Too long, also by the 25th bit; types and bits that are reserved.
        (start, &[0, 0, 4, 1], opened),
        (start, &[8, 0, 0, 0], opened),
        (start, &[3, 0, 0, 0], opened),
        (start, &[7, 0, 0, 0], opened),
        (start, &[16, 0, 0, 0], opened),
        (start, &[0x80, 0, 0, 0], opened),
    ];
    for (handshake, frame, answer) in cases {
        let mut stream = open(&url);
        stream.write_all(handshake).unwrap();
        let mut answered = [0; 4];
        stream.read_exact(&mut answered).unwrap();
        assert_eq!(answered, answer, "{handshake:?}");
        let _ = stream.write_all(frame);
        assert_eq!(rest(&mut stream), b"", "{frame:?}");
    }
    kit.settle(&*router, |counts| counts.connections == 0).await;
}

pub(super) async fn rawsocket_pings_and_single_bytes(kit: Kit) {
    let (router, url) = start(&kit, |settings| settings).await;
    let mut stream = open(&url);
    stream.set_nodelay(true).unwrap();
    let mut bytes = vec![0x7F, 0xF1, 0, 0];
    bytes.extend([1, 0, 0, 3, b'a', b'b', b'c']);
    // A PONG that nobody asked for.
    bytes.extend([2, 0, 0, 1, b'x']);
    bytes.extend(u32::try_from(HELLO.len()).unwrap().to_be_bytes());
    bytes.extend(HELLO.as_bytes());
    for byte in bytes {
        stream.write_all(&[byte]).unwrap();
        std::thread::yield_now();
    }
    let mut start = [0; 11];
    stream.read_exact(&mut start).unwrap();
    assert_eq!(start, [0x7F, 0xB1, 0, 0, 2, 0, 0, 3, b'a', b'b', b'c']);
    let mut welcome = [0; 7];
    stream.read_exact(&mut welcome).unwrap();
    assert_eq!(&welcome[4..], b"[2,");
    assert_eq!(router.counts().sessions, 1);
    drop(stream);
    kit.settle(&*router, |counts| counts.connections == 0).await;
}

pub(super) async fn half_a_frame_and_silence(kit: Kit) {
    let (router, url) = start(&kit, |settings| settings).await;
    let tcp = format!("tcp://{}", address(&url));
    let clients = [kit.connect(&url).await.unwrap(), kit.connect(&tcp).await.unwrap()];
    clients[0].register("t.echo", echo).await.unwrap();
    let mut silent = Vec::new();
    for part in
        [&[0x7F, 0xF1, 0, 0, 0, 0][..], &[0x7F, 0xF1, 0, 0, 0, 0, 0, 50, b'['], &[0x7F], b"GET /ws HT"]
    {
        let mut stream = open(&url);
        stream.write_all(part).unwrap();
        silent.push(stream);
    }
    let mut socket = websocket(&url, "wamp.2.json").unwrap();
    socket.get_mut().write_all(&[0x81, 0xFE, 0x01]).unwrap();
    for client in clients.iter().cycle().take(20) {
        assert_eq!(kit.within(client.call("t.echo").args((1,)).value::<i64>()).await.unwrap(), 1);
    }
    drop((silent, socket));
    kit.settle(&*router, |counts| counts.connections == 2).await;
}

pub(super) async fn handshakes_have_their_time(kit: Kit) {
    let timeout = Duration::from_secs(1);
    let (router, url) = start(&kit, |settings| settings.handshake_timeout(timeout).max_handshakes(3)).await;
    let mut slow = Vec::new();
    for part in [&b""[..], b"GET /ws HTTP/1.1\r\n", &[0x7F, 0xF1]] {
        let mut stream = open(&url);
        stream.write_all(part).unwrap();
        slow.push(stream);
    }
    // All places for handshakes are taken; others wait until these have had their time.
    let client = kit.within(kit.connect(&url)).await.unwrap();
    for stream in &mut slow {
        assert_eq!(rest(stream), b"");
    }
    for _ in 0..10 {
        assert!(kit.within(kit.connect(&url)).await.is_ok());
    }
    kit.within(client.close()).await;
    kit.settle(&*router, |counts| counts.connections == 0).await;
}

pub(super) async fn hello_must_come_in_time(kit: Kit) {
    let (router, url) =
        start(&kit, |settings| settings.config(|config| config.hello_timeout = Duration::from_millis(200)))
            .await;
    let mut socket = websocket(&url, "wamp.2.json").unwrap();
    let mut stream = open(&url);
    stream.write_all(&[0x7F, 0xF1, 0, 0]).unwrap();
    let abort = socket.read().unwrap().into_text().unwrap();
    assert!(abort.starts_with("[3,") && abort.contains("HELLO"), "{abort}");
    let rest = rest(&mut stream);
    assert!(rest.windows(5).any(|part| part == b"HELLO"), "{rest:?}");
    kit.settle(&*router, |counts| counts.connections == 0).await;
}

pub(super) async fn a_client_that_meets_another_server_says_so(kit: Kit) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = kit.blocking(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\n<html></html>");
        }
    });
    let error = kit.within(kit.connect(format!("ws://{address}/ws"))).await.unwrap_err();
    // The page itself is of no use to anybody.
    let ends = |why: &str| why.ends_with("it answered HTTP 404 Not Found");
    assert!(matches!(&error, ConnectError::Handshake { why, .. } if ends(why)), "{error}");
    let error = kit.within(kit.connect(format!("tcp://{address}"))).await.unwrap_err();
    assert!(matches!(error, ConnectError::Handshake { .. }), "{error}");
    kit.within(server).await;
    // One that answers somebody else's handshake (fault 15).
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws", other.local_addr().unwrap());
    let server = kit.blocking(move || {
        let (mut stream, _) = other.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
        let accept =
            "Sec-WebSocket-Protocol: wamp.2.json\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        let _ = stream.write_all(format!("{head}{accept}\r\n\r\n").as_bytes());
    });
    let error = kit.within(kit.connect(url)).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Handshake { why, .. } if why.contains("Accept")), "{error}");
    kit.within(server).await;
    // One that accepts and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for scheme in ["ws", "tcp"] {
        let url = format!("{scheme}://{}", silent.local_addr().unwrap());
        let connect = kit.connect(&url).connect_timeout(Duration::from_millis(100));
        assert!(matches!(kit.within(connect).await, Err(ConnectError::Timeout { .. })));
    }
}

/// Peers that join, ask for more than they take, and end their side in the same breath: their end is never overlooked.
pub(super) async fn peers_that_leave_in_the_middle_of_a_sentence(kit: Kit) {
    let (router, url) = start(&kit, |settings| settings).await;
    let frame = |message: &str| {
        let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
        frame.extend(message.as_bytes());
        frame
    };
    let mut words = vec![0x7F, 0xF1, 0, 0];
    words.extend(frame(HELLO));
    for request in 1..=20 {
        words.extend(frame(&format!("[48,{request},{{}},\"t.nobody\"]")));
    }
    let mut streams = Vec::new();
    for round in 0..200 {
        let mut stream = open(&url);
        let (now, later) = words.split_at(words.len() - (round * 7) % words.len());
        stream.write_all(now).unwrap();
        if round % 3 == 0 {
            std::thread::yield_now();
        }
        let _ = stream.write_all(later);
        if round % 2 == 0 {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            streams.push(stream);
        }
    }
    kit.settle(&*router, |counts| counts.connections == 0).await;
    drop(streams);
}
