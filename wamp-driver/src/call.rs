//! Calling procedures.

use std::{
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wamp_proto::{
    DecodeError, Payload, Uri, Value,
    message::{CallOptions, CancelMode, ResultDetails},
    session,
};

use crate::{
    Client, Error, ProgressiveCall, StreamingCall, arguments::Arguments, cipher::Sealing, pending::Pending,
    shared::Outcome,
};

/// A call to be made: add what it needs, then `.await` it, or `.value()` for a typed result.
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct Call {
    client: Client,
    procedure: String,
    arguments: Arguments,
    options: CallOptions,
    timeout: Option<Duration>,
    cancel: CancelMode,
}

impl Call {
    pub(crate) fn new(client: Client, procedure: &str) -> Self {
        let arguments = Arguments::new(client.encoding());
        Self {
            client,
            procedure: procedure.to_owned(),
            arguments,
            options: CallOptions::default(),
            timeout: None,
            cancel: CancelMode::KillNoWait,
        }
    }

    /// The positional arguments: a tuple, such as `(2, 3)` or `(name,)`, or a list.
    pub fn args<T: Serialize>(mut self, args: T) -> Self {
        self.arguments.args(&args);
        self
    }

    /// The keyword arguments: a struct or a map.
    pub fn kwargs<T: Serialize>(mut self, kwargs: T) -> Self {
        self.arguments.kwargs(&kwargs);
        self
    }

    /// The arguments as they were received from somebody else; not decoded.
    pub fn payload(mut self, payload: Payload) -> Self {
        self.arguments.payload(payload);
        self
    }

    /// How long the result may take, instead of the client's default of 10 s. When the time is over, the call is canceled
    /// and fails with [`Error::Timeout`], or with `wamp.error.timeout` when the router or the callee is faster: both are
    /// told, and keep the time too if they can (R-60).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What becomes of the callee's work when the call is given up, instead of killing it without waiting (R-81..R-83).
    pub fn cancel_mode(mut self, mode: CancelMode) -> Self {
        self.cancel = mode;
        self
    }

    /// Asks the router to tell the callee who calls (R-101).
    pub fn disclose_me(mut self) -> Self {
        self.options.disclose_me = true;
        self
    }

    /// An option of this implementation or its peers, with a leading underscore (M-08).
    pub fn option(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.options.extra.insert(key, value);
        self
    }

    /// The result as one typed value: see [`Payload::value`] for the rule.
    pub fn value<T: DeserializeOwned>(self) -> ValueCall<T> {
        ValueCall { call: self.into_future(), value: PhantomData }
    }
}

impl Call {
    /// Takes progressive results, if the callee has any (R-50): `.await` it for a stream of results.
    ///
    /// ```
    /// # async fn example(client: wamp_driver::Client) -> Result<(), wamp_driver::Error> {
    /// let mut rows = client.call("com.example.import").args(("file",)).progressive().await?;
    /// while let Some(row) = rows.next().await {
    ///     println!("{} %", row?.value::<u8>()?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn progressive(mut self) -> ProgressiveCall {
        self.options.receive_progress = true;
        ProgressiveCall::new(self.finish())
    }

    /// Sends the arguments in parts, of which those given so far are the first (R-30), and takes progressive results:
    /// `.await` it for a sink of arguments and a stream of results. Fails when the router cannot do that.
    ///
    /// ```
    /// # async fn example(client: wamp_driver::Client) -> Result<(), wamp_driver::Error> {
    /// let (mut numbers, sums) = client.call("com.example.sum").args((1,)).streaming().await?;
    /// numbers.send((2,)).await?;
    /// numbers.finish((3,)).await?;
    /// let sum: i64 = sums.result().await?.value()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn streaming(mut self) -> StreamingCall {
        self.options.receive_progress = true;
        self.options.progress = true;
        StreamingCall::new(self.finish())
    }

    fn finish(self) -> Ready {
        let Self { client, procedure, arguments, mut options, timeout, cancel } = self;
        // Without a time limit of its own, a call has that of the client, which is nobody else's business.
        options.timeout =
            timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1));
        let procedure = Uri::unchecked(procedure);
        let sealing = Sealing::new(&client.shared, &procedure);
        let payload = arguments.finish().map_err(Error::from);
        let call = payload.and_then(|payload| sealing.seal(client.encoding(), payload)).map(|sealed| {
            let (payload, wrapping) = sealed;
            options.payload_attributes = wrapping;
            session::Call { procedure, options, payload, timeout }
        });
        Ready { client, call, cancel, reading: Reading { limited: timeout.is_some(), sealing } }
    }
}

