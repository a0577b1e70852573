//! Registrations and calls.

use wamp_proto::{
    Match,
    message::{CancelMode, MessageKind},
};

use super::{
    Dear, Expected, Model, Pattern, Registration, Waiting,
    events::{is_pattern, is_reserved, is_uri, same},
};

const CANCELED: &str = "wamp.error.canceled";

impl Model {
    pub(crate) fn register(&mut self, client: usize, request: u64, kind: Match, uri: &'static str) {
        let pattern = Pattern { realm: self.clients[client].realm, kind, uri };
        let held = self.registrations.iter().filter(|entry| entry.callee == client).count();
        let error = if !is_pattern(uri, kind) || is_reserved(uri) {
            "wamp.error.invalid_uri"
        } else if self.registrations.iter().any(|entry| same(&entry.pattern, &pattern)) {
            "wamp.error.procedure_already_exists"
        } else if held >= self.sizes.registrations {
            "wamp.error.unavailable"
        } else {
            self.next_id += 1;
            let registration = self.next_id;
            self.registrations.push(Registration { id: registration, pattern, callee: client });
            self.send(client, Dear::Reply, Expected::Registered { request, registration });
            return self.reap();
        };
        self.fail(client, MessageKind::Register, request, error);
        self.reap();
    }

    pub(crate) fn unregister(&mut self, client: usize, request: u64, registration: u64) {
        let own = |entry: &Registration| entry.id == registration && entry.callee == client;
        if self.registrations.iter().any(own) {
            self.registrations.retain(|entry| !own(entry));
            self.send(client, Dear::Reply, Expected::Unregistered { request });
        } else {
            self.fail(client, MessageKind::Unregister, request, "wamp.error.no_such_registration");
        }
        self.reap();
    }

    pub(crate) fn call(&mut self, client: usize, request: u64, procedure: &'static str, payload: usize) {
        if self.calls.iter().any(|call| call.caller == client && call.request == request) {
            return self.violate(client);
        }
        if let Err(error) = self.try_call(client, request, procedure, payload) {
            self.fail(client, MessageKind::Call, request, error);
        }
        self.reap();
    }

    fn try_call(
        &mut self,
        caller: usize,
        request: u64,
        procedure: &'static str,
        payload: usize,
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
        let callee = entry.callee;
        if self.calls.iter().filter(|call| call.caller == caller).count() >= self.sizes.calls
            || self.calls.iter().filter(|call| call.callee == callee).count() >= self.sizes.invocations
        {
            return Err("wamp.error.unavailable");
        }
        let invocation = self.clients[callee].last_invocation + 1;
        let message = Expected::Invocation {
            request: invocation,
            registration: entry.id,
            procedure: (entry.pattern.kind != Match::Exact).then_some(procedure),
            payload,
        };
        if !self.send(callee, Dear::Invocation, message) {
            return Err("wamp.error.unavailable");
        }
        self.clients[callee].last_invocation = invocation;
        self.calls.push(Waiting { caller, request, callee, invocation, killed: false });
        Ok(())
    }

    /// The call that an answer belongs to, taken; nothing when it is late, `Err` when it was never made.
    fn answered(&mut self, callee: usize, invocation: u64) -> Result<Option<Waiting>, ()> {
        if invocation > self.clients[callee].last_invocation {
            return Err(());
        }
        let place = self.calls.iter().position(|call| call.callee == callee && call.invocation == invocation);
        Ok(place.map(|place| self.calls.remove(place)))
    }

    pub(crate) fn yield_(&mut self, callee: usize, invocation: u64, payload: usize) {
        match self.answered(callee, invocation) {
            Err(()) => self.violate(callee),
            Ok(None) => {}
            Ok(Some(call)) => {
                let result = Expected::Result { request: call.request, payload };
                self.send(call.caller, Dear::Reply, result);
            }
        }
        self.reap();
    }

    pub(crate) fn error(&mut self, callee: usize, invocation: u64, error: &'static str, payload: usize) {
        match self.answered(callee, invocation) {
            Err(()) => self.violate(callee),
            Ok(None) => {}
            Ok(Some(call)) => {
                let error = if is_uri(error) { error } else { "wamp.error.invalid_uri" };
                let (kind, request, payload) = (MessageKind::Call, call.request, Some(payload));
                let message = Expected::Error { kind, request, error, payload };
                self.send(call.caller, Dear::Reply, message);
            }
        }
        self.reap();
    }

    pub(crate) fn cancel(&mut self, caller: usize, request: u64, mode: CancelMode) {
        let place = self.calls.iter().position(|call| call.caller == caller && call.request == request);
        let Some(place) = place else { return };
        let call = self.calls[place].clone();
        let interruptible = self.clients[call.callee].canceling;
        if mode != CancelMode::Skip && interruptible && !call.killed {
            let interrupt = Expected::Interrupt { request: call.invocation, mode };
            self.send(call.callee, Dear::Reply, interrupt);
        }
        if mode == CancelMode::Kill && interruptible {
            self.calls[place].killed = true;
        } else {
            self.calls.remove(place);
            self.fail(caller, MessageKind::Call, request, CANCELED);
        }
        self.reap();
    }

    /// A session has left: its callers are told, then its callees.
    pub(super) fn forsake(&mut self, gone: usize) {
        let calls = core::mem::take(&mut self.calls);
        let (mut served, rest): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.callee == gone);
        let (mut made, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|call| call.caller == gone);
        self.calls = rest;
        served.sort_by_key(|call| call.invocation);
        for call in served {
            if call.caller != gone {
                self.fail(call.caller, MessageKind::Call, call.request, CANCELED);
            }
        }
        made.sort_by_key(|call| (self.clients[call.callee].place, call.invocation));
        for call in made {
            if !call.killed && self.clients[call.callee].canceling {
                let mode = CancelMode::KillNoWait;
                let interrupt = Expected::Interrupt { request: call.invocation, mode };
                self.send(call.callee, Dear::Reply, interrupt);
            }
        }
    }
}
