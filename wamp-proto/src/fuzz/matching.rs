//! Which registration gets a call and which subscriptions get an event, against a naive search.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{
    Source,
    uri::{KINDS, is_valid, matches, rank},
};
use crate::{
    Encoding, Instant, Limits, Payload,
    id::RequestId,
    message::{
        Call, CallOptions, Feature, Features, Hello, HelloDetails, Message, Publish, PublishOptions,
        Register, RegisterOptions, Role, Roles, Subscribe, SubscribeOptions, Unregister, Unsubscribe, Yield,
        YieldOptions,
    },
    router::{Action, Config, ConnectionId, Opened, Router},
    uri::{Match, Pattern, Uri, UriRule},
};

/// The parts that URIs are made of, so that patterns and URIs meet.
const PARTS: [&str; 8] = ["", "a", "b", "ab", "c", "ä", "abc", "."];

/// Most patterns at once.
const MOST: usize = 32;

/// One client that registers, subscribes, calls and publishes.
struct World {
    router: Router,
    client: ConnectionId,
    requests: u64,
    /// What is registered and subscribed, with both ids.
    patterns: Vec<(Pattern, u64, u64)>,
}

pub(super) fn target(data: &[u8]) {
    let mut source = Source::new(data);
    let mut world = World::new();
    while !source.is_empty() {
        match source.below(5) {
            0 | 1 => world.add(&mut source),
            2 => world.remove(&mut source),
            3 => world.call(&uri(&mut source)),
            _ => world.publish(&uri(&mut source)),
        }
    }
    for place in 0..world.patterns.len() {
        let text = world.patterns[place].0.uri().replace("..", ".a.");
        world.call(&text);
        world.publish(&text);
    }
}

fn uri(source: &mut Source<'_>) -> String {
    let parts = source.below(8);
    let mut text = source.pick(&PARTS).to_owned();
    for _ in 0..parts {
        let byte = source.byte();
        if byte & 0x80 == 0 {
            text.push('.');
        }
        text.push_str(PARTS[usize::from(byte) % PARTS.len()]);
    }
    text
}

impl World {
    fn new() -> Self {
        let mut router = Router::new(Config::new([Uri::unchecked("r")]), [1; 32]);
        let client = router.open(Instant::ZERO, Opened::new(Encoding::Json));
        let features = Features::NONE.with(Feature::CallCanceling);
        let roles = Role::CLIENT.into_iter().fold(Roles::NONE, |roles, role| roles.with(role, features));
        let mut world = Self { router, client, requests: 0, patterns: Vec::new() };
        let details = HelloDetails { roles, ..HelloDetails::default() };
        assert!(matches!(
            world.ask(Hello { realm: Uri::unchecked("r"), details })[..],
            [Message::Welcome(_)]
        ));
        world
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        self.requests.try_into().expect("requests are few")
    }

    /// What comes back for a message.
    fn ask(&mut self, message: impl Into<Message>) -> Vec<Message> {
        self.router.handle_message(Instant::ZERO, self.client, Ok(message.into()));
        assert!(self.router.contains(self.client));
        while self.router.poll_ready().is_some() {}
        let frames = core::iter::from_fn(|| match self.router.poll_transmit(self.client)? {
            Action::Send(frame) => Some(frame),
            Action::Close => panic!("the router has closed the session"),
        });
        let decode =
            |frame: Bytes| Message::decode(Encoding::Json, &frame, &Limits::default()).expect("a message");
        frames.map(decode).collect()
    }

