//! What happens to a client as a whole: its attempts, its sessions, its end.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use wamp_proto::{Match, Uri, error::Closed, id::SessionId, reconnect::Kind};

use crate::{Error, queue::Queue, shared::Shared};

/// A change in the life of a client: see [`Client::lifecycle`](crate::Client::lifecycle).
///
/// They come in this order: `Connecting`, then `Joined` and, unless there was nothing to restore, `Restored`; or, when the
/// attempt has failed, `Retrying` and the next `Connecting`. The end of a session is `Lost`, then `Retrying` or `Closed`.
/// `Closed` is the last one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Lifecycle {
    /// An attempt is being made.
    Connecting {
        /// Which one since the last stable session, from 1.
        attempt: u32,
    },
    /// There is a session.
    Joined {
        /// Its id.
        session: SessionId,
        /// Whether there has been one before.
        resumed: bool,
    },
    /// Every registration and subscription has been restored in the new session, but those that were told of as
    /// [`NotRestored`](Self::NotRestored).
    Restored {
        /// How many subscriptions, each with all its streams.
        subscriptions: usize,
        /// How many registrations.
        registrations: usize,
    },
    /// The new session was refused a registration or subscription for good, or for longer than
    /// [the policy](wamp_proto::reconnect::Policy::restore_within) allows. It is not asked for again; the streams of a
    /// subscription end.
    NotRestored {
        /// What.
        what: Intent,
        /// Why.
        error: Error,
    },
    /// The session has ended.
    Lost {
        /// Why.
        why: Closed,
    },
    /// Another attempt will be made.
    Retrying {
        /// Which one since the last stable session, from 1.
        attempt: u32,
        /// In how long.
        after: Duration,
        /// What kind of failure led to it.
        kind: Kind,
        /// Which failure.
        why: Closed,
    },
    /// The client has ended, for good.
    Closed {
        /// Why; when it has given up, why the last attempt failed.
        why: Closed,
    },
}

/// What an application has asked for, to have it in every session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Intent {
    /// A subscription.
    Subscription {
        /// The topic, or the pattern of topics.
        topic: Uri,
        /// How it matches.
        kind: Match,
    },
    /// A registration.
    Registration {
        /// The procedure, or the pattern of procedures.
        procedure: Uri,
    },
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subscription { topic, .. } => write!(f, "the subscription to {topic}"),
            Self::Registration { procedure } => write!(f, "the registration of {procedure}"),
        }
    }
}

/// Who is told of each change in the life of a client: see [`Connect::on_change`](crate::net::Connect::on_change).
pub type OnChange = Arc<dyn Fn(&Lifecycle) + Send + Sync>;

/// Changes that wait in a stream; with more, the oldest are dropped.
pub(crate) const MAX_CHANGES: usize = 256;

/// The changes in the life of a client, a [`Stream`]; the first one tells where it stands. It does not keep the client
/// alive, and ends after [`Lifecycle::Closed`].
///
/// Changes that are not taken wait here, 256 of them; with one more the oldest is dropped.
pub struct LifecycleStream {
    pub(crate) shared: Arc<Shared>,
    pub(crate) changes: Arc<Queue<Lifecycle>>,
}

impl LifecycleStream {
    /// The next change; `None` after the last one.
    #[allow(
        clippy::should_implement_trait,
        reason = "a stream is no iterator, and this is what its next item is called"
    )]
    pub fn next(&mut self) -> NextChange<'_> {
        NextChange(self)
    }
}

impl Stream for LifecycleStream {
    type Item = Lifecycle;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Lifecycle>> {
        self.changes.poll(context)
    }
}

impl Drop for LifecycleStream {
    fn drop(&mut self) {
        let _queue = self.shared.peek(|state| state.life.forget(&self.changes));
    }
}

impl fmt::Debug for LifecycleStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LifecycleStream")
    }
}

/// The next change: see [`LifecycleStream::next`]. May be dropped without losing one.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextChange<'a>(&'a mut LifecycleStream);

impl Future for NextChange<'_> {
    type Output = Option<Lifecycle>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.changes.poll(context)
    }
}
