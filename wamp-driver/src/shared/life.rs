//! The life of a client above its sessions: what happens to all that is shared when one begins or ends.

use std::{collections::VecDeque, sync::Arc};

use wamp_proto::{
    Instant, Uri,
    error::{Closed, Misuse},
    message::Welcome,
    reconnect::{self, Kind, Policy, Reconnect},
    session::{self, Session},
    uri::uris,
};

use super::{Effects, NOT_WAITED, Shared, State};
use crate::{
    ConnectError, Error,
    auth::Login,
    connect::Joined,
    lifecycle::{Lifecycle, MAX_CHANGES},
    queue::Queue,
    tap::guard,
};

/// What outlives every session.
pub(crate) struct Life {
    pub(super) machine: Reconnect,
    /// What was said at the last WELCOME.
    pub(crate) joined: Option<Arc<Joined>>,
    /// Why the client has ended, once it has.
    pub(crate) closed: Option<Closed>,
    /// Why the last attempt failed, for whoever waits for the first one.
    failed: Option<ConnectError>,
    /// Whether the application has closed the client.
    closing: bool,
    /// The last change of state.
    last: Lifecycle,
    listeners: Vec<Arc<Queue<Lifecycle>>>,
    /// What the hooks are to be told of; `None` when there are none.
    untold: Option<VecDeque<Lifecycle>>,
    /// Whether somebody is about to tell them: the order of changes is that of their coming.
    telling: bool,
}

impl Life {
    pub(super) fn new(machine: Reconnect, hooks: bool) -> Self {
        let last = Lifecycle::Connecting { attempt: 1 };
        Self {
            machine,
            joined: None,
            closed: None,
            failed: None,
            closing: false,
            last,
            listeners: Vec::new(),
            untold: hooks.then(VecDeque::new),
            telling: false,
        }
    }

    /// Where the client stands.
    pub(crate) fn state(&self) -> Lifecycle {
        self.last.clone()
    }

    /// One more who wants to know.
    pub(crate) fn listen(&mut self) -> Arc<Queue<Lifecycle>> {
        let queue = Arc::new(Queue::new(MAX_CHANGES));
        // Nobody waits yet.
        let _ = queue.push(self.last.clone());
        if self.closed.is_some() {
            let _ = queue.end();
        } else {
            self.listeners.push(queue.clone());
        }
        queue
    }

    /// One less. Gives the queue back, to be dropped once no lock is held.
    #[must_use = "a waker is dropped outside of the lock"]
    pub(crate) fn forget(&mut self, queue: &Arc<Queue<Lifecycle>>) -> Option<Arc<Queue<Lifecycle>>> {
        let place = self.listeners.iter().position(|other| Arc::ptr_eq(other, queue))?;
        Some(self.listeners.swap_remove(place))
    }

    pub(super) fn policy(&self) -> &Policy {
        self.machine.policy()
    }

    /// Whether the end has begun.
    pub(crate) fn is_ending(&self) -> bool {
        self.closing || self.closed.is_some()
    }

    /// Whether a session is open or being opened, as far as the attempts know.
    pub(super) fn is_connecting(&self) -> bool {
        matches!(self.machine.state(), reconnect::State::Connecting { .. })
    }

    /// Tells all who want to know.
    pub(super) fn tell(&mut self, effects: &mut Effects, change: Lifecycle) {
        match &change {
            Lifecycle::Restored { .. } => {}
            Lifecycle::NotRestored { what, error } => tracing::warn!(%what, %error, "not restored"),
            change => self.last = change.clone(),
        }
        effects.wakers.extend(self.listeners.iter().filter_map(|queue| queue.push_over(change.clone())));
        if let Some(untold) = &mut self.untold {
            untold.push_back(change);
            effects.changed = true;
        }
    }

    /// The next change to tell of, to the one who does it: whoever was the first. Others leave theirs to him.
    fn next_untold(&mut self, telling: bool) -> Option<Lifecycle> {
        if self.telling != telling {
            return None;
        }
        let next = self.untold.as_mut()?.pop_front();
        self.telling = next.is_some();
        next
    }
}

impl Shared {
    /// Tells the hooks of the application what has changed. It runs its code, so no lock is held.
    pub(super) fn tell_changes(&self) {
        let mut telling = false;
        while let Some(change) = self.peek(|state| state.life.next_untold(telling)) {
            telling = true;
            self.options.on_change.iter().for_each(|hook| guard(|| hook(&change)));
        }
    }
}

