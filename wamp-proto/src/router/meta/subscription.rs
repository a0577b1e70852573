//! `wamp.subscription.*`: who listens to what, and what was published (X-60..X-73, P-76..P-82).

use bytes::Bytes;
use serde::Serialize;

use super::{Answer, ByPolicy, Refusal, Request, invalid, lookup_pattern};
use crate::{
    codec::Writer,
    id::{PublicationId, SessionId, SubscriptionId},
    payload::Payload,
    router::{
        Config, Right, Router,
        broker::{Broker, Kept, Query, Range, Subscription},
        timestamp,
    },
    uri::uris,
};

pub(super) const PROCEDURES: &[&str] = &[
    "list",
    "lookup",
    "match",
    "get",
    "list_subscribers",
    "count_subscribers",
    "remove_subscriber",
    "get_events",
];

/// What others are told of a subscription.
#[derive(Serialize)]
pub(in crate::router) struct SubscriptionDetails<'a> {
    id: SubscriptionId,
    created: String,
    uri: &'a str,
    #[serde(rename = "match")]
    match_policy: &'static str,
}

impl<'a> SubscriptionDetails<'a> {
    pub(in crate::router) fn new(
        config: &Config,
        id: SubscriptionId,
        subscription: &'a Subscription,
    ) -> Self {
        let pattern = subscription.pattern();
        let created = timestamp::format(config.unix_micros(subscription.created()));
        Self { id, created, uri: pattern.uri(), match_policy: pattern.kind().as_str() }
    }
}

impl Router {
    ///
    pub(super) fn subscription_list(&mut self, request: &Request) -> Answer {
        let all =
            self.broker(request)?.all().into_iter().map(|(id, entry)| (id.get(), entry.pattern().kind()));
        request.answer(&(ByPolicy::new(all.collect()),))
    }

    ///
    pub(super) fn subscription_lookup(&mut self, request: &Request) -> Answer {
        let pattern = lookup_pattern(request, self.config.uri_rule)?;
        let broker = self.broker(request)?;
        request.answer(&(pattern.and_then(|pattern| broker.look_up(&pattern)),))
    }

    /// null when there is none (T-56).
    pub(super) fn subscription_match(&mut self, request: &Request) -> Answer {
        let matching = self.broker(request)?.matching(request.text(0, "a topic")?);
        request.answer(&(Some(matching).filter(|ids| !ids.is_empty()),))
    }

    ///
    pub(super) fn subscription_get(&mut self, request: &Request) -> Answer {
        let (id, subscription) = self.subscription(request)?;
        request.answer(&(SubscriptionDetails::new(&self.config, id, subscription),))
    }

    ///
    pub(super) fn list_subscribers(&mut self, request: &Request) -> Answer {
        let (_, subscription) = self.subscription(request)?;
        let identity = |peer: &usize| self.links.get(*peer).and_then(|link| link.identity.as_deref());
        let sessions =
            subscription.subscribers().iter().filter_map(identity).map(|identity| identity.session);
        request.answer(&(sessions.collect::<Vec<_>>(),))
    }

    ///
    pub(super) fn count_subscribers(&mut self, request: &Request) -> Answer {
        let (_, subscription) = self.subscription(request)?;
        request.answer(&(subscription.subscribers().len(),))
    }

    ///
    pub(super) fn remove_subscriber(&mut self, request: &Request) -> Answer {
        let (id, _) = self.subscription(request)?;
        let session: SessionId = request.id(1, "session", uris::error::NO_SUCH_SESSION)?;
        let reason = request.reason()?;
        let here = self.realms.get(request.realm).is_some_and(|realm| realm.members.contains_key(&session));
        if !here || !self.revoke(request.now, session, id, reason) {
            let text = format!("session {session} does not have this subscription");
            return Err((uris::error::NO_SUCH_SESSION, text));
        }
        Ok(Payload::empty())
    }

