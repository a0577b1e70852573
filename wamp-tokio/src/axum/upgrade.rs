//! The route at which WebSockets come to the router.

use std::{future::ready, io, net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    http::Extensions,
    response::Response,
    routing::{MethodRouter, any},
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use wamp_driver::{
    Channel,
    net::{Entrance, tcp_channel},
};

use crate::{Listener, Router, Tokio, connect};

/// A route at which the router takes WebSockets, by HTTP/1.1, with all the rules of a listener: sub-protocols, origins,
/// limits, signs of life, who may join. `listener` has those rules, where the router's are not enough; its URL is no more
/// than a name, for rules of authentication and for the log:
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wamp_tokio::{Listener, Router, axum::websocket};
///
/// let router = Router::builder().await?;
/// let web = Listener::new("web").allow_origin("https://app.example.com").message_size(64 * 1024);
/// let app: axum::Router = axum::Router::new().route("/ws", websocket(&router, web));
/// # Ok(())
/// # }
/// ```
///
/// The router is to be kept: when it is dropped or [shut down](crate::Router::shutdown), all its sessions end, and requests
/// for more are answered with 503. Where clients come from is known when the web server is made with
/// `into_make_service_with_connect_info::<SocketAddr>()`. One that knows more, or is behind a proxy, puts a
/// [`Channel`] into the extensions of the request; without either, nothing is known, and
/// [`max_connections_per_address`](Listener::max_connections_per_address) lets nobody in.
pub fn websocket<S>(router: &Router, listener: impl Into<Listener>) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let entrance = Arc::new(router.entrance(listener));
    // The router has its own answer to requests of other methods.
    any(move |request: Request| ready(enter(&entrance, request)))
}

fn enter(entrance: &Entrance<Tokio>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let channel = channel(&parts.extensions);
    let upgraded = parts.extensions.remove::<OnUpgrade>().map(|upgrade| async {
        let stream = upgrade.await.map_err(io::Error::other)?;
        Ok(connect::any(TokioIo::new(stream)))
    });
    entrance.enter(&Request::from_parts(parts, ()), channel, upgraded).map(Body::from)
}

/// What is known about the connection of a request.
fn channel(extensions: &Extensions) -> Channel {
    if let Some(channel) = extensions.get::<Channel>() {
        return channel.clone();
    }
    let peer = extensions.get().map(|ConnectInfo::<SocketAddr>(peer)| tcp_channel(Ok(*peer)));
    peer.unwrap_or_default()
}
