//! Waiting for room in the outbound queue.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use wamp_proto::Instant;

use crate::{
    runtime::BoxFuture,
    shared::{Shared, State},
    wakers::Place,
};

/// One who wants to send: does so when there is room, or when the session is over and says so itself.
pub(crate) struct Room {
    pub(crate) shared: Arc<Shared>,
    place: Place,
    /// How long to wait for a connection.
    patience: Option<Patience>,
}

enum Patience {
    For(Duration),
    Until(BoxFuture<()>),
}

/// How soon a message has to be on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Somebody waits for it.
    AtOnce,
    /// It may go together with others.
    Soon,
}

impl Room {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, place: None, patience: None }
    }

    /// Waits for a connection too, if the client does that: for so long, or for the time limit of requests.
    pub(crate) fn wait_for_connection(&mut self, limit: Option<Duration>) {
        let options = &self.shared.options;
        if options.wait_for_connection {
            self.patience = Some(Patience::For(limit.unwrap_or(options.request_timeout)));
        }
    }

    /// Whether to go on waiting for a connection.
    fn is_patient(&mut self, context: &mut Context<'_>) -> bool {
        if let Some(Patience::For(limit)) = &self.patience {
            if self.shared.peek(|state| state.is_settled()) {
                return false;
            }
            self.patience = Some(Patience::Until(self.shared.runtime.sleep(*limit)));
        }
        if let Some(Patience::Until(over)) = &mut self.patience {
            if over.as_mut().poll(context).is_ready() {
                self.patience = None;
            }
        }
        self.patience.is_some()
    }

    /// Acts if there is room; else waits, and has not acted.
    pub(crate) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        urgency: Urgency,
        act: impl FnOnce(&mut State, Instant) -> T,
    ) -> Poll<T> {
        let patient = self.is_patient(context);
        let (place, mut stale) = (&mut self.place, None);
        let attempt = |state: &mut State, now| {
            let full = !state.session.has_room() && state.session.closed().is_none();
            if full || patient && !state.is_settled() {
                stale = state.room.wait(place, context.waker());
                return Poll::Pending;
            }
            Poll::Ready(act(state, now))
        };
        let acted = match urgency {
            Urgency::AtOnce => self.shared.update_at_once(attempt),
            Urgency::Soon => self.shared.update(attempt),
        };
        // A waker is dropped outside of the lock.
        drop(stale);
        acted
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.place.is_some() {
            let _waker = self.shared.peek(|state| state.room.leave(&mut self.place));
        }
    }
}
