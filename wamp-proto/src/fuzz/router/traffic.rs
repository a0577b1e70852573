//! Messages of clients, with so few ids and URIs that they meet.

use super::{Client, REALMS, ledger::Tag};
use crate::{
    Encoding, Payload,
    fuzz::Source,
    id::RequestId,
    message::{
        Abort, Authenticate, AuthenticateExtra, Call, CallOptions, Cancel, CancelMode, CancelOptions,
        ClosingDetails, Error, ErrorDetails, Feature, Features, Goodbye, Hello, HelloDetails,
        InvocationPolicy, Message, MessageKind, Publish, PublishOptions, Register, RegisterOptions, Role,
        Roles, Subscribe, SubscribeOptions, Unregister, Unsubscribe, Yield, YieldOptions,
    },
    uri::Uri,
};

const URIS: [&str; 12] = ["a", "a.b", "a.b.c", "a..c", "", "a.", ".", "wamp.x", "a b", "a.#", "a.ä", LONG];

/// A URI that makes a text about it too long for the smallest peers.
const LONG: &str = concat!(
    "a.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
);

fn uri(source: &mut Source<'_>) -> Uri {
    Uri::unchecked(source.pick(&URIS))
}

pub(super) fn hello(source: &mut Source<'_>) -> Message {
    let (realm, roles, methods) = (source.byte(), source.byte(), source.byte());
    // Mostly one that exists.
    let realm = REALMS[if realm < 240 { usize::from(realm) % 2 } else { 2 }];
    let advanced = [
        Feature::ProgressiveCallResults,
        Feature::ProgressiveCallInvocations,
        Feature::CallTimeout,
        Feature::CallReroute,
    ];
    let features = Features::NONE.with(Feature::CallCanceling).with(Feature::CallerIdentification);
    let features = match roles & 0xC0 {
        0 => features,
        0x80 => advanced.into_iter().fold(features, Features::with),
        _ => Features::NONE,
    };
    let announced = Role::CLIENT.into_iter().enumerate().filter(|(bit, _)| roles & (1 << bit) == 0);
    let roles = announced.fold(Roles::NONE, |roles, (_, role)| roles.with(role, features));
    let authmethods = match methods {
        240.. => Some(vec!["ticket".to_owned()]),
        200.. => Some(vec!["ticket".to_owned(), "anonymous".to_owned()]),
        _ => None,
    };
    let details = HelloDetails { roles, authmethods, ..HelloDetails::default() };
    Hello { realm: Uri::unchecked(realm), details }.into()
}

/// A message of a client that has joined, most of the time one that a router must take.
pub(super) fn message(source: &mut Source<'_>, client: &mut Client, sequential: bool) -> Message {
    match source.below(24) {
        0..=3 => subscribe(source, client, sequential),
        4 => {
            let (request, subscription) = (request(source, client, sequential), id(source));
            Unsubscribe {
                request,
                subscription: subscription.get().try_into().expect("an id"),
                options: None,
            }
            .into()
        }
        5..=8 => publish(source, client, sequential),
        9 | 10 => register(source, client, sequential),
        11 => {
            let (request, registration) = (request(source, client, sequential), id(source));
            Unregister { request, registration: registration.get().try_into().expect("an id") }.into()
        }
        12..=15 => call(source, client, sequential),
        16 => cancel(source),
        17..=19 => yield_(source, client),
        20 => error(source, client),
        21 if source.byte() < 64 => closing(source),
        _ => publish(source, client, sequential),
    }
}

fn id(source: &mut Source<'_>) -> RequestId {
    (1 + source.below(8) as u64).try_into().expect("an id")
}

fn request(source: &mut Source<'_>, client: &mut Client, sequential: bool) -> RequestId {
    if sequential { client.ledger.next_request().try_into().expect("an id") } else { id(source) }
}

fn subscribe(source: &mut Source<'_>, client: &mut Client, sequential: bool) -> Message {
    let request = request(source, client, sequential);
    let match_policy = source.flag().then(|| source.pick(&crate::fuzz::uri::KINDS));
    let options = SubscribeOptions { match_policy, ..SubscribeOptions::default() };
    Subscribe { request, options, topic: uri(source) }.into()
}

fn register(source: &mut Source<'_>, client: &mut Client, sequential: bool) -> Message {
    let request = request(source, client, sequential);
    let match_policy = source.flag().then(|| source.pick(&crate::fuzz::uri::KINDS));
    use InvocationPolicy::{First, Last, Random, RoundRobin, Unknown};
    let invoke = match source.byte() {
        how @ 0..240 if how & 1 == 1 => Some([First, Last, Random, RoundRobin][usize::from(how >> 1) % 4]),
        0..240 => None,
        _ => Some(Unknown),
    };
    let how = source.byte();
    let options = RegisterOptions {
        match_policy,
        invoke,
        concurrency: (how & 3 == 3).then_some(u64::from(how >> 2) % 3),
        forward_timeout: how & 0x40 != 0,
        disclose_caller: how & 0x80 != 0,
        ..RegisterOptions::default()
    };
    Register { request, options, procedure: uri(source) }.into()
}

