//! Publishing events.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll},
};

use serde::Serialize;
use wamp_proto::{
    Payload, Uri, Value,
    id::{PublicationId, SessionId},
    message::PublishOptions,
};

use crate::{Client, Error, arguments::Arguments, cipher::Sealing, pending::Pending, shared::Outcome};

/// An event to be published: add what it needs, then `.await` it.
#[derive(Debug)]
#[must_use = "nothing is published until it is awaited"]
pub struct Publish {
    client: Client,
    topic: String,
    arguments: Arguments,
    options: PublishOptions,
}

impl Publish {
    pub(crate) fn new(client: Client, topic: &str) -> Self {
        let arguments = Arguments::new(client.encoding());
        Self { client, topic: topic.to_owned(), arguments, options: PublishOptions::default() }
    }

    /// The positional arguments: a tuple, such as `(21.5,)`, or a list.
    pub fn args<T: Serialize>(mut self, args: T) -> Self {
        self.arguments.args(&args);
        self
    }

    /// The keyword arguments: a struct or a map.
    pub fn kwargs<T: Serialize>(mut self, kwargs: T) -> Self {
        self.arguments.kwargs(&kwargs);
        self
    }

    /// The arguments as they were received from somebody else; not decoded.
    pub fn payload(mut self, payload: Payload) -> Self {
        self.arguments.payload(payload);
        self
    }

    /// Waits until the router has accepted the event, and fails when it refuses it. Without this, awaiting ends as soon as
    /// the event is queued, and a refusal is never heard of (P-07).
    pub fn acknowledge(mut self) -> Self {
        self.options.acknowledge = true;
        self
    }

    /// Whether the event is kept from this session itself, should it be subscribed. Default true (P-21).
    pub fn exclude_me(mut self, exclude: bool) -> Self {
        self.options.exclude_me = Some(exclude);
        self
    }

    /// Asks the router to tell the subscribers who publishes (P-36).
    pub fn disclose_me(mut self) -> Self {
        self.options.disclose_me = true;
        self
    }

    /// Asks the router to keep the event for those who subscribe later (P-65), until the next one of this topic.
    pub fn retain(mut self) -> Self {
        self.options.retain = true;
        self
    }

    /// Keeps the event from these sessions (P-25).
    pub fn exclude(mut self, sessions: impl IntoIterator<Item = SessionId>) -> Self {
        self.options.audience.get_or_insert_default().exclude = Some(sessions.into_iter().collect());
        self
    }

    /// Keeps the event from these authids (P-25).
    pub fn exclude_authid(mut self, authids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.audience.get_or_insert_default().exclude_authid =
            Some(authids.into_iter().map(Into::into).collect());
        self
    }

    /// Keeps the event from these authroles (P-25).
    pub fn exclude_authrole(mut self, authroles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.audience.get_or_insert_default().exclude_authrole =
            Some(authroles.into_iter().map(Into::into).collect());
        self
    }

    /// Delivers the event to these sessions only (P-26).
    pub fn eligible(mut self, sessions: impl IntoIterator<Item = SessionId>) -> Self {
        self.options.audience.get_or_insert_default().eligible = Some(sessions.into_iter().collect());
        self
    }

    /// Delivers the event to these authids only (P-26).
    pub fn eligible_authid(mut self, authids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.audience.get_or_insert_default().eligible_authid =
            Some(authids.into_iter().map(Into::into).collect());
        self
    }

    /// Delivers the event to these authroles only (P-26).
    pub fn eligible_authrole(mut self, authroles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.audience.get_or_insert_default().eligible_authrole =
            Some(authroles.into_iter().map(Into::into).collect());
        self
    }

    /// An option of this implementation or its peers, with a leading underscore (M-08).
    pub fn option(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.options.extra.insert(key, value);
        self
    }
}

impl IntoFuture for Publish {
    type Output = Result<Option<PublicationId>, Error>;
    type IntoFuture = PublishFuture;

    fn into_future(self) -> PublishFuture {
        let Self { client, topic, arguments, mut options } = self;
        let topic = Uri::unchecked(topic);
        let payload = arguments.finish().map_err(Error::from);
        let sealing = Sealing::new(&client.shared, &topic);
        let wish = payload.and_then(|payload| sealing.seal(client.encoding(), payload)).map(|sealed| {
            let (payload, wrapping) = sealed;
            options.payload_attributes = wrapping;
            Wish { topic, options, payload }
        });
        let acknowledge = wish.as_ref().is_ok_and(|wish| wish.options.acknowledge);
        let send: fn(&mut _, _, Wish) -> _ = |state: &mut crate::shared::State, now, wish: Wish| {
            state.session.publish(now, wish.topic, wish.options, wish.payload)
        };
        PublishFuture {
            pending: Pending::new(client.shared.clone(), wish, send),
            acknowledge,
            _client: client,
        }
    }
}

#[derive(Debug)]
struct Wish {
    topic: Uri,
    options: PublishOptions,
    payload: Payload,
}

/// A publication under way; gives the publication's id when it is acknowledged.
#[derive(Debug)]
#[must_use = "nothing is published until it is awaited"]
pub struct PublishFuture {
    pending: Pending<Wish>,
    acknowledge: bool,
    /// Keeps the session alive.
    _client: Client,
}

impl Future for PublishFuture {
    type Output = Result<Option<PublicationId>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.acknowledge {
            return self.pending.poll_sent(context).map_ok(|()| None);
        }
        self.pending.poll(context).map(|outcome| match outcome? {
            Outcome::Published(publication) => Ok(Some(publication)),
            outcome => Err(outcome.unexpected()),
        })
    }
}

impl Drop for PublishFuture {
    fn drop(&mut self) {
        self.pending.give_up(|_, _| {});
    }
}
