//! What a session tells the application.

use crate::{
    error::{Closed, RemoteError},
    id::{PublicationId, RegistrationId, RequestId, SubscriptionId},
    message::{self, CancelMode, InvocationDetails, ResultDetails},
    payload::Payload,
};

/// Something that the application should know, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The session is open.
    Joined(Box<message::Welcome>),
    /// The router asks for proof; answer with [`authenticate`](super::Session::authenticate).
    Challenge(Box<message::Challenge>),
    /// A result of a call; the last one unless `details.progress`.
    Result {
        /// The call.
        request: RequestId,
        /// About the result.
        details: ResultDetails,
        /// The result.
        payload: Payload,
    },
    /// An acknowledged publication was accepted.
    Published {
        /// The publication request.
        request: RequestId,
        /// The publication.
        publication: PublicationId,
    },
    /// A subscription is active.
    Subscribed {
        /// The subscription request.
        request: RequestId,
        /// The subscription.
        subscription: SubscriptionId,
    },
    /// A subscription has ended as asked.
    Unsubscribed {
        /// The request.
        request: RequestId,
    },
    /// A subscription was revoked by the router (P-60).
    SubscriptionRevoked {
        /// The subscription.
        subscription: SubscriptionId,
        /// Why, if the router said so.
        reason: Option<String>,
    },
    /// A registration is active.
    Registered {
        /// The registration request.
        request: RequestId,
        /// The registration.
        registration: RegistrationId,
    },
    /// A registration has ended as asked.
    Unregistered {
        /// The request.
        request: RequestId,
    },
    /// A registration was revoked by the router.
    RegistrationRevoked {
        /// The registration.
        registration: RegistrationId,
        /// Why, if the router said so.
        reason: Option<String>,
    },
    /// A request failed; it is finished.
    Failed {
        /// The request.
        request: RequestId,
        /// Why.
        failure: Failure,
    },
    /// An event of a subscription.
    Event(Box<message::Event>),
    /// A call of one of our procedures; answer with [`reply`](super::Session::reply).
    Invocation {
        /// The invocation.
        request: RequestId,
        /// The registration that was called.
        registration: RegistrationId,
        /// About the call.
        details: Box<InvocationDetails>,
        /// The arguments.
        payload: Payload,
    },
    /// A further part of the arguments of an open invocation: the first came with [`Event::Invocation`] and
    /// `details.progress`, the last comes without it.
    InvocationProgress {
        /// The invocation.
        request: RequestId,
        /// About the call, as in the first part but for `progress`.
        details: Box<InvocationDetails>,
        /// The part.
        payload: Payload,
    },
    /// The time that the caller gave an open invocation is over; it was answered with `wamp.error.timeout`.
    InvocationTimedOut {
        /// The invocation.
        request: RequestId,
    },
    /// The caller of an open invocation gave up.
    Interrupted {
        /// The invocation.
        request: RequestId,
        /// How the call was canceled.
        mode: Option<CancelMode>,
    },
    /// The session is over; every request that was waiting has failed (S-65). The last event.
    Closed(Closed),
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The application or the router at the other end said no.
    #[error(transparent)]
    Remote(RemoteError),
    /// No answer came in time.
    #[error("no answer within the time limit")]
    Timeout,
}