fn publish(source: &mut Source<'_>, client: &mut Client, sequential: bool) -> Message {
    let request = request(source, client, sequential);
    let (options, topic) = (source.byte(), uri(source));
    let exclude_me = (options & 2 == 2).then_some(options & 4 == 4);
    let options = PublishOptions { acknowledge: options & 1 == 1, exclude_me, ..PublishOptions::default() };
    Publish { request, options, topic, payload: publication(client, room(source)) }.into()
}

fn call(source: &mut Source<'_>, client: &mut Client, sequential: bool) -> Message {
    let parts = source.byte();
    let open = client.ledger.incomplete.keys().copied().nth(usize::from(parts) % 4);
    // Whether a part is late only the router can tell, and only where ids are never used again.
    let (request, progress) = match open {
        Some(call) if sequential && parts >= 192 => (call.try_into().expect("an id"), parts & 4 == 4),
        _ => (request(source, client, sequential), sequential && (128..192).contains(&parts)),
    };
    let procedure = client.ledger.incomplete.get(&request.get()).cloned().unwrap_or_else(|| uri(source));
    let payload = tag(client, request.get()).payload(client.encoding, room(source));
    let how = source.byte();
    let options = CallOptions {
        progress,
        receive_progress: how & 1 == 1,
        disclose_me: how & 2 == 2,
        timeout: (how & 12 == 12).then_some(u64::from(how >> 4) * 500),
        ..CallOptions::default()
    };
    Call { request, options, procedure, payload }.into()
}

fn cancel(source: &mut Source<'_>) -> Message {
    let modes = [None, Some(CancelMode::Skip), Some(CancelMode::Kill), Some(CancelMode::KillNoWait)];
    let mode = if source.byte() > 240 { Some(CancelMode::Unknown) } else { source.pick(&modes) };
    let options = CancelOptions { mode, ..CancelOptions::default() };
    Cancel { request: id(source), options }.into()
}

fn yield_(source: &mut Source<'_>, client: &mut Client) -> Message {
    let (request, tag) = invocation(source, client);
    let options = YieldOptions { progress: source.byte() > 160, ..YieldOptions::default() };
    Yield { request, options, payload: tag.payload(client.encoding, room(source)) }.into()
}

fn error(source: &mut Source<'_>, client: &mut Client) -> Message {
    let (request, tag) = invocation(source, client);
    let request_kind = if source.byte() > 250 { MessageKind::Call } else { MessageKind::Invocation };
    let payload = tag.payload(client.encoding, room(source));
    let error = if source.byte() > 160 { Uri::unchecked("wamp.error.unavailable") } else { uri(source) };
    Error { request_kind, request, details: ErrorDetails::default(), error, payload }.into()
}

/// An invocation that has come, with the call behind it; now and then any number, blindly.
fn invocation(source: &mut Source<'_>, client: &mut Client) -> (RequestId, Tag) {
    let which = source.byte();
    let count = client.ledger.invocations.len();
    if which >= 224 || count == 0 {
        let blind = Tag { serial: 0, ..tag(client, 0) };
        return (id(source), blind);
    }
    let (invocation, call) = client.ledger.invocations.remove(usize::from(which) % count);
    (invocation.try_into().expect("an id"), call)
}

fn closing(source: &mut Source<'_>) -> Message {
    let reason = uri(source);
    match source.below(3) {
        0 => Goodbye { details: ClosingDetails::default(), reason }.into(),
        1 => Abort { details: ClosingDetails::default(), reason, payload: Payload::empty() }.into(),
        _ => Authenticate { signature: String::new().into(), extra: AuthenticateExtra::default() }.into(),
    }
}

/// Now and then a payload that small peers cannot take.
fn room(source: &mut Source<'_>) -> usize {
    match source.byte() {
        size @ 192.. => usize::from(size) * 2,
        _ => 0,
    }
}

fn tag(client: &Client, number: u64) -> Tag {
    Tag { realm: client.ledger.realm().to_owned(), serial: client.serial, number }
}

fn publication(client: &mut Client, room: usize) -> Payload {
    client.ledger.published += 1;
    tag(client, client.ledger.published).payload(client.encoding, room)
}

/// A message from anywhere, with a payload that tells whose it is.
pub(super) fn tagged(message: Message, client: &mut Client) -> Message {
    let blind = |client: &Client| Tag { serial: 0, ..tag(client, 0) }.payload(Encoding::Cbor, 0);
    match message {
        Message::Publish(publish) => Publish { payload: publication(client, 0), ..publish }.into(),
        Message::Call(call) => {
            let payload = tag(client, call.request.get()).payload(Encoding::Cbor, 0);
            // Parts of calls are the model's: whether one is late only the router can tell.
            let options = CallOptions { progress: false, ..call.options };
            Call { payload, options, ..call }.into()
        }
        Message::Yield(answer) => Yield { payload: blind(client), ..answer }.into(),
        Message::Error(error) => Error { payload: blind(client), ..error }.into(),
        message => message,
    }
}