impl State {
    /// A transport is open: a session begins on it, and who it is for is to be proven.
    pub(crate) fn begin(&mut self, session: Session, login: Login) {
        self.session = session;
        self.login = Some(Box::new(login));
        self.sessions += 1;
        self.pumping = true;
        (self.pump, self.armed, self.writer) = (None, None, None);
        if self.life.is_ending() {
            self.session.handle_eof("");
        }
    }

    /// The transport is gone.
    pub(crate) fn unpumped(&mut self, effects: &mut Effects) {
        self.pumping = false;
        effects.wakers.extend(self.watchers.take());
    }

    /// Whether requests can be made, or will never be again.
    pub(crate) fn is_settled(&self) -> bool {
        self.session.state() == session::State::Open || self.life.is_ending()
    }

    /// The session that is open, or why there will be none; `None` while there may be one later.
    pub(crate) fn present(&self) -> Option<Result<Arc<Joined>, Error>> {
        match (&self.life.closed, &self.life.joined) {
            (Some(closed), _) => Some(Err(Error::Closed(closed.clone()))),
            (None, Some(joined)) if self.session.state() == session::State::Open => Some(Ok(joined.clone())),
            (None, _) => None,
        }
    }

    /// Why a request was refused; nothing was sent.
    pub(crate) fn refusal(&self, misuse: Misuse) -> Error {
        match (misuse, &self.life.closed) {
            (Misuse::Closed(_) | Misuse::NotJoined, Some(closed)) => Error::Closed(closed.clone()),
            (Misuse::Closed(_) | Misuse::NotJoined, None) if !self.life.closing => Error::Disconnected,
            (misuse, _) => misuse.into(),
        }
    }

    /// Why nothing comes any more of what was under way in a session before.
    pub(crate) fn why_lost(&self) -> Error {
        match &self.life.closed {
            Some(closed) => Error::Closed(closed.clone()),
            None => {
                Error::Lost(self.session.closed().cloned().unwrap_or_else(|| Closed::Lost(String::new())))
            }
        }
    }

    /// The router takes us in; it may have to prove who it is.
    pub(super) fn welcomed(&mut self, effects: &mut Effects, now: Instant, welcome: Welcome) {
        match self.login.take().map(|login| login.exchange.check_welcome(&welcome)) {
            Some(Ok(())) => self.joined(effects, now, welcome),
            Some(Err(why)) => self.session.distrust(why),
            None => self.session.distrust(NOT_WAITED),
        }
    }

    fn joined(&mut self, effects: &mut Effects, now: Instant, welcome: Welcome) {
        let resumed = self.life.machine.has_joined();
        self.life.machine.handle_joined(now);
        let joined = Joined::new(welcome, self.session.realm());
        let session = joined.session;
        self.life.joined = Some(Arc::new(joined));
        self.life.failed = None;
        self.life.tell(effects, Lifecycle::Joined { session, resumed });
        effects.wakers.extend(self.watchers.take());
        effects.wakers.extend(self.room.take());
        self.restore(now);
    }

    /// The session has ended, or could not be opened.
    pub(super) fn session_ended(&mut self, effects: &mut Effects, now: Instant, closed: Closed) {
        self.login = None;
        if self.life.closed.is_some() {
            return;
        }
        let joined = !self.life.is_connecting();
        self.life.failed = None;
        if self.life.closing {
            self.life.machine.close();
        } else {
            self.life.machine.handle_failure(now, Kind::of(&closed));
        }
        if joined {
            self.life.tell(effects, Lifecycle::Lost { why: closed.clone() });
        }
        self.failed_for(effects, now, closed);
    }

    /// No transport could be opened.
    pub(crate) fn connect_failed(&mut self, effects: &mut Effects, now: Instant, error: ConnectError) {
        // The application may have closed the client while the attempt failed, and that is why it is over.
        if self.life.closed.is_some() {
            return;
        }
        let closed = error.to_closed();
        self.life.failed = Some(error);
        self.life.machine.handle_failure(now, Kind::of(&closed));
        self.failed_for(effects, now, closed);
    }

    fn failed_for(&mut self, effects: &mut Effects, now: Instant, why: Closed) {
        match self.life.machine.state() {
            reconnect::State::Closed(_) => self.end(effects, why),
            reconnect::State::Waiting { at } => {
                let (attempt, after, kind) = (self.life.machine.attempts() + 1, at - now, Kind::of(&why));
                tracing::info!(attempt, ?after, %why, "the client will connect again");
                self.interrupt(effects, &why);
                self.life.tell(effects, Lifecycle::Retrying { attempt, after, kind, why });
            }
            _ => {}
        }
        effects.wakers.extend(self.watchers.take());
    }

