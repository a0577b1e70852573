//! `wamp.x.session.tap`: the messages of another session, as they come and go. An extension of ours.

use super::{Refusal, Request, invalid};
use crate::{
    message::{self, Call, ResultDetails},
    payload::Payload,
    router::{Event, Limit, MetaAccess, Router, link::Class, tap::Tap},
    uri::uris,
    value::Value,
};

impl Router {
    /// Begins to show the messages of a session to the caller: as progressive results, until the call is canceled or one of
    /// both has left. The first one is empty, and says that it has begun; the last result is the number of messages that
    /// were left out.
    pub(super) fn tap(&mut self, request: &Request, call: &Call) -> Result<(), Refusal> {
        if self.config.max_taps == 0 {
            return Err((uris::error::NO_SUCH_PROCEDURE, "this router has no taps".to_owned()));
        }
        if self.config.meta_api == MetaAccess::ReadOnly {
            let text = "this router lets nobody read the messages of others";
            return Err((uris::error::NOT_AUTHORIZED, text.to_owned()));
        }
        if !call.options.receive_progress {
            return Err(invalid("the messages come as progressive results: set `receive_progress`"));
        }
        let tapped = request.id(0, "session", uris::error::NO_SUCH_SESSION)?;
        let payload = match request.kwarg("payload") {
            None => false,
            Some(Value::Bool(payload)) => *payload,
            Some(_) => return Err(invalid("`payload` must be a bool")),
        };
        if tapped == request.session {
            return Err(invalid("a session cannot tap itself"));
        }
        let target = self.peer_of(request, tapped)?;
        if self.links.taps_in(request.realm) >= self.config.max_taps {
            self.links.limited(request.from, Limit::Taps);
            let text = "there are as many taps in this realm as there may be";
            return Err((uris::error::UNAVAILABLE, text.to_owned()));
        }
        let begun = ResultDetails { progress: true, ..ResultDetails::default() };
        let begun = message::Result { request: call.request, details: begun, payload: Payload::empty() };
        self.links.send(request.now, request.from, Class::Reply, begun);
        self.links.tap(target, Tap::new(request.from, call.request, target, request.realm, payload));
        if let Some(identity) = self.links.get(request.from).and_then(|link| link.identity.as_deref()) {
            let (connection, authid) = (self.links.id(request.from), identity.authid.clone());
            let session = request.session;
            self.links.tell(Event::Tapped { connection, session, authid, tapped, payload });
        }
        Ok(())
    }
}
