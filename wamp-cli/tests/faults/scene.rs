//! A router, a healthy session that must never notice anything, and offenders.

use std::{
    io::{Read as _, Write as _},
    time::Instant,
};

use wamp_tokio::proto::{Encoding, message::Message};

use crate::{
    encode::{V, v},
    harness::{Router, poll},
    wire::{Heard, Peer, Reaction, Transport, connect, web_frame},
};

/// What offenders register, and what nobody may hold after them.
const PROCEDURE: &str = "com.example.offender";

/// A router with a healthy session, which is dropped first: the router waits for the answer to its GOODBYE.
pub(crate) struct Scene {
    pub(crate) healthy: Healthy,
    pub(crate) router: Router,
}

impl Scene {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(more: &[&str]) -> Self {
        Self::of(Router::start_with(more))
    }

    pub(crate) fn of(router: Router) -> Self {
        let healthy = Healthy::join(address(&router));
        Self { healthy, router }
    }

    pub(crate) fn address(&self) -> &str {
        address(&self.router)
    }

    /// A peer whose transport is open.
    pub(crate) fn open(&self, transport: Transport, encoding: Encoding) -> Peer {
        Peer::open(self.address(), transport, encoding)
    }

    /// A session that has registered a procedure.
    pub(crate) fn join(&self, transport: Transport, encoding: Encoding) -> Peer {
        let mut peer = self.open(transport, encoding);
        peer.join();
        peer.send(&v!([64, 1, {}, PROCEDURE]));
        let Message::Registered(_) = peer.message() else { panic!("not registered") };
        peer
    }

    /// A peer does something bad: how the router parts with it, while others notice nothing.
    pub(crate) fn offence(&mut self, mut peer: Peer, bytes: &[u8]) -> Reaction {
        self.healthy.check();
        // The router may have had enough before it has read all.
        let _ = peer.stream.write_all(bytes);
        self.healthy.check();
        let reaction = peer.reaction();
        self.settled();
        reaction
    }

    /// A peer sends a bad message.
    pub(crate) fn offend(&mut self, peer: Peer, message: &V) -> Reaction {
        let bytes = peer.frame(&message.encode(peer.encoding));
        self.offence(peer, &bytes)
    }

    /// After an offence: nobody has noticed, and the router holds nothing of the offender.
    pub(crate) fn settled(&mut self) {
        self.healthy.check();
        let mut next = self.open(Transport::RawSocket, Encoding::Json);
        next.join();
        let mut request = 0;
        poll("the end of the offender's registration", || {
            request += 1;
            next.send(&v!([64, (request), {}, PROCEDURE]));
            matches!(next.message(), Message::Registered(_)).then_some(())
        });
        next.leave();
        self.healthy.check();
    }

    /// Waits until one more connection is accepted, and then as [`settled`](Self::settled).
    pub(crate) fn settled_eventually(&mut self) {
        poll("room for a connection", || {
            let mut stream = connect(self.address());
            stream.write_all(&Peer::handshake(Transport::RawSocket, Encoding::Json)).unwrap();
            let mut reply = [0; 4];
            stream.read_exact(&mut reply).unwrap();
            (reply[1] & 0x0F != 0).then_some(())
        });
        self.settled();
    }

    /// How much memory the router uses, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        memory_of(&format!("/proc/{}/status", self.router.process.id()))
    }

    /// How many files the router has open.
    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.router.process.id())).unwrap().count()
    }

    /// The processor time that the router has used, in clock ticks of 10 ms.
    pub(crate) fn ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.router.process.id());
        let stat = std::fs::read_to_string(path).unwrap();
        let fields = stat.rsplit_once(')').unwrap().1.split_whitespace().collect::<Vec<_>>();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

#[allow(clippy::disallowed_methods, reason = "some tests measure")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What a process uses, in bytes, by its status; nothing once it has ended.
pub(crate) fn memory_of(status: &str) -> u64 {
    let status = std::fs::read_to_string(status).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10)
}

/// The address that takes both transports.
pub(crate) fn address(router: &Router) -> &str {
    router.urls[1].strip_prefix("tcp://").unwrap()
}

impl Peer {
    /// Says GOODBYE and waits for the end.
    pub(crate) fn leave(mut self) {
        self.send(&v!([6, {}, "wamp.close.close_realm"]));
        loop {
            match self.hear() {
                Heard::End => return,
                Heard::Close(..) => self.stream.write_all(&web_frame(0x88, &[])).unwrap(),
                _ => {}
            }
        }
    }
}

/// A session that calls a procedure and publishes an event, both its own, and hears that and nothing else.
pub(crate) struct Healthy {
    peer: Peer,
    requests: u64,
    checks: u64,
    registration: String,
    subscription: String,
}

impl Healthy {
    pub(crate) fn join(address: &str) -> Self {
        let mut peer = Peer::open(address, Transport::WebSocket, Encoding::Json);
        peer.join();
        let mut healthy =
            Self { peer, requests: 0, checks: 0, registration: String::new(), subscription: String::new() };
        healthy.registration = healthy.ask(64, "com.example.healthy");
        healthy.subscription = healthy.ask(32, "com.example.healthy");
        healthy
    }

    /// Asks for something that is answered with an id.
    fn ask(&mut self, code: u64, uri: &str) -> String {
        self.requests += 1;
        let (request, answer) = (self.requests, code + 1);
        self.say(&format!(r#"[{code},{request},{{}},"{uri}"]"#));
        let heard = self.hear();
        let id = heard.strip_prefix(&format!("[{answer},{request},")).and_then(|rest| rest.strip_suffix(']'));
        id.unwrap_or_else(|| panic!("{heard}")).to_owned()
    }

    fn say(&mut self, message: &str) {
        self.peer.send(&V::raw(message.as_bytes()));
    }

    fn hear(&mut self) -> String {
        String::from_utf8(self.peer.bytes_of_message()).unwrap()
    }

    /// One call and one event.
    pub(crate) fn check(&mut self) {
        self.checks += 1;
        self.requests += 2;
        let Self { checks, requests, .. } = *self;
        let call = requests - 1;
        self.say(&format!(r#"[48,{call},{{}},"com.example.healthy",[{checks}]]"#));
        assert_eq!(self.hear(), format!("[68,{checks},{},{{}},[{checks}]]", self.registration));
        self.say(&format!("[70,{checks},{{}},[{checks}]]"));
        assert_eq!(self.hear(), format!("[50,{call},{{}},[{checks}]]"));
        self.say(&format!(r#"[16,{requests},{{"exclude_me":false}},"com.example.healthy",[{checks}]]"#));
        let event = self.hear();
        assert!(event.starts_with(&format!("[36,{},", self.subscription)), "{event}");
        assert!(event.ends_with(&format!(",{{}},[{checks}]]")), "{event}");
    }

    pub(crate) fn into_peer(self) -> Peer {
        self.peer
    }
}
