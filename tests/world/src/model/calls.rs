//! Calls, from CALL to the final answer.

use std::time::Duration;

use wamp_proto::{
    Match,
    message::{CancelMode, InvocationPolicy, MessageKind},
};

use super::{
    CANCELED, Dear, Expected, Model, Shown, Waiting, events::is_uri, operations::Calling,
    registrations::Choice,
};

const UNAVAILABLE: &str = "wamp.error.unavailable";
const NOBODY: &str = "wamp.error.no_available_callee";

impl Model {
    pub(crate) fn call(
        &mut self,
        client: usize,
        request: u64,
        procedure: &'static str,
        payload: usize,
        options: Calling,
    ) {
        if let Some(place) = self.place_of(client, request) {
            return self.continue_call(place, procedure, payload, options.progress);
        }
        if let Some(place) = self.late.iter().position(|late| (late.0, late.1) == (client, request)) {
            let known = self.late[place].2 == procedure;
            if !options.progress || !known {
                self.late.remove(place);
            }
            if known {
                return;
            }
        }
        if options.progress && !self.clients[client].knows.parts() {
            return self.violate(client);
        }
        if let Err(error) = self.try_call(client, request, procedure, payload, options) {
            self.fail(client, MessageKind::Call, request, error);
            if options.progress {
                self.remember_late(client, request, procedure);
            }
        }
        self.reap();
    }

    /// Whether this is no new call: its id need not be the next one.
    pub(crate) fn continues(&self, client: usize, request: u64, procedure: &'static str) -> bool {
        self.place_of(client, request).is_some() || self.late.contains(&(client, request, procedure))
    }

    fn place_of(&self, client: usize, request: u64) -> Option<usize> {
        self.calls.iter().position(|call| call.caller == client && call.request == request)
    }

    fn remember_late(&mut self, client: usize, request: u64, procedure: &'static str) {
        self.late.retain(|late| (late.0, late.1) != (client, request));
        self.late.push((client, request, procedure));
        let own = self.late.iter().filter(|late| late.0 == client);
        if own.clone().count() > self.sizes.late {
            let oldest = *own.min_by_key(|late| late.1).unwrap();
            self.late.retain(|late| *late != oldest);
        }
    }

    fn continue_call(&mut self, place: usize, procedure: &'static str, payload: usize, progress: bool) {
        let strict = self.sizes.strict;
        let call = &mut self.calls[place];
        let caller = call.caller;
        match call.open {
            Some(_) if call.procedure != procedure => return self.violate(caller),
            None => return self.violate(caller),
            Some(false) if strict => return self.violate(caller),
            Some(false) => return,
            Some(true) => call.open = Some(progress),
        }
        if call.place.is_none() {
            call.parts.push(payload);
        } else {
            let call = call.clone();
            if !self.send_part(&call, payload, progress) {
                self.stop_call(call.caller, call.request, UNAVAILABLE);
            }
        }
        self.reap();
    }