    fn add(&mut self, source: &mut Source<'_>) {
        let (kind, text) = (source.pick(&KINDS), uri(source));
        let known = self.patterns.iter().any(|(known, ..)| known.kind() == kind && *known.uri() == *text);
        if self.patterns.len() >= MOST {
            return;
        }
        let request = self.request();
        let options = RegisterOptions { match_policy: Some(kind), ..RegisterOptions::default() };
        let registered = self.ask(Register { request, options, procedure: Uri::unchecked(&text) });
        let valid = is_valid(UriRule::Loose, kind, &text);
        let Message::Registered(registered) = &registered[0] else {
            return assert!(known || !valid, "{text}");
        };
        assert!(valid && !known);
        let request = self.request();
        let options = SubscribeOptions { match_policy: Some(kind), ..SubscribeOptions::default() };
        let subscribed = self.ask(Subscribe { request, options, topic: Uri::unchecked(&text) });
        let Message::Subscribed(subscribed) = &subscribed[0] else { panic!("{subscribed:?}") };
        let pattern = Pattern::new(UriRule::Loose, kind, &text).expect("it is valid");
        self.patterns.push((pattern, registered.registration.get(), subscribed.subscription.get()));
    }

    fn remove(&mut self, source: &mut Source<'_>) {
        if self.patterns.is_empty() {
            return;
        }
        let (_, registration, subscription) = self.patterns.swap_remove(source.below(self.patterns.len()));
        let request = self.request();
        let registration = registration.try_into().expect("an id");
        assert!(matches!(self.ask(Unregister { request, registration })[..], [Message::Unregistered(_)]));
        let (request, subscription) = (self.request(), subscription.try_into().expect("an id"));
        let unsubscribe = Unsubscribe { request, subscription, options: None };
        assert!(matches!(self.ask(unsubscribe)[..], [Message::Unsubscribed(_)]));
    }

    fn matching<'a>(&'a self, uri: &'a str) -> impl Iterator<Item = &'a (Pattern, u64, u64)> {
        self.patterns.iter().filter(move |(pattern, ..)| matches(pattern.kind(), pattern.uri(), uri))
    }

    fn call(&mut self, uri: &str) {
        let request = self.request();
        let call = Call {
            request,
            options: CallOptions::default(),
            procedure: Uri::unchecked(uri),
            payload: Payload::empty(),
        };
        let valid = is_valid(UriRule::Loose, Match::Exact, uri);
        let best = self.matching(uri).filter(|_| valid).max_by_key(|(pattern, ..)| rank(pattern));
        let best = best.map(|(_, registration, _)| *registration);
        let found = match &self.ask(call)[..] {
            [Message::Invocation(invocation)] => {
                self.answer(request, invocation.request);
                Some(invocation.registration.get())
            }
            [Message::Error(_)] => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(found, best, "{uri}: {:?}", self.patterns);
    }

    fn answer(&mut self, call: RequestId, invocation: RequestId) {
        let answer =
            Yield { request: invocation, options: YieldOptions::default(), payload: Payload::empty() };
        let results = self.ask(answer);
        assert!(matches!(&results[..], [Message::Result(result)] if result.request == call), "{results:?}");
    }

    fn publish(&mut self, uri: &str) {
        let request = self.request();
        let options =
            PublishOptions { acknowledge: true, exclude_me: Some(false), ..PublishOptions::default() };
        let publish = Publish { request, options, topic: Uri::unchecked(uri), payload: Payload::empty() };
        let valid = is_valid(UriRule::Loose, Match::Exact, uri);
        let wanted: BTreeSet<u64> =
            self.matching(uri).filter(|_| valid).map(|(.., subscription)| *subscription).collect();
        let mut answers = self.ask(publish);
        let answer = answers.pop();
        assert!(matches!(
            (&answer, valid),
            (Some(Message::Published(_)), true) | (Some(Message::Error(_)), false)
        ));
        let got = answers.iter().map(|message| match message {
            Message::Event(event) => event.subscription.get(),
            other => panic!("{other:?}"),
        });
        let got: Vec<u64> = got.collect();
        assert_eq!(got.len(), wanted.len(), "{uri}: {:?}", self.patterns);
        assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), wanted, "{uri}: {:?}", self.patterns);
    }
}
