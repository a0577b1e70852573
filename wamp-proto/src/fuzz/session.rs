//! A client session under any order of frames, wishes, time and polls.

use core::time::Duration;
use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;

use super::Source;
use crate::{
    Encoding, Instant, Limits, Payload,
    error::RemoteError,
    id::{MAX_ID, RequestId},
    message::{
        AuthenticateExtra, CallOptions, CancelMode, Message, MessageKind, PublishOptions, RegisterOptions,
        SubscribeOptions,
    },
    session::{Call, Config, Event, Session, State},
    uri::Uri,
};

/// What a router sends, in JSON; `#` becomes a small number, `@` a URI.
const FRAMES: [&str; 33] = [
    r#"[2,#,{"roles":{"broker":{},"dealer":{"features":{"call_canceling":true,"progressive_call_invocations":true}}}}]"#,
    r#"[2,#,{"roles":{"broker":{},"dealer":{}}}]"#,
    r#"[2,#,{"roles":{}}]"#,
    r#"[3,{"message":"x"},"@"]"#,
    r#"[4,"ticket",{}]"#,
    r#"[4,"@",{}]"#,
    r#"[6,{},"@"]"#,
    r#"[8,48,#,{},"@"]"#,
    r#"[8,48,#,{},"@",["x"],{"a":1}]"#,
    r#"[8,32,#,{},"@"]"#,
    r#"[8,34,#,{},"@"]"#,
    r#"[8,64,#,{},"@"]"#,
    r#"[8,66,#,{},"@"]"#,
    r#"[8,16,#,{},"@"]"#,
    r#"[8,68,#,{},"@"]"#,
    r#"[17,#,#]"#,
    r#"[33,#,#]"#,
    r#"[35,#]"#,
    r#"[35,0,{"subscription":#,"reason":"@"}]"#,
    r#"[36,#,#,{"topic":"@"},["x"]]"#,
    r#"[50,#,{}]"#,
    r#"[50,#,{"progress":true},[1]]"#,
    r#"[65,#,#]"#,
    r#"[67,#]"#,
    r#"[67,0,{"registration":#}]"#,
    r#"[68,#,#,{},["x"]]"#,
    r#"[68,#,#,{"procedure":"@","receive_progress":true,"timeout":500}]"#,
    r#"[68,#,#,{"progress":true,"receive_progress":true},["x"]]"#,
    r#"[69,#,{"mode":"kill"}]"#,
    r#"[69,#,{"mode":"@"}]"#,
    r#"[48,#,{},"@"]"#,
    r#"[99,#]"#,
    "[",
];

const URIS: [&str; 8] = ["a", "a.b", "a..b", "", "a b", "wamp.close.close_realm", "a.ä", "a."];

/// A session, and what it has shown of itself.
struct World {
    session: Session,
    config: Arc<Config>,
    now: Instant,
    frames: Frames,
    /// Requests that an answer was promised for, those that have it, and those nobody waits for.
    asked: BTreeSet<RequestId>,
    ended: BTreeSet<RequestId>,
    given_up: BTreeSet<RequestId>,
    closed: bool,
}

/// The frames that came out.
#[derive(Default)]
struct Frames {
    count: usize,
    last_request: u64,
    /// Calls of which more parts may come.
    parts: BTreeSet<u64>,
    over: bool,
    /// The size of the first, which no limit applies to.
    hello: usize,
}

pub(super) fn target(data: &[u8]) {
    let mut source = Source::new(data);
    let mut world = World::new(&mut source);
    while !source.is_empty() {
        world.step(&mut source);
        world.check();
    }
    world.finish(&mut source);
}

fn config(source: &mut Source<'_>) -> Config {
    let mut config = Config::new(Uri::unchecked("realm1"));
    config.authmethods = vec!["ticket".to_owned()];
    let (sizes, counts) = (source.byte(), source.byte());
    if sizes & 1 == 1 {
        config.queue_bytes = usize::from(sizes) * 4;
    }
    if counts & 1 == 1 {
        config.queue_messages = usize::from(counts >> 1) % 8;
        config.max_events = usize::from(counts >> 4);
        config.max_requests = 1 + usize::from(counts >> 3);
    }
    config
}

impl World {
    fn new(source: &mut Source<'_>) -> Self {
        let config = Arc::new(config(source));
        let now = Instant::from_origin(Duration::from_secs(100));
        let mut session = Session::new(config.clone(), source.encoding(), now);
        let limit = source.byte();
        if limit & 1 == 1 {
            session.set_send_limit(usize::from(limit) * 2);
        }
        let sets = [const { BTreeSet::new() }; 3];
        let [asked, ended, given_up] = sets;
        Self { session, config, now, frames: Frames::default(), asked, ended, given_up, closed: false }
    }

    fn step(&mut self, source: &mut Source<'_>) {
        match source.below(16) {
            0..=5 => self.receive(source),
            6 => {
                let frame = Bytes::copy_from_slice(source.long_piece());
                self.session.handle_frame(self.now, frame);
            }
            7..=9 => self.ask(source),
            10 => self.answer(source),
            11 => self.give_up(source),
            12 => self.pass_time(source),
            13 => self.events(source.below(4)),
            14 => self.output(),
            _ => self.end(source),
        }
    }

