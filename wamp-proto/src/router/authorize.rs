//! What a session may do is decided before its message reaches broker or dealer (A-86..A-90).
//!
//! Nothing stands between a session and its realm when its role may do everything. Rules are looked up at once. Where
//! whoever runs the router decides, the message waits, and all that the session sends after it waits behind it, so that
//! the order in which things take effect stays the one in which they were sent (S-75, S-77, A-90).

use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use super::{
    ConnectionId, Denial, Event, Limit, Router,
    link::{Links, Peer},
    permissions::{Compiled, Right},
    state::State,
    timers::Timeout,
};
use crate::{
    dict::Dict,
    id::SessionId,
    map::Seeded,
    message::{Call, InvocationPolicy, Message, MessageKind, Publish, Register, Subscribe},
    time::Instant,
    uri::{Match, Pattern, Uri, uris},
};

/// Names a question of [`Event::Authorize`]. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthorizationId {
    connection: ConnectionId,
    number: u64,
}

/// What a session wants to do, to be decided with [`Router::authorize`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Authorization {
    /// The question.
    pub id: AuthorizationId,
    /// The realm.
    pub realm: Uri,
    /// The realm whose settings it has: itself, or that of its template.
    pub like: Uri,
    /// The session.
    pub session: SessionId,
    /// Its name.
    pub authid: String,
    /// Its role.
    pub authrole: String,
    /// How it has proved who it is.
    pub authmethod: String,
    /// Who says so.
    pub authprovider: String,
    /// What it wants to do.
    pub right: Right,
    /// With which URIs: one, or a pattern when it subscribes or registers.
    pub subject: Pattern,
    /// What of the request's options may matter for that, by their names on the wire.
    pub options: Dict,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permission {
    /// What becomes of the request.
    pub ruling: Ruling,
    /// Tell callees or subscribers whose request it is, unless this router never does.
    pub disclose: bool,
    /// How long this session's requests for the same are decided so without being asked for again. Default: not at all.
    pub cache: Option<Duration>,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is served.
    Allowed,
    /// It is refused with `wamp.error.not_authorized`.
    Denied,
    /// Nobody could decide: it is refused with `wamp.error.authorization_failed` (fault 86).
    Failed,
}

impl Permission {
    /// The session may do it.
    pub const fn allow() -> Self {
        Self { ruling: Ruling::Allowed, disclose: false, cache: None }
    }

    /// The session may not do it.
    pub const fn deny() -> Self {
        Self { ruling: Ruling::Denied, disclose: false, cache: None }
    }

    /// That cannot be found out, so it may not.
    pub const fn failed() -> Self {
        Self { ruling: Ruling::Failed, disclose: false, cache: None }
    }

    /// With the disclosure of caller or publisher.
    #[must_use]
    pub const fn disclose(mut self) -> Self {
        self.disclose = true;
        self
    }

    /// To be remembered for this long.
    #[must_use]
    pub const fn cache(mut self, time: Duration) -> Self {
        self.cache = Some(time);
        self
    }
}

/// A message that waits for its decision, and what came after it.
#[derive(Debug)]
pub(super) struct Waiting {
    number: u64,
    deadline: Instant,
    right: Right,
    subject: Pattern,
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Waiting {
    fn push(&mut self, message: Message) {
        self.bytes = self.bytes.saturating_add(size(&message));
        self.messages.push_back(message);
    }

    pub(super) fn is_full(&self, max_messages: usize, max_bytes: usize) -> bool {
        self.messages.len() >= max_messages || self.bytes >= max_bytes
    }
}

/// Decisions that hold for a while, those of one session; the oldest make room.
#[derive(Debug)]
pub(super) struct Decisions {
    known: HashMap<(Right, Match, Uri), (Permission, Instant), Seeded>,
    order: VecDeque<(Right, Match, Uri)>,
}

impl Decisions {
    pub(super) fn new(hash: Seeded) -> Self {
        Self { known: HashMap::with_hasher(hash), order: VecDeque::new() }
    }

    fn get(&self, now: Instant, right: Right, subject: &Pattern) -> Option<Permission> {
        let (permission, until) = self.known.get(&key(right, subject))?;
        (now < *until).then_some(*permission)
    }

