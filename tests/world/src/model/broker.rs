//! Retained events, histories, testaments, and what the meta API says of them.

use bytes::Bytes;
use wamp_proto::{
    Encoding, Match, Value,
    message::{self, MessageKind},
};

use super::{
    Dear, Expected, Model, Pattern, Phase,
    check::{Ids, Kind, payload},
    events::{is_reserved, is_uri},
    wishes::{Lists, Options, Wish},
};

/// An event that was published, for those who come later.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    realm: usize,
    topic: &'static str,
    publication: u64,
    payload: usize,
    /// Who must not hear itself.
    excluded: Option<u64>,
    lists: Option<Lists>,
}

/// The last events of a subscription.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) subscription: u64,
    pattern: Pattern,
    max: usize,
    events: Vec<Kept>,
}

/// What is to be published when a session has ended.
#[derive(Clone, Debug)]
pub(crate) struct Testament {
    detached: bool,
    topic: &'static str,
    payload: usize,
    options: Options,
}

/// What a procedure of the router answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Nothing,
    Count(usize),
    Events { subscription: u64, pattern: bool, events: Vec<(u64, &'static str, usize)> },
}

/// How many events one topic may have when only some may receive the newer ones.
const EDITIONS: usize = 8;

impl Model {
    /// What is kept of a pattern from the start.
    pub(crate) fn keep_history(&mut self, realm: usize, kind: Match, uri: &'static str, max: usize) -> u64 {
        self.next_id += 1;
        let (subscription, pattern) = (self.next_id, Pattern { realm, kind, uri });
        let subscribers = Vec::new();
        self.subscriptions.push(super::Subscription {
            id: subscription,
            pattern: pattern.clone(),
            subscribers,
        });
        self.histories.push(History { subscription, pattern, max, events: Vec::new() });
        subscription
    }

    /// Subscriptions without subscribers end, unless they have a history.
    pub(crate) fn end_subscriptions(&mut self) {
        let lasting = self.histories.iter().map(|history| history.subscription).collect::<Vec<_>>();
        self.subscriptions.retain(|entry| !entry.subscribers.is_empty() || lasting.contains(&entry.id));
    }

    pub(crate) fn grant(&mut self, client: usize, request: u64, wish: &Wish) {
        let is_call = !matches!(wish, Wish::Publish { .. } | Wish::SubscribeRetained { .. });
        if is_call && self.calls.iter().any(|call| call.caller == client && call.request == request) {
            return self.violate(client);
        }
        if is_call {
            // The id serves for another procedure now.
            self.late.retain(|late| (late.0, late.1) != (client, request));
        }
        match wish {
            Wish::Publish { topic, payload, options } => {
                return self.publish_with(client, request, topic, *payload, options);
            }
            Wish::SubscribeRetained { kind, uri } => {
                self.try_subscribe(client, request, *kind, uri);
                self.send_retained(client, *kind, uri);
                return self.reap();
            }
            _ => {}
        }
        match self.answer(client, wish) {
            Ok(answer) => _ = self.send(client, Dear::Reply, Expected::Answer { request, answer }),
            Err(error) => self.fail(client, MessageKind::Call, request, error),
        }
        self.reap();
    }

    fn answer(&mut self, client: usize, wish: &Wish) -> Result<Answer, &'static str> {
        let realm = self.clients[client].realm;
        let known = |model: &Self, id: u64| {
            model.subscriptions.iter().find(|entry| entry.id == id && entry.pattern.realm == realm).cloned()
        };
        match wish {
            Wish::Testament { detached, topic, payload, options } => {
                if !is_uri(topic) || is_reserved(topic) {
                    return Err("wamp.error.invalid_uri");
                }
                if self.clients[client].testaments.len() >= self.sizes.testaments {
                    return Err("wamp.error.unavailable");
                }
                let (detached, payload, options) = (*detached, *payload, options.clone());
                self.clients[client].testaments.push(Testament { detached, topic, payload, options });
                Ok(Answer::Nothing)
            }
            Wish::Flush { detached } => {
                self.clients[client].testaments.retain(|testament| testament.detached != *detached);
                Ok(Answer::Nothing)
            }
            Wish::CountSubscribers { subscription } => {
                let entry = known(self, *subscription).ok_or("wamp.error.no_such_subscription")?;
                Ok(Answer::Count(entry.subscribers.len()))
            }
            Wish::Events { subscription, limit, reverse } => {
                let entry = known(self, *subscription).ok_or("wamp.error.no_such_subscription")?;
                let history = self.histories.iter().find(|history| history.subscription == *subscription);
                let session = self.clients[client].session;
                let may = |kept: &&Kept| kept.lists.as_ref().is_none_or(|lists| lists.admits_name(session));
                let events = history.into_iter().flat_map(|history| history.events.iter()).filter(may);
                let mut events =
                    events.map(|kept| (kept.publication, kept.topic, kept.payload)).collect::<Vec<_>>();
                if *reverse {
                    events.reverse();
                }
                events.truncate(if *limit > 0 { *limit } else { usize::MAX });
                let pattern = entry.pattern.kind != Match::Exact;
                Ok(Answer::Events { subscription: *subscription, pattern, events })
            }
            _ => {
                let here = |other: &&super::Client| other.phase == Phase::Open && other.realm == realm;
                Ok(Answer::Count(self.clients.iter().filter(here).count()))
            }
        }
    }

    fn publish_with(
        &mut self,
        client: usize,
        request: u64,
        topic: &'static str,
        payload: usize,
        options: &Options,
    ) {
        if !is_uri(topic) || is_reserved(topic) {
            if options.acknowledge {
                self.fail(client, MessageKind::Publish, request, "wamp.error.invalid_uri");
            }
            return self.reap();
        }
        let publication = self.accept(client, topic, payload, options);
        if options.acknowledge {
            self.send(client, Dear::Reply, Expected::Published { request, publication });
        }
        self.reap();
    }

    /// Delivers a publication, and keeps it where it is to be kept.
    pub(crate) fn accept(
        &mut self,
        client: usize,
        topic: &'static str,
        payload: usize,
        options: &Options,
    ) -> u64 {
        self.next_id += 1;
        let publication = self.next_id;
        let (realm, session) = (self.clients[client].realm, self.clients[client].session);
        let admits = |session: u64| options.lists.as_ref().is_none_or(|lists: &Lists| lists.admits(session));
        for entry in self.matching(realm, topic) {
            let mut subscribers = entry.subscribers.clone();
            subscribers.sort_by_key(|subscriber| self.clients[*subscriber].place);
            let topic = (entry.pattern.kind != Match::Exact).then_some(topic);
            for subscriber in subscribers {
                let own = options.exclude_me && subscriber == client;
                if !own && admits(self.clients[subscriber].session) {
                    let subscription = entry.id;
                    let event =
                        Expected::Event { subscription, publication, topic, payload, retained: false };
                    self.send(subscriber, Dear::Event, event);
                }
            }
        }
        let excluded = options.exclude_me.then_some(session);
        let kept = Kept { realm, topic, publication, payload, excluded, lists: options.lists.clone() };
        self.keep(&kept);
        if options.retain {
            self.retain(kept);
        }
        publication
    }

    fn keep(&mut self, kept: &Kept) {
        let lists = kept.lists.as_ref();
        if lists.is_some_and(|lists| lists.exclude.is_some() || lists.eligible.is_some()) {
            return;
        }
        for history in &mut self.histories {
            if history.pattern.matches(kept.realm, kept.topic) {
                history.events.push(kept.clone());
                if history.events.len() > history.max {
                    history.events.remove(0);
                }
            }
        }
    }

    fn retain(&mut self, kept: Kept) {
        let same = |one: &Kept| one.realm == kept.realm && one.topic == kept.topic;
        if kept.lists.is_none() {
            self.retained.retain(|one| !same(one));
        } else if self.retained.iter().filter(|one| same(one)).count() >= EDITIONS {
            let oldest = self.retained.iter().position(same).unwrap();
            self.retained.remove(oldest);
        }
        let realm = kept.realm;
        self.retained.push(kept);
        if self.retained.iter().filter(|one| one.realm == realm).count() > self.sizes.retained {
            let oldest = self.retained.iter().position(|one| one.realm == realm).unwrap();
            self.retained.remove(oldest);
        }
    }

    /// After a SUBSCRIBED, if there was one.
    fn send_retained(&mut self, client: usize, kind: Match, uri: &'static str) {
        let (realm, session) = (self.clients[client].realm, self.clients[client].session);
        let pattern = Pattern { realm, kind, uri };
        let found = self.subscriptions.iter().find(|entry| super::events::same(&entry.pattern, &pattern));
        let Some(entry) = found.filter(|entry| entry.subscribers.contains(&client)) else { return };
        let subscription = entry.id;
        let matching = self.retained.iter().filter(|kept| pattern.matches(realm, kept.topic));
        let mut topics = matching.map(|kept| kept.topic).collect::<Vec<_>>();
        topics.sort_unstable();
        topics.dedup();
        for topic in topics {
            let may = |kept: &&Kept| {
                kept.realm == realm
                    && kept.topic == topic
                    && kept.excluded != Some(session)
                    && kept.lists.as_ref().is_none_or(|lists| lists.admits(session))
            };
            if let Some(kept) = self.retained.iter().rev().find(may) {
                let (publication, payload) = (kept.publication, kept.payload);
                let topic = (kind != Match::Exact).then_some(topic);
                let event = Expected::Event { subscription, publication, topic, payload, retained: true };
                self.send(client, Dear::Event, event);
            }
        }
    }

    /// A session has ended.
    pub(crate) fn execute(&mut self, client: usize) {
        let mut testaments = core::mem::take(&mut self.clients[client].testaments);
        testaments.sort_by_key(|testament| !testament.detached);
        for Testament { topic, payload, options, .. } in testaments {
            self.accept(client, topic, payload, &options);
        }
    }
}

