//! The dealer of one realm: who offers which procedure, and the calls under way (R-01..R-148).

mod answers;
mod cancel;
mod details;
mod invocations;
mod ongoing;
mod policy;
mod progress;
mod registrations;
mod timeouts;
mod waiting;

use super::{Context, index::Index};
use crate::{
    error::Violation,
    id::{RandomIds, RegistrationId, RequestId, SequentialIds},
    map::{IdMap, Seeded},
    message::MessageKind,
    uri::{Pattern, Uri, uris},
};
pub(super) use ongoing::{LateParts, Ongoing, Origin};
pub(super) use policy::Registration;

#[derive(Debug)]
pub(super) struct Dealer {
    ids: SequentialIds,
    /// For the policy `random`.
    random: RandomIds,
    registrations: IdMap<RegistrationId, Registration>,
    index: Index<RegistrationId>,
}

/// Why a request is answered with ERROR: the URI, and a text for people.
type Refusal = (&'static str, String);

impl Dealer {
    pub(super) fn new(hash: Seeded, seed: [u8; 32]) -> Self {
        Self {
            ids: SequentialIds::default(),
            random: RandomIds::new(seed),
            registrations: IdMap::default(),
            index: Index::new(hash),
        }
    }

    /// The number of registrations.
    pub(super) fn len(&self) -> usize {
        self.registrations.len()
    }

    pub(super) fn get(&self, id: RegistrationId) -> Option<&Registration> {
        self.registrations.get(&id)
    }

    /// All registrations by their ids.
    pub(super) fn all(&self) -> Vec<(RegistrationId, &Registration)> {
        let mut all = self.registrations.iter().map(|(id, entry)| (*id, entry)).collect::<Vec<_>>();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// The registration of this very pattern.
    pub(super) fn look_up(&self, pattern: &Pattern) -> Option<RegistrationId> {
        self.index.get(pattern)
    }

    /// The registration that gets a call.
    pub(super) fn best(&self, procedure: &str) -> Option<RegistrationId> {
        // I-30: a pattern of an application never stands for what belongs to the protocol.
        if Uri::unchecked(procedure).is_reserved() { None } else { self.index.best(procedure) }
    }

    /// A session has left: its registrations end, its callers are told, its calls are nobody's (R-07, R-20..R-25).
    pub(super) fn leave(&mut self, context: &mut Context<'_>) {
        let peer = context.from;
        let made = context.links.take_calls(peer);
        let Some(link) = context.links.get_mut(peer) else { return };
        let mut held = core::mem::take(&mut link.registrations).into_iter().collect::<Vec<_>>();
        let mut unanswered = core::mem::take(&mut link.invocations).into_iter().collect::<Vec<_>>();
        held.sort_unstable();
        for registration in &held {
            #[cfg(feature = "planted-bugs")]
            if context.config.has(crate::router::Bug::RegistrationKept) {
                continue;
            }
            self.remove(context, *registration, peer);
        }
        unanswered.sort_unstable_by_key(|(invocation, _)| *invocation);
        for (_, origin) in unanswered {
            fail(context, origin, "the callee has left");
        }
        held.extend(self.abandon(context, made));
        for registration in held {
            self.dispatch(context, registration);
        }
    }
}

/// The callee is gone: the caller gets exactly one ERROR.
fn fail(context: &mut Context<'_>, origin: Origin, text: &str) {
    if context.links.take_call(origin).is_some() {
        let Origin { caller, request } = origin;
        let links = &mut *context.links;
        links.refuse(context.now, caller, MessageKind::Call, request, uris::error::CANCELED, text);
    }
}

/// An answer to an invocation that was never issued is a violation (S-47, S-55).
fn check_issued(context: &Context<'_>, answer: MessageKind, invocation: RequestId) -> Result<(), Violation> {
    let link = context.links.get(context.from);
    if link.is_some_and(|link| link.invocation_ids.has_given_out(invocation.get())) {
        Ok(())
    } else {
        Err(Violation::UnknownRequest { message: answer, request: invocation })
    }
}

#[cfg(test)]
mod tests;
