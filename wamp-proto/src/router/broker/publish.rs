//! PUBLISH and the EVENTs it causes.

use bytes::Bytes;

use super::{Broker, Subscription};
use crate::{
    codec::Encoding,
    error::Violation,
    id::{PublicationId, SubscriptionId},
    message::{Event, EventDetails, MessageKind, Publish, Published},
    router::{Context, check_passthru, link::Class},
    uri::{Match, uris},
};

impl Broker {
    /// P-07..P-13: one EVENT for each session and each of its subscriptions that match (P-03, P-48), then PUBLISHED if
    /// asked for.
    pub(in crate::router) fn publish(
        &mut self,
        context: &mut Context<'_>,
        publication: PublicationId,
        publish: Publish,
    ) -> Result<(), Violation> {
        check_passthru(MessageKind::Publish, publish.options.payload_attributes.as_deref())?;
        if let Err(text) = context.check_topic(&publish.topic) {
            // T-18: an unacknowledged publication is never answered.
            if publish.options.acknowledge {
                context.refuse(MessageKind::Publish, publish.request, uris::error::INVALID_URI, &text);
            }
            return Ok(());
        }
        let Self { index, subscriptions, .. } = self;
        index.for_each_match(&publish.topic, |id| {
            if let Some(subscription) = subscriptions.get(&id) {
                deliver(context, id, subscription, publication, &publish);
            }
        });
        if publish.options.acknowledge {
            let published = Published { request: publish.request, publication };
            context.links.send(context.now, context.from, Class::Reply, published);
        }
        Ok(())
    }
}

/// One subscription's share: each encoding is made once, its bytes are shared by all that speak it.
fn deliver(
    context: &mut Context<'_>,
    id: SubscriptionId,
    subscription: &Subscription,
    publication: PublicationId,
    publish: &Publish,
) {
    let exclude_me = publish.options.exclude_me.unwrap_or(true);
    #[cfg(feature = "planted-bugs")]
    let exclude_me = exclude_me && !context.config.has(crate::router::Bug::EventToPublisher);
    let mut frames = Frames::default();
    for &peer in &subscription.subscribers {
        if exclude_me && peer == context.from {
            continue;
        }
        let Some(encoding) = context.links.get(peer).map(|link| link.encoding) else { continue };
        let frame = frames.get(encoding, || {
            // P-49: pattern subscribers must be told the topic; T-68: details are made afresh.
            let topic = (subscription.pattern.kind() != Match::Exact).then(|| publish.topic.clone());
            let details = EventDetails { topic, ..EventDetails::default() };
            Event { subscription: id, publication, details, payload: publish.payload.clone() }
        });
        if let Some(frame) = frame {
            context.links.send_frame(context.now, peer, Class::Event, frame);
        }
    }
}

/// One event in the encodings that were asked for.
#[derive(Default)]
struct Frames([Option<Bytes>; Encoding::ALL.len()]);

impl Frames {
    fn get(&mut self, encoding: Encoding, event: impl FnOnce() -> Event) -> Option<Bytes> {
        let slot = self.0.get_mut(encoding as usize)?;
        if slot.is_none() {
            *slot = event().encode(encoding).ok();
        }
        slot.clone()
    }
}
