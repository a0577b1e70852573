//! Calls whose results, or arguments, come in parts.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use serde::Serialize;
use wamp_proto::{Payload, error::Misuse, id::RequestId, message::CancelMode, session};

use crate::{
    CallResult, Client, Error,
    call::{Reading, Ready},
    cipher::Sealing,
    pending::Pending,
    queue::Queue,
    room::{Room, Urgency},
    shared::Shared,
};

/// Progressive results that wait to be taken before the call is canceled.
const MAX_RESULTS: usize = 1024;

/// A call to be made that may have many results: `.await` it for the stream of them. See
/// [`Call::progressive`](crate::Call::progressive).
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct ProgressiveCall(Start);

/// A call to be made whose arguments are sent in parts: `.await` it for the sink of the arguments and the stream of the
/// results. See [`Call::streaming`](crate::Call::streaming).
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct StreamingCall(Start);

/// A call on its way to the router.
#[derive(Debug)]
struct Start {
    pending: Option<Pending<Wish>>,
    results: Arc<Queue<CallResult>>,
    client: Client,
    cancel: CancelMode,
    reading: Reading,
}

#[derive(Debug)]
struct Wish {
    call: session::Call,
    results: Arc<Queue<CallResult>>,
}

impl Start {
    fn new(call: Ready) -> Self {
        let Ready { client, call, cancel, reading } = call;
        let results = Arc::new(Queue::new(MAX_RESULTS));
        let wish = call.map(|call| Wish { call, results: results.clone() });
        let send: fn(&mut _, _, Wish) -> _ = |state: &mut crate::shared::State, now, wish: Wish| {
            let request = state.session.call(now, wish.call)?;
            state.results.insert(request, wish.results);
            Ok(request)
        };
        let pending = Pending::new(client.shared.clone(), wish, send);
        Self { pending: Some(pending), results, client, cancel, reading }
    }

    /// The stream of the results, once the call is made.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(RequestId, CallStream), Error>> {
        let Some(pending) = &mut self.pending else { return Poll::Pending };
        let request = ready!(pending.poll_made(context))?;
        let Some(pending) = self.pending.take() else { return Poll::Pending };
        let Self { results, client, cancel, reading, .. } = self;
        let (results, client, reading, cancel) = (results.clone(), client.clone(), reading.clone(), *cancel);
        Poll::Ready(Ok((
            request,
            CallStream { pending, results, last: None, done: false, cancel, reading, client },
        )))
    }
}

impl ProgressiveCall {
    pub(crate) fn new(call: Ready) -> Self {
        Self(Start::new(call))
    }
}

impl Future for ProgressiveCall {
    type Output = Result<CallStream, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(context).map_ok(|(_, stream)| stream)
    }
}

impl StreamingCall {
    pub(crate) fn new(call: Ready) -> Self {
        Self(Start::new(call))
    }
}

impl Future for StreamingCall {
    type Output = Result<(CallSink, CallStream), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (request, stream) = ready!(self.0.poll(context))?;
        let (shared, sealing) = (stream.client.shared.clone(), stream.reading.sealing.clone());
        Poll::Ready(Ok((CallSink { room: Room::new(shared.clone()), shared, request, sealing }, stream)))
    }
}

/// The results of a call: the progressive ones, with `details.progress`, and then the last one. A [`Stream`], with a
/// [`next`](Self::next) of its own for those who do without stream adapters.
///
/// The time limit of the call is that between two results. Results that are not taken wait here, 1,024 of them; with
/// one more the call is canceled, and fails with [`Error::Lagging`]. Dropping the stream cancels the call.
#[derive(Debug)]
pub struct CallStream {
    pending: Pending<Wish>,
    results: Arc<Queue<CallResult>>,
    /// The last result, while there are others before it.
    last: Option<Result<CallResult, Error>>,
    done: bool,
    cancel: CancelMode,
    reading: Reading,
    /// Keeps the session alive.
    client: Client,
}

impl CallStream {
    /// The next result; `None` after the last one.
    #[allow(
        clippy::should_implement_trait,
        reason = "a stream is no iterator, and this is what its next item is called"
    )]
    pub fn next(&mut self) -> NextResult<'_> {
        NextResult(self)
    }

    /// The last result, whatever comes before it.
    pub fn result(self) -> LastResult {
        LastResult(self)
    }
}

