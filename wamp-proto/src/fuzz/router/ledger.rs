//! What one client has sent and received, and what must hold between the two.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    Payload,
    message::{Call, Invocation, Message, MessageKind, Publish, Unsubscribed},
    uri::Uri,
};

/// Who a payload is from: `[realm, serial, number]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) realm: String,
    pub(super) serial: u64,
    pub(super) number: u64,
}

impl Tag {
    pub(super) fn payload(&self, encoding: crate::Encoding, room: usize) -> Payload {
        let args = (&self.realm, self.serial, self.number, "x".repeat(room));
        Payload::from_args(encoding, &args).expect("a list of plain values")
    }

    /// The tag, unless the router made the payload.
    fn of(payload: &Payload) -> Option<Self> {
        let args = payload.list().expect("a payload that was decoded");
        let [realm, serial, number, _] = &args[..] else { return None };
        let realm = realm.as_str().map(str::to_owned)?;
        Some(Self { realm, serial: serial.as_u64()?, number: number.as_u64()? })
    }
}

#[derive(Default)]
pub(super) struct Ledger {
    /// The realm that HELLO named.
    realm: Option<String>,
    joined: bool,
    over: bool,
    closed: bool,
    last_request: u64,
    /// Requests that wait for their answer, and how many under each id.
    waiting: BTreeMap<(MessageKind, u64), usize>,
    /// What UNSUBSCRIBE named, by request.
    unsubscribes: BTreeMap<u64, VecDeque<u64>>,
    /// Calls whose last part was not sent, and their procedures.
    pub(super) incomplete: BTreeMap<u64, Uri>,
    /// Invocations whose last part has not come, and the calls behind them.
    parts: BTreeMap<u64, Tag>,
    /// Calls that asked for progressive results, once.
    progressive: BTreeSet<u64>,
    subscriptions: BTreeSet<u64>,
    /// The last publication of a publisher that came for a subscription.
    publications: BTreeMap<(u64, u64), u64>,
    /// Invocations and the calls behind them.
    pub(super) invocations: Vec<(u64, Tag)>,
    last_invocation: u64,
    pub(super) published: u64,
}

impl Ledger {
    pub(super) fn realm(&self) -> &str {
        self.realm.as_deref().unwrap_or_default()
    }

    pub(super) fn next_request(&mut self) -> u64 {
        self.last_request += 1;
        self.last_request
    }

    pub(super) fn is_open(&self) -> bool {
        self.joined && !self.over && !self.closed
    }

    /// A message goes to the router, which may ignore it.
    pub(super) fn sent(&mut self, message: &Message) {
        let (kind, request) = match message {
            Message::Hello(hello) => {
                self.realm.get_or_insert_with(|| hello.realm.to_string());
                return;
            }
            Message::Call(call) => {
                if self.is_part(call) {
                    return;
                }
                if call.options.receive_progress {
                    self.progressive.insert(call.request.get());
                }
                (MessageKind::Call, call.request)
            }
            Message::Register(register) => (MessageKind::Register, register.request),
            Message::Unregister(unregister) => (MessageKind::Unregister, unregister.request),
            Message::Subscribe(subscribe) => (MessageKind::Subscribe, subscribe.request),
            Message::Unsubscribe(unsubscribe) => {
                let named = self.unsubscribes.entry(unsubscribe.request.get()).or_default();
                named.push_back(unsubscribe.subscription.get());
                (MessageKind::Unsubscribe, unsubscribe.request)
            }
            Message::Publish(Publish { request, options, .. }) if options.acknowledge => {
                (MessageKind::Publish, *request)
            }
            _ => return,
        };
        *self.waiting.entry((kind, request.get())).or_default() += 1;
    }

    /// Whether it is a further part of a call, which is answered as one.
    fn is_part(&mut self, call: &Call) -> bool {
        let (request, procedure) = (call.request.get(), call.procedure.clone());
        if call.options.progress {
            self.incomplete.insert(request, procedure).is_some()
        } else {
            self.incomplete.remove(&request).is_some()
        }
    }

    /// The router has closed the connection.
    pub(super) fn closed(&mut self) {
        self.closed = true;
    }

