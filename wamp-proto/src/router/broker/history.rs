//! Event history: the last events of a subscription, for those who ask for them (P-75..P-83).

use std::{collections::VecDeque, sync::Arc};

use super::{publish::Publication, stored::Stored};
use crate::{
    id::PublicationId,
    router::{HistoryRule, link::Identity},
};

/// The events of one subscription in the order in which they were published; the oldest make room.
#[derive(Debug)]
pub(super) struct History {
    max_events: usize,
    max_bytes: usize,
    events: VecDeque<Kept>,
    bytes: usize,
}

/// An event, and when it was published in microseconds since 1970.
#[derive(Debug)]
pub(in crate::router) struct Kept {
    pub(in crate::router) at: u64,
    pub(in crate::router) event: Arc<Stored>,
}

/// What to look for: all that is there must fit (P-76).
#[derive(Debug, Default)]
pub(in crate::router) struct Query {
    pub(in crate::router) reverse: bool,
    pub(in crate::router) limit: Option<usize>,
    pub(in crate::router) topic: Option<String>,
    pub(in crate::router) time: Range<u64>,
    pub(in crate::router) publication: Range<PublicationId>,
}

/// Up to four ends of a range.
#[derive(Clone, Copy, Debug)]
pub(in crate::router) struct Range<T> {
    /// This one and later.
    pub(in crate::router) from: Option<T>,
    /// Later than this one.
    pub(in crate::router) after: Option<T>,
    /// Earlier than this one.
    pub(in crate::router) before: Option<T>,
    /// This one and earlier.
    pub(in crate::router) until: Option<T>,
}

impl<T> Default for Range<T> {
    fn default() -> Self {
        Self { from: None, after: None, before: None, until: None }
    }
}

impl<T: Copy + PartialOrd> Range<T> {
    fn contains(&self, value: T) -> bool {
        self.from.is_none_or(|from| value >= from)
            && self.after.is_none_or(|after| value > after)
            && self.before.is_none_or(|before| value < before)
            && self.until.is_none_or(|until| value <= until)
    }

    /// The same range in other terms; `None` when one of its ends has none.
    fn try_map<U>(&self, map: impl Fn(T) -> Option<U>) -> Option<Range<U>> {
        let map = |end: Option<T>| end.map_or(Some(None), |end| map(end).map(Some));
        let (from, after) = (map(self.from)?, map(self.after)?);
        Some(Range { from, after, before: map(self.before)?, until: map(self.until)? })
    }
}

impl History {
    pub(super) fn new(rule: &HistoryRule) -> Self {
        let HistoryRule { max_events, max_bytes, .. } = *rule;
        Self { max_events, max_bytes, events: VecDeque::new(), bytes: 0 }
    }

    /// P-81: what was meant for certain sessions is never kept.
    pub(super) fn wants(publication: &Publication<'_>) -> bool {
        !publication.filter.is_some_and(super::filter::Filter::has_sessions)
    }

    pub(super) fn keep(&mut self, at: u64, event: Arc<Stored>) {
        self.bytes = self.bytes.saturating_add(event.size());
        self.events.push_back(Kept { at, event });
        while self.events.len() > self.max_events || self.bytes > self.max_bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.event.size());
        }
    }

    /// The events that a session asks for and may see; `None` when the query names a publication that is not there.
    pub(super) fn find<'a>(&'a self, query: &Query, identity: &Identity) -> Option<Vec<&'a Kept>> {
        // P-77: places in the history; the ids are random.
        let place = |id| self.events.iter().position(|kept| kept.event.id == id);
        let places = query.publication.try_map(place)?;
        let fits = |place: usize, kept: &Kept| {
            places.contains(place)
                && query.time.contains(kept.at)
                && query.topic.as_ref().is_none_or(|topic| kept.event.topic == **topic)
                && kept.event.filter.as_ref().is_none_or(|filter| filter.admits_name_of(identity))
        };
        let events =
            self.events.iter().enumerate().filter(|(place, kept)| fits(*place, kept)).map(|(_, kept)| kept);
        let limit = query.limit.unwrap_or(usize::MAX);
        Some(if query.reverse { events.rev().take(limit).collect() } else { events.take(limit).collect() })
    }
}
