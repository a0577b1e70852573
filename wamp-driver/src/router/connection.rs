//! One connection of a router, for a pump.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

use bytes::Bytes;
use tracing::Span;
use wamp_proto::{Encoding, Instant, message::Message, router::ConnectionId};

use super::Shared;
use crate::{
    Side,
    machine::{Flow, Machine},
    shared::lock,
    tap::Watched,
};

/// One connection of a router.
pub struct RouterConnection {
    pub(super) shared: Arc<Shared>,
    pub(super) id: ConnectionId,
    pub(super) encoding: Encoding,
    pub(super) span: Span,
    pub(super) watched: Option<Watched>,
}

impl RouterConnection {
    /// What is logged about the connection stands in this span.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Ends the connection, once. Its place may be another one's right after, so the pump's waker goes with it.
    fn end(&self, why: &str) {
        if lock(&self.shared.state).forget(self.id) {
            self.shared.update(None, |router, now| router.handle_eof(now, self.id, why));
        }
    }
}

impl Machine for RouterConnection {
    fn handle_frames(&self, frames: &mut VecDeque<Bytes>) {
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        self.shared.received.fetch_add(bytes as u64, Ordering::Relaxed);
        if let Some(watched) = &self.watched {
            watched.show(Side::Client, frames.iter());
        }
        let limits = &self.shared.limits;
        let decode = |frame: Bytes| Message::decode(self.encoding, &frame, limits);
        // The usual batch is one frame, which needs no list.
        if frames.len() == 1 {
            if let Some(message) = frames.pop_front().map(decode) {
                self.shared.update(Some(self.id), |router, now| router.handle_message(now, self.id, message));
            }
            return;
        }
        let messages = frames.drain(..).map(decode).collect::<Vec<_>>();
        self.shared.update(Some(self.id), |router, now| {
            for message in messages {
                router.handle_message(now, self.id, message);
            }
        });
    }

    fn handle_eof(&self, why: &str) {
        self.end(why);
    }

    fn handle_timeout(&self) {}

    fn poll_output(&self, context: &mut Context<'_>, frames: &mut VecDeque<Bytes>) -> Poll<Flow> {
        let queued = frames.len();
        let flow = lock(&self.shared.state).poll_output(self.id, context, frames);
        if let Some(watched) = &self.watched {
            watched.show(Side::Router, frames.range(queued..));
        }
        flow
    }

    fn poll_over(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.shared.state);
        if state.killed || state.router.is_over(self.id) {
            return Poll::Ready(());
        }
        state.wait_as_pump(self.id, context);
        Poll::Pending
    }

    /// The router keeps its own timer.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn wants_read(&self) -> bool {
        lock(&self.shared.state).router.wants_read(self.id)
    }

    fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn receive_limit(&self) -> usize {
        self.shared.limits.message_size
    }
}

impl Drop for RouterConnection {
    /// A pump that is dropped ends the connection, if it has not done so itself.
    fn drop(&mut self) {
        self.end("the connection's task was stopped");
    }
}

impl fmt::Debug for RouterConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RouterConnection").field(&self.id).finish()
    }
}
