//! Every fault of the network: nothing hangs, and nobody else notices.

use std::{future::IntoFuture, time::Duration};

use futures_util::future::join_all;
use wamp_driver::{
    Client, ConnectError, Error,
    proto::{Encoding, Payload, error::Closed},
};

use super::{Kit, RouterSettings, Transport, tools::echo};
use crate::proxy::{Fault, Proxy};

/// What becomes of a session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// It goes on; everything is answered.
    Lives,
    /// It is lost, and both ends find out by themselves.
    Lost,
    /// Neither end can find out before it wants something: its calls time out.
    Silent,
}

pub(super) async fn delay(kit: Kit) {
    matrix(&kit, Fault::Delay(Duration::from_millis(20)), Fate::Lives).await;
}

pub(super) async fn single_bytes(kit: Kit) {
    matrix(&kit, Fault::Slices, Fate::Lives).await;
}

pub(super) async fn slow_read(kit: Kit) {
    matrix(&kit, Fault::SlowRead, Fate::Lives).await;
}

pub(super) async fn cut_at_once(kit: Kit) {
    matrix(&kit, Fault::CutAfter(0), Fate::Lost).await;
}

pub(super) async fn cut_within_a_header(kit: Kit) {
    matrix(&kit, Fault::CutAfter(3), Fate::Lost).await;
}

pub(super) async fn cut_within_a_frame(kit: Kit) {
    matrix(&kit, Fault::CutAfter(40), Fate::Lost).await;
}

pub(super) async fn cut_between_later_frames(kit: Kit) {
    matrix(&kit, Fault::CutAfter(1_000), Fate::Lost).await;
}

pub(super) async fn truncated(kit: Kit) {
    matrix(&kit, Fault::Truncate, Fate::Lost).await;
}

pub(super) async fn reset(kit: Kit) {
    matrix(&kit, Fault::Reset, Fate::Lost).await;
}

pub(super) async fn black_hole(kit: Kit) {
    matrix(&kit, Fault::BlackHole, Fate::Silent).await;
}

async fn matrix(kit: &Kit, fault: Fault, fate: Fate) {
    let each = Transport::TCP.into_iter().flat_map(|transport| Encoding::ALL.map(|with| (transport, with)));
    join_all(each.map(|(transport, encoding)| session(kit, transport, encoding, fault, fate))).await;
}

/// A session that meets the fault, and one that does not.
async fn session(kit: &Kit, transport: Transport, encoding: Encoding, fault: Fault, fate: Fate) {
    let settings = RouterSettings::on(transport).config(move |config| {
        if fate == Fate::Silent {
            config.stall_timeout = Duration::from_millis(500);
        }
    });
    let stage = kit.stage_with(transport, encoding, settings).await;
    let proxy = Proxy::new(stage.url().unwrap()).unwrap();
    let healthy = stage.client().await;
    healthy.register("t.echo", echo).await.unwrap();
    let connect = kit.connect(proxy.url()).serializers([encoding]);
    let time = if fate == Fate::Silent { 500 } else { 50_000 };
    let connect = connect.options(|options| options.close_timeout = Duration::from_millis(200));
    let client = connect.request_timeout(Duration::from_millis(time)).await.unwrap();
    let mut events = client.subscribe("t.topic").await.unwrap();
    proxy.set(fault);
    let results = kit.within(calls(&client)).await;
    check(kit, &client, &results, fate).await;
    // The healthy session does not notice.
    assert_eq!(kit.within(healthy.call("t.echo").args((7,)).value::<i64>()).await.unwrap(), 7);
    assert!(healthy.close_reason().is_none());
    kit.within(client.close()).await;
    while kit.within(events.next()).await.is_some() {}
    if fate == Fate::Silent {
        // To the router, the client is only silent; what it does not take ends it.
        let payload = Payload::from_args(encoding, &("x".repeat(100_000),)).unwrap();
        while stage.router().unwrap().counts().sessions > 1 {
            let publish = healthy.publish("t.topic").payload(payload.clone());
            kit.within(publish.acknowledge()).await.unwrap();
        }
    }
    stage.settle(|counts| counts.sessions == 1 && counts.connections == 1 && counts.calls == 0).await;
}

/// Fault 22: a connection that is dead without having ended. Both ends find out by themselves, nobody has to want anything.
pub(super) async fn silence(kit: Kit) {
    join_all(Transport::TCP.map(|transport| half_open(&kit, transport))).await;
}

