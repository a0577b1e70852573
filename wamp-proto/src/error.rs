//! Errors by blame: [`Violation`] is the peer's fault, [`Misuse`] the caller's of this library, [`RemoteError`] comes
//! from the application at the other end, and [`Closed`] says why a session ended.

use core::fmt;

use crate::{
    auth::AuthError,
    codec::{DecodeError, EncodeError},
    id::{RegistrationId, RequestId, SubscriptionId},
    message::{Feature, MessageKind, PayloadAttributes, Role},
    payload::Payload,
    reconnect::Kind,
    uri::{InvalidUri, Uri, uris},
};

/// The peer broke the protocol. The session is over: ABORT goes out and the transport is dropped (S-40..S-42).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The frame is not one well-formed list within the limits (M-18, S-50).
    #[error("cannot decode: {0}")]
    Decode(#[from] DecodeError),
    /// The list has no elements (M-01).
    #[error("a message needs at least a code, the list is empty")]
    EmptyList,
    /// Element 0 is not a non-negative integer (M-01).
    #[error("element 0 must be the message code, an integer")]
    NoCode,
    /// No message has this code (M-14, M-15).
    #[error("there is no message with code {0}")]
    UnknownCode(u64),
    /// Too few or too many elements (M-05, S-49).
    #[error("{message} must have {} elements, found {found}", Elements(*message))]
    Arity {
        /// The message.
        message: MessageKind,
        /// Its number of elements, the code included.
        found: usize,
    },
    /// An element of the wrong type (M-05, S-49).
    #[error("{message}: element {index} must be {expected}")]
    Element {
        /// The message.
        message: MessageKind,
        /// The element; the code is 0.
        index: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// A known attribute of the wrong type (M-118).
    #[error("{message}: attribute `{attribute}` must be {expected}")]
    Attribute {
        /// The message.
        message: MessageKind,
        /// The key in its Options, Details or Extra.
        attribute: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The message may not come in this state, or never from this side (M-48, S-29..S-39).
    #[error("{message} must not be sent {state}")]
    Unexpected {
        /// The message.
        message: MessageKind,
        /// When or by whom.
        state: &'static str,
    },
    /// `REQUEST.Type` of an ERROR is not one that may be answered so (M-45, M-46, S-46).
    #[error("ERROR must name the type of a request that can fail, not {0}")]
    ErrorType(u64),
    /// A request id out of sequence, when the router insists on it (I-09, S-48).
    #[error("{message}: request ids must follow each other, expected {expected}, found {found}")]
    RequestId {
        /// The message.
        message: MessageKind,
        /// The next id in sequence.
        expected: u64,
        /// The id that came.
        found: u64,
    },
    /// A new request under the id of one that is not finished.
    #[error("{message} reuses the id {request} of a request that is not finished")]
    RequestInUse {
        /// The message.
        message: MessageKind,
        /// The id.
        request: RequestId,
    },
    /// An answer to a request that was never made (S-47, S-53, S-55).
    #[error("{message} answers request {request}, which was never made")]
    UnknownRequest {
        /// The message.
        message: MessageKind,
        /// The request it names.
        request: RequestId,
    },
    /// A message of a role that the peer did not announce (M-49).
    #[error("{message} needs the role {}, which was not announced", role.name())]
    RoleNotAnnounced {
        /// The message.
        message: MessageKind,
        /// The role it belongs to.
        role: Role,
    },
    /// The message uses a feature that this side did not announce, where that is not to be ignored (R-31, E-04).
    #[error("{message} uses the feature `{}`, which was not announced", feature.key())]
    FeatureNotAnnounced {
        /// The message.
        message: MessageKind,
        /// The feature.
        feature: Feature,
    },
    /// The router demands an authentication method that was not offered.
    #[error("CHALLENGE demands the authentication method `{authmethod}`, which was not offered")]
    MethodNotOffered {
        /// The method.
        authmethod: String,
    },
    /// The opening announces no role that the other side can use (S-06, S-07).
    #[error("{message} must announce at least one role")]
    NoRoles {
        /// HELLO or WELCOME.
        message: MessageKind,
    },
}

/// "3" or "3 to 5", for people.
struct Elements(MessageKind);

impl fmt::Display for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = self.0.elements();
        if range.start() == range.end() {
            write!(f, "{}", range.start())
        } else {
            write!(f, "{} to {}", range.start(), range.end())
        }
    }
}

impl Violation {
    /// The reason of the ABORT that answers it (S-40).
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoRoles { .. } => uris::error::NO_SUCH_ROLE,
            _ => uris::error::PROTOCOL_VIOLATION,
        }
    }
}