    fn try_call(
        &mut self,
        caller: usize,
        request: u64,
        procedure: &'static str,
        payload: usize,
        options: Calling,
    ) -> Result<(), &'static str> {
        if !is_uri(procedure) {
            return Err("wamp.error.invalid_uri");
        }
        let realm = self.clients[caller].realm;
        let matching = self.registrations.iter().filter(|entry| entry.pattern.matches(realm, procedure));
        let best = matching.max_by_key(|entry| entry.pattern.rank());
        let reserved = procedure.split('.').next() == Some("wamp");
        let Some(entry) = best.filter(|_| !reserved).cloned() else {
            return Err("wamp.error.no_such_procedure");
        };
        if self.calls.iter().filter(|call| call.caller == caller).count() >= self.sizes.calls {
            return Err(UNAVAILABLE);
        }
        let choice = if entry.waiting.is_empty() { self.choose_callee(entry.id, &[]) } else { Choice::Busy };
        let call = Waiting {
            caller,
            request,
            procedure,
            options,
            registration: entry.id,
            place: None,
            number: 0,
            counted: false,
            killed: false,
            receives: false,
            open: options.progress.then_some(true),
            parts: vec![payload],
            limit: None,
            keeps: false,
            tried: Vec::new(),
            shown: Shown::default(),
        };
        match choice {
            Choice::Busy if entry.waiting.len() >= self.sizes.waiting => return Err(UNAVAILABLE),
            Choice::Busy => {
                self.calls.push(call);
                if let Some(timeout) = options.timeout.filter(|timeout| *timeout > 0) {
                    self.start_timer(caller, request, Duration::from_millis(timeout));
                }
                let entry = self.registrations.iter_mut().find(|other| other.id == entry.id);
                entry.unwrap().waiting.push((caller, request));
            }
            Choice::Callee(place) => {
                self.calls.push(call);
                if let Err(error) = self.serve(caller, request, place) {
                    self.calls.pop();
                    return Err(error);
                }
            }
            Choice::Nobody => return Err(NOBODY),
        }
        Ok(())
    }

    fn start_timer(&mut self, caller: usize, request: u64, limit: Duration) {
        let place = self.place_of(caller, request).unwrap();
        self.calls[place].limit = Some((limit, self.now + limit));
    }

    /// The first part goes to this callee.
    fn serve(&mut self, caller: usize, request: u64, callee: usize) -> Result<(), &'static str> {
        let place = self.place_of(caller, request).unwrap();
        let mut call = self.calls[place].clone();
        let entry = self.registrations.iter().find(|entry| entry.id == call.registration).unwrap().clone();
        let callee = entry.callees[callee].clone();
        let (it, its) = (&self.clients[callee.client], &self.clients[caller]);
        if call.options.progress && !(it.knows.parts() && it.canceling) {
            return Err("wamp.error.feature_not_supported");
        }
        let under_way =
            self.calls.iter().filter(|call| call.place.is_some_and(|place| place.0 == callee.client));
        if under_way.count() >= self.sizes.invocations {
            return Err(UNAVAILABLE);
        }
        let timeout = call.options.timeout.filter(|timeout| *timeout > 0 && call.limit.is_none());
        let forwards = (callee.options.forwards || self.sizes.forwards) && it.knows.timeout();
        let results = its.knows.results() && it.knows.results() && it.canceling;
        call.shown = Shown {
            procedure: (entry.pattern.kind != Match::Exact).then_some(call.procedure),
            receive_progress: call.options.receive_progress && results,
            timeout: timeout.filter(|_| forwards),
            caller: ((call.options.disclose_me || callee.options.discloses) && it.knows.identification())
                .then_some(its.place.1),
        };
        call.keeps = entry.policy != InvocationPolicy::Single
            && entry.callees.len() > 1
            && !call.options.progress
            && it.knows.reroute();
        call.receives = call.shown.receive_progress;
        call.number = callee.number;
        call.counted = callee.options.concurrency.is_some();
        call.place = Some((callee.client, it.last_invocation + 1));
        if !self.send_part(&call, call.parts[0], call.options.progress) {
            return Err(UNAVAILABLE);
        }
        self.clients[callee.client].last_invocation += 1;
        self.calls[place] = call;
        if let Some(timeout) = timeout.filter(|_| !forwards) {
            self.start_timer(caller, request, Duration::from_millis(timeout));
        }
        Ok(())
    }

    fn send_part(&mut self, call: &Waiting, payload: usize, progress: bool) -> bool {
        let Some((callee, request)) = call.place else { return true };
        let (registration, shown) = (call.registration, call.shown);
        let message = Expected::Invocation { request, registration, shown, progress, payload };
        self.send(callee, Dear::Invocation, message)
    }

    /// Calls that wait for this registration go on, in their order.
    pub(super) fn dispatch(&mut self, registration: u64) {
        loop {
            let entry = self.registrations.iter().find(|entry| entry.id == registration);
            let Some(&(caller, request)) = entry.and_then(|entry| entry.waiting.first()) else { return };
            let tried = self.calls[self.place_of(caller, request).unwrap()].tried.clone();
            let resumed = match self.choose_callee(registration, &tried) {
                Choice::Busy => return,
                Choice::Nobody => Err(NOBODY),
                Choice::Callee(callee) => self.resume(caller, request, callee),
            };
            self.leave_queue(registration, caller, request);
            if let Err(error) = resumed {
                self.end_call(caller, request, error);
            }
        }
    }

    fn resume(&mut self, caller: usize, request: u64, callee: usize) -> Result<(), &'static str> {
        self.serve(caller, request, callee)?;
        let call = self.calls[self.place_of(caller, request).unwrap()].clone();
        let last = call.parts.len() - 1;
        for (number, part) in call.parts.iter().enumerate().skip(1) {
            if !self.send_part(&call, *part, number < last || call.open == Some(true)) {
                return Err(UNAVAILABLE);
            }
        }
        Ok(())
    }

    fn leave_queue(&mut self, registration: u64, caller: usize, request: u64) {
        if let Some(entry) = self.registrations.iter_mut().find(|entry| entry.id == registration) {
            entry.waiting.retain(|waiting| *waiting != (caller, request));
        }
    }

    /// A call is over; what its caller still sends of it is late.
    pub(super) fn take_call(&mut self, caller: usize, request: u64) -> Option<Waiting> {
        let call = self.calls.remove(self.place_of(caller, request)?);
        if call.open == Some(true) {
            self.remember_late(caller, request, call.procedure);
        }
        Some(call)
    }

    fn interrupt(&mut self, call: &Waiting) {
        let Some((callee, request)) = call.place else { return };
        if !call.killed && self.clients[callee].canceling {
            let mode = CancelMode::KillNoWait;
            self.send(callee, Dear::Reply, Expected::Interrupt { request, mode });
        }
    }

    fn end_call(&mut self, caller: usize, request: u64, error: &'static str) -> Option<Waiting> {
        let call = self.take_call(caller, request)?;
        self.interrupt(&call);
        self.fail(caller, MessageKind::Call, request, error);
        Some(call)
    }

    pub(super) fn stop_call(&mut self, caller: usize, request: u64, error: &'static str) {
        if let Some(call) = self.end_call(caller, request, error) {
            self.release(&call);
        }
    }

    /// Others may have its room, or its place in the queue.
    fn release(&mut self, call: &Waiting) {
        if call.place.is_none() {
            self.leave_queue(call.registration, call.caller, call.request);
        } else if !call.counted {
            return;
        }
        self.dispatch(call.registration);
    }

    /// The call that an answer belongs to; nothing when it is late, `Err` when it was never made.
    fn answered(&self, callee: usize, invocation: u64) -> Result<Option<Waiting>, ()> {
        if invocation > self.clients[callee].last_invocation {
            return Err(());
        }
        Ok(self.calls.iter().find(|call| call.place == Some((callee, invocation))).cloned())
    }

    pub(crate) fn yield_(&mut self, callee: usize, invocation: u64, payload: usize, progress: bool) {
        match self.answered(callee, invocation) {
            Err(()) => self.violate(callee),
            Ok(None) => {}
            Ok(Some(call)) if progress && !call.receives => {}
            Ok(Some(call)) => {
                let Waiting { caller, request, .. } = call;
                if progress {
                    let place = self.place_of(caller, request).unwrap();
                    self.calls[place].keeps = false;
                    if let Some((limit, _)) = call.limit {
                        self.start_timer(caller, request, limit);
                    }
                } else {
                    self.take_call(caller, request);
                }
                self.send(caller, Dear::Reply, Expected::Result { request, payload, progress });
                if !progress {
                    self.release(&call);
                }
            }
        }
        self.reap();
    }

    pub(crate) fn error(&mut self, callee: usize, invocation: u64, error: &'static str, payload: usize) {
        match self.answered(callee, invocation) {
            Err(()) => self.violate(callee),
            Ok(None) => {}
            Ok(Some(call))
                if error == UNAVAILABLE && self.clients[callee].knows.reroute() && !call.killed =>
            {
                self.reroute(&call);
            }
            Ok(Some(call)) => {
                self.take_call(call.caller, call.request);
                let error = if is_uri(error) { error } else { "wamp.error.invalid_uri" };
                let (kind, request, payload) = (MessageKind::Call, call.request, Some(payload));
                let message = Expected::Error { kind, request, error, payload };
                self.send(call.caller, Dear::Reply, message);
                self.release(&call);
            }
        }
        self.reap();
    }

    fn reroute(&mut self, call: &Waiting) {
        let (caller, request) = (call.caller, call.request);
        let place = self.place_of(caller, request).unwrap();
        let it = &mut self.calls[place];
        (it.place, it.counted) = (None, false);
        it.tried.push(call.number);
        let entry = self.registrations.iter_mut().find(|entry| entry.id == call.registration);
        match entry.filter(|entry| call.keeps && entry.waiting.len() < self.sizes.waiting) {
            Some(entry) => entry.waiting.push((caller, request)),
            None => {
                self.end_call(caller, request, NOBODY);
            }
        }
        self.dispatch(call.registration);
    }

    pub(crate) fn cancel(&mut self, caller: usize, request: u64, mode: CancelMode) {
        let Some(place) = self.place_of(caller, request) else { return };
        let call = self.calls[place].clone();
        let interruptible = call.place.filter(|place| self.clients[place.0].canceling);
        match (mode, interruptible) {
            (CancelMode::KillNoWait, _) => self.stop_call(caller, request, CANCELED),
            (CancelMode::Kill, Some((callee, invocation))) => {
                if !call.killed {
                    self.calls[place].killed = true;
                    self.send(callee, Dear::Reply, Expected::Interrupt { request: invocation, mode });
                }
            }
            _ => {
                self.take_call(caller, request);
                self.fail(caller, MessageKind::Call, request, CANCELED);
                self.release(&call);
            }
        }
        self.reap();
    }

    /// A session has left: its procedures are gone, its callers are told, then its callees.
    pub(super) fn forsake(&mut self, gone: usize) {
        let calls = core::mem::take(&mut self.calls);
        let (mut made, rest): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.caller == gone);
        self.calls = rest;
        let own = self.registrations.iter().filter(|entry| entry.has(gone)).map(|entry| entry.id);
        let mut changed = own.collect::<Vec<_>>();
        changed.sort_unstable();
        for registration in &changed {
            self.remove_callee(*registration, gone);
        }
        let served = self.calls.iter().filter(|call| call.place.is_some_and(|place| place.0 == gone));
        let mut served = served.cloned().collect::<Vec<_>>();
        served.sort_by_key(|call| call.place);
        for call in served {
            self.take_call(call.caller, call.request);
            self.fail(call.caller, MessageKind::Call, call.request, CANCELED);
        }
        made.sort_by_key(|call| {
            (call.place.map(|place| (self.clients[place.0].place, place.1)), call.request)
        });
        for call in made {
            if call.place.is_none() {
                self.leave_queue(call.registration, gone, call.request);
                changed.push(call.registration);
            }
            if call.place.is_some_and(|place| place.0 != gone) {
                self.interrupt(&call);
            }
            if call.counted {
                changed.push(call.registration);
            }
        }
        for registration in changed {
            self.dispatch(registration);
        }
    }
}