async fn half_open(kit: &Kit, transport: Transport) {
    let (interval, timeout) = (Duration::from_millis(300), Duration::from_secs(2));
    let settings = RouterSettings::on(transport).heartbeat(interval, timeout);
    let stage = kit.stage_with(transport, Encoding::Json, settings).await;
    let proxy = Proxy::new(stage.url().unwrap()).unwrap();
    let connect = kit.connect(proxy.url()).serializers([Encoding::Json]);
    let client = connect
        .options(|options| (options.heartbeat.interval, options.heartbeat.timeout) = (interval, timeout));
    let client = kit.within(client).await.unwrap();
    client.register("t.echo", echo).await.unwrap();
    // Idle for some intervals: pings are answered, both ways.
    kit.sleep(4 * interval).await;
    assert!(client.close_reason().is_none());
    stage.holds(|counts| counts.sessions == 1);
    proxy.set(Fault::BlackHole);
    let closed = kit.within(client.closed()).await;
    assert!(matches!(&closed, Closed::Lost(why) if why.contains("silent")), "{closed}");
    stage.settle(|counts| counts.sessions == 0 && counts.connections == 0 && counts.registrations == 0).await;
}

/// Twenty calls at once, of 200 bytes each.
async fn calls(client: &Client) -> Vec<Result<String, Error>> {
    let text = "x".repeat(200);
    let call = || client.call("t.echo").args((&text,)).value().into_future();
    join_all((0..20).map(|_| call())).await
}

async fn check(kit: &Kit, client: &Client, results: &[Result<String, Error>], fate: Fate) {
    match fate {
        Fate::Lives => assert!(results.iter().all(Result::is_ok), "{results:?}"),
        Fate::Silent => {
            assert!(results.iter().all(|result| matches!(result, Err(Error::Timeout))), "{results:?}");
        }
        Fate::Lost => {
            let lost = |result: &Result<String, Error>| matches!(result, Err(Error::Closed(Closed::Lost(_))));
            assert!(results.iter().all(|result| result.is_ok() || lost(result)), "{results:?}");
            assert!(matches!(kit.within(client.closed()).await, Closed::Lost(_)));
        }
    }
}

/// The network is bad from the beginning.
pub(super) async fn while_connecting(kit: Kit) {
    let faults = [
        (Fault::Delay(Duration::from_millis(20)), Fate::Lives),
        (Fault::Slices, Fate::Lives),
        (Fault::SlowRead, Fate::Lives),
        (Fault::CutAfter(0), Fate::Lost),
        (Fault::CutAfter(3), Fate::Lost),
        (Fault::CutAfter(40), Fate::Lost),
        (Fault::Truncate, Fate::Lost),
        (Fault::Reset, Fate::Lost),
        (Fault::BlackHole, Fate::Silent),
    ];
    let each = Transport::TCP.into_iter().flat_map(|transport| faults.map(|fault| (transport, fault)));
    join_all(each.map(|(transport, (fault, fate))| connection(&kit, transport, fault, fate))).await;
}

async fn connection(kit: &Kit, transport: Transport, fault: Fault, fate: Fate) {
    let stage = kit.stage(transport, Encoding::Json).await;
    let proxy = Proxy::new(stage.url().unwrap()).unwrap();
    proxy.set(fault);
    let limit = if fate == Fate::Silent { Duration::from_millis(200) } else { Duration::from_secs(50) };
    let connect = kit.connect(proxy.url()).serializers([Encoding::Json]).connect_timeout(limit);
    let joined = kit.within(connect).await;
    match (fate, joined) {
        (Fate::Lives, Ok(client)) => {
            assert!(kit.within(client.call("t.nobody")).await.unwrap_err().uri().is_some());
            assert_eq!(kit.within(client.close()).await, Closed::ByUs);
        }
        (Fate::Lost, Err(error)) => {
            use ConnectError as E;
            let lost = matches!(&error, E::Join(Closed::Lost(_)) | E::Handshake { .. } | E::Io { .. });
            assert!(lost, "{fault:?}: {error:?}");
        }
        (Fate::Silent, Err(error)) => assert!(matches!(error, ConnectError::Timeout { .. }), "{error:?}"),
        (_, joined) => panic!("{fault:?}: {joined:?}"),
    }
    drop(proxy);
    stage.settle(|counts| counts.connections == 0).await;
}
