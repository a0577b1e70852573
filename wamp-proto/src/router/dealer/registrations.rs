//! REGISTER and UNREGISTER, and registrations that the router ends.

use super::{Dealer, Refusal, fail, policy::Registration};
use crate::{
    error::Violation,
    id::RegistrationId,
    message::{
        Feature, InvocationPolicy, MessageKind, Register, RegisterOptions, Registered,
        RegistrationRevocation, Role, Unregister, Unregistered,
    },
    router::{
        Context, Disclosure, Limit,
        link::{Class, Peer},
        meta::RegistrationDetails,
    },
    uri::{Pattern, uris},
};

impl Dealer {
    /// ..R-145: one registration for each procedure and match policy.
    pub(in crate::router) fn register(
        &mut self,
        context: &mut Context<'_>,
        register: Register,
    ) -> Result<(), Violation> {
        let request = register.request;
        match self.try_register(context, register) {
            Ok(registration) => {
                let registered = Registered { request, registration };
                context.links.send(context.now, context.from, Class::Reply, registered);
                // S-78: after REGISTERED.
                self.dispatch(context, registration);
            }
            Err((error, text)) => context.refuse(MessageKind::Register, request, error, &text),
        }
        Ok(())
    }

    fn try_register(
        &mut self,
        context: &mut Context<'_>,
        register: Register,
    ) -> Result<RegistrationId, Refusal> {
        let Register { options, procedure, .. } = register;
        let pattern = context
            .config
            .check_procedure(&procedure, options.match_policy.unwrap_or_default())
            .map_err(|text| (uris::error::INVALID_URI, text))?;
        let policy = check_options(context, &options)?;
        let (from, room) = (context.from, context.config.max_registrations);
        let has_room = context.links.get(from).is_some_and(|link| link.registrations.len() < room);
        let registration = match self.index.get(&pattern) {
            Some(known) if options.force_reregister && context.config.allow_force_reregister => {
                if !has_room {
                    return Err(full(context));
                }
                self.revoke(context, known, Some("somebody else has taken the procedure over"));
                self.create(context, pattern, policy)
            }
            Some(known) => {
                self.check_shared(known, from, policy, &options)?;
                known
            }
            None if has_room => self.create(context, pattern, policy),
            None => return Err(full(context)),
        };
        let Some(link) = context.links.get_mut(from).filter(|_| has_room) else { return Err(full(context)) };
        link.registrations.insert(registration);
        if let Some(entry) = self.registrations.get_mut(&registration) {
            #[cfg(feature = "planted-bugs")]
            let options = match context.config.has(crate::router::Bug::ConcurrencyIgnored) {
                true => RegisterOptions { concurrency: None, ..options },
                false => options,
            };
            entry.add(from, &options);
            if let Some(session) = context.session(from) {
                context.meta.push("wamp.registration.on_register", || (session, registration));
            }
        }
        Ok(registration)
    }

    /// R-142..R-144, R-05: whether one more callee may join.
    fn check_shared(
        &self,
        registration: RegistrationId,
        callee: Peer,
        policy: InvocationPolicy,
        options: &RegisterOptions,
    ) -> Result<(), Refusal> {
        let Some(entry) = self.registrations.get(&registration) else { return Ok(()) };
        let text = if options.force_reregister {
            return Err((uris::error::OPTION_NOT_ALLOWED, "`force_reregister` is not allowed".to_owned()));
        } else if entry.policy == InvocationPolicy::Single || entry.has(callee) {
            format!("`{}` is registered already", entry.pattern.uri())
        } else if entry.policy != policy {
            let (uri, invoke) = (entry.pattern.uri(), entry.policy.as_str());
            format!("`{uri}` is registered with the invocation policy `{invoke}`")
        } else {
            return Ok(());
        };
        Err((uris::error::PROCEDURE_ALREADY_EXISTS, text))
    }

    /// only a session's own registration can be given up. Open invocations run to their end.
    pub(in crate::router) fn unregister(
        &mut self,
        context: &mut Context<'_>,
        unregister: &Unregister,
    ) -> Result<(), Violation> {
        let Unregister { request, registration } = *unregister;
        let from = context.from;
        if context.links.get_mut(from).is_some_and(|link| link.registrations.remove(&registration)) {
            context.links.send(context.now, from, Class::Reply, Unregistered::Reply { request });
            self.remove(context, registration, from);
            self.dispatch(context, registration);
        } else {
            context.refuse(MessageKind::Unregister, request, uris::error::NO_SUCH_REGISTRATION, "");
        }
        Ok(())
    }

