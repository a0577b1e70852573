//! The route at which WebSockets come to the router: it is no other way in than a listener.

use std::{
    collections::BTreeMap,
    future::pending,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    http::{Request, StatusCode},
    middleware::map_request,
};
use tokio::io::AsyncReadExt as _;
use wamp_driver::{Channel, net::Socket};
use wamp_tokio::{
    Authentication, Grant, Listener, Question, Router, Verdict,
    auth::{Anonymous, CookieHeader, Method, Ticket},
    axum::websocket,
    proto::{Encoding, auth::Credential, error::Closed, transport::websocket::Subprotocol},
};

use super::{Site, ask, offer, upgrade};
use crate::harness::{run, settle, within};

/// W-40, W-50: all serializers, in batches and without, over the same port as the pages.
#[test]
fn clients_come_in_at_the_web_server() {
    run(async {
        let site = Site::start(Router::builder(), "web").await;
        assert_eq!(site.router.url(), None, "it listens nowhere itself");
        let callee = site.router.connect().await.unwrap();
        callee.register("t.length", |text: String| async move { Ok(text.len()) }).await.unwrap();
        for (encoding, batched) in Encoding::ALL.into_iter().flat_map(|each| [(each, false), (each, true)]) {
            let connect = wamp_tokio::connect(&site.url()).serializers([encoding]).batched(batched);
            let client = within(connect).await.unwrap();
            for length in [0, 1, 125, 126, 70_000] {
                let call = client.call("t.length").args(("x".repeat(length),)).value::<usize>();
                assert_eq!(within(call).await.unwrap(), length, "{encoding:?}");
            }
            assert_eq!(within(client.close()).await, Closed::ByUs);
        }
        let (_, page) = ask(site.address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("a page"), "{page}");
        settle(&site.router, |counts| counts.connections == 1).await;
        assert_eq!(site.router.refused(), wamp_tokio::Refused::default());
    });
}

/// W-43, faults 13, 14 and 16: a listener and the route give the same answers to the same requests, and count them alike.
#[test]
fn answers_are_those_of_a_listener() {
    let rules = |at: &str| Listener::new(at).serializers([Encoding::Json, Encoding::Cbor]);
    let (json, wrong) = (offer("wamp.2.json"), offer("wamp.2.msgpack, mqtt"));
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let requests = [
        (101, upgrade(&json)),
        (101, upgrade(&offer("wamp.2.msgpack, wamp.2.cbor.batched, wamp.2.json"))),
        (101, upgrade(&format!("{json}Origin: http://localhost:3000\r\n"))),
        (101, upgrade(&format!("{json}Origin: https://app.example.com\r\n"))),
        (403, upgrade(&format!("{json}Origin: https://evil.example.org\r\n"))),
        (403, upgrade(&format!("{json}Origin: null\r\n"))),
        (400, upgrade(&wrong)),
        (400, upgrade("")),
        (400, "GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
        (400, upgrade(&json).replace(key, "")),
        (400, upgrade(&json).replace("Upgrade: websocket", "Upgrade: h2c")),
        (426, upgrade(&json).replace("Version: 13", "Version: 8")),
        (405, upgrade(&json).replace("GET", "PUT")),
        (405, upgrade(&json).replace("GET", "OPTIONS")),
    ];
    run(async move {
        let router = Router::builder()
            .allow_origin("https://app.example.com")
            .listen(rules("ws://127.0.0.1:0").name("listener"));
        let site = Site::start(router, rules("web")).await;
        let listener = site.router.url().unwrap();
        let listener = listener.trim_start_matches("ws://").trim_end_matches("/ws").parse().unwrap();
        let mut refused = 0;
        for (status, request) in requests {
            let (_, expected) = ask(listener, &request).await;
            let (_, answer) = ask(site.address, &request).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{answer}");
            assert_eq!(parts(&answer), parts(&expected), "{request}");
            refused += if status == 101 { 0 } else { 2 };
            site.refuses(|counts| counts.handshake == refused).await;
        }
        settle(&site.router, |counts| counts.connections == 0).await;
    });
}

/// Status, headers and body of an answer, but for the headers that are those of a web server.
fn parts(answer: &str) -> (String, BTreeMap<String, String>, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().to_owned();
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_lowercase(), value.to_lowercase())
    });
    let own = |(name, value): &(String, String)| name != "date" && value != "close";
    (status, headers.filter(own).collect(), body.to_owned())
}

