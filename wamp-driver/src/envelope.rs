//! Results in the envelopes of other implementations.

use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use wamp_proto::{DecodeError, Payload, Uri, Value};

use crate::{CallResult, ErrorReply, Invocation, Occasion as _, handler::DynHandler};

/// A form of results that callers of another implementation expect: see [`Register::envelope`](crate::Register::envelope).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Envelope {
    /// wampy's: the result as the positional one, and as `message` of the keyword results beside `meta`, which says who
    /// answered.
    Wampy,
}

/// A result, in wampy's envelope or without one: see [`CallResult::enveloped`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Enveloped<T> {
    /// The result.
    pub message: T,
    /// Who answered, if there was an envelope.
    pub meta: Option<WampyMeta>,
}

/// What wampy's envelope says about a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WampyMeta {
    /// The procedure that was called.
    pub procedure_name: String,
    /// The session that answered.
    pub session_id: u64,
}

#[derive(Serialize)]
struct Wampy<'a> {
    message: &'a Value,
    meta: WampyMeta,
}

impl CallResult {
    /// The result as one value, whether it is in wampy's envelope or not.
    ///
    /// ```
    /// # async fn example(client: wamp_driver::Client) -> Result<(), wamp_driver::Error> {
    /// let date: String = client.call("get_todays_date").await?.enveloped()?.message;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When it is of another type.
    pub fn enveloped<T: DeserializeOwned>(&self) -> Result<Enveloped<T>, DecodeError> {
        match self.payload.kwarg::<Option<WampyMeta>>("meta") {
            Ok(Some(meta)) => Ok(Enveloped { message: self.payload.kwarg("message")?, meta: Some(meta) }),
            _ => Ok(Enveloped { message: self.payload.value()?, meta: None }),
        }
    }
}

impl Envelope {
    /// A handler whose results are in this envelope; progressive ones are not.
    pub(crate) fn around(self, procedure: Uri, handler: Arc<DynHandler>) -> Arc<DynHandler> {
        Arc::new(move |invocation: Invocation| {
            let procedure = invocation.details.procedure.clone().unwrap_or_else(|| procedure.clone());
            let (encoding, client) = (invocation.encoding(), invocation.client());
            let result = handler(invocation);
            Box::pin(async move {
                let Self::Wampy = self;
                let message: Value = result.await?.value().map_err(ErrorReply::runtime)?;
                let session_id = client.map_or(0, |client| client.session().get());
                let meta = WampyMeta { procedure_name: procedure.to_string(), session_id };
                Ok(Payload::new(encoding, &[&message], &Wampy { message: &message, meta })?)
            })
        })
    }
}