    /// The application has had enough.
    pub(crate) fn close(&mut self, effects: &mut Effects, now: Instant) {
        if self.life.is_ending() {
            return;
        }
        self.life.closing = true;
        if self.pumping && self.session.closed().is_none() {
            // Its end is the client's.
            return self.session.close(now, Uri::unchecked(uris::close::CLOSE_REALM));
        }
        self.life.machine.close();
        self.end(effects, Closed::ByUs);
        effects.wakers.extend(self.watchers.take());
    }

    /// Nobody makes attempts any more. A session that is open is closed in order.
    pub(crate) fn abandon(&mut self, effects: &mut Effects, now: Instant) {
        if self.pumping {
            return self.close(effects, now);
        }
        if self.life.closed.is_none() {
            self.life.machine.close();
            self.end(effects, Closed::Lost("the client's task was stopped".to_owned()));
            effects.wakers.extend(self.watchers.take());
        }
    }

    /// When there is something to do: the next attempt, or something to restore.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.life.machine.poll_timeout().filter(|_| !self.pumping).or_else(|| self.restore_at())
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, effects: &mut Effects, now: Instant) {
        self.life.machine.handle_timeout(now);
        self.tell_attempt(effects);
        self.restore_timeout(now);
    }

    /// The next attempt is to be made at once, if one is to be made at all, and so is what was not restored yet.
    pub(crate) fn reconnect_now(&mut self, effects: &mut Effects) {
        self.life.machine.reconnect_now();
        self.restore_now();
        self.tell_attempt(effects);
    }

    fn tell_attempt(&mut self, effects: &mut Effects) {
        let reconnect::State::Connecting { attempt } = self.life.machine.state() else { return };
        if matches!(self.life.last, Lifecycle::Retrying { .. }) {
            self.life.tell(effects, Lifecycle::Connecting { attempt });
            effects.wakers.extend(self.watchers.take());
        }
    }

    /// What is to be done for the client now, as long as it is not told otherwise.
    pub(crate) fn duty(&self) -> Duty {
        match self.life.machine.state() {
            reconnect::State::Closed(_) => Duty::End,
            reconnect::State::Connecting { .. } if !self.pumping => Duty::Connect,
            _ => Duty::Wait,
        }
    }

    /// Whether the attempts have led to a session, or to the end.
    pub(crate) fn is_decided(&self) -> bool {
        let joined = matches!(self.life.machine.state(), reconnect::State::Joined { .. });
        joined || self.life.closed.is_some()
    }

    /// What came of the attempts, once something has: a session, or the end.
    pub(crate) fn outcome(&mut self) -> Option<Result<(), ConnectError>> {
        match (&self.life.closed, self.life.machine.state()) {
            (Some(closed), _) => {
                let closed = closed.clone();
                Some(Err(self.life.failed.take().unwrap_or(ConnectError::Join(closed))))
            }
            (None, reconnect::State::Joined { .. }) => Some(Ok(())),
            _ => None,
        }
    }

    /// A session has ended, and another will come: what is under way fails, what is to last stays.
    fn interrupt(&mut self, effects: &mut Effects, closed: &Closed) {
        self.restoring = None;
        self.keep_procedures(effects);
        self.keep_topics(effects);
        self.drop_requests(effects, &Error::Lost(closed.clone()));
    }

    /// The client is over: everybody who waits is told why.
    fn end(&mut self, effects: &mut Effects, closed: Closed) {
        let error = Error::Closed(closed.clone());
        self.drop_requests(effects, &error);
        self.end_topics(effects, &error);
        self.end_procedures(effects);
        self.restoring = None;
        effects.wakers.extend(self.room.take());
        self.life.closed = Some(closed.clone());
        self.life.tell(effects, Lifecycle::Closed { why: closed });
        effects.wakers.extend(self.life.listeners.drain(..).filter_map(|queue| queue.end()));
    }

    fn drop_requests(&mut self, effects: &mut Effects, error: &Error) {
        let failed = |(_, waiter)| (waiter, super::Outcome::Failed(error.clone()));
        effects.answers.extend(self.waiting.drain().map(failed));
        self.results.clear();
        self.end_running(effects);
    }
}

/// What a client's task has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Make an attempt.
    Connect,
    /// Wait.
    Wait,
    /// Nothing more.
    End,
}
