//! RawSocket, faults 1 to 7.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
};

use wamp_tokio::proto::Encoding;

use crate::{
    encode::v,
    harness::LONG,
    scene::Scene,
    wire::{Heard, Peer, Reaction, Transport::RawSocket, connect, raw_frame},
};

/// What the router answers to these bytes, until it closes.
fn answer_to(scene: &mut Scene, bytes: &[u8]) -> Vec<u8> {
    scene.healthy.check();
    let mut stream = connect(scene.address());
    stream.write_all(bytes).unwrap();
    scene.healthy.check();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    scene.settled();
    answer
}

#[test]
fn fault_01_anything_but_rawsocket_on_a_rawsocket_listener() {
    let mut scene = Scene::start();
    let path = scene.router.urls[2].strip_prefix("unix://").unwrap().to_owned();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\0\0\0", b"\xFF", b"\x7E\xF1\0\0", b"\x16\x03\x01\x02"]
    {
        scene.healthy.check();
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(bytes).unwrap();
        scene.healthy.check();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"", "{bytes:?}");
        scene.settled();
    }
}

#[test]
fn fault_02_a_serializer_that_is_not_spoken_here() {
    let mut scene = Scene::start();
    for code in [0, 4, 5, 6, 15] {
        assert_eq!(answer_to(&mut scene, &[0x7F, 0xF0 | code, 0, 0]), [0x7F, 0x10, 0, 0], "{code}");
    }
    // The reply arrives although more was sent than the router reads.
    let early = [&[0x7F, 0xF0, 0, 0][..], &[b'x'; 100_000]].concat();
    assert_eq!(answer_to(&mut scene, &early), [0x7F, 0x10, 0, 0]);
}

#[test]
fn fault_03_reserved_octets_in_the_handshake() {
    let mut scene = Scene::start();
    for reserved in [[1, 0], [0, 1], [0x80, 0], [0xFF, 0xFF]] {
        let [a, b] = reserved;
        assert_eq!(answer_to(&mut scene, &[0x7F, 0xF1, a, b]), [0x7F, 0x30, 0, 0], "{reserved:?}");
    }
    // They go first: what they mean may change what the rest means.
    assert_eq!(answer_to(&mut scene, &[0x7F, 0xF0, 0, 1]), [0x7F, 0x30, 0, 0]);
}

#[test]
fn fault_04_more_connections_than_the_maximum() {
    let mut scene = Scene::start_with(&["--max-connections", "3"]);
    let held = [scene.join(RawSocket, Encoding::Json), scene.open(RawSocket, Encoding::Cbor)];
    for _ in 0..3 {
        let mut stream = connect(scene.address());
        stream.write_all(&[0x7F, 0xF1, 0, 0]).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, [0x7F, 0x40, 0, 0]);
        let mut stream = connect(scene.address());
        stream.write_all(&Peer::handshake(crate::wire::Transport::WebSocket, Encoding::Json)).unwrap();
        let answer = crate::wire::answer(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        scene.healthy.check();
    }
    for peer in held {
        let message = peer.frame(&v!([6, {}, "wamp.close.close_realm"]).encode(peer.encoding));
        let mut peer = peer;
        peer.stream.write_all(&message).unwrap();
        while peer.hear() != Heard::End {}
    }
    // The place of one that has left is free once its transport is closed, which is a moment after it hears so.
    scene.settled_eventually();
}

#[test]
fn fault_05_a_frame_longer_than_the_limit() {
    let mut scene = Scene::start();
    let before = scene.memory();
    for header in [[0, 0x10, 0, 1], [0, 0xFF, 0xFF, 0xFF], [1, 0x10, 0, 1], [2, 0xFF, 0xFF, 0xFF]] {
        let peer = scene.join(RawSocket, Encoding::Json);
        // The header is enough: the body never comes.
        assert_eq!(scene.offence(peer, &header), Reaction::Silence, "{header:?}");
    }
    // Nothing is set aside for what a header promises.
    let promising = (0..50).map(|_| {
        let mut peer = scene.open(RawSocket, Encoding::Json);
        peer.stream.write_all(&[0, 0x10, 0, 0]).unwrap();
        peer
    });
    let promising = promising.collect::<Vec<_>>();
    scene.healthy.check();
    let grown = scene.memory().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes for 50 frames of 1 MiB that did not come");
    drop(promising);
    scene.settled();
}

#[test]
fn fault_06_reserved_frame_types_and_bits() {
    let mut scene = Scene::start();
    for first in [3, 4, 5, 6, 7, 0x10, 0x40, 0x80, 0xF8, 8 | 3] {
        let peer = scene.join(RawSocket, Encoding::Json);
        assert_eq!(scene.offence(peer, &[first, 0, 0, 0]), Reaction::Silence, "{first:#04x}");
    }
    // 2^24 has a bit of its own, which only means something with length 0.
    let peer = scene.join(RawSocket, Encoding::Json);
    assert_eq!(scene.offence(peer, &[8, 0, 0, 1]), Reaction::Silence);
}

#[test]
fn fault_07_pings_and_pongs() {
    let mut scene = Scene::start();
    let mut peer = scene.join(RawSocket, Encoding::Json);
    for payload in [&b""[..], b"ping", &[0xFF; 125], &[7; 65_536]] {
        // A PONG that nobody asked for is ignored.
        peer.stream.write_all(&raw_frame(2, b"unasked")).unwrap();
        peer.stream.write_all(&raw_frame(1, payload)).unwrap();
        assert_eq!(peer.hear(), Heard::Pong(payload.to_vec()));
        scene.healthy.check();
    }
    peer.leave();
    scene.settled();
}

#[test]
fn fault_07_a_flood_of_pings_whose_pongs_are_not_read() {
    let mut scene = Scene::start();
    let before = scene.memory();
    let mut peer = scene.join(RawSocket, Encoding::Json);
    let pings = raw_frame(1, &[9; 4096]).repeat(64);
    // The router closes once the PONGs fill the socket and the budget after it.
    let refused = (0..1000).find(|_| peer.stream.write_all(&pings).is_err());
    assert!(refused.is_some(), "{} PINGs were taken", 64 * 1000);
    scene.settled();
    assert!(scene.memory().saturating_sub(before) < 16 << 20);
}
