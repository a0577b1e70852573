//! What is logged about the connections of a router.

use tracing::{Span, field};
use wamp_proto::{
    Channel,
    error::Closed,
    id::SessionId,
    router::{ConnectionId, Event},
};

/// The span of a connection; who is at its other end is recorded once that is known.
pub(super) fn span(channel: &Channel) -> Span {
    let (listener, peer) = (channel.listener.as_deref(), channel.peer.as_deref());
    tracing::info_span!(
        "connection",
        listener,
        peer,
        session = field::Empty,
        realm = field::Empty,
        authid = field::Empty
    )
}

/// Which connection an event is about.
pub(super) fn connection(event: &Event) -> Option<ConnectionId> {
    match event {
        Event::Joined { connection, .. }
        | Event::Denied { connection, .. }
        | Event::Left { connection, .. }
        | Event::NotAuthorized { connection, .. }
        | Event::Tapped { connection, .. }
        | Event::Limited { connection, .. } => Some(*connection),
        _ => None,
    }
}

pub(super) fn log(span: &Span, event: Event) {
    match event {
        Event::Joined { session, realm, authid, .. } => {
            span.record("session", session.get()).record("realm", realm.as_str()).record("authid", &*authid);
            tracing::debug!(%session, %realm, authid, "session joined");
        }
        Event::Denied { realm, authid, method, peer, .. } => {
            tracing::warn!(%realm, authid, method = method.name(), peer, "authentication denied");
        }
        Event::Left { session, why: why @ Closed::Violation(_), .. } => {
            let session = session.map(SessionId::get);
            tracing::warn!(session, %why, "connection closed");
        }
        Event::Left { session: Some(session), why, .. } => tracing::debug!(%session, %why, "session left"),
        Event::Left { session: None, why, .. } => {
            tracing::info!(%why, "connection ended before it became a session");
        }
        Event::NotAuthorized { session, authid, denial, .. } => {
            // What peers choose is escaped: it is recorded as text.
            let (right, uri) = (denial.right.as_str(), denial.subject.uri().as_str());
            tracing::info!(%session, authid, right, uri, ruling = ?denial.ruling, "denied");
        }
        Event::Tapped { session, authid, tapped, payload, .. } => {
            tracing::warn!(%session, authid, %tapped, payload, "a session's messages are shown to another");
        }
        Event::Limited { session, authid, limit, .. } => {
            let session = session.map(SessionId::get);
            tracing::warn!(session, authid, setting = limit.setting(), "limit reached");
        }
        _ => {}
    }
}
