//! A call of one of our procedures, as its handler sees it.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use serde::{Deserialize, Serialize};
use wamp_proto::{
    DecodeError, Encoding, Payload,
    id::{RegistrationId, RequestId},
    message::InvocationDetails,
};

use crate::{
    Error, ErrorReply,
    cipher::{Sealed, Sealing},
    queue::Queue,
    room::{Room, Urgency},
    shared::Shared,
};

/// A call of one of our procedures.
#[derive(Clone)]
#[non_exhaustive]
pub struct Invocation {
    /// The invocation.
    pub request: RequestId,
    /// The registration that was called.
    pub registration: RegistrationId,
    /// About the call: the procedure on pattern registrations, the caller when disclosed, ...
    pub details: InvocationDetails,
    /// The arguments.
    pub payload: Payload,
    /// What its payloads are wrapped in.
    pub(crate) sealing: Sealing,
    pub(crate) shared: Arc<Shared>,
    parts: Option<Arc<Queue<Part>>>,
}

impl Invocation {
    pub(crate) fn new(
        shared: Arc<Shared>,
        request: RequestId,
        registration: RegistrationId,
        details: InvocationDetails,
        payload: Payload,
        parts: Option<Arc<Queue<Part>>>,
    ) -> Self {
        Self { request, registration, details, payload, sealing: Sealing::default(), shared, parts }
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.shared.encoding
    }

    /// The positional arguments as a tuple or list.
    ///
    /// # Errors
    ///
    /// When they are of another type; returned from a handler, it becomes `wamp.error.invalid_argument`.
    pub fn args<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ErrorReply> {
        self.payload.args().map_err(ErrorReply::invalid_argument)
    }

    /// The keyword arguments as a struct or map.
    ///
    /// # Errors
    ///
    /// When they are of another type; returned from a handler, it becomes `wamp.error.invalid_argument`.
    pub fn kwargs<'de, T: Deserialize<'de>>(&'de self) -> Result<T, ErrorReply> {
        self.payload.kwargs().map_err(ErrorReply::invalid_argument)
    }

    /// A reply with positional and keyword arguments; `()` for none.
    ///
    /// # Errors
    ///
    /// When they cannot be serialized.
    pub fn reply<A: Serialize, K: Serialize>(&self, args: A, kwargs: K) -> Result<Reply, ErrorReply> {
        Ok(Reply(Payload::new(self.encoding(), &args, &kwargs)?))
    }

    /// Whether the caller takes progressive results.
    pub fn receives_progress(&self) -> bool {
        self.details.receive_progress
    }

    /// Sends a progressive result with these positional arguments, as soon as there is room. The answer of the
    /// handler is the last one.
    ///
    /// The future fails when the caller does not [take them](Self::receives_progress), or has given up.
    pub fn progress<A: Serialize>(&self, args: A) -> ProgressFuture {
        let payload = Payload::from_args(self.encoding(), &args).map_err(Error::from);
        let payload = payload.and_then(|payload| self.sealing.seal(self.encoding(), payload));
        ProgressFuture { room: Room::new(self.shared.clone()), request: self.request, payload: Some(payload) }
    }

    /// The further arguments, when the caller sends them in parts: those of the invocation itself are the first part.
    pub fn parts(&self) -> Parts {
        Parts { invocation: self.clone() }
    }

    /// Whether the caller has given up, so that nobody waits for the answer. Async handlers are dropped then; for one that
    /// blocks it is worth a look now and then.
    pub fn is_canceled(&self) -> bool {
        self.shared.peek(|state| state.is_canceled(self.request))
    }
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("request", &self.request)
            .field("registration", &self.registration)
            .field("details", &self.details)
            .field("payload", &self.payload)
            .finish_non_exhaustive()
    }
}

/// The result of a procedure that answers with more than one value: see [`Invocation::reply`].
#[derive(Clone, Debug)]
pub struct Reply(pub(crate) Payload);

impl From<Payload> for Reply {
    fn from(payload: Payload) -> Self {
        Self(payload)
    }
}

/// A progressive result under way: see [`Invocation::progress`].
#[must_use = "nothing is sent until it is awaited"]
pub struct ProgressFuture {
    room: Room,
    request: RequestId,
    payload: Option<Result<Sealed, Error>>,
}

impl Future for ProgressFuture {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { room, request, payload } = &mut *self;
        room.poll(context, Urgency::Soon, |state, _| {
            let Some(payload) = payload.take() else { return Ok(()) };
            if let Some(closed) = state.session.closed() {
                return Err(Error::Closed(closed.clone()));
            }
            if state.is_canceled(*request) {
                return Err(Error::Canceled);
            }
            let (payload, wrapping) = payload?;
            let mut reply = state.session.reply(*request)?;
            if let Some(wrapping) = wrapping {
                reply = reply.wrapped(*wrapping)?;
            }
            Ok(reply.progress(payload)?)
        })
    }
}

impl fmt::Debug for ProgressFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressFuture").field("request", &self.request).finish_non_exhaustive()
    }
}

/// Parts that wait for the handler before the invocation is refused.
pub(crate) const MAX_PARTS: usize = 1024;

/// A further part of the arguments of a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Part {
    /// Whether no other follows.
    pub last: bool,
    /// The arguments.
    pub payload: Payload,
}

impl Part {
    pub(crate) fn new(details: &InvocationDetails, payload: Payload) -> Self {
        Self { last: !details.progress, payload }
    }

    /// The positional arguments as a tuple or list.
    ///
    /// # Errors
    ///
    /// When they are of another type.
    pub fn args<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.payload.args()
    }

    /// The keyword arguments as a struct or map.
    ///
    /// # Errors
    ///
    /// When they are of another type.
    pub fn kwargs<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.payload.kwargs()
    }
}

/// The further arguments of a call, a [`Stream`]; see [`Invocation::parts`]. It ends after the last part; when the caller
/// gives up before, the last item is an error.
#[derive(Clone, Debug)]
pub struct Parts {
    invocation: Invocation,
}

impl Parts {
    /// The next part.
    #[allow(
        clippy::should_implement_trait,
        reason = "a stream is no iterator, and this is what its next item is called"
    )]
    pub fn next(&mut self) -> NextPart<'_> {
        NextPart(self)
    }
}

impl Stream for Parts {
    type Item = Result<Part, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(parts) = &self.invocation.parts else { return Poll::Ready(None) };
        match ready!(parts.poll(context)) {
            Some(part) => {
                if part.last {
                    self.invocation.parts = None;
                }
                // what a part is wrapped in, the first one has said.
                let attributes = self.invocation.details.payload_attributes.as_deref();
                let opened = self.invocation.sealing.open(attributes, part.payload);
                Poll::Ready(Some(Ok(Part { last: part.last, payload: opened? })))
            }
            // They ended without a last one.
            None => {
                self.invocation.parts = None;
                let closed = self.invocation.shared.peek(|state| state.session.closed().cloned());
                Poll::Ready(Some(Err(closed.map_or(Error::Canceled, Error::Closed))))
            }
        }
    }
}

/// The next part: see [`Parts::next`]. May be dropped without losing one.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextPart<'a>(&'a mut Parts);

impl Future for NextPart<'_> {
    type Output = Option<Result<Part, Error>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.0).poll_next(context)
    }
}
