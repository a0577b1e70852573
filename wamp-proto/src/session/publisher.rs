//! The publisher: PUBLISH, PUBLISHED (P-07..P-13).

use super::{
    Event, Session, State,
    requests::{Pending, Purpose},
};
use crate::{
    error::Misuse,
    id::RequestId,
    message::{Feature, Message, MessageKind, Publish, PublishOptions, Published, Role},
    payload::Payload,
    time::Instant,
    uri::Uri,
};

impl Session {
    /// Publishes an event. With `options.acknowledge`, one [`Event::Published`], [`Event::Failed`] or
    /// [`Event::Closed`] follows; without, nothing does (P-07).
    ///
    /// # Errors
    ///
    /// When the session is not open, the URI is bad, or there is no room; nothing is sent then.
    pub fn publish(
        &mut self,
        now: Instant,
        topic: Uri,
        options: PublishOptions,
        payload: Payload,
    ) -> Result<RequestId, Misuse> {
        self.config.uri_rule.check(&topic)?;
        let lists = Feature::SubscriberBlackwhiteListing;
        if options.audience.is_some()
            && self.state == State::Open
            && !self.router.supports(Role::Broker, lists)
        {
            // F-42: the router would ignore the lists, and the event reach those it must not.
            return Err(Misuse::Feature(lists));
        }
        self.check_passthru(Role::Publisher, Role::Broker, options.payload_attributes.as_deref())?;
        if options.acknowledge {
            return self.request(now, Pending::new(Purpose::Publish), None, |request| Publish {
                request,
                options,
                topic,
                payload,
            });
        }
        self.check_use(Role::Publisher)?;
        let mut ids = self.ids.clone();
        let request = ids.next_unused(|id| self.requests.is_used(id));
        self.send(&Message::Publish(Publish { request, options, topic, payload }))?;
        self.ids = ids;
        Ok(request)
    }

    pub(super) fn receive_published(&mut self, published: &Published) {
        let request = published.request;
        if self.answered(MessageKind::Published, MessageKind::Publish, request).is_some() {
            self.events.push_back(Event::Published { request, publication: published.publication });
        }
    }
}