/// W-73: the route's limit, which is less than the router's; other sessions are none the wiser.
#[test]
fn a_message_that_is_too_long_ends_its_session() {
    run(async {
        let site = Site::start(Router::builder(), Listener::new("web").message_size(1_000)).await;
        let [offender, other] = [(); 2].map(|()| wamp_tokio::connect(&site.url()));
        let (offender, other) = (within(offender).await.unwrap(), within(other).await.unwrap());
        let call = offender.call("t.nobody").args(("x".repeat(2_000),));
        assert!(within(call).await.is_err());
        assert!(matches!(within(offender.closed()).await, Closed::Lost(_)));
        settle(&site.router, |counts| counts.sessions == 1).await;
        assert!(within(other.call("t.nobody")).await.unwrap_err().is_no_such_procedure());
    });
}

/// W-65: places at the route, and for each address.
#[test]
fn places_are_counted() {
    run(async {
        let hello = upgrade(&offer("wamp.2.json"));
        let site = Site::start(Router::builder(), Listener::new("web").max_connections(1)).await;
        let (first, answer) = ask(site.address, &hello).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        let (_, answer) = ask(site.address, &hello).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("too many connections"), "{answer}");
        assert_eq!(site.router.refused().full, 1);
        drop(first);
        let again = async {
            while !ask(site.address, &hello).await.1.starts_with("HTTP/1.1 101 ") {
                tokio::task::yield_now().await;
            }
        };
        within(again).await;

        let few = Listener::new("web").max_connections_per_address(1);
        let site = Site::start(Router::builder(), few).await;
        let (_first, answer) = ask(site.address, &hello).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        let (_, answer) = ask(site.address, &hello).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("this address"), "{answer}");
        assert_eq!(site.router.refused().address, 1);
    });
}

/// A limit that cannot be kept lets nobody in.
#[test]
fn without_an_address_nobody_passes_a_limit_of_addresses() {
    run(async {
        let router = Router::builder().await.unwrap();
        let few = Listener::new("web").max_connections_per_address(1);
        let app: axum::Router = axum::Router::new().route("/ws", websocket(&router, few));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _served = tokio::spawn(async { axum::serve(listener, app).await });
        let (_, answer) = ask(address, &upgrade(&offer("wamp.2.json"))).await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    });
}

/// the rules for the route, by its name; the cookie of the request logs in.
#[test]
fn a_cookie_logs_in_at_the_route_alone() {
    run(async {
        let somebody = wamp_tokio::Principal::new("ada", "user")
            .credential(Credential::Cookie { name: "sid".to_owned(), value: "42".into() });
        let router = Router::builder()
            .listen(Listener::new("ws://127.0.0.1:0").name("open"))
            .authentication(Authentication::new([Method::Cookie]).listener("web").principal(somebody))
            .authentication(Authentication::new([Method::Anonymous]).listener("open"));
        let site = Site::start(router, "web").await;
        let known = wamp_tokio::connect(&site.url()).auth(CookieHeader).cookie("theme=dark; sid=42");
        assert_eq!(within(known).await.unwrap().welcome().authid.as_deref(), Some("ada"));
        let unknown = wamp_tokio::connect(&site.url()).auth(CookieHeader).cookie("sid=43");
        assert!(within(unknown).await.is_err());
        assert!(within(wamp_tokio::connect(&site.url()).auth(Anonymous)).await.is_err());
        let open = site.router.url().unwrap();
        assert!(within(wamp_tokio::connect(&open).auth(Anonymous)).await.is_ok());
    });
}