    /// A frame of the router, in the encoding of the session.
    fn receive(&mut self, source: &mut Source<'_>) {
        let mut frame = source.pick(&FRAMES).to_owned();
        while let Some(at) = frame.find(['#', '@']) {
            let number = frame.as_bytes()[at] == b'#';
            let text =
                if number { number_of(source.byte()).to_string() } else { source.pick(&URIS).to_owned() };
            frame.replace_range(at..=at, &text);
        }
        let frame = Bytes::from(frame.into_bytes());
        let frame = match Message::decode(Encoding::Json, &frame, &Limits::default()) {
            Ok(message) => message.encode(self.session.encoding()).expect("a decoded message"),
            Err(_) => frame,
        };
        self.session.handle_frame(self.now, frame);
    }

    fn ask(&mut self, source: &mut Source<'_>) {
        let (now, uri) = (self.now, Uri::unchecked(source.pick(&URIS)));
        let (what, option) = (source.below(6), source.flag());
        let before = self.session.pending_requests();
        let asked = match what {
            0 => {
                let timeout = option.then(|| Duration::from_millis(source.byte().into()));
                let (receive_progress, progress) = (source.flag(), source.flag());
                let options = CallOptions { receive_progress, progress, ..CallOptions::default() };
                self.session.call(now, Call { options, timeout, ..Call::new(uri, payload(source)) })
            }
            1 => {
                let options = PublishOptions { acknowledge: option, ..PublishOptions::default() };
                self.session.publish(now, uri, options, payload(source))
            }
            2 => {
                let match_policy = option.then(|| source.pick(&super::uri::KINDS));
                let options = SubscribeOptions { match_policy, ..SubscribeOptions::default() };
                self.session.subscribe(now, uri, options)
            }
            3 => {
                let match_policy = option.then(|| source.pick(&super::uri::KINDS));
                let options = RegisterOptions { match_policy, ..RegisterOptions::default() };
                self.session.register(now, uri, options)
            }
            4 => self.session.unsubscribe(now, id(source).get().try_into().expect("an id")),
            _ => self.session.unregister(now, id(source).get().try_into().expect("an id")),
        };
        let answered = what != 1 || option;
        assert_eq!(self.session.pending_requests(), before + usize::from(asked.is_ok() && answered));
        if let (Ok(request), true) = (asked, answered) {
            assert!(self.asked.insert(request), "an id is used twice");
        }
    }

    fn answer(&mut self, source: &mut Source<'_>) {
        let (invocation, how) = (id(source), source.below(4));
        if how == 3 {
            let _ = self.session.authenticate("x".to_owned(), AuthenticateExtra::default());
            return;
        }
        let Ok(mut reply) = self.session.reply(invocation) else { return };
        let sent = match how {
            0 => reply.progress(payload(source)).map_err(|_| ()),
            1 => reply.result(payload(source)).map_err(|_| ()),
            _ => {
                let error = Uri::unchecked(source.pick(&URIS));
                reply.error(RemoteError::new(error, payload(source))).map_err(|_| ())
            }
        };
        if sent.is_ok() && how > 0 {
            assert!(self.session.reply(invocation).is_err(), "an invocation is answered once");
        }
    }

    fn give_up(&mut self, source: &mut Source<'_>) {
        let (request, how) = (id(source), source.below(6));
        if how > 3 {
            self.more_arguments(source, request, how == 5);
        } else if how == 3 {
            self.session.abandon_registration(request.get().try_into().expect("an id"));
        } else if how == 2 {
            self.session.abandon_subscription(request.get().try_into().expect("an id"));
        } else if how == 1 {
            let _ = self.session.cancel(request, source.pick(&[CancelMode::Kill, CancelMode::Skip]));
        } else {
            let before = self.session.pending_requests();
            self.session.give_up(request);
            if self.session.pending_requests() < before {
                self.given_up.insert(request);
            }
        }
    }

    /// A further part of a call (R-34): the last one only once.
    fn more_arguments(&mut self, source: &mut Source<'_>, call: RequestId, last: bool) {
        let before = self.session.pending_requests();
        let sent = self.session.continue_call(self.now, call, payload(source), !last);
        assert_eq!(self.session.pending_requests(), before);
        if sent.is_ok() {
            assert!(self.asked.contains(&call) && !self.given_up.contains(&call), "{call} is not open");
            let again = self.session.continue_call(self.now, call, Payload::empty(), false);
            assert!(!last || again.is_err(), "{call} has two last parts");
        }
    }

    fn pass_time(&mut self, source: &mut Source<'_>) {
        let step = source.byte();
        if step == 0xFF {
            self.session.handle_timeout(Instant::ZERO);
            return;
        }
        self.now = self.now + Duration::from_millis(u64::from(step) * 60);
        self.session.handle_timeout(self.now);
        assert!(self.session.poll_timeout().is_none_or(|deadline| deadline.at > self.now));
    }

