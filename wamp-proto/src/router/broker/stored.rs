//! A publication that outlives its delivery: retained for later subscribers, or kept in a history.

use core::mem::size_of;

use super::{
    filter::Filter,
    publish::{Form, Publication, Publisher},
};
use crate::{
    id::{PublicationId, SessionId},
    message::EventDetails,
    payload::Payload,
    router::{link::Identity, passthru::Wrapping},
    uri::{Match, Uri},
};

/// What of a publication is needed to deliver it later; nothing in it points into a read buffer.
#[derive(Debug)]
pub(in crate::router) struct Stored {
    pub(super) id: PublicationId,
    pub(super) topic: Uri,
    pub(super) payload: Payload,
    wrapping: Wrapping,
    /// The publisher, when it is not to hear itself.
    excluded: Option<SessionId>,
    pub(super) filter: Option<Filter>,
    publisher: Option<Publisher>,
    trustlevel: Option<u64>,
}

impl Stored {
    pub(super) fn new(publication: &Publication<'_>) -> Self {
        Self {
            id: publication.id,
            topic: publication.topic.clone(),
            payload: publication.payload.detach(),
            wrapping: publication.wrapping.map(|wrapping| Box::new(wrapping.clone())),
            excluded: publication.excluded.map(|(_, session)| session),
            filter: publication.filter.cloned(),
            publisher: publication.publisher.clone(),
            trustlevel: publication.trustlevel,
        }
    }

    /// Whether a session would have received it (P-66, T-70).
    pub(super) fn admits(&self, identity: &Identity) -> bool {
        self.excluded != Some(identity.session)
            && self.filter.as_ref().is_none_or(|filter| filter.admits(identity))
    }

    pub(in crate::router) fn id(&self) -> PublicationId {
        self.id
    }

    pub(in crate::router) fn payload(&self) -> &Payload {
        &self.payload
    }

    /// All that can be told of it (P-78).
    pub(in crate::router) fn told(&self, kind: Match) -> EventDetails {
        self.publication().details(Form::ALL, kind)
    }

    /// As it was published, but to nobody in particular.
    pub(super) fn publication(&self) -> Publication<'_> {
        Publication {
            wrapping: self.wrapping.as_deref(),
            publisher: self.publisher.clone(),
            trustlevel: self.trustlevel,
            ..Publication::new(self.id, &self.topic, &self.payload)
        }
    }

    /// The memory that it holds, nearly.
    pub(in crate::router) fn size(&self) -> usize {
        let lists = self.filter.as_ref().map_or(0, Filter::size);
        [size_of::<Self>(), self.topic.len(), self.payload.size(), lists]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}
