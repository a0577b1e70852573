//! Whether a frame of the router is the one that the model expects: the ids that the router chooses are learnt, and must
//! stay the same.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use bytes::Bytes;
use wamp_proto::{
    Encoding, Limits, Payload, codec,
    id::SessionId,
    message::{InvocationDetails, Message, RegistrationRevocation, Unregistered},
};

use super::{Expected, Shown, operations::PAYLOADS};

/// What an id of the router is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Subscription,
    Registration,
    Publication,
}

/// The ids of the router behind those of the model.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// By the id of the model.
    known: Vec<Option<(Kind, usize, u64)>>,
    /// All that are in use for good: sessions and publications, and the others by realm.
    sessions: HashSet<u64>,
    /// The session of each connection that has been told.
    sessions_of: HashMap<u64, u64>,
    publications: HashSet<u64>,
    routers: HashSet<(bool, usize, u64)>,
}

impl Ids {
    /// The router's id, when it is known and belongs to this kind and realm.
    pub(super) fn get(&self, kind: Kind, realm: usize, model: u64) -> Option<u64> {
        let known = self.known.get(model as usize).copied().flatten()?;
        (known.0 == kind && known.1 == realm).then_some(known.2)
    }

    /// The first time, an id must be a fresh one; later the same.
    pub(super) fn learn(&mut self, kind: Kind, realm: usize, model: u64, actual: u64) -> bool {
        let place = model as usize;
        if self.known.len() <= place {
            self.known.resize(place + 1, None);
        }
        match self.known[place] {
            Some(known) => known == (kind, realm, actual),
            None => {
                self.known[place] = Some((kind, realm, actual));
                match kind {
                    Kind::Publication => self.publications.insert(actual),
                    kind => self.routers.insert((kind == Kind::Registration, realm, actual)),
                }
            }
        }
    }

    /// Whether this is the frame.
    pub(super) fn accept(
        &mut self,
        expected: &Expected,
        encoding: Encoding,
        (connection, realm): (u64, usize),
        frame: &Bytes,
    ) -> bool {
        let Ok(message) = Message::decode(encoding, frame, &Limits::default()) else { return false };
        match (expected, message) {
            (Expected::Welcome, Message::Welcome(welcome)) => {
                self.sessions_of.insert(connection, welcome.session.get());
                self.sessions.insert(welcome.session.get())
            }
            (Expected::Abort(reason), Message::Abort(abort)) => abort.reason == *reason,
            (Expected::Goodbye, Message::Goodbye(goodbye)) => goodbye.reason == "wamp.close.goodbye_and_out",
            (Expected::Error { kind, request, error, payload }, Message::Error(got)) => {
                (got.request_kind, got.request.get()) == (*kind, *request)
                    && got.error == *error
                    && payload.is_none_or(|payload| is_payload(payload, encoding, &got.payload))
            }
            (Expected::Subscribed { request, subscription }, Message::Subscribed(got)) => {
                let actual = got.subscription.get();
                got.request.get() == *request && self.learn(Kind::Subscription, realm, *subscription, actual)
            }
            (Expected::Registered { request, registration }, Message::Registered(got)) => {
                let actual = got.registration.get();
                got.request.get() == *request && self.learn(Kind::Registration, realm, *registration, actual)
            }
            (Expected::Published { request, publication }, Message::Published(got)) => {
                let actual = got.publication.get();
                got.request.get() == *request && self.learn(Kind::Publication, realm, *publication, actual)
            }
            (
                Expected::Event { subscription, publication, topic, payload, retained },
                Message::Event(got),
            ) => {
                got.details.retained == *retained
                    && got.details.topic.as_deref() == *topic
                    && self.learn(Kind::Subscription, realm, *subscription, got.subscription.get())
                    && self.learn(Kind::Publication, realm, *publication, got.publication.get())
                    && is_payload(*payload, encoding, &got.payload)
            }
            (
                Expected::Invocation { request, registration, shown, progress, payload },
                Message::Invocation(got),
            ) => {
                got.request.get() == *request
                    && got.details.progress == *progress
                    && self.is_shown(shown, &got.details)
                    && self.learn(Kind::Registration, realm, *registration, got.registration.get())
                    && is_payload(*payload, encoding, &got.payload)
            }
            (Expected::Answer { request, answer }, Message::Result(got)) => {
                got.request.get() == *request && self.accept_answer(answer, encoding, realm, &got)
            }
            (
                Expected::Revoked { registration },
                Message::Unregistered(Unregistered::Revoked(RegistrationRevocation {
                    registration: Some(got),
                    ..
                })),
            ) => self.learn(Kind::Registration, realm, *registration, got.get()),
            (expected, message) => is_plain(expected, encoding, &message),
        }
    }

