//! Registering procedures.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use wamp_proto::{
    Match, Uri,
    id::RegistrationId,
    message::{InvocationPolicy, RegisterOptions},
};

use crate::{
    Client, Error,
    cipher::sealing,
    handler::DynHandler,
    pending::Pending,
    shared::{Outcome, State},
};

/// A procedure to be registered: add options, then `.await` it.
#[must_use = "nothing is registered until it is awaited"]
pub struct Register {
    client: Client,
    wish: Wish,
}

struct Wish {
    procedure: Uri,
    options: RegisterOptions,
    handler: Arc<DynHandler>,
}

impl Register {
    pub(crate) fn new(client: Client, procedure: &str, handler: Arc<DynHandler>) -> Self {
        let wish =
            Wish { procedure: Uri::unchecked(procedure), options: RegisterOptions::default(), handler };
        Self { client, wish }
    }

    /// Serves every procedure that begins with the URI, character by character.
    pub fn prefix(mut self) -> Self {
        self.wish.options.match_policy = Some(Match::Prefix);
        self
    }

    /// Serves every procedure that matches the URI, whose empty components stand for any one component.
    pub fn wildcard(mut self) -> Self {
        self.wish.options.match_policy = Some(Match::Wildcard);
        self
    }

    /// How several callees share the procedure, instead of one callee having it alone; all must say the same.
    pub fn invoke(mut self, policy: InvocationPolicy) -> Self {
        self.wish.options.invoke = Some(policy);
        self
    }

    /// Asks the router to tell who calls, of every caller.
    pub fn disclose_caller(mut self) -> Self {
        self.wish.options.disclose_caller = true;
        self
    }

    /// Leaves the time limits of calls to this client, which ends the procedure when the time is over.
    pub fn forward_timeout(mut self) -> Self {
        self.wish.options.forward_timeout = true;
        self
    }

    /// Takes at most so many calls at once; the router keeps further ones back. An extension that Crossbar.io has too.
    pub fn concurrency(mut self, calls: u64) -> Self {
        self.wish.options.concurrency = Some(calls);
        self
    }

    /// Takes the procedure over from whoever has registered it, if the router allows that. An extension that Crossbar.io has
    /// too.
    pub fn force_reregister(mut self) -> Self {
        self.wish.options.force_reregister = true;
        self
    }
}

impl IntoFuture for Register {
    type Output = Result<Registration, Error>;
    type IntoFuture = RegisterFuture;

    fn into_future(self) -> RegisterFuture {
        let Self { client, mut wish } = self;
        wish.handler = sealing(&client.shared, &wish.procedure, wish.handler);
        let send: fn(&mut State, _, Wish) -> _ = |state, now, wish| {
            let request = state.session.register(now, wish.procedure, wish.options)?;
            state.offered.insert(request, wish.handler);
            Ok(request)
        };
        RegisterFuture { pending: Pending::new(client.shared.clone(), Ok(wish), send), client }
    }
}

/// A registration under way.
#[must_use = "nothing is registered until it is awaited"]
pub struct RegisterFuture {
    pending: Pending<Wish>,
    client: Client,
}

impl Future for RegisterFuture {
    type Output = Result<Registration, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.pending.poll(context).map(|outcome| match outcome? {
            Outcome::Registered(id) => Ok(Registration { client: self.client.clone(), id }),
            outcome => Err(outcome.unexpected()),
        })
    }
}

impl Drop for RegisterFuture {
    fn drop(&mut self) {
        if let Some(Outcome::Registered(registration)) = self.pending.give_up(|_, _| {}) {
            let _handler = self.client.shared.update(|state, _| state.abandon(registration));
        }
    }
}

/// A registered procedure. Dropping this does not end the registration: it lasts as long as the session.
#[derive(Clone, Debug)]
pub struct Registration {
    client: Client,
    id: RegistrationId,
}

impl Registration {
    /// The registration's id.
    pub fn id(&self) -> RegistrationId {
        self.id
    }

    /// Ends the registration. Calls that are being handled are still answered.
    pub fn unregister(self) -> UnregisterFuture {
        let send: fn(&mut State, _, RegistrationId) -> _ = |state, now, registration| {
            let request = state.session.unregister(now, registration)?;
            state.ending.insert(request, registration);
            Ok(request)
        };
        UnregisterFuture(Pending::new(self.client.shared.clone(), Ok(self.id), send))
    }
}

/// The end of a registration under way.
#[derive(Debug)]
#[must_use = "nothing is unregistered until it is awaited"]
pub struct UnregisterFuture(Pending<RegistrationId>);

impl Future for UnregisterFuture {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(context).map_ok(|_| ())
    }
}
