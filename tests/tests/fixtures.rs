//! The fixtures do what they say, on every adapter.

use std::{
    net::TcpListener,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    time::Duration,
};

use wamp_blocking::Wait as _;
use wamp_driver::{
    Client as Handle, Error, Lifecycle, ReconnectPolicy,
    auth::Auth,
    net::{Connect, Network},
};
use wamp_test::{
    Client, Faults, Fixture, MessageKind, Router, Scene, blocking, eventually, eventually_async, users,
};

fn again() -> ReconnectPolicy {
    ReconnectPolicy::default().initial(Duration::from_millis(5)).cap(Duration::from_millis(20))
}

async fn join<N: Network>(connect: Connect<N>) -> Handle
where
    N::Client: Into<Handle>,
{
    connect.await.expect("it joins").into()
}

/// A type of this file's own.
struct Callee(Client<Handle>);

impl<N: Network<Client = Handle>> Fixture<N> for Callee {
    async fn set_up(scene: &Scene<N>) -> Self {
        let client = Client::set_up(scene).await;
        client.register("t.double", |number: i64| async move { Ok(2 * number) }).await.unwrap();
        Self(client)
    }
}

async fn arguments_are_fixtures(router: Router, client: &Handle, other: &Handle) {
    assert_ne!(client.session(), other.session());
    router.wait_for_sessions(3).await;
    router.wait_for_registrations(1).await;
    assert_eq!(client.call("t.double").args((21,)).value::<i64>().await.unwrap(), 42);
    let events = other.subscribe("t.topic").await.unwrap();
    router.wait_for_subscriptions(1).await;
    drop(events);
    router.wait_for_subscriptions(0).await;
}