    /// R-71..R-73: ends a registration whatever its callees say; those that can be told are. Open invocations run to their
    /// end. Returns whether there was one.
    pub(in crate::router) fn revoke(
        &mut self,
        context: &mut Context<'_>,
        registration: RegistrationId,
        reason: Option<&str>,
    ) -> bool {
        let Some(entry) = self.registrations.get(&registration) else { return false };
        let callees = entry.peers().collect::<Vec<_>>();
        for callee in callees {
            self.take_away(context, registration, callee, reason);
        }
        true
    }

    /// The same for one callee of several; calls that wait are for the others now. Returns whether it had the registration.
    pub(in crate::router) fn revoke_callee(
        &mut self,
        context: &mut Context<'_>,
        registration: RegistrationId,
        callee: Peer,
        reason: Option<&str>,
    ) -> bool {
        let had = self.take_away(context, registration, callee, reason);
        self.dispatch(context, registration);
        had
    }

    fn take_away(
        &mut self,
        context: &mut Context<'_>,
        registration: RegistrationId,
        callee: Peer,
        reason: Option<&str>,
    ) -> bool {
        if !context.links.get_mut(callee).is_some_and(|link| link.registrations.remove(&registration)) {
            return false;
        }
        if context.links.supports(callee, Role::Callee, Feature::RegistrationRevocation) {
            let details = RegistrationRevocation {
                registration: Some(registration),
                reason: reason.map(str::to_owned),
                ..RegistrationRevocation::default()
            };
            let revoked = Unregistered::Revoked(details);
            context.links.send(context.now, callee, Class::Reply, revoked);
        }
        self.remove(context, registration, callee);
        true
    }

    fn create(
        &mut self,
        context: &mut Context<'_>,
        pattern: Pattern,
        policy: InvocationPolicy,
    ) -> RegistrationId {
        let registration = self.ids.next_unused(|id| self.registrations.contains_key(&id));
        self.index.insert(&pattern, registration);
        let entry = Registration::new(context.now, pattern, policy);
        if let Some(session) = context.session(context.from) {
            let details = || (session, RegistrationDetails::new(context.config, registration, &entry));
            context.meta.push("wamp.registration.on_create", details);
        }
        self.registrations.insert(registration, entry);
        registration
    }

    /// A callee goes; with the last one the registration ends (R-148, T-12), and with it what waits for it.
    pub(super) fn remove(&mut self, context: &mut Context<'_>, registration: RegistrationId, callee: Peer) {
        let Some(entry) = self.registrations.get_mut(&registration) else { return };
        entry.remove(callee);
        let session = context.session(callee);
        if let Some(session) = session {
            context.meta.push("wamp.registration.on_unregister", || (session, registration));
        }
        if !entry.callees().is_empty() {
            return;
        }
        if let Some(entry) = self.registrations.remove(&registration) {
            self.index.remove(&entry.pattern);
            if let Some(session) = session {
                context.meta.push("wamp.registration.on_delete", || (session, registration));
            }
            for origin in entry.waiting {
                fail(context, origin, "the procedure is not registered any more");
            }
        }
    }
}

fn full(context: &mut Context<'_>) -> Refusal {
    context.links.limited(context.from, Limit::Registrations);
    (uris::error::UNAVAILABLE, "too many registrations in this session".to_owned())
}

/// The policy, if the options are such as can be granted.
fn check_options(context: &Context<'_>, options: &RegisterOptions) -> Result<InvocationPolicy, Refusal> {
    let invalid = |text: &str| Err((uris::error::INVALID_ARGUMENT, text.to_owned()));
    if options.concurrency == Some(0) {
        return invalid("`concurrency` must be 1 or more");
    }
    // better no registration than one that does not keep its word.
    if options.disclose_caller && context.config.caller_disclosure == Disclosure::Never {
        let text = "callers are not disclosed here";
        return Err((uris::error::OPTION_DISALLOWED_DISCLOSE_ME, text.to_owned()));
    }
    match options.invoke.unwrap_or(InvocationPolicy::Single) {
        InvocationPolicy::Unknown => invalid("`invoke` must be single, roundrobin, random, first or last"),
        policy => Ok(policy),
    }
}
