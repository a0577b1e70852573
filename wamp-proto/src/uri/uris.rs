//! The URIs that the protocol defines (S-100..S-131), as text.
//!
//! Other peers use further ones (S-133): send these, accept any.

macro_rules! uris {
    ($($(#[$doc:meta])* $name:ident = $uri:literal,)*) => {
        $($(#[$doc])* pub const $name: &str = $uri;)*

        /// All of this group.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

/// Reasons to close: `wamp.close.*`.
pub mod close {
    uris! {
        /// The peer shuts down: a reason of GOODBYE and ABORT (S-100).
        SYSTEM_SHUTDOWN = "wamp.close.system_shutdown",
        /// The peer leaves the realm: a reason of GOODBYE (S-101).
        CLOSE_REALM = "wamp.close.close_realm",
        /// The answer to a GOODBYE: the reason of the GOODBYE in reply (S-102).
        GOODBYE_AND_OUT = "wamp.close.goodbye_and_out",
        /// The router killed the session: a reason of GOODBYE and ABORT, the default of `wamp.session.kill*` (S-103).
        KILLED = "wamp.close.killed",
    }
}

/// Errors and reasons to abort: `wamp.error.*`.
pub mod error {
    uris! {
        /// The peer broke the protocol: a reason of ABORT (S-104).
        PROTOCOL_VIOLATION = "wamp.error.protocol_violation",
        /// A URI in a message is not valid there; also a bad reason given to `wamp.session.kill*` (S-105).
        INVALID_URI = "wamp.error.invalid_uri",
        /// A CALL to a procedure that nobody has registered (S-106).
        NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure",
        /// A REGISTER of a procedure that is registered already (S-107).
        PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists",
        /// An UNREGISTER or a meta lookup of a registration that is not there (S-108).
        NO_SUCH_REGISTRATION = "wamp.error.no_such_registration",
        /// An UNSUBSCRIBE or a meta lookup of a subscription that is not there (S-109).
        NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription",
        /// The callee does not accept the arguments, or the router's validation of the payload failed (S-110).
        INVALID_ARGUMENT = "wamp.error.invalid_argument",
        /// The dealer or the callee canceled the call (one `l`) (S-111).
        CANCELED = "wamp.error.canceled",
        /// The message is larger than a transport on its way can carry (S-112).
        PAYLOAD_SIZE_EXCEEDED = "wamp.error.payload_size_exceeded",
        /// The session may not join, call, register, publish or subscribe (S-113).
        NOT_AUTHORIZED = "wamp.error.not_authorized",
        /// The authorization itself failed, with no decision (S-114).
        AUTHORIZATION_FAILED = "wamp.error.authorization_failed",
        /// The realm does not exist, and the router does not create it (S-115).
        NO_SUCH_REALM = "wamp.error.no_such_realm",
        /// The role that authentication assigns does not exist (S-116).
        NO_SUCH_ROLE = "wamp.error.no_such_role",
        /// The router accepts none of the authentication methods on offer (S-117).
        NO_MATCHING_AUTH_METHOD = "wamp.error.no_matching_auth_method",
        /// The authid is unknown (S-118).
        NO_SUCH_PRINCIPAL = "wamp.error.no_such_principal",
        /// The credentials are wrong (S-119).
        AUTHENTICATION_DENIED = "wamp.error.authentication_denied",
        /// The authentication itself failed, with no decision: the router fails securely (S-120).
        AUTHENTICATION_FAILED = "wamp.error.authentication_failed",
        /// Something more than anonymous authentication is needed (S-121).
        AUTHENTICATION_REQUIRED = "wamp.error.authentication_required",
        /// The principal may not do this (S-122).
        AUTHORIZATION_DENIED = "wamp.error.authorization_denied",
        /// An authorization is needed and missing (S-123).
        AUTHORIZATION_REQUIRED = "wamp.error.authorization_required",
        /// The dealer or the callee ended a call that took too long (S-124).
        TIMEOUT = "wamp.error.timeout",
        /// The router does not allow an option (S-125).
        OPTION_NOT_ALLOWED = "wamp.error.option_not_allowed",
        /// The router does not allow the caller or publisher to ask for disclosure (S-126).
        OPTION_DISALLOWED_DISCLOSE_ME = "wamp.error.option_disallowed.disclose_me",
        /// The router met a failure of the network (S-127).
        NETWORK_FAILURE = "wamp.error.network_failure",
        /// The callee cannot take the call now and asks for another to get it (S-128).
        UNAVAILABLE = "wamp.error.unavailable",
        /// All callees are unavailable (S-129).
        NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee",
        /// The callee lacks a feature that the call uses (S-130).
        FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported",
        /// The meta API knows no such session (S-131).
        NO_SUCH_SESSION = "wamp.error.no_such_session",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::uri::{Uri, UriRule};

    #[test]
    fn s_100_to_s_131_are_strict_and_reserved() {
        for (group, uris) in [("wamp.close.", super::close::ALL), ("wamp.error.", super::error::ALL)] {
            for uri in uris {
                assert!(uri.starts_with(group), "{uri}");
                assert!(Uri::new(UriRule::Strict, uri).unwrap().is_reserved(), "{uri}");
            }
        }
        let all: BTreeSet<_> = super::close::ALL.iter().chain(super::error::ALL).collect();
        assert_eq!(all.len(), 32);
    }
}
