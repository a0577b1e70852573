//! The client's side of one WAMP session, as a state machine without I/O.

mod callee;
mod caller;
mod closing;
mod config;
mod event;
mod hello;
mod outbox;
mod publisher;
mod requests;
mod state;
mod subscriber;
mod timers;

use core::time::Duration;
use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;

pub use callee::Reply;
pub use caller::Call;
pub use config::Config;
pub use event::{Event, Failure};
pub use state::{Input, State, Wish};
pub use timers::{Deadline, Timeout};

use crate::{
    codec::Encoding,
    error::{Closed, Misuse, RemoteError, Violation},
    id::{RequestId, SequentialIds, SubscriptionId},
    map::IdSet,
    message::{self, Feature, Message, MessageKind, Role, Roles},
    time::Instant,
    uri::Uri,
};
use callee::Invocations;
use outbox::Outbox;
use requests::{Answered, Pending, Requests, Unwanted};
use timers::Timers;

/// The client's side of one session: all four roles at once, from HELLO to the end (S-01..S-80).
///
/// # Method families
///
/// * **The world** tells what happened; these cannot fail: [`handle_frame`](Self::handle_frame),
///   [`handle_timeout`](Self::handle_timeout), [`handle_eof`](Self::handle_eof).
/// * **The application** wishes something, and may be told that it cannot have it now ([`Misuse`]):
///   [`call`](Self::call), [`cancel`](Self::cancel), [`publish`](Self::publish), [`subscribe`](Self::subscribe),
///   [`unsubscribe`](Self::unsubscribe), [`register`](Self::register), [`unregister`](Self::unregister),
///   [`abandon_subscription`](Self::abandon_subscription), [`abandon_registration`](Self::abandon_registration),
///   [`reply`](Self::reply), [`authenticate`](Self::authenticate), [`distrust`](Self::distrust), [`close`](Self::close).
/// * **Outputs**, in any order, after any input: [`poll_transmit`](Self::poll_transmit) gives frames to send,
///   [`poll_event`](Self::poll_event) events for the application, [`poll_timeout`](Self::poll_timeout) the next
///   deadline, [`wants_read`](Self::wants_read) whether to go on reading, and [`is_finished`](Self::is_finished) when to
///   drop the transport.
///
/// # The loop
///
/// After each input: write all that `poll_transmit` gives, act on all that `poll_event` gives, then wait for a frame
/// (unless `wants_read` is false), the end of the transport, a wish, or the deadline. Frames and events come out in the
/// same order however the outputs are polled.
///
/// ```
/// use std::sync::Arc;
/// use wamp_proto::{Encoding, Instant, session::{Config, Event, Session}};
///
/// let config = Arc::new(Config::new("realm1".parse()?));
/// let mut session = Session::new(config, Encoding::Json, Instant::ZERO);
/// let hello = session.poll_transmit().unwrap(); // write it to the router ...
/// assert!(hello.starts_with(br#"[1,"realm1","#));
///
/// // ... and hand over what comes back.
/// session.handle_frame(Instant::ZERO, (&br#"[2,4711,{"roles":{"broker":{},"dealer":{}}}]"#[..]).into());
/// assert!(matches!(session.poll_event(), Some(Event::Joined(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    encoding: Encoding,
    state: State,
    ids: SequentialIds,
    requests: Requests,
    subscriptions: IdSet<SubscriptionId>,
    invocations: Invocations,
    unwanted: BTreeSet<Unwanted>,
    router: Roles,
    timers: Timers,
    outbox: Outbox,
    events: VecDeque<Event>,
    closed: Option<Closed>,
    reading: bool,
    stray_events: u64,
}

impl Session {
    /// A new session over a fresh transport that speaks `encoding`; HELLO is queued at once (S-01).
    pub fn new(config: Arc<Config>, encoding: Encoding, now: Instant) -> Self {
        let mut session = Self {
            outbox: Outbox::new(config.queue_bytes, config.queue_messages),
            requests: Requests::new(config.max_requests),
            config,
            encoding,
            state: State::Joining,
            ids: SequentialIds::default(),
            subscriptions: IdSet::default(),
            invocations: Invocations::default(),
            unwanted: BTreeSet::new(),
            router: Roles::NONE,
            timers: Timers::default(),
            events: VecDeque::new(),
            closed: None,
            reading: true,
            stray_events: 0,
        };
        session.start(now);
        session
    }

    /// Sets the largest message that the peer accepts, as the transport negotiated it (W-73). Default: the largest that
    /// a transport can frame, 16 MiB.
    pub fn set_send_limit(&mut self, bytes: usize) {
        self.outbox.set_message_limit(bytes);
    }