impl Ids {
    /// Whether this is the answer.
    pub(super) fn accept_answer(
        &mut self,
        answer: &Answer,
        encoding: Encoding,
        realm: usize,
        got: &message::Result,
    ) -> bool {
        match answer {
            Answer::Nothing => got.payload.is_empty(),
            Answer::Count(count) => got.payload.value::<usize>() == Ok(*count),
            Answer::Events { subscription, pattern, events } => {
                let Ok(list) = got.payload.list() else { return false };
                list.len() == events.len()
                    && list.iter().zip(events).all(|(found, event)| {
                        let of = (*subscription, pattern.then_some(event.1));
                        self.accept_kept(of, event, encoding, realm, found).is_some()
                    })
            }
        }
    }

    fn accept_kept(
        &mut self,
        (subscription, topic): (u64, Option<&str>),
        (publication, _, number): &(u64, &str, usize),
        encoding: Encoding,
        realm: usize,
        found: &Value,
    ) -> Option<()> {
        let found = found.as_dict()?;
        let payload = payload(*number, encoding);
        let same = found.get("subscription")?.as_u64() == self.get(Kind::Subscription, realm, subscription)
            && self.learn(Kind::Publication, realm, *publication, found.get("publication")?.as_u64()?)
            && found.get("details")?.as_dict()?.get("topic").and_then(Value::as_str) == topic
            && found.get("args").and_then(Value::as_list) == payload.list().ok().as_deref()
            && found.get("kwargs").and_then(Value::as_dict)
                == payload.dict().ok().as_ref().filter(|_| payload.elements() == 2);
        same.then_some(())
    }
}

/// The session id and the authid of a WELCOME.
pub(super) fn identity(encoding: Encoding, frame: &Bytes) -> Option<(wamp_proto::id::SessionId, String)> {
    let message = message::Message::decode(encoding, frame, &wamp_proto::Limits::default());
    let Ok(message::Message::Welcome(welcome)) = message else { return None };
    Some((welcome.session, welcome.details.authid?))
}
