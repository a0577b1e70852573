//! Event retention: the last event of a topic, for those who subscribe later (P-65..P-72).

use core::ops::Bound;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::stored::Stored;
use crate::{
    router::link::Identity,
    uri::{Match, Pattern, Uri},
};

/// The retained events of a realm, by topic in order: what a pattern selects lies together, as far as it begins with text.
#[derive(Debug, Default)]
pub(super) struct Retained {
    topics: BTreeMap<Uri, VecDeque<Edition>>,
    /// The topics by the age of their events, the oldest first: that is how they go when there is no room.
    ages: BTreeMap<u64, Uri>,
    next_age: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Edition {
    age: u64,
    event: Arc<Stored>,
}

/// P-69: how many events a topic may have when only some sessions may receive the newer ones.
const EDITIONS: usize = 8;

impl Retained {
    /// Keeps an event in the place of those before it. One that not everybody may receive does not replace them: for some
    /// subscribers, an older one is still the last (P-66). The oldest events of all make room.
    pub(super) fn retain(&mut self, event: Arc<Stored>, max_events: usize, max_bytes: usize) {
        let topic = event.topic.clone();
        let size = event.size();
        if event.filter.is_none() || size > max_bytes {
            self.forget(&topic);
        }
        if size > max_bytes {
            return;
        }
        let age = self.next_age;
        self.next_age = age.saturating_add(1);
        self.bytes = self.bytes.saturating_add(size);
        self.ages.insert(age, topic.clone());
        let editions = self.topics.entry(topic.clone()).or_default();
        editions.push_back(Edition { age, event });
        if editions.len() > EDITIONS {
            self.forget_oldest(&topic);
        }
        while self.ages.len() > max_events || self.bytes > max_bytes {
            let Some(oldest) = self.ages.first_key_value().map(|(_, topic)| topic.clone()) else { break };
            self.forget_oldest(&oldest);
        }
    }

    /// Visits the last event of each topic that a pattern selects and a session may receive, in the order of topics (P-70).
    pub(super) fn for_each(&self, pattern: &Pattern, identity: &Identity, mut visit: impl FnMut(&Stored)) {
        let start = literal(pattern);
        let from = (Bound::Included(start), Bound::Unbounded);
        let topics = self.topics.range::<str, _>(from).take_while(|(topic, _)| topic.starts_with(start));
        for (_, editions) in topics.filter(|(topic, _)| pattern.matches(topic)) {
            let last = editions.iter().rev().find(|edition| edition.event.admits(identity));
            last.into_iter().for_each(|edition| visit(&edition.event));
            if pattern.kind() == Match::Exact {
                return;
            }
        }
    }

    /// The number of events.
    pub(super) fn len(&self) -> usize {
        self.ages.len()
    }

    fn forget(&mut self, topic: &Uri) {
        while self.topics.contains_key(topic) {
            self.forget_oldest(topic);
        }
    }

    fn forget_oldest(&mut self, topic: &Uri) {
        let Some(editions) = self.topics.get_mut(topic) else { return };
        if let Some(edition) = editions.pop_front() {
            self.ages.remove(&edition.age);
            self.bytes = self.bytes.saturating_sub(edition.event.size());
        }
        if editions.is_empty() {
            self.topics.remove(topic);
        }
    }
}

/// The text that everything begins with that the pattern selects.
fn literal(pattern: &Pattern) -> &str {
    let uri = pattern.uri().as_str();
    match pattern.kind() {
        Match::Exact | Match::Prefix => uri,
        Match::Wildcard if uri.starts_with('.') => "",
        Match::Wildcard => uri.find("..").and_then(|hole| uri.get(..=hole)).unwrap_or(uri),
    }
}
