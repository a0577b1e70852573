//! The meta API: procedures and events of the router itself (X-01..X-74), without a session of its own.
//!
//! A call is answered where it comes in. Events are gathered while a message is served and published behind its answers
//! while no subscription can match them, they are not even made. A pattern gets them only when its own first
//! component is `wamp`, as patterns of applications never catch calls to it either (I-30).

mod registration;
mod session;
mod subscription;
mod tap;
mod testament;

use core::mem;

use serde::Serialize;

pub(super) use registration::RegistrationDetails;
pub(super) use subscription::SubscriptionDetails;
pub(super) use testament::Testaments;

use super::{
    MetaAccess, Router,
    link::{Class, Peer, Sent},
    realms::RealmId,
    tap::PROCEDURE as TAP,
};
use crate::{
    codec::Encoding,
    dict::Dict,
    id::SessionId,
    message::{self, Call, MessageKind, ResultDetails},
    payload::Payload,
    time::Instant,
    uri::{Match, Pattern, Uri, uris},
    value::Value,
};

/// The meta events of a realm that wait to be published.
#[derive(Debug)]
pub(super) struct Pending {
    enabled: bool,
    /// How many subscriptions there are whose first component is `wamp`.
    watchers: usize,
    events: Vec<(&'static str, Payload)>,
}

impl Pending {
    pub(super) fn new(access: MetaAccess) -> Self {
        Self { enabled: access != MetaAccess::Nothing, watchers: 0, events: Vec::new() }
    }

    /// Whether the router has a procedure.
    pub(super) fn has(&self, procedure: &str) -> bool {
        self.enabled && is_procedure(procedure)
    }

    /// There is a new subscription.
    pub(super) fn watch(&mut self, pattern: &Pattern) {
        self.watchers = self.watchers.saturating_add(usize::from(pattern.uri().is_reserved()));
    }

    /// A subscription is gone.
    pub(super) fn unwatch(&mut self, pattern: &Pattern) {
        self.watchers = self.watchers.saturating_sub(usize::from(pattern.uri().is_reserved()));
    }