    /// X-70, P-76..P-82.
    pub(super) fn get_events(&mut self, request: &Request) -> Answer {
        let (id, subscription) = self.subscription(request)?;
        let query = query(request)?;
        // What was published to a topic is for those who may subscribe to it.
        let subscribed = subscription.subscribers().contains(&request.from);
        if !subscribed && !self.links.may_at_once(request.from, Right::Subscribe, subscription.pattern()) {
            let text = format!("this session may not subscribe `{}`", subscription.pattern().uri());
            return Err((uris::error::NOT_AUTHORIZED, text));
        }
        let Some(link) = self.links.get(request.from) else { return Ok(Payload::empty()) };
        let Some(identity) = link.identity.as_deref() else { return Ok(Payload::empty()) };
        let unknown = || invalid("a publication of the query is not in the history");
        let events = subscription.history(&query, identity).ok_or_else(unknown)?;
        if events.is_empty() {
            return Ok(Payload::empty());
        }
        let mut writer = Writer::new(request.encoding);
        writer.list(None);
        let room = link.send_limit().min(self.config.max_history_result);
        let mut written: usize = 0;
        for kept in events {
            // Fault 67: what does not fit any more is for the next query.
            written = written.saturating_add(kept.event.size());
            if written > room {
                break;
            }
            write_event(&mut writer, id, subscription, kept).map_err(|text| invalid(&text))?;
        }
        let list = Bytes::from(writer.finish());
        Ok(Payload::from_frame(request.encoding, &list, Some(0..list.len()), None))
    }

    fn broker(&self, request: &Request) -> Result<&Broker, Refusal> {
        let realm = self.realms.get(request.realm);
        realm.map(|realm| &realm.broker).ok_or_else(|| (uris::error::UNAVAILABLE, String::new()))
    }

    /// The subscription that the first argument names.
    fn subscription(&self, request: &Request) -> Result<(SubscriptionId, &Subscription), Refusal> {
        let missing = uris::error::NO_SUCH_SUBSCRIPTION;
        let id: SubscriptionId = request.id(0, "subscription", missing)?;
        let found = self.broker(request)?.get(id);
        Ok((id, found.ok_or_else(|| (missing, format!("there is no subscription {id}")))?))
    }
}

/// P-78: one event of a history.
fn write_event(
    writer: &mut Writer,
    id: SubscriptionId,
    subscription: &Subscription,
    kept: &Kept,
) -> Result<(), String> {
    let event = &kept.event;
    let payload = event.payload().transcode(writer.encoding()).map_err(|error| error.to_string())?;
    writer.dict(Some(payload.elements().saturating_add(4)));
    writer.key("timestamp");
    writer.text(&timestamp::format(kept.at));
    writer.key("subscription");
    writer.unsigned(id.get());
    writer.key("publication");
    writer.unsigned(event.id().get());
    writer.key("details");
    let details = event.told(subscription.pattern().kind());
    details.write(writer).map_err(|error| error.to_string())?;
    for (key, part) in [("args", payload.args_raw()), ("kwargs", payload.kwargs_raw())] {
        if let Some(part) = part {
            writer.key(key);
            writer.raw(part, 1);
        }
    }
    writer.end();
    Ok(())
}

/// P-76.
fn query(request: &Request) -> Result<Query, Refusal> {
    let bool = |key| match request.kwarg(key) {
        None => Ok(false),
        Some(value) => value.as_bool().ok_or_else(|| invalid(&format!("`{key}` must be a bool"))),
    };
    let time = |key| match request.text_kwarg(key)? {
        None => Ok(None),
        Some(text) => match timestamp::parse(text) {
            Some(time) => Ok(Some(time)),
            None => Err(invalid(&format!("`{key}` must be a time like 2026-11-22T12:00:00Z (RFC 3339)"))),
        },
    };
    let publication = |key| match request.kwarg(key) {
        None => Ok(None),
        Some(value) => match value.as_u64().and_then(|id| PublicationId::try_from(id).ok()) {
            Some(id) => Ok(Some(id)),
            None => Err(invalid(&format!("`{key}` must be the id of a publication"))),
        },
    };
    let limit = match request.kwarg("limit") {
        None => None,
        Some(value) => match value.as_u64() {
            Some(limit @ 1..) => Some(usize::try_from(limit).unwrap_or(usize::MAX)),
            _ => return Err(invalid("`limit` must be a positive integer")),
        },
    };
    Ok(Query {
        reverse: bool("reverse")?,
        limit,
        topic: request.text_kwarg("topic")?.map(str::to_owned),
        time: Range {
            from: time("from_time")?,
            after: time("after_time")?,
            before: time("before_time")?,
            until: time("until_time")?,
        },
        publication: Range {
            from: publication("from_publication")?,
            after: publication("after_publication")?,
            before: publication("before_publication")?,
            until: publication("until_publication")?,
        },
    })
}