    fn insert(
        &mut self,
        right: Right,
        subject: &Pattern,
        permission: Permission,
        until: Instant,
        max: usize,
    ) {
        let key = key(right, subject);
        if self.known.insert(key.clone(), (permission, until)).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > max {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

fn key(right: Right, subject: &Pattern) -> (Right, Match, Uri) {
    (right, subject.kind(), subject.uri().clone())
}

/// What somebody wants to do.
struct Wish {
    right: Right,
    subject: Pattern,
}

/// The memory that a message holds, nearly.
fn size(message: &Message) -> usize {
    let payload = message.payload().map_or(0, crate::payload::Payload::size);
    payload.saturating_add(size_of::<Message>())
}

impl Router {
    /// Decides about a question of [`Event::Authorize`]. Nothing happens when it is not open any more: it was decided
    /// already, or its time was over, or the session has left, or its permissions have changed.
    pub fn authorize(&mut self, now: Instant, id: AuthorizationId, permission: Permission) {
        let Some(peer) = self.links.find(id.connection) else { return };
        if self.links.is_open(peer, id.number) {
            self.conclude(now, peer, permission);
            self.reap(now);
        }
    }

    pub(super) fn authorization_timed_out(&mut self, now: Instant, peer: Peer) {
        self.conclude(now, peer, Permission::failed());
    }

    fn conclude(&mut self, now: Instant, peer: Peer, permission: Permission) {
        let Some(mut waiting) = self.links.take_waiting(peer) else { return };
        self.links.remember(now, peer, &waiting, permission);
        if let Some(message) = waiting.messages.pop_front() {
            let wish = Wish { right: waiting.right, subject: waiting.subject };
            self.settle(now, peer, message, &wish, permission);
        }
        self.resume(now, peer, waiting.messages);
    }

    /// Goes on with what has waited, until it must wait again.
    pub(super) fn resume(&mut self, now: Instant, peer: Peer, mut messages: VecDeque<Message>) {
        while let Some(message) = messages.pop_front() {
            match self.links.get_mut(peer).map(|link| (link.state, link.waiting.as_mut())) {
                None | Some((State::Closed, _)) => return,
                Some((_, Some(waiting))) => waiting.push(message),
                Some((state, None)) => self.receive(now, peer, state, message),
            }
        }
        // It may read again.
        self.links.notify_again(peer);
    }

    /// Serves a message of a session that may not do everything, or refuses it, or has it wait.
    pub(super) fn guard(&mut self, now: Instant, from: Peer, message: Message) {
        let Some(wish) = self.wish(from, &message) else { return self.serve(now, from, message) };
        let Some(link) = self.links.get(from) else { return };
        let Some(guard) = link.guard.as_deref() else { return };
        let permission = match guard {
            Compiled::Rules(rules) => {
                let decision = rules.decide_pattern(wish.right, &wish.subject);
                match decision.allowed(wish.right) {
                    Some(disclose) => Permission { disclose, ..Permission::allow() },
                    None => Permission::deny(),
                }
            }
            Compiled::Dynamic => {
                let known = link.decisions.as_ref();
                match known.and_then(|known| known.get(now, wish.right, &wish.subject)) {
                    Some(permission) => permission,
                    None => return self.ask_for_permission(now, from, message, wish),
                }
            }
        };
        self.settle(now, from, message, &wish, permission);
    }

    fn settle(
        &mut self,
        now: Instant,
        from: Peer,
        mut message: Message,
        wish: &Wish,
        permission: Permission,
    ) {
        if permission.ruling != Ruling::Allowed {
            return self.deny_request(now, from, &message, wish, permission.ruling);
        }
        if permission.disclose {
            self.disclose(from, &mut message);
        }
        self.serve(now, from, message);
    }

    /// The rule asks in the session's name for what the session might ask for itself.
    fn disclose(&self, from: Peer, message: &mut Message) {
        use super::Disclosure::Never;
        let realm = self.realm_of(from).and_then(|realm| self.realms.get(realm));
        let Some(settings) = realm.map(|realm| &realm.settings) else { return };
        match message {
            Message::Call(call) => call.options.disclose_me |= settings.caller_disclosure != Never,
            Message::Publish(publish) => {
                publish.options.disclose_me |= settings.publisher_disclosure != Never;
            }
            _ => {}
        }
    }

    /// What a message needs to be allowed. What cannot be served anyway is refused by broker and dealer, for what it is; and
    /// further parts of a call were allowed with the first.
    fn wish(&self, from: Peer, message: &Message) -> Option<Wish> {
        if self.links.get(from)?.continues(message) {
            return None;
        }
        let (right, subject) = match message {
            Message::Call(Call { procedure, .. }) => {
                (Right::Call, self.config.check_uri(procedure).map(|()| Pattern::exact(procedure.clone())))
            }
            Message::Publish(Publish { topic, .. }) => {
                (Right::Publish, self.config.check_topic(topic).map(|()| Pattern::exact(topic.clone())))
            }
            Message::Subscribe(Subscribe { topic, options, .. }) => {
                let kind = options.match_policy.unwrap_or_default();
                (Right::Subscribe, self.config.check_pattern(topic, kind))
            }
            Message::Register(Register { procedure, options, .. }) => {
                let kind = options.match_policy.unwrap_or_default();
                (Right::Register, self.config.check_procedure(procedure, kind))
            }
            _ => return None,
        };
        Some(Wish { right, subject: subject.ok()? })
    }

    fn ask_for_permission(&mut self, now: Instant, from: Peer, message: Message, wish: Wish) {
        let realm = self.realm_of(from).and_then(|realm| self.realms.get(realm));
        let names = realm.map(|realm| (realm.name.clone(), realm.like.clone()));
        let Some(identity) = self.links.get(from).and_then(|link| link.identity.as_deref()) else { return };
        let Some((realm, like)) = names else { return };
        let id = AuthorizationId { connection: self.links.id(from), number: self.asked };
        let authorization = Authorization {
            id,
            realm,
            like,
            session: identity.session,
            authid: identity.authid.clone(),
            authrole: identity.authrole.clone(),
            authmethod: identity.authmethod.clone(),
            authprovider: identity.authprovider.clone(),
            right: wish.right,
            subject: wish.subject.clone(),
            options: options(&message),
        };
        self.asked = self.asked.wrapping_add(1);
        let deadline = now + self.config.authorization_timeout;
        let mut waiting = Waiting {
            number: id.number,
            deadline,
            right: wish.right,
            subject: wish.subject,
            messages: VecDeque::new(),
            bytes: 0,
        };
        waiting.push(message);
        self.links.wait(from, waiting);
        self.links.ask(Event::Authorize(Box::new(authorization)));
    }

    fn deny_request(&mut self, now: Instant, from: Peer, message: &Message, wish: &Wish, ruling: Ruling) {
        let Wish { right, subject } = wish;
        self.links.denied(from, Denial { right: *right, subject: subject.clone(), ruling });
        let Some(identity) = self.links.get(from).and_then(|link| link.identity.as_deref()) else { return };
        let (error, text) = match ruling {
            Ruling::Failed => {
                let text =
                    format!("it cannot be found out whether this session may {right} `{}`", subject.uri());
                (uris::error::AUTHORIZATION_FAILED, text)
            }
            _ => {
                let text = format!("the role `{}` may not {right} `{}`", identity.authrole, subject.uri());
                (uris::error::NOT_AUTHORIZED, text)
            }
        };
        let (kind, request) = match message {
            Message::Call(call) => {
                if call.options.progress {
                    self.links.expect_parts(from, call.request, call.procedure.clone());
                }
                (MessageKind::Call, call.request)
            }
            // T-18: whoever asks for no answer gets none.
            Message::Publish(publish) if !publish.options.acknowledge => return,
            Message::Publish(publish) => (MessageKind::Publish, publish.request),
            Message::Subscribe(subscribe) => (MessageKind::Subscribe, subscribe.request),
            Message::Register(register) => (MessageKind::Register, register.request),
            _ => return,
        };
        self.links.refuse(now, from, kind, request, error, &text);
    }
}

/// What an authorizer may want to know of a request besides its URI.
fn options(message: &Message) -> Dict {
    let mut options = Dict::new();
    let mut flag = |name: &str, set: bool| {
        if set {
            options.insert(name, true);
        }
    };
    let (mut kind, mut invoke) = (None, None);
    match message {
        Message::Call(call) => flag("disclose_me", call.options.disclose_me),
        Message::Publish(publish) => {
            flag("disclose_me", publish.options.disclose_me);
            flag("acknowledge", publish.options.acknowledge);
            flag("retain", publish.options.retain);
        }
        Message::Subscribe(subscribe) => {
            flag("get_retained", subscribe.options.get_retained);
            kind = Some(subscribe.options.match_policy.unwrap_or_default());
        }
        Message::Register(register) => {
            flag("disclose_caller", register.options.disclose_caller);
            flag("force_reregister", register.options.force_reregister);
            kind = Some(register.options.match_policy.unwrap_or_default());
            invoke = register.options.invoke;
        }
        _ => {}
    }
    let texts = [("match", kind.map(Match::as_str)), ("invoke", invoke.map(InvocationPolicy::as_str))];
    for (name, text) in texts {
        if let Some(text) = text {
            options.insert(name, text);
        }
    }
    options
}

impl Links {
    /// Whether a session may do something for which nobody can be asked first: not if that is decided each time.
    pub(super) fn may_at_once(&self, peer: Peer, right: Right, subject: &Pattern) -> bool {
        match self.get(peer).and_then(|link| link.guard.as_deref()) {
            None => true,
            Some(Compiled::Rules(rules)) => rules.decide_pattern(right, subject).allowed(right).is_some(),
            Some(Compiled::Dynamic) => false,
        }
    }

    fn is_open(&self, peer: Peer, number: u64) -> bool {
        let waiting = self.get(peer).and_then(|link| link.waiting.as_ref());
        waiting.is_some_and(|waiting| waiting.number == number)
    }

    /// Whether a message is to wait for another; it is taken then.
    pub(super) fn hold(&mut self, peer: Peer, message: Message) -> Option<Message> {
        match self.get_mut(peer).and_then(|link| link.waiting.as_mut()) {
            // S-38: the session ends at once.
            Some(waiting) if message.kind() != MessageKind::Abort => {
                waiting.push(message);
                self.check_held(peer);
                None
            }
            _ => Some(message),
        }
    }

    fn wait(&mut self, peer: Peer, waiting: Waiting) {
        self.timers.set(waiting.deadline, self.id(peer), Timeout::Authorization);
        if let Some(link) = self.get_mut(peer) {
            link.waiting = Some(Box::new(waiting));
        }
        self.check_held(peer);
    }

    /// Tells of a session that has as much waiting as it may.
    fn check_held(&mut self, peer: Peer) {
        let (messages, bytes) = (self.config().max_held_messages, self.config().max_held_bytes);
        let waiting = self.get(peer).and_then(|link| link.waiting.as_deref());
        if waiting.is_some_and(|waiting| waiting.is_full(messages, bytes)) {
            self.limited(peer, Limit::HeldMessages);
        }
    }

    /// What waits at a session does not wait any more.
    pub(super) fn take_waiting(&mut self, peer: Peer) -> Option<Waiting> {
        let waiting = self.get_mut(peer)?.waiting.take()?;
        self.timers.stop(waiting.deadline, self.id(peer), Timeout::Authorization);
        Some(*waiting)
    }

    fn remember(&mut self, now: Instant, peer: Peer, waiting: &Waiting, permission: Permission) {
        let (max, hash) = (self.config().max_cached_decisions, self.hash());
        let Some(time) = permission.cache.filter(|_| permission.ruling != Ruling::Failed) else { return };
        if let Some(link) = self.get_mut(peer) {
            let decisions = link.decisions.get_or_insert_with(|| Box::new(Decisions::new(hash)));
            decisions.insert(waiting.right, &waiting.subject, permission, now + time, max);
        }
    }
}

impl Waiting {
    /// All of it, to be looked at anew.
    pub(super) fn into_messages(self) -> VecDeque<Message> {
        self.messages
    }
}
