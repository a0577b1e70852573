//! Why a command ended, as an exit code and one line on stderr that says who is at fault.

use std::{fmt, process::ExitCode};

use wamp_tokio::{
    ConnectError, Error, StartError, TlsError,
    auth::AuthError,
    config::ConfigError,
    proto::{
        error::{Closed, Misuse, RemoteError},
        uri::uris,
    },
};

use crate::args::Cli;

/// The exit codes; `wamp --help` has the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// Not a failure: whoever read stdout has seen enough.
    Done = 0,
    /// This program went wrong.
    Internal = 1,
    /// The command line, a file that it names, or the configuration.
    Usage = 2,
    /// There is no router, or what is there is none.
    CannotConnect = 3,
    /// TLS failed, or the certificate of the router is not to be trusted.
    Tls = 4,
    /// The router refused the session, or did not prove who it is.
    Refused = 5,
    /// The session may not do that.
    NotAuthorized = 6,
    /// No answer in time, or the call was canceled.
    Timeout = 7,
    /// Nobody has registered the procedure.
    NoSuchProcedure = 8,
    /// The application at the other end answered with an error.
    Application = 9,
    /// Bytes or messages that break the protocol.
    Protocol = 10,
    /// The session ended while it was needed.
    Lost = 11,
    /// What was to be so is not: a limit of a benchmark, a case of `conform`, a signature.
    AssertionFailed = 12,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: Code,
    /// For people; nothing is printed when it is empty.
    pub(crate) message: String,
    /// What the other end answered, for programs.
    pub(crate) remote: Option<RemoteError>,
}

impl Failure {
    /// A failure with this code and message.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), remote: None }
    }

    /// The user's fault.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Code::Usage, message.to_string())
    }

    /// The answer of a router or a callee.
    fn remote(error: RemoteError) -> Self {
        let uri = error.error.as_str();
        let (code, who) = match uri {
            uris::error::NOT_AUTHORIZED
            | uris::error::AUTHORIZATION_DENIED
            | uris::error::AUTHORIZATION_FAILED
            | uris::error::AUTHORIZATION_REQUIRED => (Code::NotAuthorized, "the router does not allow it"),
            uris::error::TIMEOUT | uris::error::CANCELED => (Code::Timeout, "the call was given up"),
            uris::error::NO_SUCH_PROCEDURE => {
                (Code::NoSuchProcedure, "the router knows nobody who serves the procedure")
            }
            uris::error::INVALID_URI => (Code::Usage, "the router refuses the URI"),
            uris::error::PROTOCOL_VIOLATION => {
                (Code::Protocol, "the other end says that we broke the protocol")
            }
            uris::error::INVALID_ARGUMENT => {
                (Code::Application, "the procedure does not take these arguments")
            }
            RUNTIME_ERROR => (Code::Application, "the procedure failed"),
            uri if uri.starts_with("wamp.error.") => (Code::Application, "the request was refused"),
            _ => (Code::Application, "the application at the other end answered with an error"),
        };
        Self { code, message: format!("{who}: {error}"), remote: Some(error) }
    }

    fn closed(closed: &Closed) -> Self {
        let code = match closed {
            Closed::Violation(_) => Code::Protocol,
            Closed::Aborted { reason, .. } if reason == uris::error::PROTOCOL_VIOLATION => Code::Protocol,
            Closed::JoinTimeout | Closed::CloseTimeout => Code::Timeout,
            Closed::Authentication(AuthError::Unusable(_) | AuthError::Signer(_)) => Code::Usage,
            Closed::Authentication(_) => Code::Refused,
            _ => Code::Lost,
        };
        let message = match closed {
            Closed::ByPeer { reason, .. } | Closed::Aborted { reason, .. } => {
                format!("the router ended the session: {reason}{}", detail(closed))
            }
            Closed::Violation(violation) => format!("the router broke the protocol: {violation}"),
            closed => closed.to_string(),
        };
        Self::new(code, message)
    }

    /// The exit status for the operating system.
    pub(crate) fn status(&self) -> ExitCode {
        ExitCode::from(self.code as u8)
    }
}

/// The error of a command that failed; other implementations have the same URI.
pub(crate) const RUNTIME_ERROR: &str = "wamp.error.runtime_error";

