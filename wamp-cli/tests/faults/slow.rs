//! Slow and dead peers. The small versions run always, the large ones with `scripts/slow-peers`, which prints figures.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use wamp_tokio::proto::{Encoding, message::Message};

use crate::{
    encode::v,
    harness::poll,
    scene::{Scene, memory_of, now},
    wire::{
        Heard, Peer,
        Transport::{self, RawSocket, WebSocket},
        connect, raw_frame, web_frame,
    },
};

/// What the router may queue for one connection, and what its memory may grow by besides.
const QUEUE: u64 = 16 << 20;
const SLACK: u64 = 16 << 20;

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A session that has subscribed to the topic of the flood.
fn subscriber(scene: &Scene, transport: Transport) -> Peer {
    let mut peer = scene.open(transport, Encoding::Json);
    peer.join();
    peer.send(&v!([32, 1, {}, "com.example.flood"]));
    let Message::Subscribed(_) = peer.message() else { panic!("not subscribed") };
    peer
}

/// How far a publisher may be ahead of the healthy subscriber: events are not acknowledged by those who get them, and this
/// test is about the other one.
const AHEAD: u64 = 4 << 20;

/// Publishes so many bytes, in events of 16 KiB, and waits until a healthy subscriber has got every one of them, in order.
/// Gives the time it took.
fn flood(scene: &Scene, total: u64) -> Duration {
    const SIZE: u64 = 16 << 10;
    let mut healthy = subscriber(scene, RawSocket);
    let mut publisher = scene.open(RawSocket, Encoding::Json);
    publisher.join();
    let events = total / SIZE;
    let taken = Arc::new(AtomicU64::new(0));
    let start = now();
    let reader = {
        let taken = taken.clone();
        thread::spawn(move || {
            for number in 0..events {
                let event = healthy.bytes_of_message();
                let expected = format!(",{{}},[{number},\"");
                let head = String::from_utf8_lossy(&event[..80]);
                assert!(head.contains(&expected), "{head} instead of event {number}");
                taken.store((number + 1) * SIZE, Ordering::Release);
            }
            healthy.leave();
        })
    };
    let text = "x".repeat(SIZE as usize);
    for number in 0..events {
        while number * SIZE > taken.load(Ordering::Acquire) + AHEAD {
            thread::sleep(Duration::from_micros(100));
        }
        let event = format!("[16,{},{{}},\"com.example.flood\",[{number},\"{text}\"]]", number + 1);
        publisher.stream.write_all(&raw_frame(0, event.as_bytes())).unwrap();
    }
    reader.join().unwrap();
    let took = start.elapsed();
    publisher.leave();
    took
}

/// The most memory that the router uses while something is done, sampled.
fn peak<T>(scene: &mut Scene, work: impl FnOnce(&Scene) -> T) -> (T, u64) {
    let over = Arc::new(AtomicU64::new(0));
    let path = format!("/proc/{}/status", scene.router.process.id());
    let sampler = {
        let over = over.clone();
        thread::spawn(move || {
            let mut most = 0;
            while over.load(Ordering::Relaxed) == 0 {
                most = most.max(memory_of(&path));
                thread::sleep(Duration::from_millis(2));
            }
            most
        })
    };
    let result = work(scene);
    over.store(1, Ordering::Relaxed);
    (result, sampler.join().unwrap())
}

/// A subscriber that stops reading while so many bytes are published to it and to a healthy one.
fn stalled(transport: Transport, total: u64) {
    let mut scene = Scene::start();
    // A first round warms the router up; the second one is what can be reached.
    flood(&scene, total / 4);
    let alone = flood(&scene, total);
    scene.healthy.check();
    let (files, before) = (scene.files(), scene.memory());
    let stalled = subscriber(&scene, transport);
    let start = now();
    let (took, most) = peak(&mut scene, |scene| flood(scene, total));
    scene.healthy.check();
    poll("the end of the stalled connection", || (scene.files() <= files).then_some(()));
    let closed = start.elapsed();
    let grown = most.saturating_sub(before);
    let figures = format!(
        "{transport:?}: {} MiB alone in {alone:.1?}, beside a stalled one in {took:.1?}, which is closed after {closed:.1?}; \
         memory grows by {:.1} MiB",
        total >> 20,
        mebibytes(grown)
    );
    println!("{figures}");
    assert!(grown <= QUEUE + SLACK, "{figures}");
    assert!(closed < took + Duration::from_secs(30), "{figures}");
    // One more copy of each event until the stalled one is gone, on a machine that does other things too: three times is
    // noise. A router that waited for the stalled one would stand still for its 10 s.
    assert!(took < 3 * alone + Duration::from_secs(8), "{figures}");
    drop(stalled);
    scene.settled();
}

#[test]
fn fault_68_a_stalled_subscriber_is_closed_and_nobody_else_notices() {
    stalled(RawSocket, 40 << 20);
}

#[test]
#[ignore = "takes a minute: scripts/slow-peers"]
fn fault_68_200_mib_past_a_stalled_subscriber() {
    stalled(RawSocket, 200 << 20);
    stalled(WebSocket, 200 << 20);
}

#[test]
#[ignore = "takes a minute: scripts/slow-peers"]
fn fault_68_a_stalled_subscriber_is_closed_after_10_s_with_its_queue_half_full() {
    let mut scene = Scene::start();
    let files = scene.files();
    let stalled = Transport::ALL.map(|transport| subscriber(&scene, transport));
    let start = now();
    flood(&scene, 12 << 20);
    while scene.files() > files {
        scene.healthy.check();
        thread::sleep(Duration::from_millis(50));
        assert!(start.elapsed() < Duration::from_secs(20), "not closed");
    }
    let closed = start.elapsed();
    println!("12 MiB: closed after {closed:.1?}");
    // 10 s, found half a second later at most, and one second in which to take the ABORT.
    assert!((10.0..12.0).contains(&closed.as_secs_f64()), "{closed:?}");
    drop(stalled);
    scene.settled();
}

