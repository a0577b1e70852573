//! The dealer of one realm: who offers which procedure, and the calls under way (R-01..R-25, R-80..R-91).

mod cancel;
mod invocations;
mod registrations;

use super::{
    Context,
    index::Index,
    link::{Links, Peer},
};
use crate::{
    id::{RegistrationId, RequestId, SequentialIds},
    map::{IdMap, Seeded},
    message::MessageKind,
    time::Instant,
    uri::{Match, Pattern, Uri, uris},
};

#[derive(Debug)]
pub(super) struct Dealer {
    ids: SequentialIds,
    registrations: IdMap<RegistrationId, Registration>,
    index: Index<RegistrationId>,
}

/// One registration and its callee.
#[derive(Debug)]
struct Registration {
    pattern: Pattern,
    callee: Peer,
}

impl Dealer {
    pub(super) fn new(hash: Seeded) -> Self {
        Self { ids: SequentialIds::default(), registrations: IdMap::default(), index: Index::new(hash) }
    }

    /// The number of registrations.
    pub(super) fn len(&self) -> usize {
        self.registrations.len()
    }

    /// A session has left: its registrations end, its callers are told, its calls are nobody's (R-07, R-20..R-25).
    pub(super) fn leave(&mut self, now: Instant, links: &mut Links, peer: Peer) {
        let Some(link) = links.get_mut(peer) else { return };
        let registrations = core::mem::take(&mut link.registrations);
        let calls = link.calls.drain().map(|(_, route)| route).collect::<Vec<_>>();
        let mut invocations = core::mem::take(&mut link.invocations).into_iter().collect::<Vec<_>>();
        // The order reaches no output here, but does below.
        for registration in registrations {
            #[cfg(feature = "planted-bugs")]
            if links.has(crate::router::Bug::RegistrationKept) {
                continue;
            }
            self.remove(registration);
        }
        invocations.sort_unstable_by_key(|(invocation, _)| *invocation);
        for (_, pending) in invocations {
            fail_call(now, links, pending.caller, pending.request);
        }
        self.abandon(now, links, calls);
    }
}

/// The callee is gone: the caller gets exactly one ERROR.
fn fail_call(now: Instant, links: &mut Links, caller: Peer, request: RequestId) {
    let Some(link) = links.get_mut(caller) else { return };
    if link.calls.remove(&request).is_none() {
        return;
    }
    links.refuse(now, caller, MessageKind::Call, request, uris::error::CANCELED, "the callee has left");
}

impl Context<'_> {
    /// A URI where no pattern may stand (I-25): PUBLISH.Topic, CALL.Procedure. The error is a text for people.
    pub(super) fn check_uri(&self, uri: &Uri) -> Result<(), String> {
        self.check_length(uri)?;
        self.config.uri_rule.check(uri).map_err(|error| error.to_string())
    }

    /// A topic to publish to: not a reserved one (I-30, I-31).
    pub(super) fn check_topic(&self, topic: &Uri) -> Result<(), String> {
        self.check_uri(topic)?;
        if topic.is_reserved() { Err(RESERVED.to_owned()) } else { Ok(()) }
    }

    /// What may be subscribed to or, unless it is reserved, registered.
    pub(super) fn check_pattern(&self, uri: Uri, kind: Match) -> Result<Pattern, String> {
        self.check_length(&uri)?;
        Pattern::new(self.config.uri_rule, kind, &uri).map_err(|error| error.to_string())
    }

    fn check_length(&self, uri: &Uri) -> Result<(), String> {
        let limit = self.config.limits.uri_length;
        if uri.len() > limit { Err(format!("the URI is longer than {limit} bytes")) } else { Ok(()) }
    }
}

const RESERVED: &str = "URIs whose first component is `wamp` are reserved";