/// What the router said when it closed, with a colon in front.
fn detail(closed: &Closed) -> String {
    match closed {
        Closed::ByPeer { message: Some(text), .. } | Closed::Aborted { message: Some(text), .. } => {
            format!(": {text}")
        }
        _ => String::new(),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Remote(error) => Self::remote(error),
            Error::Timeout => Self::new(
                Code::Timeout,
                "no answer within the time limit: the other end is too slow (see --timeout)",
            ),
            Error::Closed(closed) | Error::Lost(closed) => Self::closed(&closed),
            Error::Encode(error) => Self::usage(format!("the arguments cannot be sent: {error}")),
            Error::Decode(error) => Self::new(Code::Protocol, format!("the answer cannot be read: {error}")),
            Error::Misuse(Misuse::Uri(error)) => Self::usage(error),
            Error::Misuse(misuse @ Misuse::TooLarge { .. }) => Self::usage(misuse),
            error => Self::new(Code::Internal, error.to_string()),
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Environment { name, why } => match Cli::flag_of(name) {
                Some(flag) => Self::usage(format!("{flag}, or the environment variable {name}, {why}")),
                None => Self::usage(format!("the environment variable {name} {why}")),
            },
            ConnectError::Endpoint(_)
            | ConnectError::Realm(_)
            | ConnectError::Secret { .. }
            | ConnectError::Auth(_)
            | ConnectError::Tls { error: TlsError::Settings(_), .. } => Self::usage(error),
            ConnectError::Tls { .. } => Self::new(Code::Tls, error.to_string()),
            ConnectError::Join(Closed::Aborted { ref reason, .. })
                if reason != uris::error::PROTOCOL_VIOLATION =>
            {
                let ConnectError::Join(closed) = &error else { return Self::usage(error) };
                Self::new(
                    Code::Refused,
                    format!("the router refused the session: {reason}{}", detail(closed)),
                )
            }
            ConnectError::Join(closed) => Self::closed(&closed),
            ConnectError::Io { error: ref io, .. } if io.kind() == std::io::ErrorKind::ConnectionRefused => {
                let hint = "no router listens there (`wamp router run` starts one)";
                Self::new(Code::CannotConnect, format!("{error}: {hint}"))
            }
            error => Self::new(Code::CannotConnect, error.to_string()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match &error {
            StartError::Listen { error: io, .. } | StartError::Http { error: io, .. }
                if io.kind() == std::io::ErrorKind::AddrInUse =>
            {
                Self::usage(format!("{error}: something else uses the address, maybe another router"))
            }
            _ => Self::usage(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use wamp_tokio::proto::{Payload, Uri, error::Violation};

    use super::*;

    fn remote(uri: &str) -> Failure {
        Error::Remote(RemoteError::new(Uri::unchecked(uri), Payload::empty())).into()
    }

    #[test]
    fn answers_by_their_uri() {
        for (uri, code) in [
            ("wamp.error.not_authorized", Code::NotAuthorized),
            ("wamp.error.authorization_denied", Code::NotAuthorized),
            ("wamp.error.canceled", Code::Timeout),
            ("wamp.error.timeout", Code::Timeout),
            ("wamp.error.no_such_procedure", Code::NoSuchProcedure),
            ("wamp.error.invalid_argument", Code::Application),
            ("wamp.error.procedure_already_exists", Code::Application),
            ("com.example.error", Code::Application),
            ("wamp.error.invalid_uri", Code::Usage),
        ] {
            let failure = remote(uri);
            assert_eq!(failure.code, code, "{uri}");
            assert!(failure.message.contains(uri) && failure.remote.is_some());
        }
    }

    #[test]
    fn ends_of_sessions_by_their_fault() {
        let aborted = |reason: &str| Closed::Aborted {
            reason: Uri::unchecked(reason),
            message: Some("text".to_owned()),
            joined: false,
        };
        for (closed, joining, open) in [
            (aborted("wamp.error.no_such_realm"), Code::Refused, Code::Lost),
            (aborted("wamp.error.protocol_violation"), Code::Protocol, Code::Protocol),
            (Closed::Violation(Violation::EmptyList), Code::Protocol, Code::Protocol),
            (Closed::Lost("reset".to_owned()), Code::Lost, Code::Lost),
            (Closed::JoinTimeout, Code::Timeout, Code::Timeout),
        ] {
            assert_eq!(Failure::from(ConnectError::Join(closed.clone())).code, joining, "{closed}");
            assert_eq!(Failure::from(Error::Closed(closed.clone())).code, open, "{closed}");
        }
    }
}
