//! PUBLISH and the EVENTs it causes.

use std::sync::Arc;

use bytes::Bytes;

use super::{Broker, Subscription, filter::Filter, history::History, stored::Stored};
#[cfg(feature = "planted-bugs")]
use crate::router::Bug;
use crate::{
    codec::Encoding,
    error::Violation,
    id::{PublicationId, SessionId, SubscriptionId},
    message::{Event, EventDetails, Feature, MessageKind, PayloadAttributes, Publish, Published, Role},
    payload::Payload,
    router::{
        Context, Disclosure,
        link::{Class, Identity, Peer},
    },
    uri::{Match, Uri, uris},
};

/// A publication that was accepted: what of it reaches whom.
#[derive(Debug)]
pub(in crate::router) struct Publication<'a> {
    pub(super) id: PublicationId,
    pub(super) topic: &'a Uri,
    pub(super) payload: &'a Payload,
    pub(super) wrapping: Option<&'a PayloadAttributes>,
    /// The publisher, when it is not to hear itself (P-10).
    pub(super) excluded: Option<(Peer, SessionId)>,
    pub(super) filter: Option<&'a Filter>,
    /// Who is on the whitelist of sessions, in the order of subscribers.
    pub(super) candidates: Option<Vec<Peer>>,
    /// Whom to name as the publisher (P-36).
    pub(super) publisher: Option<Publisher>,
    pub(super) trustlevel: Option<u64>,
}

/// Who published.
#[derive(Clone, Debug)]
pub(super) struct Publisher {
    pub(super) session: SessionId,
    authid: String,
    authrole: String,
}

impl Publisher {
    fn new(identity: &Identity) -> Self {
        let Identity { session, authid, authrole, .. } = identity;
        Self { session: *session, authid: authid.clone(), authrole: authrole.clone() }
    }
}

impl Broker {
    /// P-07..P-13: one EVENT for each session and each of its subscriptions that match (P-03, P-48), then PUBLISHED if
    /// asked for.
    pub(in crate::router) fn publish(
        &mut self,
        context: &mut Context<'_>,
        mut publish: Publish,
    ) -> Result<(), Violation> {
        let wrapping = publish.options.payload_attributes.take();
        let wrapping = context.check_passthru(MessageKind::Publish, wrapping)?;
        if let Err((error, text)) = check(context, &publish) {
            // T-18: an unacknowledged publication is never answered.
            if publish.options.acknowledge {
                context.refuse(MessageKind::Publish, publish.request, error, &text);
            }
            return Ok(());
        }
        let id = context.random.draw();
        #[cfg(feature = "planted-bugs")]
        if let Some(lists) = &mut publish.options.audience {
            if context.config.has(Bug::EmptyWhitelistIgnored) {
                lists.eligible = lists.eligible.take().filter(|sessions| !sessions.is_empty());
            }
        }
        let filter = publish.options.audience.take().map(|lists| Filter::new(*lists));
        let candidates = filter.as_ref().and_then(|filter| filter.candidates(context.sessions));
        let exclude_me = publish.options.exclude_me.unwrap_or(true);
        #[cfg(feature = "planted-bugs")]
        let exclude_me = exclude_me && !context.config.has(Bug::EventToPublisher);
        let disclosed =
            publish.options.disclose_me || context.settings.publisher_disclosure == Disclosure::Always;
        let link = context.links.get(context.from);
        let identity = link.and_then(|link| link.identity.as_deref());
        let session = identity.map(|identity| identity.session);
        let publication = Publication {
            wrapping: wrapping.as_deref(),
            excluded: session.filter(|_| exclude_me).map(|session| (context.from, session)),
            filter: filter.as_ref(),
            candidates,
            publisher: identity.filter(|_| disclosed).map(Publisher::new),
            trustlevel: link.and_then(|link| context.config.publication_trust(link, &publish.topic)),
            ..Publication::new(id, &publish.topic, &publish.payload)
        };
        let stored = self.dispatch(context, &publication);
        if publish.options.retain && context.config.max_retained > 0 {
            #[cfg(feature = "planted-bugs")]
            let (publication, stored) = if context.config.has(Bug::RetainedToAnybody) {
                (Publication { filter: None, excluded: None, ..publication }, None)
            } else {
                (publication, stored)
            };
            let stored = stored.unwrap_or_else(|| Arc::new(Stored::new(&publication)));
            self.retained.retain(stored, context.config.max_retained, context.config.max_retained_bytes);
        }
        if publish.options.acknowledge {
            let published = Published { request: publish.request, publication: id };
            context.links.send(context.now, context.from, Class::Reply, published);
        }
        Ok(())
    }

    /// An event of the router itself.
    pub(in crate::router) fn publish_own(
        &mut self,
        context: &mut Context<'_>,
        topic: &Uri,
        payload: &Payload,
    ) {
        if !self.matching(topic).is_empty() {
            let id = context.random.draw();
            self.dispatch(context, &Publication::new(id, topic, payload));
        }
    }

