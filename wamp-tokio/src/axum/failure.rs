//! What a failed request of WAMP is over HTTP.

use std::fmt;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{Error, proto::uri::uris::error as uris};

/// An [`Error`] as the answer of a handler: `?` makes it of one.
///
/// The status is 404 where nobody offers the procedure, 403 where it is not allowed, 504 where the time was over, 503
/// where there is no session or no callee has time, 500 where the application has made a request that cannot be sent, and
/// 502 for everything else that the other end answered. The body is the URI of the error alone: its arguments and texts may
/// be nobody's business. Layers that log find the failure in the extensions of the response.
///
/// ```
/// use axum::{http::StatusCode, response::{IntoResponse, Response}};
/// use wamp_tokio::{axum::{Failure, Wamp}, WampError};
///
/// #[derive(Debug, WampError)]
/// enum Shop {
///     #[error_uri("com.example.error.sold_out")]
///     SoldOut,
/// }
///
/// // An error that the application knows is whatever the application says.
/// async fn buy(wamp: Wamp) -> Result<Response, Failure> {
///     match wamp.call("com.example.buy").await {
///         Ok(_) => Ok("it is yours".into_response()),
///         Err(error) => match error.decode::<Shop>() {
///             Some(Shop::SoldOut) => Ok((StatusCode::CONFLICT, "sold out").into_response()),
///             None => Err(error.into()),
///         },
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Failure(pub Error);

impl Failure {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match &self.0 {
            Error::Remote(remote) => of_remote(remote.error.as_str()),
            Error::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Error::Closed(_) | Error::Disconnected => StatusCode::SERVICE_UNAVAILABLE,
            Error::Encode(_) | Error::Cipher(_) | Error::Misuse(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_GATEWAY,
        }
    }

    /// The URI of the error, or the one that says it best where nobody has answered.
    fn uri(&self) -> &str {
        match &self.0 {
            Error::Remote(remote) => remote.error.as_str(),
            Error::Timeout => uris::TIMEOUT,
            Error::Closed(_) | Error::Lost(_) | Error::Disconnected => uris::NETWORK_FAILURE,
            Error::Canceled => uris::CANCELED,
            _ => RUNTIME_ERROR,
        }
    }
}

/// What peers say when they have no better URI.
const RUNTIME_ERROR: &str = "wamp.error.runtime_error";

fn of_remote(uri: &str) -> StatusCode {
    match uri {
        uris::NO_SUCH_PROCEDURE => StatusCode::NOT_FOUND,
        uris::NOT_AUTHORIZED => StatusCode::FORBIDDEN,
        uris::TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
        uris::UNAVAILABLE | uris::NO_AVAILABLE_CALLEE => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status(), format!("{}\n", self.uri())).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
