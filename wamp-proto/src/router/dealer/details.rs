//! What an INVOCATION says about its call: made afresh, never copied from the caller's options (T-68).

use super::{
    Refusal,
    ongoing::Ask,
    policy::{Callee, Registration},
    progress::receives_progress,
    timeouts::Keeper,
};
use crate::{
    message::{CallOptions, Feature, InvocationDetails, Role},
    router::{Context, Disclosure},
    uri::{Match, uris},
};

/// The details for this callee.
pub(super) fn details(
    context: &Context<'_>,
    entry: &Registration,
    callee: &Callee,
    ask: &Ask,
    keeper: Keeper,
) -> InvocationDetails {
    let mut details = InvocationDetails {
        // pattern registrations must be told the procedure.
        procedure: (entry.pattern.kind() != Match::Exact).then(|| ask.procedure.clone()),
        receive_progress: ask.receive_progress && receives_progress(context, callee.peer),
        progress: ask.progress,
        timeout: keeper.callee(),
        ..InvocationDetails::default()
    };
    disclose(context, callee, ask, &mut details);
    details
}

/// who calls, and how far it is trusted.
fn disclose(context: &Context<'_>, callee: &Callee, ask: &Ask, details: &mut InvocationDetails) {
    let discloses = match context.settings.caller_disclosure {
        Disclosure::OnRequest => ask.disclose_me || callee.discloses,
        Disclosure::Always => true,
        Disclosure::Never => false,
    };
    let Some(link) = context.links.get(context.from) else { return };
    let supports = |feature| context.links.supports(callee.peer, Role::Callee, feature);
    if discloses && supports(Feature::CallerIdentification) {
        if let Some(identity) = &link.identity {
            details.caller = Some(identity.session);
            details.caller_authid = Some(identity.authid.clone());
            details.caller_authrole = Some(identity.authrole.clone());
        }
    }
    if link.trust_level.is_some() && supports(Feature::CallTrustlevels) {
        details.trustlevel = link.trust_level;
    }
}

impl Context<'_> {
    /// R-103, T-69: a call that asks for what is not allowed does not take place.
    pub(super) fn check_disclosure(&self, options: &CallOptions) -> Result<(), Refusal> {
        if options.disclose_me && self.settings.caller_disclosure == Disclosure::Never {
            let text = "callers are not disclosed here";
            return Err((uris::error::OPTION_DISALLOWED_DISCLOSE_ME, text.to_owned()));
        }
        Ok(())
    }
}
