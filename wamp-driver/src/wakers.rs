//! Who waits for the same thing, each once, however often it looks and whether or not it stays.

use std::{collections::BTreeMap, task::Waker};

/// A set of wakers; a future has one place in it at most, and gives it back when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    next: u64,
    waiting: BTreeMap<u64, Waker>,
}

/// A place in [`Wakers`]; void once all were woken.
pub(crate) type Place = Option<u64>;

impl Wakers {
    /// Waits. Gives the waker that stood at the place before, to be dropped once no lock is held.
    #[must_use = "a waker is dropped outside of the lock"]
    pub(crate) fn wait(&mut self, place: &mut Place, waker: &Waker) -> Option<Waker> {
        let at = *place.get_or_insert_with(|| {
            self.next += 1;
            self.next
        });
        match self.waiting.get(&at) {
            Some(known) if known.will_wake(waker) => None,
            _ => self.waiting.insert(at, waker.clone()),
        }
    }

    /// Waits no longer. Gives the waker, to be dropped once no lock is held.
    #[must_use = "a waker is dropped outside of the lock"]
    pub(crate) fn leave(&mut self, place: &mut Place) -> Option<Waker> {
        self.waiting.remove(&place.take()?)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Takes all of them, to be woken once no lock is held.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.waiting).into_values()
    }
}