/// So many connections that say a part of a handshake and then nothing. They are gone when their 5 s are over; a new client
/// does not wait for that, but takes the place of the one that began first.
fn pending(count: usize) {
    let mut scene = Scene::start();
    let files = scene.files();
    let start = now();
    let held = (0..count).map(|index| {
        let mut stream = connect(scene.address());
        // The router may have made room already.
        let _ = stream.write_all([&b""[..], b"\x7F", b"GET /ws HTTP/1.1\r\n"][index % 3]);
        stream
    });
    let held = held.collect::<Vec<TcpStream>>();
    let opened = start.elapsed();
    let mut slowest = Duration::ZERO;
    for (transport, encoding) in [(RawSocket, Encoding::Cbor), (WebSocket, Encoding::Json)] {
        let start = now();
        let mut peer = scene.open(transport, encoding);
        peer.join();
        slowest = slowest.max(start.elapsed());
        peer.leave();
        scene.healthy.check();
    }
    let waiting = scene.files().saturating_sub(files);
    poll("the end of all of them", || (scene.files() <= files).then_some(()));
    let gone = start.elapsed() - opened;
    println!(
        "{count} pending handshakes opened in {opened:.1?}: a client joins in {slowest:.1?}, all gone after {gone:.1?}"
    );
    assert!(
        waiting > 128,
        "{waiting} of 256 are still in their handshake after the clients have come and gone"
    );
    assert!(gone < Duration::from_secs(20), "{gone:?}");
    for mut stream in held {
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
    }
    scene.settled();
}

#[test]
fn fault_19_pending_handshakes_above_the_maximum_keep_nobody_out() {
    pending(300);
}

#[test]
#[ignore = "takes a minute: scripts/slow-peers"]
fn fault_19_1000_pending_handshakes() {
    pending(1000);
}

/// So many clients connect, join, subscribe, register and vanish, as often.
fn churn(clients: usize, rounds: usize) {
    /// What an allocator may keep of what is freed, until it has found its level.
    const BOUND: u64 = 16 << 20;
    /// By what the least of the last quarter may exceed the most of the first half: 84 bytes lost for each of the 25,000
    /// clients between them.
    const LEAK: u64 = 2 << 20;
    let mut scene = Scene::start();
    let files = scene.files();
    let round = |scene: &Scene| {
        let mut all = Vec::new();
        for index in 0..clients {
            let mut peer = scene.open(Transport::ALL[index % 2], Encoding::ALL[index % 3]);
            peer.join();
            let uri = format!("com.example.client.{index}");
            peer.send(&v!([64, 1, {}, (&*uri)]));
            peer.send(&v!([32, 2, {}, "com.example.all"]));
            // Those that read no further are reset, the others are closed in the middle of a session.
            while peer.stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::Interrupted) {}
            if index % 4 < 2 {
                peer.message();
                peer.message();
            }
            all.push(peer);
        }
        drop(all);
        poll("the end of all of them", || (scene.files() <= files).then_some(()));
    };
    let start = now();
    round(&scene);
    round(&scene);
    let before = scene.memory();
    let (mut most, mut least) = (before, u64::MAX);
    for number in 0..rounds {
        round(&scene);
        scene.healthy.check();
        if number < rounds / 2 {
            most = most.max(scene.memory());
        } else if number >= rounds - rounds / 4 {
            least = least.min(scene.memory());
        }
    }
    let after = scene.memory();
    println!(
        "{clients} clients {rounds} times in {:.1?}: {:.1} MiB before, {:.1} MiB at most in the first half, \
         {:.1} MiB at least in the last quarter, {:.1} MiB after",
        start.elapsed(),
        mebibytes(before),
        mebibytes(most),
        mebibytes(least),
        mebibytes(after)
    );
    assert!(after < before + BOUND && least < most + LEAK, "{before} -> {most} -> {least} -> {after}");
    scene.settled();
}

#[test]
fn clients_that_vanish_leave_nothing() {
    churn(50, 10);
}

#[test]
#[ignore = "takes a minute: scripts/slow-peers"]
fn clients_1000_that_vanish_100_times_leave_nothing() {
    churn(1000, 100);
}

#[test]
fn fault_07_a_flood_of_pings_on_a_websocket() {
    let mut scene = Scene::start();
    let mut peer = scene.join(WebSocket, Encoding::Json);
    // As many as may come in a row, again and again: each batch is answered, data between them or not.
    for request in 1..=10 {
        peer.stream.write_all(&web_frame(0x89, b"?").repeat(32)).unwrap();
        while peer.hear() != Heard::Pong(b"?".to_vec()) {}
        peer.send(&v!([48, (request), {}, "com.example.nobody"]));
        while !matches!(peer.hear(), Heard::Message(_)) {}
    }
    peer.stream.write_all(&web_frame(0x89, &[9; 125]).repeat(1000)).unwrap();
    let parted = loop {
        match peer.hear() {
            Heard::Pong(_) => {}
            heard => break heard,
        }
    };
    assert_eq!(parted, Heard::Close(Some(1008), "too many pings".to_owned()));
    scene.healthy.check();
    drop(peer);
    scene.settled();
}
