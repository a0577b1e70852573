//! Subscriptions and events.

use wamp_proto::{Match, message::MessageKind};

use super::{
    Dear, Expected, Model, Pattern, Subscription,
    wishes::{Options, Wish},
};

impl Model {
    pub(crate) fn subscribe(&mut self, client: usize, request: u64, kind: Match, uri: &'static str) {
        self.try_subscribe(client, request, kind, uri);
        self.reap();
    }

    pub(super) fn try_subscribe(&mut self, client: usize, request: u64, kind: Match, uri: &'static str) {
        let pattern = Pattern { realm: self.clients[client].realm, kind, uri };
        if !is_pattern(uri, kind) {
            return self.fail(client, MessageKind::Subscribe, request, "wamp.error.invalid_uri");
        }
        let same = |entry: &Subscription| same(&entry.pattern, &pattern);
        let known = self.subscriptions.iter().position(same);
        let held = self.subscriptions.iter().filter(|entry| entry.subscribers.contains(&client)).count();
        let holds = known.is_some_and(|known| self.subscriptions[known].subscribers.contains(&client));
        if !holds && held >= self.sizes.subscriptions {
            return self.fail(client, MessageKind::Subscribe, request, "wamp.error.unavailable");
        }
        let place = known.unwrap_or_else(|| {
            self.next_id += 1;
            self.subscriptions.push(Subscription { id: self.next_id, pattern, subscribers: Vec::new() });
            self.subscriptions.len() - 1
        });
        let entry = &mut self.subscriptions[place];
        if !holds {
            entry.subscribers.push(client);
        }
        let subscription = entry.id;
        self.send(client, Dear::Reply, Expected::Subscribed { request, subscription });
    }

    pub(crate) fn unsubscribe(&mut self, client: usize, request: u64, subscription: u64) {
        let entry = self.subscriptions.iter_mut().find(|entry| entry.id == subscription);
        match entry.filter(|entry| entry.subscribers.contains(&client)) {
            Some(entry) => {
                entry.subscribers.retain(|subscriber| *subscriber != client);
                self.end_subscriptions();
                self.send(client, Dear::Reply, Expected::Unsubscribed { request });
            }
            None => {
                self.fail(client, MessageKind::Unsubscribe, request, "wamp.error.no_such_subscription");
            }
        }
        self.reap();
    }

    pub(crate) fn publish(
        &mut self,
        client: usize,
        request: u64,
        topic: &'static str,
        payload: usize,
        (acknowledge, exclude_me): (bool, bool),
    ) {
        let options = Options::plain(acknowledge, exclude_me);
        self.grant(client, request, &Wish::Publish { topic, payload, options });
    }

    /// Exact, prefixes from the shortest, wildcards from the best.
    pub(super) fn matching(&self, realm: usize, topic: &str) -> Vec<Subscription> {
        let all = self.subscriptions.iter().filter(|entry| entry.pattern.matches(realm, topic));
        let of =
            |kind| all.clone().filter(move |entry| entry.pattern.kind == kind).cloned().collect::<Vec<_>>();
        let mut prefixes = of(Match::Prefix);
        prefixes.sort_by_key(|entry| entry.pattern.uri.len());
        let mut wildcards = of(Match::Wildcard);
        wildcards.sort_by_key(|entry| core::cmp::Reverse(entry.pattern.rank()));
        [of(Match::Exact), prefixes, wildcards].concat()
    }
}

pub(super) fn same(one: &Pattern, other: &Pattern) -> bool {
    (one.realm, one.kind, one.uri) == (other.realm, other.kind, other.uri)
}

/// The URIs in use have no other fault than empty components and blanks.
pub(super) fn is_uri(uri: &str) -> bool {
    !uri.contains(' ') && uri.split('.').all(|component| !component.is_empty())
}

pub(super) fn is_reserved(uri: &str) -> bool {
    uri.split('.').next() == Some("wamp")
}

pub(super) fn is_pattern(uri: &str, kind: Match) -> bool {
    match kind {
        Match::Exact => is_uri(uri),
        // Only the last component of a prefix may be empty.
        Match::Prefix => !uri.contains(' ') && !uri.contains("..") && !uri.starts_with('.'),
        Match::Wildcard => !uri.contains(' '),
    }
}
