//! REGISTER and UNREGISTER.

use super::{Dealer, RESERVED, Registration};
use crate::{
    error::Violation,
    id::RegistrationId,
    message::{InvocationPolicy, MessageKind, Register, Registered, Unregister, Unregistered},
    router::{Context, link::Class},
    uri::{Pattern, uris},
};

impl Dealer {
    /// one callee for each procedure and match policy.
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
            }
            Err((error, text)) => context.refuse(MessageKind::Register, request, error, &text),
        }
        Ok(())
    }

    fn try_register(
        &mut self,
        context: &mut Context<'_>,
        register: Register,
    ) -> Result<RegistrationId, (&'static str, String)> {
        let Register { options, procedure, .. } = register;
        let pattern = context
            .check_pattern(procedure, options.match_policy.unwrap_or_default())
            .map_err(|text| (uris::error::INVALID_URI, text))?;
        if pattern.uri().is_reserved() {
            return Err((uris::error::INVALID_URI, RESERVED.to_owned()));
        }
        if options.invoke == Some(InvocationPolicy::Unknown) {
            let text = "`invoke` must be single, roundrobin, random, first or last";
            return Err((uris::error::INVALID_ARGUMENT, text.to_owned()));
        }
        if self.index.get(&pattern).is_some() {
            let text = format!("`{}` is registered already", pattern.uri());
            return Err((uris::error::PROCEDURE_ALREADY_EXISTS, text));
        }
        let full = (uris::error::UNAVAILABLE, "too many registrations in this session".to_owned());
        let from = context.from;
        let room = context.config.max_registrations;
        let link = context.links.get_mut(from).filter(|link| link.registrations.len() < room).ok_or(full)?;
        let registration = self.create(pattern, from);
        link.registrations.insert(registration);
        Ok(registration)
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
            self.remove(registration);
            context.links.send(context.now, from, Class::Reply, Unregistered::Reply { request });
        } else {
            context.refuse(MessageKind::Unregister, request, uris::error::NO_SUCH_REGISTRATION, "");
        }
        Ok(())
    }

    fn create(&mut self, pattern: Pattern, callee: usize) -> RegistrationId {
        let registration = self.ids.next();
        self.index.insert(&pattern, registration);
        self.registrations.insert(registration, Registration { pattern, callee });
        registration
    }

    pub(super) fn remove(&mut self, registration: RegistrationId) {
        if let Some(entry) = self.registrations.remove(&registration) {
            self.index.remove(&entry.pattern);
        }
    }
}