    /// Something has happened.
    pub(super) fn push<A: Serialize>(&mut self, topic: &'static str, args: impl FnOnce() -> A) {
        if self.enabled && self.watchers > 0 {
            if let Ok(payload) = Payload::from_args(Encoding::MessagePack, &args()) {
                self.events.push((topic, payload));
            }
        }
    }
}

/// What one of our procedures answers: a result, or an error with a text for people.
type Answer = Result<Payload, Refusal>;
type Refusal = (&'static str, String);

/// A call of one of our procedures. Null counts as absent (M-121).
struct Request {
    now: Instant,
    from: Peer,
    /// The caller's session.
    session: SessionId,
    realm: RealmId,
    encoding: Encoding,
    args: Vec<Value>,
    kwargs: Dict,
}

impl Router {
    /// Serves a call of one of our procedures: it is answered at once.
    pub(super) fn call_meta(&mut self, now: Instant, from: Peer, call: &Call) {
        let Some(link) = self.links.get(from) else { return };
        let Some(identity) = link.identity.as_deref() else { return };
        let request = call.request;
        let (Ok(args), Ok(kwargs)) = (call.payload.list(), call.payload.dict()) else {
            return;
        };
        let (session, realm, encoding) = (identity.session, identity.realm, link.encoding);
        let asked = Request { now, from, session, realm, encoding, args, kwargs };
        if call.procedure == TAP {
            // Its answer comes when it ends.
            let begun = self.tap(&asked, call);
            return begun.unwrap_or_else(|(error, text)| {
                self.links.refuse(now, from, MessageKind::Call, request, error, &text);
            });
        }
        let answer = self.answer(&call.procedure, &asked);
        let sent = answer.and_then(|payload| {
            let result = message::Result { request, details: ResultDetails::default(), payload };
            match self.links.send(now, from, Class::Reply, result) {
                Sent::TooLarge => {
                    Err((uris::error::PAYLOAD_SIZE_EXCEEDED, "the result is too large".to_owned()))
                }
                _ => Ok(()),
            }
        });
        if let Err((error, text)) = sent {
            self.links.refuse(now, from, MessageKind::Call, request, error, &text);
        }
    }

    fn answer(&mut self, procedure: &str, request: &Request) -> Answer {
        if self.config.meta_api == MetaAccess::ReadOnly && takes_from_others(procedure) {
            let text = "this router lets nobody end the sessions, subscriptions or registrations of others";
            return Err((uris::error::NOT_AUTHORIZED, text.to_owned()));
        }
        match procedure {
            "wamp.session.count" => self.session_count(request),
            "wamp.session.list" => self.session_list(request),
            "wamp.session.get" => self.session_get(request),
            "wamp.session.kill" => self.session_kill(request),
            "wamp.session.kill_by_authid" => self.session_kill_by_authid(request),
            "wamp.session.kill_by_authrole" => self.session_kill_by_authrole(request),
            "wamp.session.kill_all" => self.session_kill_all(request),
            "wamp.session.add_testament" => self.add_testament(request),
            "wamp.session.flush_testaments" => self.flush_testaments(request),
            "wamp.registration.list" => self.registration_list(request),
            "wamp.registration.lookup" => self.registration_lookup(request),
            "wamp.registration.match" => self.registration_match(request),
            "wamp.registration.get" => self.registration_get(request),
            "wamp.registration.list_callees" => self.list_callees(request),
            "wamp.registration.count_callees" => self.count_callees(request),
            "wamp.registration.remove_callee" => self.remove_callee(request),
            "wamp.subscription.list" => self.subscription_list(request),
            "wamp.subscription.lookup" => self.subscription_lookup(request),
            "wamp.subscription.match" => self.subscription_match(request),
            "wamp.subscription.get" => self.subscription_get(request),
            "wamp.subscription.list_subscribers" => self.list_subscribers(request),
            "wamp.subscription.count_subscribers" => self.count_subscribers(request),
            "wamp.subscription.remove_subscriber" => self.remove_subscriber(request),
            "wamp.subscription.get_events" => self.get_events(request),
            _ => Err((uris::error::NO_SUCH_PROCEDURE, String::new())),
        }
    }

    /// Publishes the meta events that have been gathered in a realm.
    pub(super) fn publish_meta(&mut self, now: Instant, realm: RealmId) {
        let Some(pending) = self.realms.get_mut(realm).map(|realm| &mut realm.meta) else { return };
        if pending.events.is_empty() {
            return;
        }
        let mut events = mem::take(&mut pending.events);
        if let Some((broker, _, mut context)) = self.context(now, Peer::MAX, realm) {
            for (topic, payload) in events.drain(..) {
                broker.publish_own(&mut context, &Uri::unchecked(topic), &payload);
            }
            // Its room is kept; to publish makes no meta events.
            context.meta.events = events;
        }
    }
}

/// Procedures that a caller may be kept from.
fn takes_from_others(procedure: &str) -> bool {
    procedure.starts_with("wamp.session.kill")
        || matches!(procedure, "wamp.subscription.remove_subscriber" | "wamp.registration.remove_callee")
}

fn is_procedure(uri: &str) -> bool {
    let Some((kind, name)) = uri.strip_prefix("wamp.").and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    match kind {
        "session" => session::PROCEDURES.contains(&name),
        "registration" => registration::PROCEDURES.contains(&name),
        "subscription" => subscription::PROCEDURES.contains(&name),
        "x" => uri == TAP,
        _ => false,
    }
}

impl Request {
    fn answer<A: Serialize>(&self, args: &A) -> Answer {
        Payload::from_args(self.encoding, args).map_err(|error| invalid(&error.to_string()))
    }

    /// A positional argument.
    fn arg(&self, place: usize) -> Option<&Value> {
        self.args.get(place).filter(|value| !value.is_null())
    }

    /// A keyword argument.
    fn kwarg(&self, key: &str) -> Option<&Value> {
        self.kwargs.get(key).filter(|value| !value.is_null())
    }

    /// A positional argument that must be an id. One that is no possible id belongs to nothing.
    fn id<T: TryFrom<u64>>(&self, place: usize, name: &str, missing: &'static str) -> Result<T, Refusal> {
        let number = self.arg(place).and_then(Value::as_u64);
        let number =
            number.ok_or_else(|| invalid(&format!("argument {place} must be the id of a {name}")))?;
        number.try_into().map_err(|_| (missing, format!("there is no {name} {number}")))
    }

    fn text(&self, place: usize, what: &str) -> Result<&str, Refusal> {
        let text = self.arg(place).and_then(Value::as_str);
        text.ok_or_else(|| invalid(&format!("argument {place} must be {what}, a string")))
    }

    /// Why something is taken from another: the third argument, or a keyword argument.
    fn reason(&self) -> Result<Option<&str>, Refusal> {
        match self.arg(2) {
            Some(reason) => {
                reason.as_str().map(Some).ok_or_else(|| invalid("argument 2 must be a reason, a string"))
            }
            None => self.text_kwarg("reason"),
        }
    }

    fn text_kwarg(&self, key: &str) -> Result<Option<&str>, Refusal> {
        let Some(value) = self.kwarg(key) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| invalid(&format!("`{key}` must be a string")))
    }
}

///
fn invalid(text: &str) -> Refusal {
    (uris::error::INVALID_ARGUMENT, text.to_owned())
}

/// The pattern of a look-up: a URI and the options of the request that it belongs to.
fn lookup_pattern(request: &Request, rule: crate::uri::UriRule) -> Result<Option<Pattern>, Refusal> {
    let uri = request.text(0, "a URI")?;
    let kind = match request
        .arg(1)
        .map(|options| options.as_dict().ok_or_else(|| invalid("argument 1 must be a dict")))
    {
        None => Match::Exact,
        Some(options) => match options?.get("match").filter(|kind| !kind.is_null()) {
            None => Match::Exact,
            Some(kind) => {
                let kind = kind.as_str().and_then(|kind| kind.parse().ok());
                kind.ok_or_else(|| invalid("`match` must be exact, prefix or wildcard"))?
            }
        },
    };
    // What is no URI, nobody has.
    Ok(Pattern::new(rule, kind, uri).ok())
}

/// Ids by the policy of their patterns.
#[derive(Default, Serialize)]
struct ByPolicy {
    exact: Vec<u64>,
    prefix: Vec<u64>,
    wildcard: Vec<u64>,
}

impl ByPolicy {
    fn new(ids: Vec<(u64, Match)>) -> Self {
        let of = |wanted| ids.iter().filter(|(_, kind)| *kind == wanted).map(|(id, _)| *id).collect();
        Self { exact: of(Match::Exact), prefix: of(Match::Prefix), wildcard: of(Match::Wildcard) }
    }
}
