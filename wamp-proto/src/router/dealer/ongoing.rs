//! A call between CALL and its final answer: kept with its caller, and by name with its callee.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

#[cfg(feature = "planted-bugs")]
use crate::router::Bug;
use crate::{
    id::{RegistrationId, RequestId},
    message::{CallOptions, InvocationDetails},
    payload::Payload,
    router::{
        link::{Links, Peer},
        passthru::Part,
        timers::Timeout,
    },
    time::Instant,
    uri::Uri,
};

/// A call that waits for its final answer; its caller has it under the id of the request.
#[derive(Debug)]
pub(in crate::router) struct Ongoing {
    /// Nowhere yet, while no callee has room for it.
    pub(super) place: Option<Place>,
    pub(super) registration: RegistrationId,
    /// The caller asked to kill it and waits for the callee's answer.
    pub(super) killed: bool,
    /// The caller has asked for progressive results, and both ends know them.
    pub(super) receives_progress: bool,
    /// It counts against the callee's `concurrency`.
    pub(super) counted: bool,
    pub(super) extra: Option<Box<Extra>>,
}

/// Where a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) callee: Peer,
    pub(super) invocation: RequestId,
    /// The callee's number in the registration.
    pub(super) number: u64,
}

/// What only some calls have.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// How long the callee may take, and until when.
    pub(super) limit: Option<(Duration, Instant)>,
    pub(super) stream: Option<Stream>,
    pub(super) kept: Option<Kept>,
}

impl Extra {
    /// A box, unless there is nothing to put into it.
    pub(super) fn boxed(self) -> Option<Box<Self>> {
        let any = self.limit.is_some() || self.stream.is_some() || self.kept.is_some();
        any.then(|| Box::new(self))
    }
}

/// A progressive call invocation: its arguments come in several CALLs.
#[derive(Debug)]
pub(super) struct Stream {
    /// Every CALL of it must name the same.
    pub(super) procedure: Uri,
    /// What the first INVOCATION said, every later one says.
    pub(super) details: Box<InvocationDetails>,
    /// The caller has not sent the last part.
    pub(super) open: bool,
}

/// A call that no callee has taken yet, or that may have to go to another one.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) ask: Ask,
    /// The arguments; of a progressive call all parts that have come.
    pub(super) parts: VecDeque<Part>,
    /// What the parts count for.
    pub(super) bytes: usize,
    /// The callees that were unavailable, by their numbers.
    pub(super) tried: Vec<u64>,
}

/// What a caller has asked for.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) procedure: Uri,
    pub(super) progress: bool,
    pub(super) receive_progress: bool,
    pub(super) disclose_me: bool,
    pub(super) timeout: Option<u64>,
}

impl Ask {
    pub(super) fn new(procedure: Uri, options: &CallOptions) -> Self {
        Self {
            procedure,
            progress: options.progress,
            receive_progress: options.receive_progress,
            disclose_me: options.disclose_me,
            timeout: options.timeout.filter(|timeout| *timeout > 0),
        }
    }
}

/// What one kept part counts for beyond its bytes.
const PART: usize = 64;

/// Where an invocation came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::router) struct Origin {
    pub(in crate::router) caller: Peer,
    pub(in crate::router) request: RequestId,
}

/// Progressive calls that were over before the caller had sent their last part: what still comes of them is late, and no
/// new call.
#[derive(Debug, Default)]
pub(in crate::router) struct LateParts(BTreeMap<RequestId, Uri>);

impl LateParts {
    pub(super) fn insert(&mut self, request: RequestId, procedure: Uri, max: usize) {
        self.0.insert(request, procedure);
        if self.0.len() > max {
            self.0.pop_first();
        }
    }

    /// Whether this is a part of such a call.
    pub(in crate::router) fn contains(&self, request: RequestId, procedure: &Uri) -> bool {
        self.0.get(&request).is_some_and(|known| known == procedure)
    }

    /// The same; after the last part the call is forgotten, and so it is when its id serves for another procedure.
    pub(super) fn take(&mut self, request: RequestId, procedure: &Uri, last: bool) -> bool {
        let known = self.contains(request, procedure);
        if last || !known {
            self.0.remove(&request);
        }
        known
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Links {
    /// Room among the bytes that are kept for the calls of a session, or nothing.
    pub(super) fn keep(&mut self, caller: Peer, part: &Payload) -> Option<usize> {
        let max = self.config().kept_bytes;
        let link = self.get_mut(caller)?;
        let bytes = part.size().saturating_add(PART);
        let kept = link.kept_bytes.checked_add(bytes).filter(|kept| *kept <= max)?;
        link.kept_bytes = kept;
        Some(bytes)
    }

    pub(super) fn unkeep(&mut self, caller: Peer, bytes: usize) {
        if let Some(link) = self.get_mut(caller) {
            link.kept_bytes = link.kept_bytes.saturating_sub(bytes);
        }
    }

    pub(super) fn ongoing(&mut self, origin: Origin) -> Option<&mut Ongoing> {
        self.get_mut(origin.caller)?.calls.get_mut(&origin.request)
    }

    /// Takes a call from its caller, and with it what waits for its end.
    pub(super) fn take_call(&mut self, origin: Origin) -> Option<Ongoing> {
        let call = self.get_mut(origin.caller)?.calls.remove(&origin.request)?;
        if let Some(extra) = &call.extra {
            self.forget(origin, extra);
        }
        Some(call)
    }

    /// All calls of a session that leaves.
    pub(super) fn take_calls(&mut self, caller: Peer) -> Vec<(Origin, Ongoing)> {
        let Some(link) = self.get_mut(caller) else { return Vec::new() };
        let taken = link.calls.drain().map(|(request, call)| (Origin { caller, request }, call));
        let mut taken = taken.collect::<Vec<_>>();
        taken.sort_unstable_by_key(|(origin, call)| (call.place, origin.request));
        for (origin, call) in &taken {
            if let Some(extra) = &call.extra {
                self.forget(*origin, extra);
            }
        }
        taken
    }

    fn forget(&mut self, origin: Origin, extra: &Extra) {
        let Origin { caller, request } = origin;
        if let Some((_, deadline)) = extra.limit {
            self.timers.stop(deadline, self.id(caller), Timeout::Call(request));
        }
        if let Some(kept) = &extra.kept {
            self.unkeep(caller, kept.bytes);
        }
        let open = extra.stream.as_ref().filter(|stream| stream.open);
        #[cfg(feature = "planted-bugs")]
        let open = open.filter(|_| !self.has(Bug::LatePartCalled));
        if let Some(stream) = open {
            self.expect_parts(caller, request, stream.procedure.clone());
        }
    }

    /// A progressive call is over before its last part has come.
    pub(in crate::router) fn expect_parts(&mut self, caller: Peer, request: RequestId, procedure: Uri) {
        let max = self.config().max_late_calls;
        if let Some(link) = self.get_mut(caller) {
            link.late.insert(request, procedure, max);
        }
    }

    /// Takes the call behind an invocation from both ends.
    pub(super) fn take_invocation(
        &mut self,
        callee: Peer,
        invocation: RequestId,
    ) -> Option<(Origin, Ongoing)> {
        let origin = self.get_mut(callee)?.invocations.remove(&invocation)?;
        let call = self.take_call(origin)?;
        Some((origin, call))
    }
}