/// The caller of this library asked for what cannot be done now. Nothing was sent and nothing has changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// The session has not joined yet.
    #[error("the session has not joined a realm yet")]
    NotJoined,
    /// No CHALLENGE waits for an answer.
    #[error("no challenge waits for an answer")]
    NoChallenge,
    /// The session is closing or closed.
    #[error("the session is closed: {0}")]
    Closed(Closed),
    /// The URI is not valid where it is used (I-22, I-25).
    #[error(transparent)]
    Uri(#[from] InvalidUri),
    /// The session was configured without this role.
    #[error("the session does not have the role {}", .0.name())]
    Role(Role),
    /// The router, or this session itself, does not announce a feature without which the request would do harm (F-42).
    #[error("the session and its router do not both support {}", .0.key())]
    Feature(Feature),
    /// The payload cannot be serialized for this session.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The message would exceed what the peer accepts (W-73, W-77).
    #[error("the message has {size} bytes, the peer accepts {limit}")]
    TooLarge {
        /// Size of the serialized message.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Too many requests are waiting for an answer.
    #[error("{0} requests are waiting for an answer already")]
    TooManyRequests(usize),
    /// The outbound queue is full: the peer does not read as fast as we write.
    #[error("the outbound queue is full, the peer does not keep up")]
    QueueFull,
    /// The session has no such subscription.
    #[error("subscription {0} is not active")]
    NoSuchSubscription(SubscriptionId),
    /// The session has no such registration.
    #[error("registration {0} is not active")]
    NoSuchRegistration(RegistrationId),
    /// The invocation was answered already, or never came.
    #[error("invocation {0} is not open")]
    NoSuchInvocation(RequestId),
    /// The caller of this invocation takes no progressive results.
    #[error("the caller of invocation {0} takes no progressive results")]
    NoProgress(RequestId),
    /// The call is finished, or was never made.
    #[error("call {0} is not open")]
    NoSuchCall(RequestId),
    /// The call is not progressive, or its last part was sent already.
    #[error("call {0} takes no further arguments")]
    CallComplete(RequestId),
}

/// An ERROR from the application, or the router, at the other end.
#[derive(Clone, PartialEq)]
pub struct RemoteError {
    /// The error.
    pub error: Uri,
    /// What it says, still serialized.
    pub payload: Payload,
    /// What the payload is wrapped in, if it is: payload passthru mode (E-08).
    pub wrapping: Option<Box<PayloadAttributes>>,
}

impl RemoteError {
    /// An error whose payload is not wrapped.
    pub fn new(error: Uri, payload: Payload) -> Self {
        Self { error, payload, wrapping: None }
    }

    /// A text for people: the first positional argument if it is one, or `message` of the keyword arguments.
    pub fn message(&self) -> Option<String> {
        if let Some(text) = self.payload.list().ok().and_then(|args| Some(args.first()?.as_str()?.to_owned()))
        {
            return Some(text);
        }
        Some(self.payload.dict().ok()?.get("message")?.as_str()?.to_owned())
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => write!(f, "{}: {message}", self.error),
            None => self.error.fmt(f),
        }
    }
}

impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteError({} {:?})", self.error, self.payload)
    }
}

impl core::error::Error for RemoteError {}

/// Why a session ended. Latched: once closed, a session stays closed for the same reason.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// We said GOODBYE, and the peer answered.
    #[error("closed by us")]
    ByUs,
    /// The peer said GOODBYE.
    #[error("closed by the peer: {reason}{}", Suffix(message.as_deref()))]
    ByPeer {
        /// Why.
        reason: Uri,
        /// A text for people.
        message: Option<String>,
    },
    /// The peer sent ABORT; before the session was open, the join was refused.
    #[error("aborted by the peer: {reason}{}", Suffix(message.as_deref()))]
    Aborted {
        /// Why.
        reason: Uri,
        /// A text for people.
        message: Option<String>,
        /// Whether the session had been opened before.
        joined: bool,
    },
    /// We sent ABORT: a router that does not let somebody in, or bears a session no longer.
    #[error("refused by us: {reason}{}", Suffix(message.as_deref()))]
    Refused {
        /// Why, as the peer was told.
        reason: Uri,
        /// A text for people.
        message: Option<String>,
    },
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Violation(#[from] Violation),
    /// The transport ended without a word.
    #[error("the connection was lost{}", Suffix(Some(.0)))]
    Lost(String),
    /// No connection could be made. For clients that reconnect: why the last attempt failed.
    #[error("{why}")]
    NotConnected {
        /// What kind of failure it was.
        kind: Kind,
        /// A text for people.
        why: String,
    },
    /// HELLO cannot be serialized: what the application put into it is at fault.
    #[error("HELLO cannot be sent: {0}")]
    Unsendable(EncodeError),
    /// We do not go on with the authentication that the router wants.
    #[error("authentication failed: {0}")]
    Authentication(#[from] AuthError),
    /// The client did not prove who it is in time.
    #[error("the client was not authenticated in time")]
    AuthTimeout,
    /// The router did not answer HELLO in time.
    #[error("the router did not open the session in time")]
    JoinTimeout,
    /// The peer did not answer GOODBYE in time (S-69).
    #[error("the peer did not answer GOODBYE in time")]
    CloseTimeout,
    /// The peer did not read what was queued for it.
    #[error("the peer does not read")]
    Overrun,
}

impl Closed {
    /// With what the peer may have written cut to a length that a log can bear.
    #[cfg(feature = "router")]
    pub(crate) fn shortened(self) -> Self {
        match self {
            Self::ByPeer { reason, message } => {
                Self::ByPeer { reason: short_uri(reason), message: message.map(short) }
            }
            Self::Aborted { reason, message, joined } => {
                Self::Aborted { reason: short_uri(reason), message: message.map(short), joined }
            }
            Self::Refused { reason, message } => {
                Self::Refused { reason: short_uri(reason), message: message.map(short) }
            }
            Self::Violation(Violation::Attribute { message, attribute, expected }) => {
                Self::Violation(Violation::Attribute { message, attribute: short(attribute), expected })
            }
            other => other,
        }
    }
}

/// Longest text of a peer that is kept for people, in characters.
#[cfg(feature = "router")]
const MAX_TEXT: usize = 200;

#[cfg(feature = "router")]
fn short(text: String) -> String {
    if text.len() <= MAX_TEXT { text } else { text.chars().take(MAX_TEXT).collect() }
}

#[cfg(feature = "router")]
fn short_uri(uri: Uri) -> Uri {
    if uri.len() <= MAX_TEXT { uri } else { Uri::unchecked(uri.chars().take(MAX_TEXT).collect::<String>()) }
}

/// ": text" when there is a text.
struct Suffix<'a>(Option<&'a str>);

impl fmt::Display for Suffix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(text) if !text.is_empty() => write!(f, ": {text}"),
            _ => Ok(()),
        }
    }
}
