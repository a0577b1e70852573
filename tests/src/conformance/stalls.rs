//! Those who do not read.

use std::{
    future::IntoFuture,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use wamp_driver::{
    Client, Error,
    proto::{
        Encoding, Payload,
        error::Closed,
        router::{Config, SlowSubscriber},
    },
};

use super::{Kit, RouterSettings, Serving, Transport, tools::BOUND};

async fn router(kit: &Kit, change: impl FnOnce(&mut Config) + Send + 'static) -> (Arc<dyn Serving>, String) {
    let router = kit.start(RouterSettings::on(Transport::Tcp).config(change)).await;
    let url = router.endpoints()[0].to_string();
    (router, url)
}

/// A frame of a RawSocket.
fn frame(message: &str) -> Vec<u8> {
    let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(message.as_bytes());
    frame
}

/// A peer that joins, subscribes, and then reads nothing any more.
fn stalled(url: &str) -> TcpStream {
    let mut stream = TcpStream::connect(url.trim_start_matches("tcp://")).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.write_all(&[0x7F, 0xF1, 0, 0]).unwrap();
    stream.write_all(&frame(r#"[1,"realm1",{"roles":{"subscriber":{}}}]"#)).unwrap();
    stream.write_all(&frame(r#"[32,1,{},"t.topic"]"#)).unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
    for _ in 0..2 {
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut message = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        stream.read_exact(&mut message).unwrap();
    }
    stream
}

/// Publishes until the stalled one is gone, while a healthy one gets everything.
async fn publish_past(kit: &Kit, router: &dyn Serving, url: &str) {
    let (healthy, publisher) = (kit.connect(url).await.unwrap(), kit.connect(url).await.unwrap());
    let mut events = healthy.subscribe("t.topic").await.unwrap();
    let text = "x".repeat(50_000);
    let mut number: u64 = 0;
    while router.counts().sessions == 3 {
        let publish = publisher.publish("t.topic").args((number, &text)).acknowledge();
        let published = kit.timeout(Duration::from_secs(5), publish).await;
        published.expect("the publisher is not slowed").unwrap();
        let (seen, _): (u64, String) = kit.within(events.next()).await.unwrap().args().unwrap();
        assert_eq!(seen, number);
        number += 1;
        // From here on one waits in the router: what comes next is to find its time over, not its queue full.
        if router.counts().queued_bytes > 50_000 {
            kit.sleep(Duration::from_millis(100)).await;
        }
    }
    // The connection goes too, though its last messages were never taken.
    kit.settle(router, |counts| counts.connections == 2 && counts.subscriptions == 1).await;
    assert!(healthy.close_reason().is_none());
}

pub(super) async fn a_stalled_subscriber_is_closed_when_its_queue_is_full(kit: Kit) {
    let (router, url) = router(&kit, |config| config.queue_bytes = 200_000).await;
    let stalled = stalled(&url);
    kit.within(publish_past(&kit, &*router, &url)).await;
    drop(stalled);
}

pub(super) async fn a_stalled_subscriber_is_closed_when_its_time_is_over(kit: Kit) {
    let (router, url) = router(&kit, |config| config.stall_timeout = Duration::from_secs(1)).await;
    let stalled = stalled(&url);
    kit.within(publish_past(&kit, &*router, &url)).await;
    drop(stalled);
}

pub(super) async fn shutdown_does_not_wait_for_those_who_do_not_read(kit: Kit) {
    let (router, url) = router(&kit, |_| {}).await;
    let stalled = stalled(&url);
    let publisher = kit.connect(&url).await.unwrap();
    let text = "x".repeat(50_000);
    for _ in 0..400 {
        kit.within(publisher.publish("t.topic").args((&text,)).acknowledge()).await.unwrap();
    }
    assert!(router.counts().queued_bytes > 1 << 20);
    kit.within(router.shutdown()).await;
    assert_eq!(router.counts().connections, 0);
    drop(stalled);
}

/// A router that opens a session and then reads nothing any more.
async fn deaf_router(kit: &Kit) -> (Client, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let connect = kit.connect(url).serializers([Encoding::Json]);
    let connect = connect.options(|options| options.close_timeout = Duration::from_millis(200));
    let connect = kit.spawn(connect.into_future());
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
    stream.write_all(&[0x7F, 0xF1, 0, 0]).unwrap();
    stream.write_all(&frame(r#"[2,7,{"roles":{"broker":{},"dealer":{}}}]"#)).unwrap();
    (kit.within(connect).await.unwrap(), stream)
}

/// Publishes until the client has to wait for room.
async fn fill(kit: &Kit, client: &Client) {
    let text = "x".repeat(100_000);
    for _ in 0..2_000 {
        let publish = client.publish("t.topic").args((&text,));
        if kit.timeout(Duration::from_millis(200), publish).await.is_none() {
            return;
        }
    }
    panic!("the publisher never waits");
}

pub(super) async fn a_router_that_does_not_read_stops_neither_clock_nor_close(kit: Kit) {
    let (client, stream) = deaf_router(&kit).await;
    let first = client.call("t.first").timeout(Duration::from_secs(60)).into_future();
    let first = kit.spawn(first);
    let text = "x".repeat(8 << 20);
    kit.within(client.publish("t.topic").args((&text,))).await.unwrap();
    // The pump waits for the socket by now or soon will; the deadline of a later call is earlier than all others.
    let timed = kit.within(client.call("t.second").timeout(Duration::from_millis(100))).await;
    assert!(matches!(timed, Err(Error::Timeout)), "{timed:?}");
    fill(&kit, &client).await;
    let waiting = kit.spawn(client.publish("t.topic").args((&text,)).into_future());
    assert_eq!(kit.within(client.close()).await, Closed::CloseTimeout);
    assert!(matches!(kit.within(first).await, Err(Error::Closed(_))));
    assert!(matches!(kit.within(waiting).await, Err(Error::Closed(_))));
    drop(stream);
}

/// A tight loop of 4,000 events of 10 kB, to a subscriber that is slower: no queue grows beyond its limit, the publisher
/// waits now and then, and ends.
pub(super) async fn a_flood_of_events_ends(kit: Kit) {
    let (router, url) = router(&kit, |config| {
        config.slow_subscriber = SlowSubscriber::Drop;
        config.queue_bytes = 1 << 20;
        // What the kernel holds for a slow reader may take it longer than the usual limit on a busy machine.
        config.stall_timeout = Duration::from_secs(600);
    })
    .await;
    let mut slow = stalled(&url);
    let reading = kit.blocking(move || {
        let mut buffer = vec![0; 16 << 10];
        // Whole pieces, for a process that is stopped meanwhile sees its reads interrupted.
        while slow.read_exact(&mut buffer).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let publisher = kit.connect(&url).serializers([Encoding::Json]).await.unwrap();
    let payload = Payload::from_args(Encoding::Json, &("x".repeat(10_000),)).unwrap();
    let mut most = 0;
    for number in 0..4_000 {
        publisher.publish("t.topic").payload(payload.clone()).await.unwrap();
        if number % 200 == 0 {
            most = router.counts().queued_bytes.max(most);
        }
    }
    publisher.publish("t.topic").acknowledge().await.unwrap();
    assert!(most <= 2 << 20, "{most} bytes in the router's queues");
    let counts = router.counts();
    assert!(counts.dropped_events > 0 && counts.sessions == 2, "{counts:?}");
    router.shutdown().await;
    kit.within(reading).await;
}
