//! How long a request may take.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use axum::http::Request;
use tokio::time::Instant;

/// When a request is to be answered: its calls take no longer, see [`Wamp`](super::Wamp). It is one of the request's
/// extensions, put there by [`deadline`] or by a middleware of the application.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    from: Instant,
    limit: Duration,
}

impl Deadline {
    /// So long from now.
    pub fn within(limit: Duration) -> Self {
        Self { from: Instant::now(), limit }
    }

    /// How long it is until then; zero afterwards.
    pub fn remaining(&self) -> Duration {
        self.limit.saturating_sub(self.from.elapsed())
    }
}

/// Gives every request so long, from when it comes to this layer; for `axum::middleware::map_request`. A request that has a
/// nearer [`Deadline`] keeps it.
pub fn deadline<B>(limit: Duration) -> impl Fn(Request<B>) -> Ready<Request<B>> + Clone {
    move |mut request| {
        let nearer = request.extensions().get().is_some_and(|known: &Deadline| known.remaining() < limit);
        if !nearer {
            request.extensions_mut().insert(Deadline::within(limit));
        }
        ready(request)
    }
}
