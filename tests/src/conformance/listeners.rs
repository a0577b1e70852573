//! Places to listen on, each with rules of its own.

use wamp_driver::{
    Client, ConnectError,
    net::Listener,
    proto::{Encoding, error::Closed},
};

use super::{Kit, RouterSettings, Serving};

async fn join(kit: &Kit, url: String, encoding: Encoding) -> Result<Client, ConnectError> {
    kit.within(kit.connect(url).serializers([encoding])).await
}

fn urls(router: &dyn Serving) -> [String; 2] {
    let [url, ..] = router.endpoints() else { panic!("it listens") };
    let wamp_driver::Address::Tcp(at) = url.address() else { panic!("it is TCP") };
    [format!("ws://{at}/ws"), format!("tcp://{at}")]
}

/// What one listener does not take is refused there, and counted.
pub(super) async fn each_has_its_own_rules(kit: Kit) {
    let listener = Listener::new("ws://127.0.0.1:0").serializers([Encoding::Json]).message_size(1_000);
    let router = kit.start(RouterSettings::at(listener)).await;
    for (number, url) in urls(&*router).into_iter().enumerate() {
        let client = join(&kit, url.clone(), Encoding::Json).await.unwrap();
        assert!(join(&kit, url, Encoding::Cbor).await.is_err());
        kit.refuses(&*router, |refused| refused.handshake == number as u64 + 1).await;
        // Its messages are short, though the router takes longer ones elsewhere.
        let call = client.call("t.nobody").args(("x".repeat(2_000),));
        assert!(kit.within(call).await.is_err());
        kit.within(client.close()).await;
    }
    let both = [
        Listener::new("ws://127.0.0.1:0").websocket_only(),
        Listener::new("ws://127.0.0.1:0").rawsocket_only(),
    ];
    for (index, listener) in both.into_iter().enumerate() {
        let router = kit.start(RouterSettings::at(listener)).await;
        let joined = urls(&*router).map(|url| join(&kit, url, Encoding::Json));
        let joined = futures_util::future::join_all(joined).await;
        assert_eq!(joined.iter().map(Result::is_ok).collect::<Vec<_>>(), [index == 0, index == 1]);
    }
}

/// W-65: a listener has its places, and so has each address.
pub(super) async fn places_are_counted(kit: Kit) {
    for url in [0, 1] {
        let router =
            kit.start(RouterSettings::at(Listener::new("ws://127.0.0.1:0").max_connections(1))).await;
        let at = urls(&*router)[url].clone();
        let client = join(&kit, at.clone(), Encoding::Json).await.unwrap();
        assert!(join(&kit, at.clone(), Encoding::Json).await.is_err());
        kit.refuses(&*router, |refused| refused.full == 1).await;
        assert_eq!(kit.within(client.close()).await, Closed::ByUs);
        kit.settle(&*router, |counts| counts.connections == 0).await;
        join_soon(&kit, &at).await;

        let listener = Listener::new("ws://127.0.0.1:0").max_connections_per_address(2);
        let router = kit.start(RouterSettings::at(listener)).await;
        let at = urls(&*router)[url].clone();
        let first = join(&kit, at.clone(), Encoding::Json).await.unwrap();
        let _second = join(&kit, at.clone(), Encoding::Json).await.unwrap();
        assert!(join(&kit, at.clone(), Encoding::Json).await.is_err());
        kit.refuses(&*router, |refused| refused.address == 1).await;
        kit.within(first.close()).await;
        join_soon(&kit, &at).await;
    }
}

/// A place is free a moment after its session is.
async fn join_soon(kit: &Kit, url: &str) {
    let tries = async {
        while join(kit, url.to_owned(), Encoding::Json).await.is_err() {
            kit.sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    kit.within(tries).await;
}