    /// A frame came from the router: one serialized message.
    pub fn handle_frame(&mut self, now: Instant, frame: Bytes) {
        if self.state == State::Closed {
            return;
        }
        match Message::decode(self.encoding, &frame, &self.config.limits) {
            Ok(message) => self.handle_message(now, message),
            // S-27: nothing that comes while we leave is looked at.
            Err(_) if self.state == State::Leaving => {}
            Err(violation) => self.violate(violation),
        }
        self.end_unwanted();
        self.update_reading();
    }

    /// Time has passed. Does nothing when no deadline is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timeout) = self.timers.pop(now) {
            match timeout {
                Timeout::Join => self.abort(Closed::JoinTimeout),
                // The router had its time: what it has not read by now is not worth waiting for.
                Timeout::Close => self.lose(Closed::CloseTimeout),
                Timeout::Request(request) => self.request_timed_out(request),
                Timeout::Invocation(request) => self.invocation_timed_out(now, request),
            }
        }
        self.end_unwanted();
        self.update_reading();
    }

    /// The transport has ended; `why` is a text for people, empty when there is nothing to say.
    pub fn handle_eof(&mut self, why: &str) {
        match self.state {
            State::Closed => self.outbox.clear(),
            // A peer that drops the transport instead of answering GOODBYE has closed it all the same.
            State::Leaving => self.lose(Closed::ByUs),
            _ => self.lose(Closed::Lost(why.to_owned())),
        }
    }

    /// The next frame to send to the router. After [`Event::Closed`] there may still be some, the last of which is an
    /// ABORT or GOODBYE.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.outbox.pop()
    }

    /// The next event for the application.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        self.update_reading();
        event
    }

    /// The earliest deadline: call [`handle_timeout`](Self::handle_timeout) then.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.timers.next()
    }

    /// Whether to go on reading from the transport: false while the event queue is full, until it is half empty, and
    /// after the session has ended.
    pub fn wants_read(&self) -> bool {
        self.reading && self.state != State::Closed
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to give.
    pub fn has_output(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Whether the outbound queue has room: while it has not, requests are refused with [`Misuse::QueueFull`].
    pub fn has_room(&self) -> bool {
        !self.outbox.is_full()
    }

    /// Whether the session is over and everything is sent: drop the transport now (S-42, T-77).
    pub fn is_finished(&self) -> bool {
        self.state == State::Closed && self.outbox.is_empty()
    }

    /// Where the session stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Why the session ended, once it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// The realm that was asked for.
    pub fn realm(&self) -> &Uri {
        &self.config.realm
    }

    /// The serializer of the transport.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The router's roles and features, as it announced them in WELCOME.
    pub fn router(&self) -> Roles {
        self.router
    }

    /// How many requests wait for an answer.
    pub fn pending_requests(&self) -> usize {
        self.requests.len()
    }

    /// How many EVENTs came for subscriptions that this session does not have (S-54); they were dropped.
    pub fn stray_events(&self) -> u64 {
        self.stray_events
    }

    fn handle_message(&mut self, now: Instant, message: Message) {
        let kind = message.kind();
        let Some(next) = self.state.next(Input::Received(kind)) else {
            return self.violate(Violation::Unexpected { message: kind, state: self.state.describe() });
        };
        match message {
            Message::Abort(abort) => self.receive_abort(abort),
            Message::Goodbye(goodbye) => self.receive_goodbye(goodbye),
            _ if self.state == State::Leaving => {}
            Message::Welcome(welcome) => self.receive_welcome(next, welcome),
            Message::Challenge(challenge) => self.receive_challenge(next, challenge),
            Message::Result(result) => self.receive_result(now, result),
            Message::Event(event) => self.receive_event(event),
            Message::Invocation(invocation) => self.receive_invocation(now, invocation),
            Message::Interrupt(interrupt) => self.receive_interrupt(&interrupt),
            Message::Error(error) => self.receive_error(error),
            Message::Published(published) => self.receive_published(&published),
            Message::Subscribed(subscribed) => self.receive_subscribed(&subscribed),
            Message::Unsubscribed(unsubscribed) => self.receive_unsubscribed(unsubscribed),
            Message::Registered(registered) => self.receive_registered(&registered),
            Message::Unregistered(unregistered) => self.receive_unregistered(unregistered),
            // The table refused all others above.
            _ => self.violate(Violation::Unexpected { message: kind, state: "to a client" }),
        }
    }

    /// ERROR answers one of our requests.
    fn receive_error(&mut self, error: message::Error) {
        if error.request_kind == MessageKind::Invocation {
            return self.violate(Violation::ErrorType(error.request_kind.code()));
        }
        if error.request_kind == MessageKind::Publish
            && !self.requests.is_waiting(error.request)
            && self.ids.has_given_out(error.request.get())
        {
            // Nobody waits for the answer to an unacknowledged publication; a router that sends one does no harm (P-07).
            return;
        }
        if let Some(pending) = self.answered(MessageKind::Error, error.request_kind, error.request) {
            self.forget_refused(&pending);
            let wrapping = error.details.payload_attributes.filter(|attributes| attributes.is_active());
            let failure =
                Failure::Remote(RemoteError { error: error.error, payload: error.payload, wrapping });
            self.events.push_back(Event::Failed { request: error.request, failure });
        }
    }

    /// Takes the pending request that `answer` answers, if somebody still waits for it. A request that was never made is
    /// a violation; one that was given up is not (S-53).
    fn answered(&mut self, answer: MessageKind, kind: MessageKind, request: RequestId) -> Option<Pending> {
        let answered = self.requests.take(kind, request);
        self.resolve(answer, request, answered)
    }

    fn resolve(&mut self, answer: MessageKind, request: RequestId, answered: Answered) -> Option<Pending> {
        match answered {
            Answered::Waiting(pending) => {
                self.timers.stop(pending.deadline, Timeout::Request(request));
                Some(pending)
            }
            Answered::GivenUp => None,
            Answered::Never => {
                self.violate(Violation::UnknownRequest { message: answer, request });
                None
            }
        }
    }

    /// Sends a request under the next id. Nothing happens, no id is used up, when it fails.
    fn request<M: Into<Message>>(
        &mut self,
        now: Instant,
        pending: Pending,
        timeout: Option<Duration>,
        build: impl FnOnce(RequestId) -> M,
    ) -> Result<RequestId, Misuse> {
        self.check_use(pending.role())?;
        self.requests.check_room()?;
        let mut ids = self.ids.clone();
        let request = ids.next_unused(|id| self.requests.is_used(id));
        self.send(&build(request).into())?;
        self.ids = ids;
        let deadline = now + timeout.unwrap_or(self.config.request_timeout);
        self.timers.set(deadline, Timeout::Request(request));
        self.requests.insert(request, Pending { deadline, ..pending });
        Ok(request)
    }

    fn check_use(&self, role: Role) -> Result<(), Misuse> {
        if self.state.next(Input::Wish(Wish::Use)).is_none() {
            return Err(match &self.closed {
                Some(closed) => Misuse::Closed(closed.clone()),
                None if self.state == State::Leaving => Misuse::Closed(Closed::ByUs),
                None => Misuse::NotJoined,
            });
        }
        if self.config.roles.has(role) { Ok(()) } else { Err(Misuse::Role(role)) }
    }

    /// E-03, E-04: a router closes the session for payloads that are wrapped without both sides having announced it.
    fn check_passthru(
        &self,
        role: Role,
        by: Role,
        attributes: Option<&message::PayloadAttributes>,
    ) -> Result<(), Misuse> {
        if !attributes.is_some_and(message::PayloadAttributes::is_active) || self.state != State::Open {
            return Ok(());
        }
        let feature = Feature::PayloadPassthruMode;
        if self.router.supports(by, feature) && self.config.roles.supports(role, feature) {
            return Ok(());
        }
        Err(Misuse::Feature(feature))
    }

    fn request_timed_out(&mut self, request: RequestId) {
        if let Some(pending) = self.requests.give_up(request) {
            self.events.push_back(Event::Failed { request, failure: Failure::Timeout });
            // Last, as it may be what overruns the queue and ends the session.
            if pending.kind() == MessageKind::Call {
                self.send_cancel(request, message::CancelMode::KillNoWait);
            }
        }
    }

    /// Queues a message that the application asked for.
    fn send(&mut self, message: &Message) -> Result<(), Misuse> {
        self.outbox.push(message.encode(self.encoding)?)
    }

    /// Queues a message that the protocol demands, full queue or not.
    fn send_always(&mut self, message: impl Into<Message>) {
        if let Ok(frame) = message.into().encode(self.encoding) {
            self.queue_always(frame);
        }
    }

    /// Answers may exceed the limits of the queue, up to twice: a router that goes on asking and does not read its answers
    /// is beyond help.
    fn queue_always(&mut self, frame: Bytes) {
        self.outbox.push_always(frame);
        if self.outbox.is_overrun() {
            self.lose(Closed::Overrun);
        }
    }

    /// Only the application's own pace stops the reading. To stop for a full outbound queue as well would be a trap: two
    /// peers that wait for each other to read wait for ever.
    fn update_reading(&mut self) {
        let events = self.events.len();
        if events >= self.config.max_events {
            self.reading = false;
        } else if events <= self.config.max_events / 2 {
            self.reading = true;
        }
    }
}

#[cfg(test)]
mod tests;
