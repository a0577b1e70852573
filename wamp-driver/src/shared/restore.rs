//! What was subscribed and registered, in every new session again.

use std::collections::{HashSet, VecDeque};

use wamp_proto::{Instant, Pattern, error::Misuse, reconnect::Backoff};

use super::{Effects, Key, State};
use crate::{
    Error,
    lifecycle::{Intent, Lifecycle},
};

/// Requests that are under way at once while a session is restored.
const WINDOW: usize = 256;

/// Something to restore.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum What {
    Topic(Pattern),
    Procedure(Key),
}

/// What a new session is still to be given.
pub(crate) struct Restoring {
    /// All that has not been granted or refused.
    open: HashSet<What>,
    /// What to ask for.
    queue: VecDeque<What>,
    /// What was refused, and when it is asked for again, all of it at once.
    later: Vec<What>,
    again: Option<Instant>,
    backoff: Backoff,
    /// Until when it is worth asking again.
    until: Instant,
    subscriptions: usize,
    registrations: usize,
}

impl State {
    /// A session has begun: asks for all that is to last.
    pub(super) fn restore(&mut self, now: Instant) {
        let topics = self.topics.keys().cloned().map(What::Topic);
        let queue =
            topics.chain(self.procedures.keys().copied().map(What::Procedure)).collect::<VecDeque<_>>();
        self.restoring = (!queue.is_empty()).then(|| {
            Box::new(Restoring {
                open: queue.iter().cloned().collect(),
                queue,
                later: Vec::new(),
                again: None,
                backoff: Backoff::new(self.seed),
                until: now + self.life.policy().time_to_restore(),
                subscriptions: 0,
                registrations: 0,
            })
        });
    }

    /// When something is to be asked for again.
    pub(super) fn restore_at(&self) -> Option<Instant> {
        self.restoring.as_ref()?.again
    }

    pub(super) fn restore_timeout(&mut self, now: Instant) {
        if self.restore_at().is_some_and(|at| at <= now) {
            self.restore_now();
        }
    }

    /// What was refused is asked for again.
    pub(super) fn restore_now(&mut self) {
        if let Some(restoring) = &mut self.restoring {
            restoring.again = None;
            restoring.queue.extend(restoring.later.drain(..));
        }
    }

    /// Asks for as much as may be under way at once; says so when all is done.
    pub(super) fn restore_more(&mut self, effects: &mut Effects, now: Instant) {
        while self.asking.len() + self.registering.len() < WINDOW {
            let Some(what) = self.restoring.as_mut().and_then(|it| it.queue.pop_front()) else { break };
            let asked = match &what {
                What::Topic(pattern) => self.ask_for_topic(now, pattern),
                What::Procedure(key) => self.ask_for_procedure(now, *key),
            };
            match asked {
                Ok(()) => {}
                Err(Misuse::QueueFull | Misuse::TooManyRequests(_)) => self.ask_later(effects, now, what),
                Err(misuse) => self.not_restored(effects, &what, misuse.into()),
            }
        }
        if let Some(done) = self.restoring.take_if(|it| it.open.is_empty()) {
            let Restoring { subscriptions, registrations, .. } = *done;
            self.life.tell(effects, Lifecycle::Restored { subscriptions, registrations });
        }
    }

    fn ask_later(&mut self, effects: &mut Effects, now: Instant, what: What) {
        let Some(restoring) = &mut self.restoring else { return };
        restoring.later.push(what);
        if restoring.again.is_none() {
            restoring.again = Some(now + restoring.backoff.next(self.life.policy()));
            // Whoever keeps the time has to know of it.
            effects.wakers.extend(self.watchers.take());
        }
    }

    /// Whether this is being restored.
    pub(super) fn is_restoring(&self, what: &What) -> bool {
        self.restoring.as_ref().is_some_and(|it| it.open.contains(what))
    }

    /// The router has refused something that is being restored: it is asked again, where that may help.
    pub(super) fn refused(&mut self, effects: &mut Effects, now: Instant, what: What, error: Error) {
        if error.may_pass() && self.restoring.as_ref().is_some_and(|it| now < it.until) {
            self.ask_later(effects, now, what);
        } else {
            self.not_restored(effects, &what, error);
        }
    }

    fn not_restored(&mut self, effects: &mut Effects, what: &What, error: Error) {
        self.settle(what, false);
        let intent = match what {
            What::Topic(pattern) => self.topics.remove(pattern).map(|topic| {
                topic.end(effects, &error);
                Intent::Subscription { topic: pattern.uri().clone(), kind: pattern.kind() }
            }),
            What::Procedure(key) => self.procedures.remove(key).map(|procedure| {
                effects.buried.push(procedure.handler);
                Intent::Registration { procedure: procedure.uri }
            }),
        };
        if let Some(what) = intent {
            self.life.tell(effects, Lifecycle::NotRestored { what, error });
        }
    }

    /// One less to restore: it was granted, or is wanted no more.
    pub(super) fn settle(&mut self, what: &What, granted: bool) {
        let Some(restoring) = &mut self.restoring else { return };
        if !restoring.open.remove(what) {
            return;
        }
        match what {
            What::Topic(_) => restoring.subscriptions += usize::from(granted),
            What::Procedure(_) => restoring.registrations += usize::from(granted),
        }
    }
}
