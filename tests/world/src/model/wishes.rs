//! What the advanced broker and the meta API can be asked for, and the choice among it.

use wamp_proto::{
    Dict, Match, Payload, Uri, Value,
    id::SessionId,
    message::{self, Audience, Message},
};

use super::{
    Model,
    check::{Kind, payload},
    operations::{PAYLOADS, URIS, pattern},
    trial::Trial,
};
use crate::random::Random;

/// One request. Sessions and subscriptions are numbers of the model.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is named as what it asks for")]
#[non_exhaustive]
pub enum Wish {
    Publish { topic: &'static str, payload: usize, options: Options },
    SubscribeRetained { kind: Match, uri: &'static str },
    Testament { detached: bool, topic: &'static str, payload: usize, options: Options },
    Flush { detached: bool },
    CountSessions,
    CountSubscribers { subscription: u64 },
    Events { subscription: u64, limit: usize, reverse: bool },
}

/// How to publish.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is named as the option")]
pub struct Options {
    pub acknowledge: bool,
    pub exclude_me: bool,
    pub retain: bool,
    pub lists: Option<Lists>,
}

/// The six lists. Authids are those of these sessions; everybody's authrole is the same, so that only counts whether it is
/// on the list.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "each is named as the option")]
pub struct Lists {
    pub exclude: Option<Vec<u64>>,
    pub eligible: Option<Vec<u64>>,
    pub exclude_authid: Option<Vec<u64>>,
    pub eligible_authid: Option<Vec<u64>>,
    pub exclude_authrole: Option<bool>,
    pub eligible_authrole: Option<bool>,
}

impl Options {
    pub(super) fn plain(acknowledge: bool, exclude_me: bool) -> Self {
        Self { acknowledge, exclude_me, retain: false, lists: None }
    }
}

impl Lists {
    pub(super) fn admits(&self, session: u64) -> bool {
        let excluded = |list: &Option<Vec<u64>>| list.as_ref().is_some_and(|list| list.contains(&session));
        let eligible = |list: &Option<Vec<u64>>| list.as_ref().is_none_or(|list| list.contains(&session));
        !excluded(&self.exclude) && eligible(&self.eligible) && self.admits_name(session)
    }

    /// The lists of names only.
    pub(super) fn admits_name(&self, session: u64) -> bool {
        let excluded = |list: &Option<Vec<u64>>| list.as_ref().is_some_and(|list| list.contains(&session));
        let eligible = |list: &Option<Vec<u64>>| list.as_ref().is_none_or(|list| list.contains(&session));
        !excluded(&self.exclude_authid)
            && eligible(&self.eligible_authid)
            && self.exclude_authrole != Some(true)
            && self.eligible_authrole != Some(false)
    }
}

impl Model {
    /// Something for the advanced broker to do.
    pub(super) fn wish(&self, client: usize, random: &mut Random) -> Wish {
        let (topic, payload) = (*random.pick(&URIS), random.below(PAYLOADS));
        match random.below(20) {
            0..=8 => Wish::Publish { topic, payload, options: self.options(random) },
            9..=12 => {
                let (kind, uri) = pattern(random);
                Wish::SubscribeRetained { kind, uri }
            }
            13..=14 => {
                // Such that come out of the values of arguments as they went in.
                let payload = payload - payload % 8 + random.below(6);
                Wish::Testament { detached: random.one_in(2), topic, payload, options: self.options(random) }
            }
            15 => Wish::Flush { detached: random.one_in(2) },
            16 => Wish::CountSessions,
            17 => Wish::CountSubscribers { subscription: self.subscription(client, random) },
            _ => {
                let subscription = match self.histories.get(random.below(3)) {
                    Some(history) => history.subscription,
                    None => self.subscription(client, random),
                };
                Wish::Events { subscription, limit: random.below(4), reverse: random.one_in(2) }
            }
        }
    }

    fn options(&self, random: &mut Random) -> Options {
        Options {
            acknowledge: random.one_in(2),
            exclude_me: !random.one_in(3),
            retain: random.one_in(2),
            lists: random.one_in(2).then(|| self.lists(random)).filter(|lists| *lists != Lists::default()),
        }
    }

    fn lists(&self, random: &mut Random) -> Lists {
        let sessions = self.clients.iter().map(|client| client.session).filter(|session| *session > 0);
        let sessions = sessions.collect::<Vec<_>>();
        let mut list = |of: usize, odds: usize| {
            random.one_in(of).then(|| {
                let chosen = sessions.iter().copied().filter(|_| !random.one_in(odds));
                chosen.collect::<Vec<_>>()
            })
        };
        let (exclude, exclude_authid) = (list(3, 2), list(4, 2));
        let (eligible, eligible_authid) = (list(3, 3), list(4, 3));
        let role = |random: &mut Random| random.one_in(8).then(|| random.one_in(3));
        Lists {
            exclude,
            eligible,
            exclude_authid,
            eligible_authid,
            exclude_authrole: role(random),
            eligible_authrole: role(random).map(|listed| !listed),
        }
    }
}

impl Trial {
    /// The message of a wish, if the model's numbers have a meaning to the router.
    pub(super) fn wish_message(&self, client: usize, request: u64, wish: &Wish) -> Option<Message> {
        let request = request.try_into().ok()?;
        let encoding = self.clients[client].encoding;
        let call = |procedure: &str, args: Vec<Value>, kwargs: Dict| -> Option<Message> {
            let payload = Payload::new(encoding, &args, &kwargs).ok()?;
            let (options, procedure) = (message::CallOptions::default(), Uri::unchecked(procedure));
            Some(message::Call { request, options, procedure, payload }.into())
        };
        let scope = |detached: bool| if detached { "detached" } else { "destroyed" };
        match wish {
            Wish::Publish { topic, payload: number, options } => {
                let options = message::PublishOptions {
                    acknowledge: options.acknowledge,
                    exclude_me: (!options.exclude_me).then_some(false),
                    retain: options.retain,
                    audience: self.audience(options)?,
                    ..Default::default()
                };
                let (topic, payload) = (Uri::unchecked(topic), payload(*number, encoding).clone());
                Some(message::Publish { request, options, topic, payload }.into())
            }
            Wish::SubscribeRetained { kind, uri } => {
                let options = message::SubscribeOptions {
                    match_policy: Some(*kind),
                    get_retained: true,
                    ..Default::default()
                };
                Some(message::Subscribe { request, options, topic: Uri::unchecked(uri) }.into())
            }
            Wish::Testament { detached, topic, payload: number, options } => {
                let payload = payload(*number, encoding);
                let args = Value::List(payload.list().ok()?);
                let kwargs = Value::Dict(payload.dict().ok()?);
                let mut named = Dict::from_iter([("publish_options", self.publish_options(options)?)]);
                named.insert("scope", scope(*detached));
                call("wamp.session.add_testament", vec![(*topic).into(), args, kwargs], named)
            }
            Wish::Flush { detached } => {
                let named = Dict::from_iter([("scope", scope(*detached))]);
                call("wamp.session.flush_testaments", vec![], named)
            }
            Wish::CountSessions => call("wamp.session.count", vec![], Dict::new()),
            Wish::CountSubscribers { subscription } => {
                let id = self.subscription_id(client, *subscription)?;
                call("wamp.subscription.count_subscribers", vec![id.into()], Dict::new())
            }
            Wish::Events { subscription, limit, reverse } => {
                let id = self.subscription_id(client, *subscription)?;
                let mut named = Dict::from_iter([("reverse", *reverse)]);
                if *limit > 0 {
                    named.insert("limit", *limit);
                }
                call("wamp.subscription.get_events", vec![id.into()], named)
            }
        }
    }

    /// The router's name for a subscription of anybody, unless nobody has been told of it yet.
    fn subscription_id(&self, client: usize, subscription: u64) -> Option<u64> {
        let exists = self.model.subscriptions.iter().any(|entry| entry.id == subscription);
        match self.ids.get(Kind::Subscription, self.model.clients[client].realm, subscription) {
            None if exists => None,
            _ => self.router_id(Kind::Subscription, client, subscription),
        }
    }

    /// The options of a testament's publication, as they stand in its arguments.
    fn publish_options(&self, options: &Options) -> Option<Value> {
        let mut dict = Dict::new();
        dict.insert("exclude_me", options.exclude_me);
        dict.insert("retain", options.retain);
        if let Some(audience) = self.audience(options)? {
            let Audience { exclude, eligible, .. } = &*audience;
            for (key, list) in [("exclude", exclude), ("eligible", eligible)] {
                let ids = list.as_ref().map(|list| Value::from_iter(list.iter().map(|id| id.get())));
                ids.into_iter().for_each(|ids| _ = dict.insert(key, ids));
            }
            for (key, list) in [
                ("exclude_authid", &audience.exclude_authid),
                ("eligible_authid", &audience.eligible_authid),
                ("exclude_authrole", &audience.exclude_authrole),
                ("eligible_authrole", &audience.eligible_authrole),
            ] {
                let names = list.as_ref().map(|list| Value::from_iter(list.iter().map(|name| &**name)));
                names.into_iter().for_each(|names| _ = dict.insert(key, names));
            }
        }
        Some(dict.into())
    }

    /// `None` when a session on the lists is one that nobody has heard of yet.
    fn audience(&self, options: &Options) -> Option<Option<Box<Audience>>> {
        let Some(lists) = &options.lists else { return Some(None) };
        let ids = |list: &Option<Vec<u64>>| -> Option<Option<Vec<SessionId>>> {
            let Some(list) = list else { return Some(None) };
            list.iter()
                .map(|session| Some(self.sessions.get(session)?.0))
                .collect::<Option<Vec<_>>>()
                .map(Some)
        };
        let names = |list: &Option<Vec<u64>>| -> Option<Option<Vec<String>>> {
            let Some(list) = list else { return Some(None) };
            let name = |session: &u64| Some(self.sessions.get(session)?.1.clone());
            list.iter().map(name).collect::<Option<Vec<_>>>().map(Some)
        };
        let roles = |listed: Option<bool>| {
            let role = |listed| if listed { vec!["admin", "anonymous"] } else { vec!["admin"] };
            listed.map(|listed| role(listed).into_iter().map(str::to_owned).collect())
        };
        Some(Some(Box::new(Audience {
            exclude: ids(&lists.exclude)?,
            eligible: ids(&lists.eligible)?,
            exclude_authid: names(&lists.exclude_authid)?,
            eligible_authid: names(&lists.eligible_authid)?,
            exclude_authrole: roles(lists.exclude_authrole),
            eligible_authrole: roles(lists.eligible_authrole),
        })))
    }
}
