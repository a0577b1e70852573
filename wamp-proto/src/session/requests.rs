//! The requests that wait for an answer, and those whose answer nobody wants any more.

use std::collections::BTreeMap;

use crate::{
    error::Misuse,
    id::{RegistrationId, RequestId, SubscriptionId},
    map::IdMap,
    message::{MessageKind, Role},
    time::Instant,
    uri::Uri,
};

/// What a request waits for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) purpose: Purpose,
    pub(super) deadline: Instant,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// A result; several when `progress`, each of which moves the deadline by `timeout`.
    Call {
        progress: bool,
        timeout: core::time::Duration,
    },
    Publish,
    Subscribe,
    Unsubscribe(SubscriptionId),
    Register,
    Unregister(RegistrationId),
}

impl Pending {
    /// The deadline is filled in when the request is sent.
    pub(super) fn new(purpose: Purpose) -> Self {
        Self { purpose, deadline: Instant::ZERO }
    }

    pub(super) fn kind(&self) -> MessageKind {
        match self.purpose {
            Purpose::Call { .. } => MessageKind::Call,
            Purpose::Publish => MessageKind::Publish,
            Purpose::Subscribe => MessageKind::Subscribe,
            Purpose::Unsubscribe(_) => MessageKind::Unsubscribe,
            Purpose::Register => MessageKind::Register,
            Purpose::Unregister(_) => MessageKind::Unregister,
        }
    }

    pub(super) fn role(&self) -> Role {
        match self.purpose {
            Purpose::Call { .. } => Role::Caller,
            Purpose::Publish => Role::Publisher,
            Purpose::Subscribe | Purpose::Unsubscribe(_) => Role::Subscriber,
            Purpose::Register | Purpose::Unregister(_) => Role::Callee,
        }
    }
}

/// A subscription or registration that nobody asked for any more when it came into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unwanted {
    Subscription(SubscriptionId),
    Registration(RegistrationId),
}

impl Unwanted {
    /// The request that began it, and the one that ends it.
    pub(super) fn kinds(self) -> (MessageKind, MessageKind) {
        match self {
            Self::Subscription(_) => (MessageKind::Subscribe, MessageKind::Unsubscribe),
            Self::Registration(_) => (MessageKind::Register, MessageKind::Unregister),
        }
    }
}

/// What an answer meets.
pub(super) enum Answered {
    Waiting(Pending),
    /// The request timed out or was given up: the answer is late, not wrong (S-53).
    GivenUp,
    /// No such request was ever made: a violation.
    Never,
}

#[derive(Debug)]
pub(super) struct Requests {
    pending: IdMap<RequestId, Pending>,
    /// Calls whose arguments are not complete, and their procedures.
    incomplete: IdMap<RequestId, Uri>,
    given_up: BTreeMap<RequestId, MessageKind>,
    /// Requests up to this one may have been given up so long ago that we forgot.
    forgotten: Option<RequestId>,
    max: usize,
}

/// How many requests that were given up we remember one by one.
const MAX_GIVEN_UP: usize = 4096;

impl Requests {
    pub(super) fn new(max: usize) -> Self {
        let (pending, incomplete) = (IdMap::default(), IdMap::default());
        Self { pending, incomplete, given_up: BTreeMap::new(), forgotten: None, max }
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn check_room(&self) -> Result<(), Misuse> {
        if self.pending.len() < self.max { Ok(()) } else { Err(Misuse::TooManyRequests(self.max)) }
    }

    pub(super) fn insert(&mut self, request: RequestId, pending: Pending) {
        self.pending.insert(request, pending);
    }

    /// More arguments of this call will follow.
    pub(super) fn begin_parts(&mut self, call: RequestId, procedure: Uri) {
        self.incomplete.insert(call, procedure);
    }

    /// The procedure of a call whose arguments are not complete.
    pub(super) fn procedure(&self, call: RequestId) -> Option<&Uri> {
        self.incomplete.get(&call)
    }

    pub(super) fn end_parts(&mut self, call: RequestId) {
        if !self.incomplete.is_empty() {
            self.incomplete.remove(&call);
        }
    }

    pub(super) fn is_waiting(&self, request: RequestId) -> bool {
        self.pending.contains_key(&request)
    }

    /// Whether an answer under this id may still come.
    pub(super) fn is_used(&self, request: RequestId) -> bool {
        self.pending.contains_key(&request) || self.given_up.contains_key(&request)
    }

    pub(super) fn get_mut(&mut self, request: RequestId) -> Option<&mut Pending> {
        self.pending.get_mut(&request)
    }

    /// The request of this kind is answered: it waits no longer.
    pub(super) fn take(&mut self, kind: MessageKind, request: RequestId) -> Answered {
        if self.pending.get(&request).is_some_and(|pending| pending.kind() == kind) {
            self.end_parts(request);
            return self.pending.remove(&request).map_or(Answered::Never, Answered::Waiting);
        }
        if self.given_up.get(&request) == Some(&kind) {
            self.given_up.remove(&request);
            return Answered::GivenUp;
        }
        if self.may_be_forgotten(request) { Answered::GivenUp } else { Answered::Never }
    }

    /// Whether the request may be one that was given up so long ago that we forgot.
    fn may_be_forgotten(&self, request: RequestId) -> bool {
        self.forgotten.is_some_and(|forgotten| request <= forgotten) && !self.pending.contains_key(&request)
    }

    /// Whether a request of this kind waits for its answer; looks at all of them.
    pub(super) fn any_waits(&self, kind: MessageKind) -> bool {
        self.pending.values().any(|pending| pending.kind() == kind)
    }

    /// Whether the answer to this request is not wanted any more.
    pub(super) fn is_given_up(&self, kind: MessageKind, request: RequestId) -> bool {
        self.given_up.get(&request) == Some(&kind) || self.may_be_forgotten(request)
    }

    /// Nobody waits for this request any more; its answer, if it comes, is dropped.
    pub(super) fn give_up(&mut self, request: RequestId) -> Option<Pending> {
        let pending = self.pending.remove(&request)?;
        self.end_parts(request);
        self.ignore_answer(request, pending.kind());
        Some(pending)
    }

    /// The answer to this request, if it comes, is dropped.
    pub(super) fn ignore_answer(&mut self, request: RequestId, kind: MessageKind) {
        self.given_up.insert(request, kind);
        if self.given_up.len() > MAX_GIVEN_UP {
            self.forgotten = self.given_up.pop_first().map(|(request, _)| request).max(self.forgotten);
        }
    }

    pub(super) fn clear(&mut self) {
        self.pending.clear();
        self.incomplete.clear();
        self.given_up.clear();
    }
}