/// A call that can be sent.
pub(crate) struct Ready {
    pub(crate) client: Client,
    pub(crate) call: Result<session::Call, Error>,
    pub(crate) cancel: CancelMode,
    pub(crate) reading: Reading,
}

/// How the answers to a call are read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// The call has a time limit of its own.
    limited: bool,
    pub(crate) sealing: Sealing,
}

impl Reading {
    /// The last answer.
    pub(crate) fn outcome(&self, outcome: Result<Outcome, Error>) -> Result<CallResult, Error> {
        match outcome {
            Ok(Outcome::Result { details, payload }) => {
                self.result(CallResult { details: *details, payload })
            }
            Ok(outcome) => Err(outcome.unexpected()),
            Err(error) if self.limited => Err(self.sealing.open_error(error).of_limited_call()),
            Err(error) => Err(self.sealing.open_error(error)),
        }
    }

    /// Any result.
    pub(crate) fn result(&self, result: CallResult) -> Result<CallResult, Error> {
        let CallResult { details, payload } = result;
        let payload = self.sealing.open(details.payload_attributes.as_deref(), payload)?;
        Ok(CallResult { details, payload })
    }
}

impl IntoFuture for Call {
    type Output = Result<CallResult, Error>;
    type IntoFuture = CallFuture;

    fn into_future(self) -> CallFuture {
        let Ready { client, call, cancel, reading } = self.finish();
        let pending =
            Pending::new(client.shared.clone(), call, |state, now, call| state.session.call(now, call));
        CallFuture { pending, cancel, reading, _client: client }
    }
}

/// A call under way. Dropping it cancels the call, at the router too when the router can.
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct CallFuture {
    pending: Pending<session::Call>,
    cancel: CancelMode,
    reading: Reading,
    /// Keeps the session alive.
    _client: Client,
}

impl Future for CallFuture {
    type Output = Result<CallResult, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { pending, reading, .. } = &mut *self;
        pending.poll(context).map(|outcome| reading.outcome(outcome))
    }
}

impl Drop for CallFuture {
    fn drop(&mut self) {
        let cancel = self.cancel;
        self.pending.give_up(|state, request| {
            // A router that cannot cancel is not asked; the late result is dropped in any case.
            let _ = state.session.cancel(request, cancel);
        });
    }
}

/// The result of a call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallResult {
    /// What the router says about it.
    pub details: ResultDetails,
    /// What the callee answered.
    pub payload: Payload,
}

impl CallResult {
    /// The positional results as a tuple or list.
    ///
    /// # Errors
    ///
    /// When they are of another type.
    pub fn args<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.payload.args()
    }

    /// The keyword results as a struct or map.
    ///
    /// # Errors
    ///
    /// When they are of another type.
    pub fn kwargs<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.payload.kwargs()
    }

    /// The result as one value: see [`Payload::value`] for the rule.
    ///
    /// # Errors
    ///
    /// When it is of another type.
    pub fn value<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DecodeError> {
        self.payload.value()
    }
}

/// A call whose result is decoded: see [`Call::value`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct ValueCall<T> {
    call: CallFuture,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Future for ValueCall<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.call).poll(context).map(|result| Ok(result?.value()?))
    }
}
