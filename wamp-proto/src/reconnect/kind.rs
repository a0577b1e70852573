//! What went wrong, as far as it matters to whether it may go well next time.

use super::Verdict;
use crate::{
    error::Closed,
    uri::{Uri, uris},
};

/// Why there is no session. By default those that time may heal are worth another attempt, and those that only a person can
/// are not: above all, a refused login is never tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// No network connection could be made. Tried again.
    Unreachable,
    /// The router did not answer in time. Tried again.
    Timeout,
    /// The handshake of the transport failed: something else than a router may have answered for it, such as a proxy whose
    /// router is not up. Tried again.
    Handshake,
    /// The router's certificate is not trusted, or ours is not. Not tried again.
    Tls,
    /// The router refused the login: wrong or missing credentials, nobody it knows, or a reason of its own. Or we do not go on
    /// with it: the router has not proven who it is, say. Not tried again.
    Refused,
    /// The router has no such realm. Tried again only if there was a session before: the realm was there then, and a router
    /// that starts may open its realms one by one; else the name is wrong.
    NoSuchRealm,
    /// The router cannot take the session at the moment: it shuts down, or says that it is unavailable. Tried again.
    Unavailable,
    /// The router ended the session, whatever the reason: if it should be a matter of credentials, the next login tells.
    /// Tried again.
    Dismissed,
    /// The connection was lost. Tried again.
    Lost,
    /// Either side broke the protocol. Not tried again.
    Violation,
    /// The client cannot be what it was configured to be: a bad URL or realm, a secret that is not there, a HELLO that cannot
    /// be sent. Not tried again.
    Misuse,
}

/// Reasons to refuse a session that pass.
const TRANSIENT: [&str; 7] = [
    uris::close::SYSTEM_SHUTDOWN,
    uris::close::CLOSE_REALM,
    uris::close::GOODBYE_AND_OUT,
    uris::error::TIMEOUT,
    uris::error::NETWORK_FAILURE,
    uris::error::UNAVAILABLE,
    uris::error::NO_AVAILABLE_CALLEE,
];

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Unreachable,
        Self::Timeout,
        Self::Handshake,
        Self::Tls,
        Self::Refused,
        Self::NoSuchRealm,
        Self::Unavailable,
        Self::Dismissed,
        Self::Lost,
        Self::Violation,
        Self::Misuse,
    ];

    /// Why a session ended, or did not begin.
    pub fn of(closed: &Closed) -> Self {
        match closed {
            Closed::ByUs | Closed::Refused { .. } | Closed::Unsendable(_) => Self::Misuse,
            Closed::ByPeer { .. } => Self::Dismissed,
            Closed::Aborted { reason, joined, .. } => Self::of_abort(reason, *joined),
            Closed::Violation(_) => Self::Violation,
            Closed::NotConnected { kind, .. } => *kind,
            Closed::JoinTimeout | Closed::AuthTimeout => Self::Timeout,
            Closed::Authentication(_) => Self::Refused,
            Closed::Lost(_) | Closed::CloseTimeout | Closed::Overrun => Self::Lost,
        }
    }

    fn of_abort(reason: &Uri, joined: bool) -> Self {
        match reason.as_str() {
            uris::error::PROTOCOL_VIOLATION => Self::Violation,
            _ if joined => Self::Dismissed,
            uris::error::NO_SUCH_REALM => Self::NoSuchRealm,
            reason if TRANSIENT.contains(&reason) => Self::Unavailable,
            _ => Self::Refused,
        }
    }

    pub(super) fn verdict(self, known: bool) -> Verdict {
        match self {
            Self::Unreachable
            | Self::Timeout
            | Self::Handshake
            | Self::Unavailable
            | Self::Dismissed
            | Self::Lost => Verdict::Retry,
            Self::NoSuchRealm if known => Verdict::Retry,
            Self::NoSuchRealm | Self::Tls | Self::Refused | Self::Violation | Self::Misuse => Verdict::Stop,
        }
    }
}

/// Whether a registration or subscription that a new session was refused may be granted later.
///
/// Our own last session may still hold the procedure; the router may be busy after its start; and the peer that decides what
/// is allowed may not be back itself.
pub fn may_be_restored(error: &Uri) -> bool {
    const LATER: [&str; 6] = [
        uris::error::PROCEDURE_ALREADY_EXISTS,
        uris::error::AUTHORIZATION_FAILED,
        uris::error::TIMEOUT,
        uris::error::NETWORK_FAILURE,
        uris::error::UNAVAILABLE,
        uris::error::NO_AVAILABLE_CALLEE,
    ];
    LATER.contains(&error.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Violation;

    fn aborted(reason: &str, joined: bool) -> Kind {
        Kind::of(&Closed::Aborted { reason: Uri::unchecked(reason), message: None, joined })
    }

    #[test]
    fn a_refused_login_is_told_from_a_router_that_is_not_ready() {
        for reason in uris::error::ALL.iter().filter(|uri| uri.starts_with("wamp.error.auth")) {
            assert_eq!(aborted(reason, false), Kind::Refused, "{reason}");
            assert_eq!(aborted(reason, true), Kind::Dismissed, "{reason}");
        }
        for reason in ["wamp.error.no_such_principal", "wamp.error.not_authorized", "com.example.banned"] {
            assert_eq!(aborted(reason, false), Kind::Refused, "{reason}");
        }
        assert_eq!(aborted("wamp.error.no_such_realm", false), Kind::NoSuchRealm);
        assert_eq!(aborted("wamp.close.system_shutdown", false), Kind::Unavailable);
        for joined in [false, true] {
            assert_eq!(aborted("wamp.error.protocol_violation", joined), Kind::Violation);
        }
        assert_eq!(Kind::of(&Closed::Violation(Violation::EmptyList)), Kind::Violation);
        let killed = Closed::ByPeer { reason: Uri::unchecked("wamp.close.killed"), message: None };
        assert_eq!(Kind::of(&killed), Kind::Dismissed);
    }

    #[test]
    fn what_time_may_heal_is_tried_again() {
        let again = Kind::ALL.into_iter().filter(|kind| kind.verdict(false) == Verdict::Retry);
        let healing = [
            Kind::Unreachable,
            Kind::Timeout,
            Kind::Handshake,
            Kind::Unavailable,
            Kind::Dismissed,
            Kind::Lost,
        ];
        assert!(again.eq(healing));
        assert_eq!(Kind::NoSuchRealm.verdict(true), Verdict::Retry);
    }
}
