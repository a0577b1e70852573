//! Which router a client goes to, and when it is there.

use std::{io, net::TcpListener, time::Duration};

use wamp_driver::{
    Client, ConnectError, Error, IpVersion, Lifecycle, LifecycleStream, ReconnectPolicy, proto::error::Closed,
};

use super::{Dial, Kit, RouterSettings, Serving, Transport};

fn connect(kit: &Kit, urls: &[String], policy: ReconnectPolicy) -> Dial {
    kit.connect(&urls[0]).options(|set| (set.alternatives, set.reconnect) = (urls[1..].to_vec(), policy))
}

fn fast() -> ReconnectPolicy {
    ReconnectPolicy::default().initial(Duration::from_millis(5)).cap(Duration::from_millis(20))
}

async fn joined_again(kit: &Kit, changes: &mut LifecycleStream) {
    let joined = |change: Option<Lifecycle>| {
        matches!(change.expect("it goes on"), Lifecycle::Joined { resumed: true, .. })
    };
    while !joined(kit.within(changes.next()).await) {}
}

/// The session is at this router and at no other.
async fn is_at(kit: &Kit, client: &Client, router: &dyn Serving) {
    kit.round_trip(client).await;
    assert_eq!(router.counts().sessions, 1);
}

pub(super) async fn several_urls(kit: Kit) {
    let urls = [Transport::Unix, Transport::WsUnix, Transport::Unix].map(|place| place.listen().unwrap());
    let nobody = kit.within(connect(&kit, &urls, ReconnectPolicy::never())).await.unwrap_err();
    // Each is named with its error, in order.
    assert!(nobody.tried().iter().map(|tried| &tried.url).eq(&urls), "{nobody:?}");
    let is_io =
        |url: &String, error: &ConnectError| matches!(error, ConnectError::Io { to, .. } if to == url);
    assert!(nobody.tried().iter().all(|tried| is_io(&tried.url, &tried.error)), "{nobody:?}");
    assert!(urls.iter().all(|url| nobody.to_string().contains(url)), "{nobody}");
    let one = kit.within(connect(&kit, &urls[..1], ReconnectPolicy::never())).await.unwrap_err();
    assert!(is_io(&urls[0], &one) && one.tried().is_empty(), "{one:?}");
    let second = kit.start(RouterSettings::at(&urls[1])).await;
    let client = kit.within(connect(&kit, &urls, fast())).await.unwrap();
    is_at(&kit, &client, &*second).await;
    // The next attempt begins behind the one that was lost, and comes round to it again.
    let mut changes = client.lifecycle();
    let third = kit.start(RouterSettings::at(&urls[2])).await;
    second.kill();
    joined_again(&kit, &mut changes).await;
    is_at(&kit, &client, &*third).await;
    drop(second);
    let second = kit.start(RouterSettings::at(&urls[1])).await;
    third.kill();
    joined_again(&kit, &mut changes).await;
    is_at(&kit, &client, &*second).await;
    // A URL that is none is a mistake, wherever it stands.
    let wrong = [urls[1].clone(), "nonsense".to_owned()];
    let error = kit.within(connect(&kit, &wrong, fast())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Endpoint(_)), "{error:?}");
}

pub(super) async fn a_version_of_ip(kit: Kit) {
    let router = kit.start(RouterSettings::on(Transport::Tcp)).await;
    let url = router.endpoints()[0].to_string();
    let dial = |url: &str, version| kit.connect(url).options(|set| set.ip = version);
    for version in [IpVersion::Any, IpVersion::V4] {
        kit.within(dial(&url, version)).await.unwrap();
        kit.within(dial(&url.replace("127.0.0.1", "localhost"), version)).await.unwrap();
    }
    let error = kit.within(dial(&url, IpVersion::V6)).await.unwrap_err();
    let ConnectError::Io { error, .. } = &error else { panic!("{error:?}") };
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    assert!(error.to_string().contains("IPv6"), "{error}");
    // Not every machine has it.
    if TcpListener::bind("[::1]:0").is_ok() {
        let router = kit.start(RouterSettings::at("ws://[::1]:0")).await;
        let url = router.endpoints()[0].to_string();
        kit.within(dial(&url, IpVersion::V6)).await.unwrap();
        assert!(kit.within(dial(&url, IpVersion::V4)).await.is_err());
    }
}

pub(super) async fn waiting_until_it_has_joined(kit: Kit) {
    let urls = [Transport::Unix.listen().unwrap()];
    let client = kit.within(connect(&kit, &urls, fast()).options(|set| set.lazy = true)).await.unwrap();
    let mut joined = client.wait_joined();
    assert!(kit.timeout(Duration::from_millis(20), &mut joined).await.is_none());
    let router = kit.start(RouterSettings::at(&urls[0])).await;
    let first = kit.within(&mut joined).await.unwrap().session;
    assert_eq!(client.session(), first);
    assert_eq!(kit.within(client.wait_joined()).await.unwrap().session, first);
    // Nobody is told of a router that is killed but by the end of the connection.
    let mut changes = client.lifecycle();
    router.kill();
    let lost = |change: Option<Lifecycle>| match change.expect("it goes on") {
        Lifecycle::Lost { why } => Some(why),
        _ => None,
    };
    let why = loop {
        if let Some(why) = lost(kit.within(changes.next()).await) {
            break why;
        }
    };
    assert!(matches!(why, Closed::Lost(_)), "{why:?}");
    drop(router);
    let _router = kit.start(RouterSettings::at(&urls[0])).await;
    assert_ne!(kit.within(client.wait_joined()).await.unwrap().session, first);
    kit.within(client.close()).await;
    assert!(matches!(kit.within(client.wait_joined()).await, Err(Error::Closed(Closed::ByUs))));
}