    pub(super) fn received(&mut self, serial: u64, message: &Message) {
        assert!(!self.over && !self.closed, "{message:?} after the end");
        self.over = matches!(message, Message::Goodbye(_) | Message::Abort(_));
        if let Message::Welcome(_) = message {
            assert!(!self.joined && ["r1", "r2"].contains(&self.realm()));
            self.joined = true;
            return;
        }
        assert!(self.joined || self.over, "{message:?} before WELCOME");
        match message {
            Message::Result(result) => {
                let request = result.request.get();
                if result.details.progress {
                    assert!(self.progressive.contains(&request), "{request} has not asked for progress");
                    let waiting = self.waiting.get(&(MessageKind::Call, request));
                    assert!(waiting.is_some_and(|waiting| *waiting > 0), "{request} is over");
                } else {
                    self.answered(MessageKind::Call, request);
                }
                self.own_answer(serial, result.request.get(), &result.payload);
            }
            Message::Error(error) => {
                self.answered(error.request_kind, error.request.get());
                if error.request_kind == MessageKind::Call {
                    self.own_answer(serial, error.request.get(), &error.payload);
                }
                if error.request_kind == MessageKind::Unsubscribe {
                    self.unsubscribed(error.request.get());
                }
            }
            Message::Published(published) => self.answered(MessageKind::Publish, published.request.get()),
            Message::Registered(registered) => self.answered(MessageKind::Register, registered.request.get()),
            Message::Subscribed(subscribed) => {
                self.answered(MessageKind::Subscribe, subscribed.request.get());
                self.subscriptions.insert(subscribed.subscription.get());
            }
            Message::Unregistered(crate::message::Unregistered::Reply { request }) => {
                self.answered(MessageKind::Unregister, request.get());
            }
            Message::Unsubscribed(Unsubscribed::Reply { request }) => {
                self.answered(MessageKind::Unsubscribe, request.get());
                let subscription = self.unsubscribed(request.get());
                assert!(self.subscriptions.remove(&subscription));
            }
            Message::Event(event) => self.event(event.subscription.get(), &event.payload),
            Message::Invocation(invocation) => self.invocation(invocation),
            Message::Interrupt(interrupt) => assert!(interrupt.request.get() <= self.last_invocation),
            _ => assert!(self.over, "{message:?} is not for a client"),
        }
    }

    fn invocation(&mut self, invocation: &Invocation) {
        let request = invocation.request.get();
        let tag = Tag::of(&invocation.payload).expect("every call has a tag");
        assert_eq!(tag.realm, self.realm(), "a call has crossed realms");
        let first = match self.parts.remove(&request) {
            Some(first) => {
                assert_eq!(tag, first, "a part of another call");
                false
            }
            None => true,
        };
        if invocation.details.progress {
            self.parts.insert(request, tag.clone());
        }
        if first {
            self.last_invocation += 1;
            assert_eq!(request, self.last_invocation, "ids follow each other (I-07)");
            self.invocations.push((request, tag));
        }
    }

    /// An answer must have a request of its kind that waits for it.
    fn answered(&mut self, kind: MessageKind, request: u64) {
        let waiting = self.waiting.entry((kind, request)).or_default();
        assert!(*waiting > 0, "{kind} {request} has one answer too many");
        *waiting -= 1;
    }

    /// A payload that a callee made belongs to this very call.
    fn own_answer(&self, serial: u64, request: u64, payload: &Payload) {
        let Some(tag) = Tag::of(payload) else { return };
        assert_eq!(tag.realm, self.realm(), "an answer has crossed realms");
        // A callee that answers blindly says 0.
        assert!(
            tag.serial == 0 || (tag.serial, tag.number) == (serial, request),
            "{request} has got {tag:?}"
        );
    }

    fn event(&mut self, subscription: u64, payload: &Payload) {
        assert!(self.subscriptions.contains(&subscription), "an event without a subscription");
        let tag = Tag::of(payload).expect("every publication has a tag");
        assert_eq!(tag.realm, self.realm(), "an event has crossed realms");
        let last = self.publications.insert((tag.serial, subscription), tag.number);
        assert!(last.is_none_or(|last| last < tag.number), "events are out of order");
    }

    fn unsubscribed(&mut self, request: u64) -> u64 {
        let named = self.unsubscribes.get_mut(&request).and_then(VecDeque::pop_front);
        named.expect("an answer has its request")
    }

    /// Calls without an answer. No other request of an open session may be without.
    pub(super) fn unanswered_calls(&self) -> usize {
        for ((kind, request), waiting) in &self.waiting {
            assert!(*kind == MessageKind::Call || *waiting == 0, "{kind} {request} has no answer");
        }
        self.waiting.values().sum()
    }
}
