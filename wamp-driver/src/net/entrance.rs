//! The way in at a web server of the application, which reads the requests itself and hands over the connections.

use std::{fmt, io, sync::Arc};

use tungstenite::http::{
    Request, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use wamp_proto::Channel;

use super::{
    Network, Socket,
    gate::Gate,
    http::{Refusal, header_of},
    listener::Listener,
    refusals::Reason,
    serve::{Server, Visit},
    upgrade::{Agreed, grant},
};

/// A way into a router for WebSockets at a web server that the application has anyway: see
/// [`Router::entrance`](super::Router::entrance). All the rules of a listener are kept: sub-protocols, origins, limits,
/// signs of life, and who may join; the router's end is its end, too.
pub struct Entrance<N> {
    server: Arc<Server<N>>,
    gate: Arc<Gate>,
}

impl<N: Network> Entrance<N> {
    pub(super) fn new(server: Arc<Server<N>>, listener: Listener) -> Self {
        let gate = Arc::new(Gate::at_web_server(server.defaults.complete(listener)));
        Self { server, gate }
    }

    /// Answers a request that the web server has read: with 101, and then the router serves the connection, as a task of its
    /// own; or with why not (fault 14). `channel` is what is known about the connection, its cookie excepted; `upgraded` gives
    /// the connection once the answer is sent, for which it has as long as for any handshake, and is `None` where the web
    /// server has none to give, as in HTTP/2.
    pub fn enter(
        &self,
        request: &Request<()>,
        channel: Channel,
        upgraded: Option<impl Future<Output = io::Result<Box<dyn Socket>>> + Send + 'static>,
    ) -> Response<String> {
        let Some(visit) = Visit::begin(self.server.clone(), self.gate.clone(), channel) else {
            let why = "too many connections from this address";
            return answer(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why));
        };
        let mut reason = Reason::Handshake;
        let admit = || {
            let place = visit.place();
            if place.is_none() {
                reason = Reason::Full;
            }
            place
        };
        let granted = self.check(&visit.channel).and_then(|()| grant(request, &self.gate, admit));
        let granted = granted.and_then(|(response, agreed)| {
            let why = "this web server does not hand over its connections";
            let upgraded = upgraded.ok_or_else(|| Refusal::new(StatusCode::NOT_IMPLEMENTED, why))?;
            Ok((response, agreed, upgraded))
        });
        match granted {
            Ok((response, agreed, upgraded)) => {
                self.server.network.spawn(Box::pin(serve(visit, agreed, upgraded)));
                response.map(|()| String::new())
            }
            Err(refusal) => {
                visit.refused(reason, &refusal.why);
                answer(refusal)
            }
        }
    }

    /// Whether anybody can be let in, and the limits be kept.
    fn check(&self, channel: &Channel) -> Result<(), Refusal> {
        if !self.server.is_ready() {
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the router is about to stop"));
        }
        if self.gate.addresses.is_some() && channel.peer.is_none() {
            tracing::error!(
                listener = &*self.gate.name,
                "connections of each address are limited, but the web server does not say where they come from"
            );
            return Err(Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "this web server is not set up for this",
            ));
        }
        Ok(())
    }
}

/// Serves a connection once it is handed over.
async fn serve<N: Network, P>(
    visit: Visit<N>,
    agreed: Agreed<P>,
    upgraded: impl Future<Output = io::Result<Box<dyn Socket>>>,
) {
    let Visit { server, gate, .. } = &visit;
    let mut handshake = server.handshakes.begin(&*server.network, gate.handshake_timeout);
    match handshake.limit(upgraded).await {
        Some(Ok(socket)) => {
            drop(handshake);
            visit.serve_frames(socket, visit.channel.clone(), agreed).await;
        }
        Some(Err(error)) => visit.refused(Reason::Handshake, &error.to_string()),
        None => visit.too_late(),
    }
}

fn answer(Refusal { status, why }: Refusal) -> Response<String> {
    let status = status.unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = Response::new(format!("{why}\n"));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if let Some((name, value)) = header_of(status) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl<N> fmt::Debug for Entrance<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entrance").field("name", &self.gate.name).finish_non_exhaustive()
    }
}