    fn end(&mut self, source: &mut Source<'_>) {
        match source.byte() {
            // Not so often that little else is seen.
            0..=7 => {
                self.session.handle_eof("gone");
                assert!(self.session.is_finished());
            }
            8..=15 => self.session.close(self.now, Uri::unchecked(source.pick(&URIS))),
            _ => {}
        }
    }

    fn events(&mut self, most: usize) {
        for _ in 0..most {
            let Some(event) = self.session.poll_event() else { return };
            self.event(&event);
        }
    }

    fn event(&mut self, event: &Event) {
        assert!(!self.closed, "{event:?} after the end");
        let request = match event {
            Event::Closed(_) => {
                self.closed = true;
                assert_eq!(self.session.state(), State::Closed);
                return;
            }
            Event::Result { details, request, .. } if details.progress => {
                assert!(self.asked.contains(request) && !self.ended.contains(request));
                return;
            }
            Event::Result { request, .. }
            | Event::Published { request, .. }
            | Event::Subscribed { request, .. }
            | Event::Unsubscribed { request }
            | Event::Registered { request, .. }
            | Event::Unregistered { request }
            | Event::Failed { request, .. } => *request,
            _ => return,
        };
        assert!(self.asked.contains(&request), "{event:?} of nothing");
        assert!(!self.given_up.contains(&request) && self.ended.insert(request), "{event:?} again");
    }

    fn output(&mut self) {
        let (mut bytes, mut count) = (0, 0);
        while let Some(frame) = self.session.poll_transmit() {
            bytes += frame.len();
            count += 1;
            self.frames.next(self.session.encoding(), &frame);
        }
        assert!(!self.session.has_output());
        // Answers may go up to twice the limits; HELLO is always sent.
        assert!(bytes <= 2 * self.config.queue_bytes + self.frames.hello, "{bytes} bytes in the queue");
        assert!(count <= 2 * self.config.queue_messages + 1, "{count} frames in the queue");
    }

    /// What holds at any time.
    fn check(&self) {
        let session = &self.session;
        let over = session.state() == State::Closed;
        assert_eq!(session.closed().is_some(), over);
        assert_eq!(session.is_finished(), over && !session.has_output());
        assert!(over || !self.closed);
        if over {
            assert!(!session.wants_read() && session.poll_timeout().is_none());
            assert_eq!(session.pending_requests(), 0);
        } else if session.state() == State::Open {
            assert!(session.poll_timeout().is_some() || session.pending_requests() == 0);
        } else {
            assert!(session.poll_timeout().is_some());
        }
    }

    /// Every request that was made has ended, is given up, or still waits.
    fn finish(mut self, source: &mut Source<'_>) {
        self.output();
        self.events(usize::MAX);
        self.check();
        let left = self.asked.len() - self.ended.union(&self.given_up).count();
        match self.session.state() {
            State::Closed => assert!(self.closed),
            State::Leaving => {}
            _ => assert_eq!(self.session.pending_requests(), left),
        }
        self.session.handle_eof("");
        self.events(usize::MAX);
        assert!(self.closed && self.session.is_finished() && self.session.poll_transmit().is_none());
        self.receive(source);
        self.ask(source);
        assert!(self.session.poll_event().is_none() && self.session.poll_transmit().is_none());
    }
}

impl Frames {
    fn next(&mut self, encoding: Encoding, frame: &Bytes) {
        assert!(!self.over, "a frame after the end");
        let message = Message::decode(encoding, frame, &Limits::default()).expect("we send what is valid");
        if self.count == 0 {
            self.hello = frame.len();
        }
        assert_eq!(self.count == 0, message.kind() == MessageKind::Hello);
        self.count += 1;
        self.over = matches!(message, Message::Goodbye(_) | Message::Abort(_));
        let request = match message {
            Message::Publish(message) => message.request,
            Message::Subscribe(message) => message.request,
            Message::Unsubscribe(message) => message.request,
            Message::Call(message) => {
                let (request, more) = (message.request, message.options.progress);
                let known =
                    if more { !self.parts.insert(request.get()) } else { self.parts.remove(&request.get()) };
                if known {
                    return;
                }
                request
            }
            Message::Register(message) => message.request,
            Message::Unregister(message) => message.request,
            _ => return,
        };
        self.last_request += 1;
        assert_eq!(request.get(), self.last_request, "ids follow each other (I-05)");
    }
}

fn payload(source: &mut Source<'_>) -> Payload {
    match source.byte() {
        0..=127 => Payload::empty(),
        size => {
            let encoding = Encoding::ALL[usize::from(size) % 3];
            Payload::from_args(encoding, &["x".repeat(usize::from(size))]).expect("a list of text")
        }
    }
}

/// A small number mostly, so that ids meet.
fn number_of(byte: u8) -> u64 {
    match byte {
        0xFF => MAX_ID,
        0xFE => 0,
        _ => 1 + (u64::from(byte) + 11) % 12,
    }
}

fn id(source: &mut Source<'_>) -> RequestId {
    number_of(source.byte()).try_into().unwrap_or(RequestId::FIRST)
}