    /// Returns the copy that was made for a history.
    fn dispatch(&mut self, context: &mut Context<'_>, publication: &Publication<'_>) -> Option<Arc<Stored>> {
        let Self { index, subscriptions, lasting, .. } = self;
        let mut stored = None;
        let reserved = publication.topic.is_reserved();
        index.for_each_match(publication.topic, |id| {
            if let Some(subscription) =
                subscriptions.get(&id).filter(|entry| !reserved || entry.is_reserved())
            {
                deliver(context, id, subscription, publication);
            }
        });
        if lasting.is_empty() || !History::wants(publication) {
            return None;
        }
        let at = context.config.unix_micros(context.now);
        for id in lasting {
            let Some(entry) = subscriptions.get_mut(id) else { continue };
            let matches = entry.pattern.matches(publication.topic) && (!reserved || entry.is_reserved());
            if let Some(history) = entry.history.as_mut().filter(|_| matches) {
                let event = stored.get_or_insert_with(|| Arc::new(Stored::new(publication)));
                history.keep(at, event.clone());
            }
        }
        stored
    }
}

/// Whether a publication may be made at all; the error is for the publisher that asked for an answer.
pub(in crate::router) fn check(
    context: &Context<'_>,
    publish: &Publish,
) -> Result<(), (&'static str, String)> {
    context.config.check_topic(&publish.topic).map_err(|text| (uris::error::INVALID_URI, text))?;
    // P-37, T-69: then it is not published either.
    if publish.options.disclose_me && context.settings.publisher_disclosure == Disclosure::Never {
        let text = "this router does not disclose publishers";
        return Err((uris::error::OPTION_DISALLOWED_DISCLOSE_ME, text.to_owned()));
    }
    Ok(())
}

/// One subscription's share: each form of the event is made once, its bytes are shared by all who get that form.
fn deliver(
    context: &mut Context<'_>,
    id: SubscriptionId,
    subscription: &Subscription,
    publication: &Publication<'_>,
) {
    let mut frames = Frames::default();
    let mut send = |peer| send(context, &mut frames, id, subscription, publication, peer);
    let subscribers = &subscription.subscribers;
    match &publication.candidates {
        // The shorter list is gone through, the other looked up in: the order is the same.
        Some(candidates) if candidates.len() < subscribers.len() => {
            let subscribed = |peer: &&Peer| subscribers.binary_search(peer).is_ok();
            candidates.iter().filter(subscribed).for_each(|&peer| send(peer));
        }
        _ => subscribers.iter().for_each(|&peer| send(peer)),
    }
}

fn send(
    context: &mut Context<'_>,
    frames: &mut Frames,
    id: SubscriptionId,
    subscription: &Subscription,
    publication: &Publication<'_>,
    peer: Peer,
) {
    if publication.excluded.is_some_and(|(excluded, _)| excluded == peer) {
        return;
    }
    let Some(link) = context.links.get(peer) else { return };
    let Some(identity) = link.identity.as_deref() else { return };
    if publication.filter.is_some_and(|filter| !filter.admits(identity)) {
        return;
    }
    let form = Form::of(publication, identity);
    let frame = frames.get(link.encoding, form, || Event {
        subscription: id,
        publication: publication.id,
        details: publication.details(form, subscription.pattern.kind()),
        payload: publication.payload.clone(),
    });
    if let Some(frame) = frame {
        context.links.send_frame(context.now, peer, Class::Event, frame);
    }
}

impl<'a> Publication<'a> {
    /// By nobody, to everybody.
    pub(super) fn new(id: PublicationId, topic: &'a Uri, payload: &'a Payload) -> Self {
        let (wrapping, excluded, filter) = (None, None, None);
        let (candidates, publisher, trustlevel) = (None, None, None);
        Self { id, topic, payload, wrapping, excluded, filter, candidates, publisher, trustlevel }
    }

    /// P-49: pattern subscribers must be told the topic; T-68: details are made afresh.
    pub(super) fn details(&self, form: Form, kind: Match) -> EventDetails {
        let topic = (kind != Match::Exact).then(|| self.topic.clone());
        let publisher = self.publisher.as_ref().filter(|_| form.publisher);
        EventDetails {
            topic,
            publisher: publisher.map(|publisher| publisher.session),
            publisher_authid: publisher.map(|publisher| publisher.authid.clone()),
            publisher_authrole: publisher.map(|publisher| publisher.authrole.clone()),
            trustlevel: self.trustlevel.filter(|_| form.trustlevel),
            // E-07: to those who do not know them too.
            payload_attributes: self.wrapping.map(|wrapping| Box::new(wrapping.clone())),
            ..EventDetails::default()
        }
    }
}

/// What a subscriber can be told about a publication: what it has announced to understand (F-03).
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    publisher: bool,
    trustlevel: bool,
}

impl Form {
    pub(super) const ALL: Self = Self { publisher: true, trustlevel: true };

    pub(super) fn of(publication: &Publication<'_>, identity: &Identity) -> Self {
        let supports = |feature| identity.roles.supports(Role::Subscriber, feature);
        Self {
            publisher: publication.publisher.is_some() && supports(Feature::PublisherIdentification),
            trustlevel: publication.trustlevel.is_some() && supports(Feature::PublicationTrustlevels),
        }
    }
}

/// One event in the encodings and forms that were asked for.
#[derive(Default)]
struct Frames([[Option<Bytes>; Encoding::ALL.len()]; 4]);

impl Frames {
    fn get(&mut self, encoding: Encoding, form: Form, event: impl FnOnce() -> Event) -> Option<Bytes> {
        let form = usize::from(form.publisher) | usize::from(form.trustlevel) << 1;
        let slot = self.0.get_mut(form)?.get_mut(encoding as usize)?;
        if slot.is_none() {
            *slot = event().encode(encoding).ok();
        }
        slot.clone()
    }
}
