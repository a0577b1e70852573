//! WAMP at a web server of axum.

mod requests;
mod route;
mod shutdown;

use std::net::SocketAddr;

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};
use wamp_tokio::{Listener, Router, RouterBuilder, axum::websocket};

use crate::harness::within;

/// A web server with a page, and a router at `/ws` that listens nowhere else, unless its builder says so.
struct Site {
    router: Router,
    address: SocketAddr,
    /// Dropped to have the web server stop in order.
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Site {
    async fn start(router: RouterBuilder, listener: impl Into<Listener>) -> Self {
        let router = router.await.unwrap();
        let app = axum::Router::new()
            .route("/", get(|| async { "a page" }))
            .route("/ws", websocket(&router, listener));
        Self::serve(router, app).await
    }

    async fn serve(router: Router, app: axum::Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let served = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
        Self { router, address, stop, served: tokio::spawn(async { served.await }) }
    }

    fn url(&self) -> String {
        format!("ws://{}/ws", self.address)
    }

    /// Waits until so many of a kind were turned away.
    async fn refuses(&self, as_expected: impl Fn(wamp_tokio::Refused) -> bool) {
        let wait = async {
            while !as_expected(self.router.refused()) {
                tokio::task::yield_now().await;
            }
        };
        within(wait).await;
    }
}

/// Sends a request; gives the connection, and the answer up to where its body ends.
async fn ask(address: SocketAddr, request: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let whole = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest);
        let length = length.lines().next().unwrap().parse::<usize>().unwrap();
        body.len() >= length || request.starts_with("HEAD")
    };
    while !whole(&answer) {
        let read = within(stream.read_buf(&mut answer)).await.unwrap();
        assert!(read > 0, "the answer ends in {:?}", String::from_utf8_lossy(&answer));
    }
    (stream, String::from_utf8(answer).unwrap())
}

/// A request for an upgrade, with these headers after those that it needs.
fn upgrade(more: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// The header that offers a sub-protocol.
fn offer(subprotocol: &str) -> String {
    format!("Sec-WebSocket-Protocol: {subprotocol}\r\n")
}
