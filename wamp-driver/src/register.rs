//! Registering procedures.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::future::join_all;
use wamp_proto::{
    Match, Uri,
    id::RegistrationId,
    message::{InvocationPolicy, RegisterOptions},
};

use crate::{
    Client, Envelope, Error,
    cipher::sealing,
    handler::DynHandler,
    pending::Pending,
    shared::{Key, Outcome, Procedure, State},
};

/// A procedure to be registered: add options, then `.await` it.
#[must_use = "nothing is registered until it is awaited"]
pub struct Register {
    client: Client,
    wish: Wish,
}

struct Wish {
    key: Key,
    procedure: Procedure,
}

impl Register {
    pub(crate) fn new(client: Client, procedure: &str, handler: Arc<DynHandler>) -> Self {
        let (uri, options) = (Uri::unchecked(procedure), RegisterOptions::default());
        let procedure = Procedure { uri, options, handler, registration: None };
        let wish = Wish { key: client.shared.key(), procedure };
        Self { client, wish }
    }

    /// Serves every procedure that begins with the URI, character by character.
    pub fn prefix(mut self) -> Self {
        self.wish.procedure.options.match_policy = Some(Match::Prefix);
        self
    }

    /// Serves every procedure that matches the URI, whose empty components stand for any one component.
    pub fn wildcard(mut self) -> Self {
        self.wish.procedure.options.match_policy = Some(Match::Wildcard);
        self
    }

    /// How several callees share the procedure, instead of one callee having it alone; all must say the same.
    pub fn invoke(mut self, policy: InvocationPolicy) -> Self {
        self.wish.procedure.options.invoke = Some(policy);
        self
    }

    /// Asks the router to tell who calls, of every caller.
    pub fn disclose_caller(mut self) -> Self {
        self.wish.procedure.options.disclose_caller = true;
        self
    }

    /// Leaves the time limits of calls to this client, which ends the procedure when the time is over.
    pub fn forward_timeout(mut self) -> Self {
        self.wish.procedure.options.forward_timeout = true;
        self
    }

    /// Takes at most so many calls at once; the router keeps further ones back. An extension that Crossbar.io has too.
    pub fn concurrency(mut self, calls: u64) -> Self {
        self.wish.procedure.options.concurrency = Some(calls);
        self
    }

    /// Puts results into an envelope, for callers that expect one.
    pub fn envelope(mut self, envelope: Envelope) -> Self {
        let procedure = &mut self.wish.procedure;
        procedure.handler = envelope.around(procedure.uri.clone(), procedure.handler.clone());
        self
    }

    /// Takes the procedure over from whoever has registered it, if the router allows that. An extension that Crossbar.io has
    /// too.
    pub fn force_reregister(mut self) -> Self {
        self.wish.procedure.options.force_reregister = true;
        self
    }
}

impl IntoFuture for Register {
    type Output = Result<Registration, Error>;
    type IntoFuture = RegisterFuture;

    fn into_future(self) -> RegisterFuture {
        let Self { client, mut wish } = self;
        let (key, procedure) = (wish.key, &mut wish.procedure);
        procedure.handler = sealing(&client.shared, &procedure.uri, procedure.handler.clone());
        let send: fn(&mut State, _, Wish) -> _ =
            |state, now, Wish { key, procedure }| state.register(now, key, procedure);
        let pending = Pending::new(client.shared.clone(), Ok(wish), send);
        RegisterFuture { pending, client, key, done: false }
    }
}

/// A registration under way.
#[must_use = "nothing is registered until it is awaited"]
pub struct RegisterFuture {
    pending: Pending<Wish>,
    client: Client,
    key: Key,
    /// Whether it has given its output.
    done: bool,
}

impl Future for RegisterFuture {
    type Output = Result<Registration, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(self.pending.poll(context));
        self.done = true;
        let id = match outcome? {
            Outcome::Registered(id) => id,
            Outcome::Kept => RegistrationId::FIRST,
            outcome => return Poll::Ready(Err(outcome.unexpected())),
        };
        Poll::Ready(Ok(Registration { client: self.client.clone(), key: self.key, id }))
    }
}

impl Drop for RegisterFuture {
    fn drop(&mut self) {
        if !self.done {
            self.pending.give_up(|_, _| {});
            let _handlers = self.client.shared.update(|state, _| state.abandon_procedure(self.key));
        }
    }
}

/// A registered procedure. Dropping this does not end the registration: it lasts as long as the client. If that reconnects,
/// the procedure is registered again, with all its options, in every session; one that was registered while there was no
/// session, in the next one.
#[derive(Clone, Debug)]
pub struct Registration {
    client: Client,
    key: Key,
    id: RegistrationId,
}

impl Registration {
    /// The registration's id in this session, or the first it had. One that was made while there was no session has none
    /// until it is restored, and gets the smallest id there is.
    pub fn id(&self) -> RegistrationId {
        let known = self.client.shared.peek(|state| state.procedures.get(&self.key)?.registration);
        known.unwrap_or(self.id)
    }

    /// Ends the registration. Calls that are being handled are still answered.
    pub fn unregister(self) -> UnregisterFuture {
        let send: fn(&mut State, _, (Key, RegistrationId)) -> _ =
            |state, now, (key, last)| state.unregister(now, key, last);
        UnregisterFuture(Pending::new(self.client.shared.clone(), Ok((self.key, self.id)), send))
    }
}

/// The end of a registration under way.
#[derive(Debug)]
#[must_use = "nothing is unregistered until it is awaited"]
pub struct UnregisterFuture(Pending<(Key, RegistrationId)>);

impl Future for UnregisterFuture {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(context).map_ok(|_| ())
    }
}

impl Client {
    /// Ends all registrations, as far as the router lets it. Calls that are being handled are still answered.
    pub(crate) fn unregister_all(&self) -> impl Future<Output = ()> + use<> {
        let known = self.shared.peek(|state| {
            let known = state.procedures.iter();
            known.map(|(key, procedure)| (*key, procedure.registration)).collect::<Vec<_>>()
        });
        let ended = known.into_iter().map(|(key, id)| {
            let id = id.unwrap_or(RegistrationId::FIRST);
            Registration { client: self.clone(), key, id }.unregister()
        });
        let ended = join_all(ended);
        async move { drop(ended.await) }
    }
}
