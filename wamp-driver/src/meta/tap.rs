//! The live tap of one session: its messages, as they come and go. An extension of our router.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::Stream;
use serde::Deserialize;

use crate::{Call, CallStream, Error, ProgressiveCall, Side};

/// A tap to be made: see [`Sessions::tap`](super::Sessions::tap).
#[derive(Debug)]
#[must_use = "nothing is asked until it is awaited"]
pub struct Tap(Call);

/// Longer than a session is quiet.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

impl Tap {
    pub(super) fn new(call: Call) -> Self {
        Self(call.timeout(FOREVER))
    }

    /// With the arguments of the messages, which may be anything, secrets too. Without it, the headers alone are shown.
    pub fn with_payloads(self) -> Self {
        Self(self.0.kwarg("payload", true))
    }
}

impl IntoFuture for Tap {
    type Output = Result<TapStream, Error>;
    type IntoFuture = TapFuture;

    fn into_future(self) -> TapFuture {
        TapFuture(Asking::Sending(self.0.progressive()))
    }
}

/// A tap on its way to the router: fails when the router does not allow it.
#[derive(Debug)]
#[must_use = "nothing is asked until it is awaited"]
pub struct TapFuture(Asking);

#[derive(Debug)]
enum Asking {
    Sending(ProgressiveCall),
    /// Until the first result, which is empty, or an error.
    Waiting(Option<CallStream>),
}

impl Future for TapFuture {
    type Output = Result<TapStream, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Asking::Sending(call) = &mut self.0 {
            let results = ready!(Pin::new(call).poll(context))?;
            self.0 = Asking::Waiting(Some(results));
        }
        let Asking::Waiting(waiting) = &mut self.0 else { return Poll::Pending };
        let Some(results) = waiting else { return Poll::Pending };
        let first = ready!(Pin::new(results).poll_next(context));
        let Some(results) = waiting.take() else { return Poll::Pending };
        Poll::Ready(first.transpose().map(|_| TapStream { results, over: false }))
    }
}

/// A message that a session has sent, or was sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Tapped {
    /// When it passed the router, as RFC 3339 has it.
    pub timestamp: String,
    /// Who has sent it.
    pub sender: Side,
    /// The message as JSON, whatever the session speaks. What was cut may be no JSON any more.
    pub message: String,
    /// Whether its arguments were left out, or its end, because it is too long.
    #[serde(default)]
    pub cut: bool,
    /// How many messages before it were left out, because they were not taken fast enough.
    #[serde(default)]
    pub dropped: u64,
}

/// The messages of a session: a [`Stream`], with a [`next`](Self::next) of its own. It ends with the session.
/// Dropping it ends the tap.
#[derive(Debug)]
#[must_use = "a tap ends when its stream is dropped"]
pub struct TapStream {
    results: CallStream,
    over: bool,
}

impl TapStream {
    /// The next message; `None` when the session has ended.
    #[allow(
        clippy::should_implement_trait,
        reason = "a stream is no iterator, and this is what its next item is called"
    )]
    pub fn next(&mut self) -> NextTapped<'_> {
        NextTapped(self)
    }
}

impl Stream for TapStream {
    type Item = Result<Tapped, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let Some(result) = ready!(Pin::new(&mut self.results).poll_next(context)) else {
            return Poll::Ready(None);
        };
        match result {
            Ok(result) if !result.details.progress => {
                self.over = true;
                Poll::Ready(None)
            }
            Ok(result) => Poll::Ready(Some(result.value().map_err(Error::from))),
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}

/// The next message: see [`TapStream::next`]. May be dropped without losing one.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextTapped<'a>(&'a mut TapStream);

impl Future for NextTapped<'_> {
    type Output = Option<Result<Tapped, Error>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.0).poll_next(context)
    }
}
