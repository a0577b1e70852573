//! Who gets a call: one of the callees that share a registration (R-140..R-148), and how many at once.

use std::collections::VecDeque;

use super::ongoing::Origin;
use crate::{
    id::{RandomIds, RequestId},
    message::{InvocationPolicy, RegisterOptions},
    router::link::Peer,
    time::Instant,
    uri::Pattern,
};

/// One registration and its callees, the first that registered first.
#[derive(Debug)]
pub(in crate::router) struct Registration {
    pub(super) pattern: Pattern,
    pub(super) policy: InvocationPolicy,
    callees: Vec<Callee>,
    /// The number of the next callee.
    numbers: u64,
    /// The number of the callee that was served last, in turn.
    served: u64,
    /// Calls that wait until a callee has room, the oldest first.
    pub(super) waiting: VecDeque<Origin>,
    created: Instant,
}

/// One of the callees.
#[derive(Debug)]
pub(super) struct Callee {
    pub(super) peer: Peer,
    /// In the order of registering; never used twice in a registration.
    pub(super) number: u64,
    ///
    pub(super) discloses: bool,
    ///
    pub(super) forwards_timeout: bool,
    /// Most calls at once.
    concurrency: Option<u64>,
    busy: u64,
}

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The callee at this place.
    Callee(usize),
    /// Nobody just now.
    Busy,
    /// Nobody at all.
    Nobody,
}

impl Callee {
    pub(super) fn is_limited(&self) -> bool {
        self.concurrency.is_some()
    }

    fn has_room(&self) -> bool {
        self.concurrency.is_none_or(|concurrency| self.busy < concurrency)
    }
}

impl Registration {
    pub(super) fn new(created: Instant, pattern: Pattern, policy: InvocationPolicy) -> Self {
        let (callees, waiting) = (Vec::new(), VecDeque::new());
        Self { pattern, policy, callees, numbers: 0, served: 0, waiting, created }
    }

    pub(in crate::router) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    pub(in crate::router) fn created(&self) -> Instant {
        self.created
    }

    /// The policy's name.
    pub(in crate::router) fn invoke(&self) -> &'static str {
        self.policy.as_str()
    }

    /// Who offers it, in the order of registering.
    pub(in crate::router) fn peers(&self) -> impl Iterator<Item = Peer> {
        self.callees.iter().map(|callee| callee.peer)
    }

    pub(super) fn callees(&self) -> &[Callee] {
        &self.callees
    }

    pub(super) fn has(&self, peer: Peer) -> bool {
        self.callees.iter().any(|callee| callee.peer == peer)
    }

    pub(super) fn add(&mut self, peer: Peer, options: &RegisterOptions) {
        self.numbers = self.numbers.saturating_add(1);
        self.callees.push(Callee {
            peer,
            number: self.numbers,
            discloses: options.disclose_caller,
            forwards_timeout: options.forward_timeout,
            concurrency: options.concurrency,
            busy: 0,
        });
    }

    /// Whoever is next in turn stays so.
    pub(super) fn remove(&mut self, peer: Peer) {
        self.callees.retain(|callee| callee.peer != peer);
    }

    /// A call goes to the callee at this place.
    pub(super) fn occupy(&mut self, place: usize) {
        if let Some(callee) = self.callees.get_mut(place) {
            callee.busy = callee.busy.saturating_add(1);
        }
    }

    /// A call of this callee is over.
    pub(super) fn vacate(&mut self, number: u64) {
        if let Ok(place) = self.callees.binary_search_by_key(&number, |callee| callee.number) {
            if let Some(callee) = self.callees.get_mut(place) {
                callee.busy = callee.busy.saturating_sub(1);
            }
        }
    }

    /// The callee for the next call, as if those that were tried did not exist.
    pub(super) fn choose(&mut self, tried: &[u64], random: &mut RandomIds) -> Choice {
        if let ([only], []) = (&*self.callees, tried) {
            if !only.has_room() {
                return Choice::Busy;
            }
            self.served = only.number;
            return Choice::Callee(0);
        }
        let untried = |callee: &Callee| !tried.contains(&callee.number);
        let callees = || self.callees.iter().enumerate().filter(|(_, callee)| untried(callee));
        let free = || callees().filter(|(_, callee)| callee.has_room());
        let chosen = match self.policy {
            // In the order of registering, from the one after the last.
            InvocationPolicy::RoundRobin => {
                free().find(|(_, callee)| callee.number > self.served).or_else(|| free().next())
            }
            InvocationPolicy::Random => free().nth(draw(random, free().count())),
            // These wait for their one callee: others stand in for it only when it is gone.
            InvocationPolicy::Last => callees().next_back().filter(|(_, callee)| callee.has_room()),
            _ => callees().next().filter(|(_, callee)| callee.has_room()),
        };
        match chosen.map(|(place, callee)| (place, callee.number)) {
            Some((place, number)) => {
                self.served = number;
                Choice::Callee(place)
            }
            None if callees().next().is_some() => Choice::Busy,
            None => Choice::Nobody,
        }
    }
}

/// A number below `count`; the bias is below 2^-40 for all counts that can be.
fn draw(random: &mut RandomIds, count: usize) -> usize {
    let number = random.draw::<RequestId>().get();
    usize::try_from(number.checked_rem(count as u64).unwrap_or_default()).unwrap_or_default()
}