impl Stream for CallStream {
    type Item = Result<CallResult, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.done {
            return Poll::Ready(None);
        }
        // The last one is looked for first: when it is there, so are all before it.
        if this.last.is_none() {
            if let Poll::Ready(outcome) = this.pending.poll(context) {
                this.last = Some(this.reading.outcome(outcome));
            }
        }
        match (this.results.poll(context), this.last.take()) {
            (Poll::Ready(Some(result)), last) => {
                this.last = last;
                Poll::Ready(Some(this.reading.result(result)))
            }
            (_, Some(last)) => {
                this.done = true;
                Poll::Ready(Some(last))
            }
            (_, None) => Poll::Pending,
        }
    }
}

impl Drop for CallStream {
    fn drop(&mut self) {
        let cancel = self.cancel;
        self.pending.give_up(|state, request| {
            state.results.remove(&request);
            // A router that cannot cancel is not asked; the late result is dropped in any case.
            let _ = state.session.cancel(request, cancel);
        });
    }
}

/// The next result: see [`CallStream::next`]. May be dropped without losing one.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextResult<'a>(&'a mut CallStream);

impl Future for NextResult<'_> {
    type Output = Option<Result<CallResult, Error>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.0).poll_next(context)
    }
}

/// The last result: see [`CallStream::result`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct LastResult(CallStream);

impl Future for LastResult {
    type Output = Result<CallResult, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_next(context)) {
                Some(result) if self.0.done => return Poll::Ready(result),
                Some(_) => {}
                // It was polled on after its end.
                None => return Poll::Pending,
            }
        }
    }
}

/// Where the further arguments of a call go, each a tuple or a list as for [`Call::args`](crate::Call::args). A [`Sink`],
/// with a [`send`](Self::send) of its own for those who do without sink adapters.
///
/// The callee learns that no more come by [`finish`](Self::finish), or by the sink's `close`, which sends an empty last part.
/// Dropping the sink tells it nothing. When a result or an error comes before, the callee wants no more.
pub struct CallSink {
    shared: Arc<Shared>,
    request: RequestId,
    /// Where the sink waits for room.
    room: Room,
    sealing: Sealing,
}

impl CallSink {
    /// Sends some arguments; more follow. The future waits until there is room for them.
    ///
    /// It fails with [`Misuse::NoSuchCall`] when the call is over.
    pub fn send<T: Serialize>(&mut self, args: T) -> SendPart<'_> {
        self.part(&args, true)
    }

    /// Sends the last arguments.
    ///
    /// It fails with [`Misuse::NoSuchCall`] when the call is over.
    pub fn finish<T: Serialize>(self, args: T) -> SendPart<'static> {
        self.part(&args, false)
    }

    fn part<T: Serialize>(&self, args: &T, progress: bool) -> SendPart<'static> {
        let payload = self.seal(args);
        let (room, request) = (Room::new(self.shared.clone()), self.request);
        SendPart { room, request, progress, payload: Some(payload), sink: PhantomData }
    }

    /// the first part has said what all of them are wrapped in.
    fn seal<T: Serialize>(&self, args: &T) -> Result<Payload, Error> {
        let encoding = self.shared.encoding;
        Ok(self.sealing.seal(encoding, Payload::from_args(encoding, args)?)?.0)
    }

    fn send_now(&self, payload: Payload, progress: bool) -> Result<(), Error> {
        let request = self.request;
        let sent = self
            .shared
            .update_at_once(|state, now| state.session.continue_call(now, request, payload, progress));
        Ok(sent?)
    }
}

impl fmt::Debug for CallSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSink").field("request", &self.request).finish_non_exhaustive()
    }
}

/// Arguments on their way: see [`CallSink::send`].
#[must_use = "nothing is sent until it is awaited"]
pub struct SendPart<'a> {
    room: Room,
    request: RequestId,
    progress: bool,
    payload: Option<Result<Payload, Error>>,
    /// One after the other.
    sink: PhantomData<&'a mut CallSink>,
}

impl Future for SendPart<'_> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { room, request, progress, payload, .. } = &mut *self;
        room.poll(context, Urgency::Soon, |state, now| {
            let Some(payload) = payload.take() else { return Ok(()) };
            Ok(state.session.continue_call(now, *request, payload?, *progress)?)
        })
    }
}

impl fmt::Debug for SendPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendPart").field("request", &self.request).finish_non_exhaustive()
    }
}

impl<T: Serialize> Sink<T> for CallSink {
    type Error = Error;

    /// Another may take the room that there is; the sending says so then.
    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.room.poll(context, Urgency::Soon, |_, _| Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, args: T) -> Result<(), Error> {
        self.send_now(self.seal(&args)?, true)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(match self.seal(&[(); 0]).and_then(|payload| self.send_now(payload, false)) {
            // It was closed before, or the callee was content with less.
            Err(Error::Misuse(Misuse::CallComplete(_) | Misuse::NoSuchCall(_))) => Ok(()),
            sent => sent,
        })
    }
}