    /// A session that its own client has not been told of is not known by its id.
    fn is_shown(&self, shown: &Shown, details: &InvocationDetails) -> bool {
        let caller = details.caller.map(SessionId::get);
        let known = shown.caller.and_then(|connection| self.sessions_of.get(&connection)).copied();
        details.procedure.as_deref() == shown.procedure
            && details.receive_progress == shown.receive_progress
            && details.timeout == shown.timeout
            && details.trustlevel.is_none()
            && caller.is_some() == shown.caller.is_some()
            && details.caller_authid.is_some() == caller.is_some()
            && (known.is_none() || caller == known)
    }
}

/// Messages without an id of the router's choice.
fn is_plain(expected: &Expected, encoding: Encoding, message: &Message) -> bool {
    use wamp_proto::message::Unsubscribed;
    match (expected, message) {
        (Expected::Unsubscribed { request }, Message::Unsubscribed(Unsubscribed::Reply { request: got })) => {
            got.get() == *request
        }
        (Expected::Unregistered { request }, Message::Unregistered(Unregistered::Reply { request: got })) => {
            got.get() == *request
        }
        (Expected::Interrupt { request, mode }, Message::Interrupt(got)) => {
            got.request.get() == *request && got.options.mode == Some(*mode)
        }
        (Expected::Result { request, payload, progress }, Message::Result(got)) => {
            got.request.get() == *request
                && got.details.progress == *progress
                && is_payload(*payload, encoding, &got.payload)
        }
        _ => false,
    }
}

fn is_payload(number: usize, encoding: Encoding, got: &Payload) -> bool {
    let expected = payload(number, encoding);
    got.elements() == expected.elements() && got.raw() == expected.raw()
}

/// One of the payloads in use: all different, of every shape.
pub(super) fn payload(number: usize, encoding: Encoding) -> &'static Payload {
    static TABLE: LazyLock<Vec<[Payload; 3]>> = LazyLock::new(|| {
        (0..PAYLOADS)
            .map(|number| Encoding::ALL.map(|encoding| written(number).transcode(encoding).unwrap()))
            .collect()
    });
    &TABLE[number][encoding as usize]
}

fn written(number: usize) -> Payload {
    let (args, kwargs) = match number % 8 {
        0 => (format!("[{number}]"), None),
        1 => (format!(r#"["text {number} äöü 😀"]"#), None),
        2 => (format!(r#"[[[{number}]],{{"deep":[{number}.5]}},null,true,false]"#), None),
        3 => ("[]".to_owned(), Some(format!(r#"{{"number":{number},"text":"only by keyword"}}"#))),
        4 => (format!("[-{number},18446744073709551615]"), Some(r#"{"and":"more"}"#.to_owned())),
        5 => (format!(r#"["\u0000AAEC",{number}]"#), None),
        6 => (format!(r#"[{number},"{}"]"#, "long ".repeat(20)), None),
        _ => (format!("[{number},[],{{}}]"), Some("{}".to_owned())),
    };
    let mut json = args.clone();
    let kwargs = kwargs.map(|kwargs| {
        json.push(',');
        json.push_str(&kwargs);
        args.len() + 1..json.len()
    });
    let frame = Bytes::from(json);
    debug_assert!(codec::transcode(Encoding::Json, &frame, Encoding::Cbor).is_ok());
    Payload::from_frame(Encoding::Json, &frame, Some(0..args.len()), kwargs)
}
