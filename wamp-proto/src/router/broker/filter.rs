//! Black- and whitelists: who may receive a publication (P-25..P-30, T-24, T-25).

use core::mem::size_of;

use crate::{
    id::SessionId,
    map::IdMap,
    message::Audience,
    router::link::{Identity, Peer},
};

/// The lists of a publication, sorted, so that each subscriber is looked up by bisection however long they are (fault 70).
#[derive(Clone, Debug)]
pub(super) struct Filter(Audience);

impl Filter {
    pub(super) fn new(mut lists: Audience) -> Self {
        for ids in [&mut lists.exclude, &mut lists.eligible].into_iter().flatten() {
            ids.sort_unstable();
        }
        let names = [
            &mut lists.exclude_authid,
            &mut lists.exclude_authrole,
            &mut lists.eligible_authid,
            &mut lists.eligible_authrole,
        ];
        for names in names.into_iter().flatten() {
            names.sort_unstable();
        }
        Self(lists)
    }

    /// P-27: every list that is there must agree; an empty whitelist admits nobody (T-24).
    pub(super) fn admits(&self, identity: &Identity) -> bool {
        let Audience { exclude, eligible, .. } = &self.0;
        let listed = |list: &Vec<SessionId>| list.binary_search(&identity.session).is_ok();
        !exclude.as_ref().is_some_and(listed)
            && eligible.as_ref().is_none_or(listed)
            && self.admits_name_of(identity)
    }

    /// The same without the lists of sessions, which mean nothing to those who come later.
    pub(super) fn admits_name_of(&self, identity: &Identity) -> bool {
        let Audience { exclude_authid, exclude_authrole, eligible_authid, eligible_authrole, .. } = &self.0;
        let listed = |list: &Vec<String>, name: &str| {
            list.binary_search_by(|listed| listed.as_str().cmp(name)).is_ok()
        };
        let (authid, authrole) = (identity.authid.as_str(), identity.authrole.as_str());
        !exclude_authid.as_ref().is_some_and(|list| listed(list, authid))
            && !exclude_authrole.as_ref().is_some_and(|list| listed(list, authrole))
            && eligible_authid.as_ref().is_none_or(|list| listed(list, authid))
            && eligible_authrole.as_ref().is_none_or(|list| listed(list, authrole))
    }

    /// Whether there is a list of sessions.
    pub(super) fn has_sessions(&self) -> bool {
        self.0.exclude.is_some() || self.0.eligible.is_some()
    }

    /// The memory that the lists hold, nearly.
    pub(super) fn size(&self) -> usize {
        let Audience {
            exclude,
            exclude_authid,
            exclude_authrole,
            eligible,
            eligible_authid,
            eligible_authrole,
        } = &self.0;
        let ids = [exclude, eligible]
            .into_iter()
            .flatten()
            .map(|ids| ids.len().saturating_mul(size_of::<SessionId>()));
        let names =
            [exclude_authid, exclude_authrole, eligible_authid, eligible_authrole].into_iter().flatten();
        let names = names.flatten().map(|name| name.len().saturating_add(size_of::<String>()));
        ids.chain(names).fold(size_of::<Self>(), usize::saturating_add)
    }

    /// The sessions on the whitelist, in the order of subscribers: nobody else need be looked at.
    pub(super) fn candidates(&self, sessions: &IdMap<SessionId, Peer>) -> Option<Vec<Peer>> {
        let eligible = self.0.eligible.as_ref()?;
        let mut peers =
            eligible.iter().filter_map(|session| sessions.get(session).copied()).collect::<Vec<_>>();
        peers.sort_unstable();
        peers.dedup();
        Some(peers)
    }
}
