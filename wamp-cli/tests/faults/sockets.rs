//! Silence, broken connections, split bytes and files that run out: faults 19 to 26.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use wamp_tokio::proto::{Encoding, message::Message};

use crate::{
    encode::v,
    harness::{Directory, Router, poll, ready_urls, start_program},
    scene::{Scene, now},
    wire::{
        Peer, Reaction,
        Transport::{self, WebSocket},
        connect,
    },
};

/// Seconds until the router closes, without a word.
fn seconds_to_end(stream: &mut TcpStream) -> f64 {
    let start = now();
    match stream.read_exact(&mut [0]) {
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {}
        other => panic!("{other:?}"),
    }
    start.elapsed().as_secs_f64()
}

#[test]
fn fault_19_a_handshake_that_stops_is_closed_after_5_s() {
    let mut scene = Scene::start();
    let starts = [&b""[..], b"\x7F", b"\x7F\xF1\0", b"G", b"GET /ws HTTP/1.1\r\nHost: x\r\n"];
    let silent = starts.map(|start| {
        let mut stream = connect(scene.address());
        stream.write_all(start).unwrap();
        thread::spawn(move || seconds_to_end(&mut stream))
    });
    // One that says a byte a second is no better off: there is one deadline for the whole handshake.
    let mut dripping = connect(scene.address());
    let mut writer = dripping.try_clone().unwrap();
    thread::spawn(move || {
        for byte in b"GET /ws HTTP/1.1" {
            if writer.write_all(&[*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_secs(1));
        }
    });
    let dripping = thread::spawn(move || seconds_to_end(&mut dripping));
    scene.healthy.check();
    for silent in silent.into_iter().chain([dripping]) {
        let seconds = silent.join().unwrap();
        assert!((4.5..20.0).contains(&seconds), "closed after {seconds} s");
    }
    scene.settled();
}

#[test]
fn fault_20_and_14_tls_on_a_plaintext_port() {
    let mut scene = Scene::start();
    scene.healthy.check();
    let mut stream = connect(scene.address());
    stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    scene.settled();
}

#[test]
fn fault_21_no_hello_is_closed_after_5_s() {
    let mut scene = Scene::start();
    for (transport, peer) in
        Transport::ALL.map(|transport| (transport, scene.open(transport, Encoding::Json)))
    {
        let mut peer = peer;
        let reaction = peer.reaction();
        let text = "HELLO did not come in time".to_owned();
        assert_eq!(reaction, Reaction::Abort("wamp.error.timeout".to_owned(), text), "{transport:?}");
        scene.healthy.check();
    }
    scene.settled();
}

#[test]
fn fault_23_fin_and_rst_in_the_middle_of_a_frame() {
    let mut scene = Scene::start();
    for transport in Transport::ALL {
        for part in 1..12 {
            for reset in [false, true] {
                let mut peer = scene.join(transport, Encoding::Json);
                if reset {
                    // A socket that is closed with something unread is reset.
                    peer.send(&v!([32, 2, {}, "com.example.topic"]));
                    peer.stream.peek(&mut [0]).unwrap();
                }
                let frame = peer.frame(br#"[16,2,{},"com.example.healthy",["half"]]"#);
                peer.stream.write_all(&frame[..part]).unwrap();
                scene.healthy.check();
                drop(peer);
                scene.settled();
            }
        }
    }
}

/// The same conversation with the bytes split in pieces of this size: what the router says to it.
fn conversation(scene: &Scene, transport: Transport, encoding: Encoding, size: usize) -> Vec<String> {
    let mut peer = Peer { stream: connect(scene.address()), transport, encoding };
    let messages = [
        v!([1, "realm1", {"roles": {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}}]),
        v!([64, 1, {}, "com.example.split"]),
        v!([32, 2, {}, "com.example.split"]),
        v!([48, 3, {}, "com.example.split", ["x", 1, [null, true]]]),
        v!([70, 1, {}, ["y"]]),
        v!([16, 4, {"exclude_me": false, "acknowledge": true}, "com.example.split", [(&[0u8; 300][..])]]),
        v!([48, 5, {}, "com.example.nothing"]),
        v!([66, 6, 1]),
        v!([6, {}, "wamp.close.close_realm"]),
    ];
    let mut bytes = Peer::handshake(transport, encoding);
    for message in &messages {
        bytes.extend(peer.frame(&message.encode(encoding)));
    }
    let mut stream = peer.stream.try_clone().unwrap();
    let writer = thread::spawn(move || bytes.chunks(size).for_each(|piece| stream.write_all(piece).unwrap()));
    peer.finish_handshake();
    let mut heard = Vec::new();
    loop {
        let message = peer.message();
        let over = matches!(message, Message::Goodbye(_));
        heard.push(format!("{:?}", message.kind()));
        if over {
            break;
        }
    }
    assert!(matches!(peer.reaction(), Reaction::Silence | Reaction::Close(None, _)));
    writer.join().unwrap();
    heard
}

#[test]
fn fault_24_one_byte_at_a_time_and_everything_at_once() {
    let mut scene = Scene::start();
    for transport in Transport::ALL {
        for encoding in Encoding::ALL {
            let whole = conversation(&scene, transport, encoding, usize::MAX);
            assert_eq!(
                whole.join(" "),
                "Welcome Registered Subscribed Invocation Result Event Published Error Error Goodbye"
            );
            for size in [1, 7] {
                assert_eq!(
                    conversation(&scene, transport, encoding, size),
                    whole,
                    "{transport:?} {encoding:?} {size}"
                );
            }
            scene.healthy.check();
        }
    }
    scene.settled();
}

/// A router that may open only so many files.
fn router_with_files(files: u32) -> Router {
    let directory = Directory::new();
    let ready = directory.file("ready");
    let run =
        format!("ulimit -n {files}; exec \"$0\" router run --listen ws://127.0.0.1:0 --ready-file \"$1\"");
    let arguments = ["-c", &run, env!("CARGO_BIN_EXE_wamp"), ready.to_str().unwrap()];
    let process = start_program("sh", &arguments, &[], b"");
    let urls = ready_urls(&ready);
    Router { process, urls, _directory: directory }
}

#[test]
fn fault_26_no_more_files() {
    let mut scene = Scene::of(router_with_files(64));
    scene.healthy.check();
    let many = (0..100).map(|_| connect(scene.address())).collect::<Vec<_>>();
    poll("the last free file", || (scene.files() >= 64).then_some(()));
    let before = scene.ticks();
    for _ in 0..20 {
        scene.healthy.check();
        thread::sleep(Duration::from_millis(50));
    }
    let ticks = scene.ticks() - before;
    assert!(ticks < 30, "{ticks} ticks of 10 ms in a second with nothing to accept");
    drop(many);
    scene.settled();
    let mut peer = scene.open(WebSocket, Encoding::Cbor);
    peer.join();
    peer.leave();
    // Nothing of them is left.
    poll("the end of all connections", || (scene.files() < 20).then_some(()));
}
