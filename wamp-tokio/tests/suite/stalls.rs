//! Those who do not read.

use std::{future::IntoFuture, pin::pin, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::Instant,
};
use wamp_tokio::{
    Client, Error, Router,
    proto::{
        Encoding, Payload,
        error::Closed,
        router::{Config, SlowSubscriber},
    },
};

use crate::harness::{run, run_for, settle, within};

async fn router(change: impl FnOnce(&mut Config)) -> (Router, String, String) {
    let router = Router::builder().listen("tcp://127.0.0.1:0").config(change).await.unwrap();
    let url = router.url().unwrap();
    let address = url.strip_prefix("tcp://").unwrap().to_owned();
    (router, url, address)
}

/// A frame of a RawSocket.
fn frame(message: &str) -> Vec<u8> {
    let mut frame = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(message.as_bytes());
    frame
}

/// A peer that joins, subscribes, and then reads nothing any more.
async fn stalled(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&[0x7F, 0xF1, 0, 0]).await.unwrap();
    stream.write_all(&frame(r#"[1,"realm1",{"roles":{"subscriber":{}}}]"#)).await.unwrap();
    stream.write_all(&frame(r#"[32,1,{},"t.topic"]"#)).await.unwrap();
    stream.read_exact(&mut [0; 4]).await.unwrap();
    for _ in 0..2 {
        let length = stream.read_u32().await.unwrap();
        let mut message = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut message).await.unwrap();
    }
    stream
}

/// Publishes until the stalled one is gone, while a healthy one gets everything.
async fn publish_past(router: &Router, url: &str) {
    let (healthy, publisher) =
        (wamp_tokio::connect(url).await.unwrap(), wamp_tokio::connect(url).await.unwrap());
    let mut events = healthy.subscribe("t.topic").await.unwrap();
    let text = "x".repeat(50_000);
    let mut number: u64 = 0;
    while router.counts().sessions == 3 {
        let asked = Instant::now();
        within(publisher.publish("t.topic").args((number, &text)).acknowledge()).await.unwrap();
        assert!(asked.elapsed() < Duration::from_secs(5), "the publisher was slowed");
        let (seen, _): (u64, String) = within(events.next()).await.unwrap().args().unwrap();
        assert_eq!(seen, number);
        number += 1;
    }
    // The connection goes too, though its last messages were never taken.
    settle(router, |counts| counts.connections == 2 && counts.subscriptions == 1).await;
    assert!(healthy.close_reason().is_none());
}

#[test]
fn a_stalled_subscriber_is_closed_when_its_queue_is_full() {
    run(async {
        let (router, url, address) = router(|config| config.queue_bytes = 200_000).await;
        let stalled = stalled(&address).await;
        within(publish_past(&router, &url)).await;
        drop(stalled);
    });
}

#[test]
fn a_stalled_subscriber_is_closed_when_its_time_is_over() {
    run(async {
        let (router, url, address) = router(|config| config.stall_timeout = Duration::from_millis(300)).await;
        let stalled = stalled(&address).await;
        within(publish_past(&router, &url)).await;
        drop(stalled);
    });
}

#[test]
fn shutdown_does_not_wait_for_those_who_do_not_read() {
    run(async {
        let (router, url, address) = router(|_| {}).await;
        let stalled = stalled(&address).await;
        let publisher = wamp_tokio::connect(&url).await.unwrap();
        let text = "x".repeat(50_000);
        for _ in 0..400 {
            within(publisher.publish("t.topic").args((&text,)).acknowledge()).await.unwrap();
        }
        assert!(router.counts().queued_bytes > 1 << 20);
        tokio::time::timeout(Duration::from_secs(5), router.shutdown()).await.unwrap();
        assert_eq!(router.counts().connections, 0);
        drop(stalled);
    });
}

/// A router that opens a session and then reads nothing any more.
async fn deaf_router() -> (Client, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let connect =
        tokio::spawn(async move { wamp_tokio::connect(&url).serializers([Encoding::Json]).await.unwrap() });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.read_exact(&mut [0; 4]).await.unwrap();
    stream.write_all(&[0x7F, 0xF1, 0, 0]).await.unwrap();
    stream.write_all(&frame(r#"[2,7,{"roles":{"broker":{},"dealer":{}}}]"#)).await.unwrap();
    (within(connect).await.unwrap(), stream)
}

/// Publishes until the client has to wait for room.
async fn fill(client: &Client) {
    let text = "x".repeat(100_000);
    for _ in 0..2_000 {
        let publish = client.publish("t.topic").args((&text,));
        if tokio::time::timeout(Duration::from_millis(200), publish.into_future()).await.is_err() {
            return;
        }
    }
    panic!("the publisher never waits");
}

#[test]
fn a_router_that_does_not_read_stops_neither_clock_nor_close() {
    run(async {
        let (client, stream) = deaf_router().await;
        let first = client.call("t.first").timeout(Duration::from_secs(60)).into_future();
        let first = tokio::spawn(first);
        let text = "x".repeat(8 << 20);
        within(client.publish("t.topic").args((&text,))).await.unwrap();
        // The pump waits for the socket by now or soon will; the deadline of a later call is earlier than all others.
        let timed = within(client.call("t.second").timeout(Duration::from_millis(100))).await;
        assert!(matches!(timed, Err(Error::Timeout)), "{timed:?}");
        fill(&client).await;
        let waiting = tokio::spawn(client.publish("t.topic").args((&text,)).into_future());
        assert_eq!(within(client.close()).await, Closed::CloseTimeout);
        assert!(matches!(within(first).await.unwrap(), Err(Error::Closed(_))));
        assert!(matches!(within(waiting).await.unwrap(), Err(Error::Closed(_))));
        drop(stream);
    });
}

/// A tight loop of 200,000 events of 1 kB, to a subscriber that is slower: no queue grows beyond its limit, the publisher
/// waits now and then, and ends.
#[test]
fn a_flood_of_events_ends() {
    run_for(Duration::from_secs(60), async {
        let (router, url, address) = router(|config| {
            config.slow_subscriber = SlowSubscriber::Drop;
            config.queue_bytes = 1 << 20;
        })
        .await;
        let mut slow = stalled(&address).await;
        let reading = tokio::spawn(async move {
            let mut buffer = vec![0; 64 << 10];
            while slow.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        let publisher = wamp_tokio::connect(&url).serializers([Encoding::Json]).await.unwrap();
        let payload = Payload::from_args(Encoding::Json, &("x".repeat(1_000),)).unwrap();
        let (mut waited, mut most) = (0, 0);
        for number in 0..200_000 {
            let mut publish = pin!(publisher.publish("t.topic").payload(payload.clone()).into_future());
            let published = std::future::poll_fn(|context| {
                let poll = publish.as_mut().poll(context);
                waited += usize::from(poll.is_pending());
                poll
            });
            published.await.unwrap();
            if number % 1_000 == 0 {
                most = router.counts().queued_bytes.max(most);
            }
        }
        publisher.publish("t.topic").acknowledge().await.unwrap();
        assert!(waited > 0, "the publisher never waited");
        assert!(most <= 2 << 20, "{most} bytes in the router's queues");
        assert!(router.counts().dropped_events > 0 && router.counts().sessions == 2);
        router.shutdown().await;
        within(reading).await.unwrap();
    });
}
