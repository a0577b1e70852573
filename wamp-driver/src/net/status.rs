//! What a router tells those who watch over it, over HTTP: `/metrics`, `/healthz` and `/readyz`.

use std::{future::poll_fn, io, sync::Arc, time::Duration};

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use tungstenite::http::StatusCode;

use super::{
    Accept, Network, Socket,
    http::{Refusal, read_request, refuse, respond},
    metrics,
    places::{Place, Places},
    serve::{ACCEPT_PAUSE, FIRST_READ, Server},
    socket::read,
    within,
};

/// Requests that are answered at once. Those who watch over a router are few; one more is dropped.
const MOST: usize = 32;

/// How long a request and its answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The type of what Prometheus reads.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers requests until the router is gone: while it shuts down, too, so that it can say so.
pub(super) async fn answer_all<N: Network>(
    server: Arc<Server<N>>,
    mut listener: Box<dyn Accept>,
    mut gone: oneshot::Receiver<()>,
) {
    let places = Places::new(MOST);
    loop {
        let next = poll_fn(|context| listener.poll_accept(context));
        let socket = match select(&mut gone, next).await {
            Either::Left(_) => return,
            Either::Right((Ok(socket), _)) => socket,
            Either::Right((Err(error), _)) => {
                tracing::warn!(%error, "cannot accept a request of HTTP");
                server.network.sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Some(place) = places.take() {
            server.network.spawn(Box::pin(visit(server.clone(), socket, place)));
        }
    }
}

async fn visit<N: Network>(server: Arc<Server<N>>, mut socket: Box<dyn Socket>, _place: Place) {
    match within(&*server.network, TIMEOUT, answer(&server, &mut socket)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, "a request of HTTP was not answered"),
        None => tracing::debug!("a request of HTTP took too long"),
    }
}

async fn answer<N: Network>(server: &Server<N>, socket: &mut impl Socket) -> io::Result<()> {
    let mut head = Vec::new();
    if read(socket, &mut head, FIRST_READ).await? == 0 {
        return Ok(());
    }
    let runtime = &*server.network;
    match read_request(socket, head).await {
        Ok((request, _)) if request.uri().path() == "/metrics" => {
            respond(runtime, socket, StatusCode::OK, METRICS, &metrics::text(server)).await
        }
        Ok((request, _)) => {
            let (status, text) = state(request.uri().path(), server.is_ready());
            refuse(runtime, socket, status, text).await
        }
        Err(Refusal { status: Some(status), why }) => refuse(runtime, socket, status, &why).await,
        Err(Refusal { status: None, why }) => Err(io::Error::other(why)),
    }
}

/// What is answered in one line.
fn state(path: &str, ready: bool) -> (StatusCode, &'static str) {
    match path {
        // Whoever gets this answer knows enough.
        "/healthz" => (StatusCode::OK, "ok"),
        "/readyz" if ready => (StatusCode::OK, "ready"),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, "not listening: about to start, or to stop"),
        _ => (StatusCode::NOT_FOUND, "there are /metrics, /healthz and /readyz"),
    }
}