async fn messages_are_recorded<C: Clone + Into<Handle> + Sync>(client: Client<C>) {
    let handle: Handle = client.handle().into();
    handle.publish("t.topic").args((7,)).acknowledge().await.unwrap();
    client.assert_sent(MessageKind::Hello, "realm1");
    client.assert_sent(MessageKind::Publish, r#""t.topic",[7]"#);
    client.assert_received(MessageKind::Published, "");
    assert!(client.sent(MessageKind::Publish, "t.other").is_empty());
    assert_eq!(client.received(MessageKind::Welcome, "").len(), 1);
    let call = handle.call("t.nobody").into_future();
    assert!(call.await.is_err());
    let error = client.wait_for_received(MessageKind::Error, "no_such_procedure").await;
    assert!(error.json().unwrap().starts_with("[8,48,2,"), "{error}");
    client.wait_for_sent(MessageKind::Call, "t.nobody").await;
}

async fn a_router_is_killed_and_started_again<N: Network>(router: Router)
where
    N::Client: Into<Handle>,
{
    let url = router.url();
    let client = join(router.connect::<N>().reconnect(again())).await;
    let first = client.session();
    client.register("t.echo", |text: String| async move { Ok(text) }).await.unwrap();
    let mut changes = client.lifecycle();
    router.kill();
    let refused = |change: &Lifecycle| matches!(change, Lifecycle::Retrying { kind, .. } if *kind == wamp_driver::FailureKind::Unreachable);
    while !refused(&changes.next().await.unwrap()) {}
    assert!(router.connect::<N>().await.is_err());
    router.restart();
    assert_eq!(router.url(), url);
    assert_ne!(client.wait_joined().await.unwrap().session, first);
    router.wait_for_registrations(1).await;
    // The same while it runs.
    router.restart();
    eventually_async(async || client.call("t.echo").args(("hi",)).value::<String>().await).await;
}

async fn users_have_to_say_who_they_are<N: Network>(router: Router)
where
    N::Client: Into<Handle>,
{
    let known: [(&str, Auth); 4] = [
        ("ticket", users::ticket().into()),
        ("cra", users::cra().into()),
        ("scram", users::scram().into()),
        ("cryptosign", users::cryptosign().into()),
    ];
    for (name, auth) in known {
        for url in [router.ws_url(), router.tcp_url()] {
            let client = join(router.connect_to::<N>(&url).auth(auth.clone())).await;
            let welcome = client.welcome();
            assert_eq!((welcome.authid.as_deref(), welcome.authrole.as_deref()), (Some(name), Some("user")));
        }
    }
    assert!(router.connect::<N>().await.is_err());
    assert!(router.connect::<N>().auth(wamp_driver::auth::Ticket::new("ticket", "wrong")).await.is_err());
}

async fn the_certificate_is_trusted_when_it_is_known<N: Network>(router: Router)
where
    N::Client: Into<Handle>,
{
    for url in [router.ws_url(), router.tcp_url()] {
        assert!(url.starts_with("wss://") || url.starts_with("tcps://"), "{url}");
        join(router.connect_to::<N>(&url)).await;
        assert!(Connect::<N>::url(url).await.is_err());
    }
    assert!(router.ca_pem().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    join(router.faults().connect::<N>()).await;
}

async fn faults_on_request<N: Network>(faults: Faults)
where
    N::Client: Into<Handle>,
{
    let client =
        join(faults.connect::<N>().reconnect(again()).heartbeat(Duration::from_secs(60), Duration::ZERO))
            .await;
    let call = |limit| client.call("t.nobody").timeout(Duration::from_millis(limit)).into_future();
    let session = client.session();
    faults.kill();
    eventually(|| client.session() != session).await;
    faults.stall();
    let answer = call(50).await;
    assert!(matches!(answer, Err(Error::Timeout)), "{answer:?}");
    for fault in [Faults::reset, Faults::corrupt, |faults: &Faults| faults.cut_after(3)] {
        let session = client.session();
        fault(&faults);
        // Something has to pass for most of them.
        let _ = call(5_000).await;
        faults.heal();
        eventually(|| client.session() != session).await;
    }
    client.wait_joined().await.unwrap();
    faults.delay(Duration::from_millis(300));
    assert!(matches!(call(50).await, Err(Error::Timeout)));
    faults.heal();
    eventually_async(async || match call(5_000).await {
        Err(error) if error.is_no_such_procedure() => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

/// What has been waited for in vain is told.
async fn what_was_seen_last_is_told() {
    let mut looks = 0;
    assert_eq!(
        eventually(|| {
            looks += 1;
            (looks > 3).then_some(looks)
        })
        .await,
        4
    );
    let message = |wait: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(wait)).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    };
    let short = Duration::from_millis(5);
    let text = message(&|| eventually(|| Err::<(), _>("the cake is a lie")).within(short).wait());
    assert!(text.contains("fixtures.rs:") && text.contains("not within 5ms: the cake is a lie"), "{text}");
    let text = message(&|| eventually(|| false).within(short).wait());
    assert!(text.contains("still false"), "{text}");
    let router = Router::start();
    let text = message(&|| router.wait_for_sessions(2).within(short).wait());
    assert!(text.contains("the router has 0 sessions, not 2"), "{text}");
    let client = blocking::Client::at(&router);
    let text = message(&|| drop(client.assert_sent(MessageKind::Call, "t.nobody")));
    assert!(
        text.contains("no CALL with `t.nobody` from the client") && text.contains("[1,\"realm1\""),
        "{text}"
    );
}

/// All of it, on every adapter.
macro_rules! fixtures {
    ($($adapter:ident)*) => {$(mod $adapter {
        use super::*;
        use wamp_test::$adapter::{Client, Network};

        #[wamp_test::test($adapter)]
        async fn messages_are_recorded(client: Client) {
            super::messages_are_recorded(client).await;
        }

        #[wamp_test::test($adapter)]
        async fn a_router_is_killed_and_started_again(router: Router) {
            super::a_router_is_killed_and_started_again::<Network>(router).await;
        }

        #[wamp_test::test($adapter, router = Router::static_auth())]
        async fn users_have_to_say_who_they_are(router: Router) {
            super::users_have_to_say_who_they_are::<Network>(router).await;
        }

        #[wamp_test::test($adapter, router = Router::tls())]
        async fn the_certificate_is_trusted_when_it_is_known(router: Router) {
            super::the_certificate_is_trusted_when_it_is_known::<Network>(router).await;
        }

        #[wamp_test::test($adapter)]
        async fn faults_on_request(faults: Faults) {
            super::faults_on_request::<Network>(faults).await;
        }

        #[wamp_test::test($adapter)]
        async fn what_was_seen_last_is_told() {
            super::what_was_seen_last_is_told().await;
        }
    })*};
}

mod on {
    use super::*;

    fixtures!(tokio smol async_std blocking);
}

macro_rules! asynchronous {
    ($($adapter:ident)*) => {$(
        #[wamp_test::test($adapter)]
        async fn $adapter(router: Router, callee: Callee, client: Client, other: Client) {
            assert!(callee.0.sent(MessageKind::Register, "t.double").len() == 1);
            super::arguments_are_fixtures(router, &client, &other).await;
        }
    )*};
}

mod arguments {
    use super::*;

    asynchronous!(tokio smol async_std);

    /// The features say that it is tokio: its timers work.
    #[wamp_test::test]
    async fn as_the_features_have_it(client: Client) -> Result<(), Error> {
        ::tokio::time::sleep(Duration::from_millis(1)).await;
        client.publish("t.topic").acknowledge().await.map(drop)
    }

    #[wamp_test::test]
    fn on_threads(router: Router, client: blocking::Client, other: blocking::Client) {
        client.register("t.double", |number: i64| Ok(2 * number)).wait().unwrap();
        router.wait_for_registrations(1).wait();
        assert_eq!(other.call("t.double").args((21,)).value::<i64>().wait().unwrap(), 42);
        client.assert_sent(MessageKind::Yield, "[42]");
    }

    #[wamp_test::test]
    #[should_panic(expected = "as it should")]
    fn attributes_stay() {
        panic!("as it should");
    }
}

#[test]
fn many_routers_side_by_side() {
    let routers = (0..20).map(|_| Router::start()).collect::<Vec<_>>();
    let clients = routers.iter().map(blocking::Client::at).collect::<Vec<_>>();
    for (router, client) in routers.iter().zip(&clients) {
        client.publish("t.topic").acknowledge().wait().unwrap();
        assert_eq!(router.counts().sessions, 1);
    }
    let urls = routers.iter().map(Router::url).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(urls.len(), 20);
}

#[test]
fn a_router_stops_with_its_last_handle() {
    let router = Router::start();
    let client = blocking::Client::at(&router);
    let (url, other) = (router.url(), router.clone());
    drop(router);
    client.publish("t.topic").acknowledge().wait().unwrap();
    drop(other);
    client.closed().wait();
    eventually(|| match wamp_blocking::connect(&url).wait() {
        Ok(_) => Err("it still listens"),
        Err(_) => Ok(()),
    })
    .wait();
}

#[test]
fn settings_are_kept() {
    let router = Router::with(|builder| builder.realm("t.realm"));
    router.restart();
    let connect = || router.connect::<blocking::Network>();
    connect().realm("t.realm").wait().unwrap();
    assert!(connect().wait().is_err());
}

/// A peer that is deaf to pings is thrown out, one that answers is not.
#[test]
fn an_impatient_router() {
    let router = Router::impatient_ping();
    let faults = router.faults();
    let (deaf, well) = (faults.connect::<blocking::Network>().wait().unwrap(), blocking::Client::at(&router));
    faults.stall();
    router.wait_for_sessions(1).wait();
    well.publish("t.topic").acknowledge().wait().unwrap();
    faults.reset();
    deaf.closed().wait();
}

#[test]
fn over_the_other_version_of_ip() {
    // Not every machine has it.
    if TcpListener::bind("[::1]:0").is_ok() {
        let router = Router::ipv6();
        assert!(router.url().starts_with("ws://[::1]:"), "{}", router.url());
        blocking::Client::at(&router);
    }
}

/// It is told when its program is none, and leaves nothing behind.
#[test]
fn a_crossbar_that_is_none() {
    assert!(wamp_test::Crossbar::start("/nonexistent/crossbar").is_err());
}

#[cfg(unix)]
#[test]
fn a_crossbar_that_ends_at_once() {
    let panic = catch_unwind(|| wamp_test::Crossbar::start("/bin/ls")).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("Crossbar has ended"), "{text}");
}

/// `scripts/interop` runs it.
#[test]
#[ignore = "it needs Crossbar: the variable WAMP_CROSSBAR is to be the path of the program"]
fn a_crossbar_of_ones_own() {
    let program = std::env::var("WAMP_CROSSBAR").expect("WAMP_CROSSBAR is the path of Crossbar");
    let crossbar = wamp_test::Crossbar::start(program).unwrap();
    let clients = Mutex::new(Vec::new());
    for url in [crossbar.ws_url(), crossbar.tcp_url()] {
        clients.lock().unwrap().push(wamp_blocking::connect(url).wait().unwrap());
    }
    let clients = clients.into_inner().unwrap();
    clients[0].register("t.double", |number: i64| Ok(2 * number)).wait().unwrap();
    assert_eq!(clients[1].call("t.double").args((21,)).value::<i64>().wait().unwrap(), 42);
}
