//! The client of the application, in a handler.

use std::{convert::Infallible, ops::Deref, time::Duration};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};

use super::Deadline;
use crate::{Call, Client};

/// The [`Client`] in the state of the application, for one request: an extractor for handlers. The state is a client, or
/// has one that `axum::extract::FromRef` gives.
///
/// A call of it ends with the request: at the request's [`Deadline`], if it has one, and when the request is given up, for
/// axum drops the handler then, and a call that is dropped is canceled.
///
/// ```
/// use axum::extract::{FromRef, Path};
/// use wamp_tokio::{Client, axum::{Failure, Wamp}};
///
/// #[derive(Clone)]
/// struct App {
///     client: Client,
///     // and whatever else there is
/// }
///
/// impl FromRef<App> for Client {
///     fn from_ref(app: &App) -> Self {
///         app.client.clone()
///     }
/// }
///
/// async fn price(wamp: Wamp, Path(item): Path<String>) -> Result<String, Failure> {
///     Ok(wamp.call("com.example.price").args((item,)).value().await?)
/// }
/// # let _: axum::routing::MethodRouter<App> = axum::routing::get(price);
/// ```
#[derive(Clone, Debug)]
pub struct Wamp {
    client: Client,
    deadline: Option<Deadline>,
}

impl Wamp {
    /// A call, as [`Client::call`] makes it, that has as long as the request. A time limit that it is given after this
    /// replaces that.
    pub fn call(&self, procedure: &str) -> Call {
        let call = self.client.call(procedure);
        match self.deadline {
            // Without any time left, the shortest time limit that can be told to a router.
            Some(deadline) => call.timeout(deadline.remaining().max(Duration::from_millis(1))),
            None => call,
        }
    }

    /// When the request is to be answered, if anybody said so.
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }
}

impl Deref for Wamp {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl<S> FromRequestParts<S> for Wamp
where
    Client: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self { client: Client::from_ref(state), deadline: parts.extensions.get().copied() })
    }
}
