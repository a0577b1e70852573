//! The client session, message by message. The router is played by the tests, in JSON text.

mod closing;
mod limits;
mod opening;
mod progress;
mod property;
mod requests;
mod table;

use std::sync::Arc;
use std::time::Duration;

use wamp_proto::error::{Closed, RemoteError};
use wamp_proto::message::{CallOptions, PublishOptions, RegisterOptions, SubscribeOptions};
use wamp_proto::session::{Call, Config, Event, Failure, Session, State};
use wamp_proto::{Encoding, Instant, Payload, Uri};

const WELCOME: &str = r#"[2,4711,{"roles":{"broker":{},"dealer":{"features":{"call_canceling":true}}}}]"#;
const CHALLENGE: &str = r#"[4,"ticket",{}]"#;

/// A session with the world around it.
struct Client {
    session: Session,
    now: Instant,
}

fn uri(uri: &str) -> Uri {
    uri.parse().unwrap()
}

fn config() -> Config {
    let mut config = Config::new(uri("realm1"));
    config.authmethods = vec!["ticket".to_owned()];
    config
}

fn id<T: TryFrom<u64, Error = wamp_proto::id::InvalidId>>(id: u64) -> T {
    id.try_into().unwrap()
}

fn args(json: &str) -> Payload {
    let args: Vec<wamp_proto::Value> =
        wamp_proto::codec::from_slice(Encoding::Json, json.as_bytes()).unwrap();
    Payload::from_args(Encoding::Json, &args).unwrap()
}

impl Client {
    /// HELLO is queued.
    fn new(config: Config) -> Self {
        let now = Instant::from_origin(Duration::from_secs(100));
        Self { session: Session::new(Arc::new(config), Encoding::Json, now), now }
    }

    /// An open session, with nothing left to poll.
    fn open(config: Config) -> Self {
        let mut client = Self::new(config);
        client.feed(WELCOME);
        assert_eq!(client.session.state(), State::Open);
        client.sent();
        client.events();
        client
    }

    fn joined() -> Self {
        Self::open(config())
    }

    /// A session that has been brought into the state, with nothing left to poll.
    fn in_state(state: State) -> Self {
        let mut client = Self::new(config());
        match state {
            State::Joining => {}
            State::Authenticating => client.feed(CHALLENGE),
            State::Open => client.feed(WELCOME),
            State::Leaving => {
                client.feed(WELCOME);
                client.close();
            }
            State::Closed => client.session.handle_eof(""),
        }
        assert_eq!(client.session.state(), state);
        client.sent();
        client.events();
        client
    }

    fn feed(&mut self, json: &str) {
        self.session.handle_frame(self.now, json.as_bytes().to_vec().into());
    }

    /// Time passes, and whatever is due happens.
    fn wait(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
        self.session.handle_timeout(self.now);
    }

    fn close(&mut self) {
        self.session.close(self.now, uri("wamp.close.close_realm"));
    }

    fn sent(&mut self) -> Vec<String> {
        let frames = std::iter::from_fn(|| self.session.poll_transmit());
        frames.map(|frame| String::from_utf8(frame.to_vec()).unwrap()).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// Nothing was sent and nothing happened.
    #[track_caller]
    fn assert_silent(&mut self) {
        assert_eq!(self.sent(), [""; 0]);
        assert_eq!(self.events(), []);
    }

    /// The session ended because the peer broke the protocol: ABORT is sent, and that is all.
    #[track_caller]
    fn assert_violation(&mut self, text: &str) {
        let message = format!("the peer broke the protocol: {text}");
        let abort = format!(r#"[3,{{"message":"{message}"}},"wamp.error.protocol_violation"]"#);
        assert_eq!(self.sent(), [abort]);
        let events = self.events();
        let [Event::Closed(closed)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(closed.to_string(), message);
        self.assert_over();
    }

    /// Closed stays closed: nothing is sent, nothing happens, nothing is waited for any more.
    #[track_caller]
    fn assert_over(&mut self) {
        assert_eq!(self.session.state(), State::Closed);
        let why = self.session.closed().cloned();
        assert!(why.is_some());
        self.feed(WELCOME);
        self.feed("garbage");
        self.feed(r#"[6,{},"wamp.close.close_realm"]"#);
        self.wait(1_000_000);
        self.close();
        self.session.handle_eof("again");
        self.assert_silent();
        assert_eq!(self.session.closed().cloned(), why);
        assert_eq!(self.session.poll_timeout(), None);
        assert_eq!(self.session.pending_requests(), 0);
        assert!(self.session.is_finished());
        assert!(!self.session.wants_read());
    }

    fn call(&mut self) -> u64 {
        self.session.call(self.now, Call::new(uri("com.proc"), Payload::empty())).unwrap().get()
    }

    fn call_progressively(&mut self, millis: u64) -> u64 {
        let options = CallOptions { receive_progress: true, ..CallOptions::default() };
        let timeout = Some(Duration::from_millis(millis));
        let call = Call { options, timeout, ..Call::new(uri("com.proc"), Payload::empty()) };
        self.session.call(self.now, call).unwrap().get()
    }

    fn publish(&mut self, acknowledge: bool) -> u64 {
        let options = PublishOptions { acknowledge, ..PublishOptions::default() };
        self.session.publish(self.now, uri("com.topic"), options, Payload::empty()).unwrap().get()
    }

    fn subscribe(&mut self) -> u64 {
        self.session.subscribe(self.now, uri("com.topic"), SubscribeOptions::default()).unwrap().get()
    }

    fn unsubscribe(&mut self, subscription: u64) -> u64 {
        self.session.unsubscribe(self.now, subscription.try_into().unwrap()).unwrap().get()
    }

    fn register(&mut self) -> u64 {
        self.session.register(self.now, uri("com.proc"), RegisterOptions::default()).unwrap().get()
    }

    fn unregister(&mut self, registration: u64) -> u64 {
        self.session.unregister(self.now, registration.try_into().unwrap()).unwrap().get()
    }

    /// Subscribes with the next id, and is answered.
    fn subscribed(&mut self, subscription: u64) {
        let request = self.subscribe();
        self.feed(&format!("[33,{request},{subscription}]"));
        self.sent();
        assert!(matches!(self.events()[..], [Event::Subscribed { .. }]));
    }

    /// Registers with the next id, and is answered.
    fn registered(&mut self, registration: u64) {
        let request = self.register();
        self.feed(&format!("[65,{request},{registration}]"));
        self.sent();
        assert!(matches!(self.events()[..], [Event::Registered { .. }]));
    }
}

fn failed(request: u64, error: &str, payload: Payload) -> Event {
    let failure = Failure::Remote(RemoteError::new(uri(error), payload));
    Event::Failed { request: request.try_into().unwrap(), failure }
}

fn timed_out(request: u64) -> Event {
    Event::Failed { request: request.try_into().unwrap(), failure: Failure::Timeout }
}

fn by_peer(reason: &str, message: Option<&str>) -> Closed {
    Closed::ByPeer { reason: uri(reason), message: message.map(str::to_owned) }
}
