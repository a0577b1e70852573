//! Typed progressive results.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    BoxFuture, Call, Error, ErrorReply, Extract, Extraction, Invocation, ProgressFuture, extract::Special,
};

/// Where the progressive results of a procedure go, as an argument of its handler:
///
/// ```
/// use wamp_driver::Progress;
///
/// # fn example(client: wamp_driver::Client) {
/// let _ = client.register("com.example.import", |file: String, progress: Progress<u8>| async move {
///     for percent in [0, 50] {
///         progress.send(percent).await?;
///     }
///     Ok(format!("{file} is imported"))
/// });
/// # }
/// ```
///
/// What is sent to a caller that takes no progressive results goes nowhere.
///
/// At the other end a `Progress` that was made by [`to`](Self::to) takes the results of a call:
/// see [`Call::reporting`](crate::Call::reporting).
pub struct Progress<T> {
    to: To<T>,
    results: PhantomData<fn(T)>,
}

enum To<T> {
    Caller(Box<Invocation>),
    Here(Arc<dyn Fn(T) + Send + Sync>),
    Nobody,
}

impl<T> Progress<T> {
    /// Hands every result to a function.
    pub fn to(take: impl Fn(T) + Send + Sync + 'static) -> Self {
        Self::new(To::Here(Arc::new(take)))
    }

    /// For those who do not care.
    pub fn nobody() -> Self {
        Self::new(To::Nobody)
    }

    /// Whether anybody wants the results: one that is costly to make can be spared then.
    pub fn is_wanted(&self) -> bool {
        !matches!(self.to, To::Nobody)
    }

    fn new(to: To<T>) -> Self {
        Self { to, results: PhantomData }
    }
}

impl<T: Serialize> Progress<T> {
    /// Sends a result, as soon as there is room.
    ///
    /// The future fails when the caller has given up.
    pub fn send(&self, result: T) -> ProgressFuture {
        match &self.to {
            To::Caller(invocation) => invocation.progress((result,)),
            To::Here(take) => {
                take(result);
                ProgressFuture::sent()
            }
            To::Nobody => ProgressFuture::sent(),
        }
    }
}

impl<T, S> Extract<Invocation, Special, S> for Progress<T> {
    fn extract(from: &mut Extraction<'_, Invocation>, _: &S) -> Result<Self, ErrorReply> {
        let invocation = from.occasion();
        Ok(match invocation.receives_progress() {
            true => Self::new(To::Caller(Box::new(invocation.clone()))),
            false => Self::nobody(),
        })
    }
}

impl<T> Clone for Progress<T> {
    fn clone(&self) -> Self {
        Self::new(match &self.to {
            To::Caller(invocation) => To::Caller(invocation.clone()),
            To::Here(take) => To::Here(take.clone()),
            To::Nobody => To::Nobody,
        })
    }
}

impl<T> fmt::Debug for Progress<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("wanted", &self.is_wanted()).finish()
    }
}

impl Call {
    /// Hands progressive results, if the callee has any (R-50), to a [`Progress`], and gives the last result as one typed
    /// value. A `Progress` that a handler was given passes them on to its own caller.
    ///
    /// ```
    /// use wamp_driver::Progress;
    ///
    /// # async fn example(client: wamp_driver::Client) -> Result<(), wamp_driver::Error> {
    /// let show = Progress::to(|percent: u8| println!("{percent} %"));
    /// let rows: u64 = client.call("com.example.import").args(("file",)).reporting(show).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reporting<P, T>(self, progress: Progress<P>) -> ReportingCall<T>
    where
        P: Serialize + DeserializeOwned + Send + 'static,
        T: DeserializeOwned,
    {
        ReportingCall(Box::pin(async move {
            if !progress.is_wanted() {
                return self.value().await;
            }
            let mut results = self.progressive().await?;
            while let Some(result) = results.next().await {
                let result = result?;
                if !result.details.progress {
                    return Ok(result.value()?);
                }
                progress.send(result.value()?).await?;
            }
            Err(Error::Canceled)
        }))
    }
}

/// A call whose progressive results go elsewhere: see [`Call::reporting`].
#[must_use = "a call does nothing until it is awaited"]
pub struct ReportingCall<T>(BoxFuture<Result<T, Error>>);

impl<T> Future for ReportingCall<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<T> fmt::Debug for ReportingCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportingCall").finish_non_exhaustive()
    }
}
