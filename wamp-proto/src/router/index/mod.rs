//! Which patterns match a URI: an index whose cost depends on the URI and on what matches it, not on how many patterns
//! there are (P-45..P-48, R-121..R-132).
//!
//! Exact patterns are found with one hash, prefixes on one path down a radix tree, wildcards in a tree of components.
//! Nothing that is found depends on the order of a hash map.

mod prefix;
mod wildcard;

use core::{fmt, hash::Hash};
use std::collections::HashMap;

use crate::{
    map::Seeded,
    uri::{Match, Pattern, Uri},
};
use prefix::PrefixTree;
use wildcard::WildcardTree;

/// A map from patterns to ids. Text and kind together are a pattern's identity (R-132, P-51, T-30).
pub(super) struct Index<Id> {
    exact: HashMap<Uri, Id, Seeded>,
    prefixes: PrefixTree<Id>,
    wildcards: WildcardTree<Id>,
}

impl<Id: Copy> Index<Id> {
    /// An empty index; peers choose the keys of its maps.
    pub(super) fn new(hash: Seeded) -> Self {
        Self {
            exact: HashMap::with_hasher(hash),
            prefixes: PrefixTree::default(),
            wildcards: WildcardTree::new(hash),
        }
    }

    /// The id of this very pattern.
    pub(super) fn get(&self, pattern: &Pattern) -> Option<Id> {
        let uri = pattern.uri();
        match pattern.kind() {
            Match::Exact => self.exact.get(uri).copied(),
            Match::Prefix => self.prefixes.get(uri),
            Match::Wildcard => self.wildcards.get(uri),
        }
    }

    /// Gives the pattern an id, and returns the one it had.
    pub(super) fn insert(&mut self, pattern: &Pattern, id: Id) -> Option<Id> {
        let uri = pattern.uri();
        match pattern.kind() {
            Match::Exact => self.exact.insert(uri.clone(), id),
            Match::Prefix => self.prefixes.insert(uri, id),
            Match::Wildcard => self.wildcards.insert(uri, id),
        }
    }

    /// Forgets the pattern, and returns the id it had.
    pub(super) fn remove(&mut self, pattern: &Pattern) -> Option<Id> {
        let uri = pattern.uri();
        match pattern.kind() {
            Match::Exact => {
                let id = self.exact.remove(uri);
                release(&mut self.exact);
                id
            }
            Match::Prefix => self.prefixes.remove(uri),
            Match::Wildcard => self.wildcards.remove(uri),
        }
    }

    /// Visits all patterns that match `uri`, each once (P-48): the exact one, the prefixes from the shortest to the
    /// longest, and the wildcards from the best to the least by R-127.
    pub(super) fn for_each_match(&self, uri: &str, mut visit: impl FnMut(Id)) {
        self.exact.get(uri).copied().into_iter().for_each(&mut visit);
        self.prefixes.matches(uri).for_each(&mut visit);
        if !self.wildcards.is_empty() {
            self.wildcards.matches(uri).for_each(visit);
        }
    }

    /// The one pattern that gets a call to `uri`: exact, or the longest prefix, or the best wildcard
    ///
    pub(super) fn best(&self, uri: &str) -> Option<Id> {
        let exact = self.exact.get(uri).copied();
        exact.or_else(|| self.prefixes.matches(uri).last()).or_else(|| self.best_wildcard(uri))
    }

    /// Apart, so that the usual paths do not pay for its stack frame.
    fn best_wildcard(&self, uri: &str) -> Option<Id> {
        if self.wildcards.is_empty() {
            return None;
        }
        self.wildcards.matches(uri).next()
    }

    /// Whether there are no patterns.
    #[cfg_attr(not(test), expect(dead_code, reason = "the broker and the dealer count their entries"))]
    pub(super) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty() && self.wildcards.is_empty()
    }
}

impl<Id> fmt::Debug for Index<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("exact", &self.exact.len()).finish_non_exhaustive()
    }
}

/// Gives memory back after a removal, when the map has become much smaller.
fn release<K: Eq + Hash, V>(map: &mut HashMap<K, V, Seeded>) {
    if map.len() <= map.capacity() / 8 {
        map.shrink_to(map.len().saturating_mul(2));
    }
}

#[cfg(test)]
mod tests;
