//! A web application: pages and forms by axum, and WAMP at `/ws` of the same server, for the scripts of its page.
//!
//! `scripts/browser` gets the script that the page needs, and looks at it with a real browser. Then, by hand:
//! `cargo run -p wamp-tokio --features axum --example web`, and open <http://127.0.0.1:8080>. Another address is an argument.

use std::{error::Error, net::SocketAddr, path::Path, time::Duration};

use axum::{
    Form,
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::map_request,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt as _,
};
use tokio::net::TcpListener;
use wamp_tokio::{
    Client, Router,
    axum::{Failure, Wamp, deadline, websocket},
};

/// Where `scripts/browser` puts autobahn-js.
const SCRIPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../target/browser/node_modules/autobahn-browser/autobahn.min.js");

#[derive(serde::Deserialize)]
struct Remark {
    text: String,
}

/// What the form sends, as an event for all who look at the page. A browser stays there when there is no content.
async fn say(wamp: Wamp, Form(remark): Form<Remark>) -> Result<StatusCode, Failure> {
    wamp.publish("com.example.said").args((remark.text,)).acknowledge().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks a page that is open somewhere: 404 while there is none.
async fn title(wamp: Wamp) -> Result<String, Failure> {
    Ok(wamp.call("com.example.page.title").value().await?)
}

async fn script() -> Response {
    match std::fs::read(Path::new(SCRIPT)) {
        Ok(script) => ([(CONTENT_TYPE, "text/javascript")], script).into_response(),
        Err(_) => (StatusCode::NOT_FOUND, "run scripts/browser once: it gets autobahn-js").into_response(),
    }
}

fn app(router: &Router, client: Client) -> axum::Router {
    axum::Router::new()
        .route("/say", post(say))
        .route("/title", get(title))
        .layer(map_request(deadline(Duration::from_secs(2))))
        .route("/", get(Html(include_str!("page.html"))))
        .route("/autobahn.js", get(script))
        .route("/ws", websocket(router, "web"))
        .with_state(client)
}

/// Until Ctrl-C, or for ever where there is none.
async fn stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let router = Router::builder().await?;
    let client = router.connect().await?;
    client.register("com.example.add", |a: i64, b: i64| async move { Ok(a + b) }).await?;

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/", listener.local_addr()?);
    // Small frames are not to wait for the acknowledgement of those before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let app = app(&router, client).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stop()).await?;
    // The requests are answered; now the pages are told.
    router.shutdown().await;
    Ok(())
}
