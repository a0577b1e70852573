//! Handlers of HTTP that make requests of WAMP.

use std::{future::pending, time::Duration};

use axum::{
    body::to_bytes,
    extract::{FromRef, Path},
    http::StatusCode,
    middleware::{map_request, map_response},
    response::{IntoResponse as _, Response},
    routing::get,
};
use tokio::io::AsyncWriteExt as _;
use wamp_tokio::{
    Client, Error, ErrorReply, Router,
    axum::{Deadline, Failure, Wamp, deadline},
    proto::{error::Closed, uri::uris},
};

use super::{Site, ask};
use crate::harness::{run, settle, within};

/// The state of an application, which has more than a client.
#[derive(Clone)]
struct App {
    client: Client,
    prefix: &'static str,
}

impl FromRef<App> for Client {
    fn from_ref(app: &App) -> Self {
        app.client.clone()
    }
}

impl FromRef<App> for &'static str {
    fn from_ref(app: &App) -> Self {
        app.prefix
    }
}

async fn call(
    wamp: Wamp,
    axum::extract::State(prefix): axum::extract::State<&'static str>,
    Path(procedure): Path<String>,
) -> Result<String, Failure> {
    Ok(wamp.call(&format!("{prefix}.{procedure}")).value().await?)
}

/// A web application with one client for all requests, whose own procedures begin with `t`.
async fn site(limit: Duration) -> (Site, Client) {
    let router = Router::builder().await.unwrap();
    let client = router.connect().await.unwrap();
    let app = axum::Router::new()
        .route("/call/{procedure}", get(call))
        .layer(map_request(deadline(limit)))
        .with_state(App { client: client.clone(), prefix: "t" });
    (Site::serve(router, app).await, client)
}

async fn get_call(site: &Site, procedure: &str) -> (u16, String) {
    let (_, answer) =
        ask(site.address, &format!("GET /call/{procedure} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// What comes of a call is the answer; of an error, its URI alone.
#[test]
fn calls_and_their_errors_become_answers() {
    run(async {
        let (site, client) = site(Duration::from_secs(20)).await;
        client.register("t.hello", || async { Ok("hello") }).await.unwrap();
        assert_eq!(get_call(&site, "hello").await, (200, "hello".to_owned()));
        for (procedure, error, status) in [
            ("sold_out", "com.example.error.sold_out", 502),
            ("argument", uris::error::INVALID_ARGUMENT, 502),
            ("secret", uris::error::NOT_AUTHORIZED, 403),
            ("late", uris::error::TIMEOUT, 504),
            ("busy", uris::error::NO_AVAILABLE_CALLEE, 503),
        ] {
            let fails = move || async move { Err::<(), _>(ErrorReply::new(error).arg("inner details")) };
            client.register(&format!("t.{procedure}"), fails).await.unwrap();
            assert_eq!(get_call(&site, procedure).await, (status, format!("{error}\n")));
        }
        let nobody = (404, format!("{}\n", uris::error::NO_SUCH_PROCEDURE));
        assert_eq!(get_call(&site, "nobody").await, nobody);
        client.close().await;
        let closed = (503, format!("{}\n", uris::error::NETWORK_FAILURE));
        assert_eq!(get_call(&site, "hello").await, closed);
    });
}

/// Calls that nobody answers.
async fn never(client: &Client) {
    client.register("t.never", pending::<Result<(), ErrorReply>>).await.unwrap();
}

/// at the deadline of the request its call is canceled, at the router, too.
#[test]
fn a_call_has_as_long_as_its_request() {
    run(async {
        let (site, client) = site(Duration::from_millis(50)).await;
        never(&client).await;
        let late = (504, format!("{}\n", uris::error::TIMEOUT));
        assert_eq!(get_call(&site, "never").await, late);
        settle(&site.router, |counts| counts.calls == 0).await;
    });
}

/// A browser that leaves gives up the handler, and so its call.
#[test]
fn a_request_that_is_given_up_cancels_its_call() {
    run(async {
        let (site, client) = site(Duration::from_secs(60)).await;
        never(&client).await;
        let mut browser = tokio::net::TcpStream::connect(site.address).await.unwrap();
        browser.write_all(b"GET /call/never HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        settle(&site.router, |counts| counts.calls == 1).await;
        drop(browser);
        settle(&site.router, |counts| counts.calls == 0).await;
        assert_eq!(within(client.close()).await, Closed::ByUs);
    });
}

/// The nearest deadline holds, wherever it comes from; without any, a call has what the client has.
#[tokio::test(start_paused = true)]
async fn deadlines_are_nested() {
    let layer = deadline::<()>(Duration::from_secs(2));
    let request = layer(axum::http::Request::new(())).await;
    let first: Deadline = *request.extensions().get().unwrap();
    assert_eq!(first.remaining(), Duration::from_secs(2));
    tokio::time::advance(Duration::from_millis(1_500)).await;
    let request = layer(request).await;
    assert_eq!(request.extensions().get::<Deadline>().unwrap().remaining(), Duration::from_millis(500));
    let request = deadline(Duration::from_millis(100))(request).await;
    assert_eq!(request.extensions().get::<Deadline>().unwrap().remaining(), Duration::from_millis(100));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(first.remaining(), Duration::ZERO);
    assert!(Deadline::within(Duration::MAX).remaining() > Duration::from_secs(1));
}

/// What is wrong here, and not at the other end.
#[tokio::test]
async fn failures_of_our_own() {
    let closed = Closed::Lost("10.1.2.3 is down".to_owned());
    for (error, status, uri) in [
        (Error::Timeout, StatusCode::GATEWAY_TIMEOUT, uris::error::TIMEOUT),
        (Error::Disconnected, StatusCode::SERVICE_UNAVAILABLE, uris::error::NETWORK_FAILURE),
        (Error::Closed(closed.clone()), StatusCode::SERVICE_UNAVAILABLE, uris::error::NETWORK_FAILURE),
        (Error::Lost(closed), StatusCode::BAD_GATEWAY, uris::error::NETWORK_FAILURE),
        (Error::Lagging, StatusCode::BAD_GATEWAY, "wamp.error.runtime_error"),
    ] {
        let response = Failure(error).into_response();
        assert_eq!(response.status(), status);
        assert!(response.extensions().get::<Failure>().is_some(), "for layers that log");
        let body = to_bytes(response.into_body(), 1_000).await.unwrap();
        assert_eq!(body, format!("{uri}\n"));
    }
    // A URI that cannot be called is the application's own mistake.
    let router = Router::builder().await.unwrap();
    let client = router.connect().await.unwrap();
    let error = client.call("not a uri").await.unwrap_err();
    assert_eq!(Failure(error).status(), StatusCode::INTERNAL_SERVER_ERROR);
}

/// A layer around the handlers learns what the browser does not.
#[test]
fn the_failure_is_known_to_layers() {
    run(async {
        let router = Router::builder().await.unwrap();
        let client = router.connect().await.unwrap();
        let details = || async { Err::<(), _>(ErrorReply::new("t.error.own").arg("inner details")) };
        client.register("t.fails", details).await.unwrap();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let log = move |response: Response| {
            let failure = response.extensions().get::<Failure>().map(ToString::to_string);
            tell.send(failure).unwrap();
            async { response }
        };
        let app = axum::Router::new()
            .route("/call/{procedure}", get(call))
            .layer(map_response(log))
            .with_state(App { client, prefix: "t" });
        let site = Site::serve(router, app).await;
        assert_eq!(get_call(&site, "fails").await, (502, "t.error.own\n".to_owned()));
        assert!(within(told.recv()).await.unwrap().unwrap().contains("inner details"));
    });
}