/// what is known about the connection: its address, or what a middleware of the application says.
#[test]
fn an_authenticator_learns_where_clients_come_from() {
    run(async {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let asking = asked.clone();
        let anybody = move |question: Question| {
            asking.lock().unwrap().push(question.channel);
            async { Ok(Verdict::Accept(Grant::new("somebody", "user"))) }
        };
        let router = Router::builder().authenticator("realm1", [Method::Ticket], anybody).await.unwrap();
        // What a proxy would say: it speaks no TLS with this client.
        let tell = |mut request: axum::extract::Request| async {
            request.extensions_mut().insert(Channel::tcp("203.0.113.9:1234", false));
            request
        };
        let proxied = websocket(&router, "web").layer(map_request(tell));
        let app = axum::Router::new().route("/ws", websocket(&router, "web")).route("/proxied", proxied);
        let site = Site::serve(router, app).await;
        for path in ["ws", "proxied"] {
            let connect = wamp_tokio::connect(&format!("ws://{}/{path}", site.address));
            within(connect.auth(Ticket::new("ada", "open sesame"))).await.unwrap();
        }
        let asked = asked.lock().unwrap();
        let [direct, proxied] = &asked[..] else { panic!("{asked:?}") };
        assert!(direct.peer.as_deref().unwrap().starts_with("127.0.0.1:") && direct.private, "{direct:?}");
        assert_eq!(proxied.peer.as_deref(), Some("203.0.113.9:1234"));
        assert!(!proxied.private);
        assert!(asked.iter().all(|channel| channel.listener.as_deref() == Some("web")));
    });
}

/// Fault 22: a client whose network is gone does not keep its session.
#[test]
fn a_silent_client_is_given_up() {
    run(async {
        let moment = Duration::from_millis(50);
        let site = Site::start(Router::builder(), Listener::new("web").heartbeat(moment, moment)).await;
        let (mut silent, answer) = ask(site.address, &upgrade(&offer("wamp.2.json"))).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        let mut seen = Vec::new();
        within(silent.read_to_end(&mut seen)).await.unwrap();
        assert_eq!(seen.first(), Some(&0x89), "it was asked first");
        settle(&site.router, |counts| counts.connections == 0).await;
    });
}

/// Fault 19: a connection that is promised and never comes, or fails, gives its place back; HTTP/2 has none to give.
#[test]
fn a_connection_that_is_not_handed_over() {
    run(async {
        let router = Router::builder().await.unwrap();
        let rules = Listener::new("web").max_connections(1).handshake_timeout(Duration::from_millis(20));
        let entrance = router.entrance(rules);
        let request = || {
            Request::get("/ws")
                .header("Host", "localhost")
                .header("Connection", "Upgrade")
                .header("Upgrade", "websocket")
                .header("Sec-WebSocket-Version", "13")
                .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
                .header("Sec-WebSocket-Protocol", Subprotocol::ALL[0].name())
                .body(())
                .unwrap()
        };
        type Upgraded = io::Result<Box<dyn Socket>>;
        let never = entrance.enter(&request(), Channel::default(), Some(pending::<Upgraded>()));
        assert_eq!(never.status(), StatusCode::SWITCHING_PROTOCOLS);
        let full = entrance.enter(&request(), Channel::default(), Some(pending::<Upgraded>()));
        assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
        let wait = async {
            while router.refused().timeout == 0 {
                tokio::task::yield_now().await;
            }
        };
        within(wait).await;
        let failing = || async { Upgraded::Err(io::ErrorKind::ConnectionReset.into()) };
        let wait = async {
            // The place is free a moment after it is counted.
            while entrance.enter(&request(), Channel::default(), Some(failing())).status() != 101 {
                tokio::task::yield_now().await;
            }
            while router.refused().handshake == 0 {
                tokio::task::yield_now().await;
            }
        };
        within(wait).await;
        let wait = async {
            loop {
                let answer =
                    entrance.enter(&request(), Channel::default(), None::<std::future::Ready<Upgraded>>);
                match answer.status() {
                    StatusCode::SERVICE_UNAVAILABLE => tokio::task::yield_now().await,
                    status => break status,
                }
            }
        };
        assert_eq!(within(wait).await, StatusCode::NOT_IMPLEMENTED);
    });
}
