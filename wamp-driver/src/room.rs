//! Waiting for room in the outbound queue.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use wamp_proto::Instant;

use crate::{
    shared::{Shared, State},
    wakers::Place,
};

/// One who wants to send: does so when there is room, or when the session is over and says so itself.
pub(crate) struct Room {
    pub(crate) shared: Arc<Shared>,
    place: Place,
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
        Self { shared, place: None }
    }

    /// Acts if there is room; else waits, and has not acted.
    pub(crate) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        urgency: Urgency,
        act: impl FnOnce(&mut State, Instant) -> T,
    ) -> Poll<T> {
        let (place, mut stale) = (&mut self.place, None);
        let attempt = |state: &mut State, now| {
            if !state.session.has_room() && state.session.closed().is_none() {
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
