//! Registrations and who shares them.

use wamp_proto::{
    Match,
    id::RequestId,
    message::{InvocationPolicy, MessageKind},
};

use super::{
    CANCELED, Callee, Dear, Expected, Model, Pattern, Registration,
    events::{is_pattern, is_reserved, same},
    operations::Registering,
};

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Callee(usize),
    Busy,
    Nobody,
}

impl Model {
    pub(crate) fn register(
        &mut self,
        client: usize,
        request: u64,
        kind: Match,
        uri: &'static str,
        options: Registering,
    ) {
        match self.try_register(client, kind, uri, options) {
            Ok(registration) => {
                self.send(client, Dear::Reply, Expected::Registered { request, registration });
                self.dispatch(registration);
            }
            Err(error) => self.fail(client, MessageKind::Register, request, error),
        }
        self.reap();
    }

    fn try_register(
        &mut self,
        client: usize,
        kind: Match,
        uri: &'static str,
        options: Registering,
    ) -> Result<u64, &'static str> {
        if !is_pattern(uri, kind) || is_reserved(uri) {
            return Err("wamp.error.invalid_uri");
        }
        if options.concurrency == Some(0) {
            return Err("wamp.error.invalid_argument");
        }
        let pattern = Pattern { realm: self.clients[client].realm, kind, uri };
        let known = self.registrations.iter().find(|entry| same(&entry.pattern, &pattern)).cloned();
        let held = self.registrations.iter().filter(|entry| entry.has(client)).count();
        let full = held >= self.sizes.registrations;
        let joins = match known {
            Some(known) if options.force && self.sizes.force => {
                if full {
                    return Err("wamp.error.unavailable");
                }
                self.revoke_one(known.id);
                None
            }
            Some(_) if options.force => return Err("wamp.error.option_not_allowed"),
            Some(known)
                if known.policy == InvocationPolicy::Single
                    || known.has(client)
                    || known.policy != options.invoke =>
            {
                return Err("wamp.error.procedure_already_exists");
            }
            known => known.map(|known| known.id),
        };
        if full {
            return Err("wamp.error.unavailable");
        }
        let id = joins.unwrap_or_else(|| {
            self.next_id += 1;
            self.registrations.push(Registration {
                id: self.next_id,
                pattern,
                policy: options.invoke,
                callees: Vec::new(),
                numbers: 0,
                served: 0,
                waiting: Vec::new(),
            });
            self.next_id
        });
        let entry = self.registrations.iter_mut().find(|entry| entry.id == id).unwrap();
        entry.numbers += 1;
        entry.callees.push(Callee { client, number: entry.numbers, options });
        Ok(id)
    }

    pub(crate) fn unregister(&mut self, client: usize, request: u64, registration: u64) {
        if self.registrations.iter().any(|entry| entry.id == registration && entry.has(client)) {
            self.send(client, Dear::Reply, Expected::Unregistered { request });
            self.remove_callee(registration, client);
            self.dispatch(registration);
        } else {
            self.fail(client, MessageKind::Unregister, request, "wamp.error.no_such_registration");
        }
        self.reap();
    }

    /// The router ends a registration.
    pub(crate) fn revoke(&mut self, registration: u64) {
        self.revoke_one(registration);
        self.reap();
    }

    fn revoke_one(&mut self, registration: u64) {
        let entry = self.registrations.iter().find(|entry| entry.id == registration);
        for callee in entry.map(|entry| entry.callees.clone()).unwrap_or_default() {
            if self.clients[callee.client].knows.revocation() {
                self.send(callee.client, Dear::Reply, Expected::Revoked { registration });
            }
            self.remove_callee(registration, callee.client);
        }
    }

    /// With the last callee the registration ends, and with it the calls that wait.
    pub(super) fn remove_callee(&mut self, registration: u64, client: usize) {
        let place = self.registrations.iter().position(|entry| entry.id == registration);
        let Some(place) = place else { return };
        let entry = &mut self.registrations[place];
        entry.callees.retain(|callee| callee.client != client);
        if entry.callees.is_empty() {
            let entry = self.registrations.remove(place);
            for (caller, request) in entry.waiting {
                if self.take_call(caller, request).is_some() {
                    self.fail(caller, MessageKind::Call, request, CANCELED);
                }
            }
        }
    }

    /// Who gets the next call.
    pub(super) fn choose_callee(&mut self, registration: u64, tried: &[u64]) -> Choice {
        let entry = self.registrations.iter().find(|entry| entry.id == registration).unwrap().clone();
        let callees = entry.callees.iter().enumerate().collect::<Vec<_>>();
        let untried =
            callees.iter().filter(|(_, callee)| !tried.contains(&callee.number)).collect::<Vec<_>>();
        let has_room = |callee: &Callee| {
            let busy = self.calls.iter().filter(|call| {
                call.counted && call.registration == registration && call.number == callee.number
            });
            callee.options.concurrency.is_none_or(|concurrency| (busy.count() as u64) < concurrency)
        };
        let free = untried.iter().filter(|(_, callee)| has_room(callee)).collect::<Vec<_>>();
        let alone = callees.len() == 1 && tried.is_empty();
        let chosen = match entry.policy {
            InvocationPolicy::RoundRobin => free
                .iter()
                .find(|(_, callee)| callee.number > entry.served)
                .or(free.first())
                .map(|(place, _)| *place),
            // The chance is the same as the router's, whenever there is a choice to make.
            InvocationPolicy::Random if !alone => {
                let number = self.chance[entry.pattern.realm].draw::<RequestId>().get();
                (!free.is_empty()).then(|| free[(number % free.len() as u64) as usize].0)
            }
            InvocationPolicy::Last => {
                untried.last().filter(|(_, callee)| has_room(callee)).map(|(place, _)| *place)
            }
            _ => untried.first().filter(|(_, callee)| has_room(callee)).map(|(place, _)| *place),
        };
        let entry = self.registrations.iter_mut().find(|entry| entry.id == registration).unwrap();
        match chosen {
            Some(place) => {
                entry.served = entry.callees[place].number;
                Choice::Callee(place)
            }
            None if untried.is_empty() => Choice::Nobody,
            None => Choice::Busy,
        }
    }
}

impl Registration {
    pub(crate) fn has(&self, client: usize) -> bool {
        self.callees.iter().any(|callee| callee.client == client)
    }
}
