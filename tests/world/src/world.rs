//! One router, client sessions, raw peers and their links, in memory and on a virtual clock.

mod client;
mod link;
mod login;
mod raw;
mod transcript;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use wamp_proto::{
    Encoding, Instant, Uri,
    auth::Exchange,
    id::{RegistrationId, RequestId},
    router::{
        self, Action, Authentication, Authorization, Changes, ConnectionId, Counts, Grant, Opened,
        Permission, RealmPermissions, Router, Totals,
    },
    session::{self, Event, Session},
};

pub use client::Client;
pub use link::Way;
pub use login::Login;
pub use raw::Raw;

use crate::random::Random;
use link::{Data, Link};
use transcript::Transcript;

/// A world of its own: nothing in it depends on anything but the seed and what is done to it.
///
/// ```
/// use std::time::Duration;
/// use wamp_proto::Encoding;
/// use wamp_world::World;
///
/// let mut world = World::new(7);
/// let alice = world.join("alice", Encoding::Json);
/// let bob = world.join("bob", Encoding::Cbor);
/// alice.register(&mut world, "com.example.add");
/// world.run();
/// let call = bob.call(&mut world, "com.example.add", (2, 3));
/// world.run();
/// alice.answer(&mut world, (5,));
/// world.run();
/// assert_eq!(bob.result::<u8>(&mut world, call), Ok(5));
/// assert!(world.transcript().contains("router -> bob  [50,1,{},[5]]"));
/// ```
#[derive(Debug)]
pub struct World {
    now: Instant,
    random: Random,
    router: Router,
    peers: Vec<Peer>,
    transcript: Transcript,
    packets: u64,
    left: Vec<(ConnectionId, String)>,
    questions: VecDeque<Authorization>,
    warnings: Vec<router::Event>,
}

/// One end of one link.
#[derive(Debug)]
struct Peer {
    name: String,
    encoding: Encoding,
    connection: ConnectionId,
    link: Link,
    end: End,
    /// Whether each side still has its transport.
    router_open: bool,
    peer_open: bool,
}

#[derive(Debug)]
enum End {
    Session(Box<SessionEnd>),
    Raw(Vec<Bytes>),
}

#[derive(Debug)]
struct SessionEnd {
    session: Session,
    events: Vec<Event>,
    invocations: VecDeque<RequestId>,
    /// How the client proves who it is, if it does.
    exchange: Option<Exchange>,
}

/// How a link behaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkRule {
    /// How long each way takes.
    pub latency: Duration,
    /// Whether messages travel as RawSocket bytes, in pieces.
    pub fragmented: bool,
    /// The largest message that the peer accepts; `None` is 16 MiB.
    pub send_limit: Option<usize>,
    /// How far the router trusts the peer, if the connection tells.
    pub trust_level: Option<u64>,
}

/// The realm that peers join unless they say otherwise.
pub const REALM: &str = "realm1";

/// A second realm of every world.
pub const OTHER_REALM: &str = "realm2";

impl World {
    /// A world with a router of default settings and the realms [`REALM`] and [`OTHER_REALM`].
    pub fn new(seed: u64) -> Self {
        Self::with(seed, |_| {})
    }

    /// The same, with other settings of the router.
    pub fn with(seed: u64, change: impl FnOnce(&mut router::Config)) -> Self {
        let mut random = Random::new(seed);
        let mut config = router::Config::new([REALM, OTHER_REALM].map(Uri::unchecked));
        config.agent = None;
        change(&mut config);
        Self {
            now: Instant::ZERO,
            router: Router::new(config, random.seed()),
            random,
            peers: Vec::new(),
            transcript: Transcript::default(),
            packets: 0,
            left: Vec::new(),
            questions: VecDeque::new(),
            warnings: Vec::new(),
        }
    }

    /// A client with all roles joins [`REALM`]; the WELCOME is there when this returns, unless time must pass for it.
    pub fn join(&mut self, name: &str, encoding: Encoding) -> Client {
        self.join_with(name, encoding, LinkRule::default(), |_| {})
    }

    /// The same, over a link of its own and with other settings.
    pub fn join_with(
        &mut self,
        name: &str,
        encoding: Encoding,
        rule: LinkRule,
        change: impl FnOnce(&mut session::Config),
    ) -> Client {
        let mut config = session::Config::new(Uri::unchecked(REALM));
        config.agent = None;
        change(&mut config);
        let session = Session::new(Arc::new(config), encoding, self.now);
        let end = End::Session(Box::new(SessionEnd::new(session)));
        let place = self.open(name, encoding, rule, end);
        self.run();
        Client(place)
    }

    /// The same, as somebody of this role whom the router knows already; the name is the authid.
    pub fn join_as(&mut self, name: &str, role: &str, realm: &str) -> Client {
        let mut config = session::Config::new(Uri::unchecked(realm));
        config.agent = None;
        let session = Session::new(Arc::new(config), Encoding::Json, self.now);
        let end = SessionEnd::new(session);
        let opened = Opened::new(Encoding::Json).known_as(Grant::new(name, role));
        let place = self.open_as(name, opened, LinkRule::default(), End::Session(Box::new(end)));
        self.run();
        Client(place)
    }

    /// A peer that sends what it is told, and joins nothing by itself.
    pub fn raw(&mut self, name: &str, encoding: Encoding) -> Raw {
        self.raw_with(name, encoding, LinkRule::default())
    }

    /// The same, over a link of its own.
    pub fn raw_with(&mut self, name: &str, encoding: Encoding, rule: LinkRule) -> Raw {
        Raw(self.open(name, encoding, rule, End::Raw(Vec::new())))
    }

    fn open(&mut self, name: &str, encoding: Encoding, rule: LinkRule, end: End) -> usize {
        let mut opened = Opened::new(encoding);
        if let Some(limit) = rule.send_limit {
            opened = opened.send_limit(limit);
        }
        if let Some(level) = rule.trust_level {
            opened = opened.trust_level(level);
        }
        self.open_as(name, opened, rule, end)
    }

    fn open_as(&mut self, name: &str, opened: Opened, rule: LinkRule, end: End) -> usize {
        let encoding = opened.encoding;
        let connection = self.router.open(self.now, opened);
        let mut link = if rule.fragmented { Link::fragmented(encoding) } else { Link::default() };
        link.up.latency = rule.latency;
        link.down.latency = rule.latency;
        let name = name.to_owned();
        self.peers.push(Peer { name, encoding, connection, link, end, router_open: true, peer_open: true });
        self.flush();
        self.peers.len() - 1
    }

    /// Lets everything arrive that is on its way, and whatever follows from it. Deadlines run out only as far as time
    /// passes for that.
    pub fn run(&mut self) {
        loop {
            self.flush();
            let Some((at, _, _, _)) = self.next_packet() else { return };
            match self.next_timeout().filter(|deadline| *deadline <= at) {
                Some(deadline) => self.time_out(deadline),
                None => self.deliver(),
            }
        }
    }

    /// Lets time pass; what is on its way arrives meanwhile, and deadlines run out.
    pub fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.flush();
            let packet = self.next_packet().map(|(at, ..)| at).filter(|at| *at <= end);
            let deadline = self.next_timeout().filter(|deadline| *deadline <= end);
            match (packet, deadline) {
                (Some(packet), Some(deadline)) if deadline < packet => self.time_out(deadline),
                (Some(_), _) => self.deliver(),
                (None, Some(deadline)) => self.time_out(deadline),
                (None, None) => break,
            }
        }
        self.now = end;
        self.run();
    }

    /// Everybody stands still for this long. When they go on, what has run out meanwhile comes before what was on its way.
    pub fn freeze(&mut self, time: Duration) {
        self.flush();
        self.time_out(self.now + time);
        self.run();
    }

    /// Lets this many packets arrive: pieces of messages on fragmented links.
    pub fn deliver_packets(&mut self, count: usize) {
        for _ in 0..count {
            self.flush();
            self.deliver();
        }
        self.flush();
    }

    /// How long a link takes from now on, each way.
    pub fn set_latency(&mut self, peer: impl Into<Place>, latency: Duration) {
        let link = &mut self.peers[peer.into().0].link;
        link.up.latency = latency;
        link.down.latency = latency;
    }

    /// Nothing arrives in this direction until [`unstall`](Self::unstall); towards the peer, the router's queue is not
    /// emptied either.
    pub fn stall(&mut self, peer: impl Into<Place>, way: Way) {
        self.peers[peer.into().0].link.pipe(way).stalled = true;
    }

    /// The end of a [`stall`](Self::stall).
    pub fn unstall(&mut self, peer: impl Into<Place>, way: Way) {
        self.peers[peer.into().0].link.pipe(way).stalled = false;
    }

    /// The transport is gone at once, with all that is on its way.
    pub fn cut(&mut self, peer: impl Into<Place>) {
        let place = peer.into().0;
        self.transcript.line(self.now, &format!("{} -x- router", self.peers[place].name));
        let peer = &mut self.peers[place];
        peer.link.up.clear();
        peer.link.down.clear();
        self.close_router_side(place, "cut");
        self.close_peer_side(place, "cut");
        self.flush();
    }

    /// The router shuts down.
    pub fn shutdown(&mut self) {
        self.transcript.line(self.now, "router shuts down");
        self.router.shutdown(self.now);
        self.flush();
    }

    /// The router ends a registration of [`REALM`].
    pub fn revoke(&mut self, registration: RegistrationId, reason: Option<&str>) -> bool {
        self.transcript.line(self.now, "router revokes a registration");
        let revoked = self.router.revoke_registration(self.now, &Uri::unchecked(REALM), registration, reason);
        self.flush();
        revoked
    }

    /// The permissions of the router's realms are others now.
    pub fn permit(&mut self, permissions: impl IntoIterator<Item = RealmPermissions>) {
        self.transcript.line(self.now, "router has other permissions");
        self.router.reconfigure(self.now, Changes::default().permissions(permissions));
        self.flush();
    }

    /// Who may join the router's realms has changed.
    pub fn admit(&mut self, rules: impl IntoIterator<Item = Authentication>) {
        self.transcript.line(self.now, "router has other rules about who may join");
        self.router.reconfigure(self.now, Changes::default().authentication(rules));
        self.flush();
    }

    /// The next question of the router about what a session may do.
    pub fn question(&mut self) -> Option<Authorization> {
        self.questions.pop_front()
    }

    /// The answer to such a question.
    pub fn authorize(&mut self, question: &Authorization, permission: Permission) {
        let (right, uri) = (question.right, question.subject.uri());
        let line = format!("{} may {right} {uri}? {:?}", question.authrole, permission.ruling);
        self.transcript.line(self.now, &line);
        self.router.authorize(self.now, question.id, permission);
        self.flush();
    }

    /// The denials and limits that the router has told of so far.
    pub fn warnings(&self) -> &[router::Event] {
        &self.warnings
    }

    /// A remark in the transcript.
    pub fn note(&mut self, text: &str) {
        self.transcript.line(self.now, &format!("# {text}"));
    }

    /// All that has crossed the links so far.
    pub fn transcript(&self) -> &str {
        self.transcript.text()
    }

    /// What the router holds.
    pub fn counts(&self) -> Counts {
        self.router.counts()
    }

    /// The time since the world began.
    pub fn now(&self) -> Duration {
        self.now.since_origin()
    }

    /// Whether the router goes on reading from a peer.
    pub fn router_reads(&self, peer: impl Into<Place>) -> bool {
        self.router.wants_read(self.peers[peer.into().0].connection)
    }

    /// Whether the router has the connection of a peer still open.
    pub fn is_connected(&self, peer: impl Into<Place>) -> bool {
        self.peers[peer.into().0].router_open
    }

    /// Why the session of a peer ended at the router, if it did.
    pub fn left(&self, peer: impl Into<Place>) -> Option<&str> {
        let connection = self.peers[peer.into().0].connection;
        self.left.iter().find(|(left, _)| *left == connection).map(|(_, why)| &**why)
    }

    /// Cuts every link, and checks that the router has forgotten everything then.
    ///
    /// # Panics
    ///
    /// When it has not.
    pub fn end(&mut self) {
        for place in 0..self.peers.len() {
            if self.peers[place].router_open || self.peers[place].peer_open {
                self.close_router_side(place, "the world ends");
                self.close_peer_side(place, "the world ends");
            }
        }
        self.flush();
        let mut counts = self.counts();
        (counts.dropped_events, counts.retained, counts.totals) = (0, 0, Totals::default());
        assert_eq!(counts, Counts::default(), "left behind");
        assert!(self.router.poll_timeout().is_none(), "a timer is left behind");
        assert!(self.router.is_empty());
    }

    fn session(&mut self, place: usize) -> &mut SessionEnd {
        match &mut self.peers[place].end {
            End::Session(end) => end,
            End::Raw(_) => panic!("peer {place} is a raw one"),
        }
    }

    /// The next packet that may arrive: not from peers that the receiver does not read from just now.
    fn next_packet(&self) -> Option<(Instant, u64, Way, usize)> {
        let next = self.peers.iter().enumerate().filter_map(|(place, peer)| {
            let up = !peer.router_open || self.router.wants_read(peer.connection);
            let down = match &peer.end {
                End::Session(end) => !peer.peer_open || end.session.wants_read(),
                End::Raw(_) => true,
            };
            peer.link.next(up, down).map(|(at, number, way)| (at, number, way, place))
        });
        next.min_by_key(|(at, number, ..)| (*at, *number))
    }

    fn next_timeout(&self) -> Option<Instant> {
        let sessions = self.peers.iter().filter_map(|peer| match &peer.end {
            End::Session(end) if peer.peer_open => end.session.poll_timeout().map(|deadline| deadline.at),
            _ => None,
        });
        sessions.chain(self.router.poll_timeout().map(|deadline| deadline.at)).min()
    }

    fn time_out(&mut self, at: Instant) {
        self.now = self.now.max(at);
        self.router.handle_timeout(self.now);
        for peer in &mut self.peers {
            if let End::Session(end) = &mut peer.end {
                end.session.handle_timeout(self.now);
            }
        }
    }

    fn deliver(&mut self) {
        let Some((at, _, way, place)) = self.next_packet() else { return };
        self.now = self.now.max(at);
        let Some(data) = self.peers[place].link.pipe(way).pop() else { return };
        let receives = match way {
            Way::Up => self.peers[place].router_open,
            Way::Down => self.peers[place].peer_open,
        };
        match data {
            _ if !receives => {}
            Data::Frame(frame) => self.receive(place, way, frame),
            Data::Bytes(bytes) => {
                for frame in self.peers[place].link.assemble(way, &bytes) {
                    self.receive(place, way, frame);
                }
            }
            Data::Eof => self.receive_eof(place, way),
        }
    }

    fn receive(&mut self, place: usize, way: Way, frame: Bytes) {
        let peer = &mut self.peers[place];
        let (from, to) = match way {
            Way::Up => (&*peer.name, "router"),
            Way::Down => ("router", &*peer.name),
        };
        self.transcript.message(self.now, from, to, peer.encoding, &frame);
        match (way, &mut peer.end) {
            (Way::Up, _) => self.router.handle_frame(self.now, peer.connection, frame),
            (Way::Down, End::Session(end)) => end.session.handle_frame(self.now, frame),
            (Way::Down, End::Raw(frames)) => frames.push(frame),
        }
    }

    fn receive_eof(&mut self, place: usize, way: Way) {
        let name = &self.peers[place].name;
        let line = match way {
            Way::Up => format!("{name} -> router  (end)"),
            Way::Down => format!("router -> {name}  (end)"),
        };
        self.transcript.line(self.now, &line);
        match way {
            Way::Up => self.close_router_side(place, ""),
            Way::Down => self.close_peer_side(place, ""),
        }
    }

    fn close_router_side(&mut self, place: usize, why: &str) {
        let peer = &mut self.peers[place];
        if core::mem::take(&mut peer.router_open) {
            self.router.handle_eof(self.now, peer.connection, why);
        }
    }

    fn close_peer_side(&mut self, place: usize, why: &str) {
        let peer = &mut self.peers[place];
        if core::mem::take(&mut peer.peer_open) {
            if let End::Session(end) = &mut peer.end {
                end.session.handle_eof(why);
            }
        }
    }

    /// Puts on the links whatever anybody has to say, and collects the events.
    fn flush(&mut self) {
        for place in 0..self.peers.len() {
            self.flush_peer(place);
            self.flush_router(place);
        }
        while self.router.poll_ready().is_some() {}
        while let Some(event) = self.router.poll_event() {
            match event {
                router::Event::Left { connection, why, .. } => self.left.push((connection, why.to_string())),
                router::Event::Authorize(question) => self.questions.push_back(*question),
                router::Event::NotAuthorized { .. } | router::Event::Limited { .. } => {
                    self.warnings.push(event);
                }
                _ => {}
            }
        }
    }

    fn flush_peer(&mut self, place: usize) {
        let (now, packets, random) = (self.now, &mut self.packets, &mut self.random);
        let Peer { end: End::Session(end), link, peer_open, .. } = &mut self.peers[place] else { return };
        while let Some(event) = end.session.poll_event() {
            match event {
                Event::Invocation { request, .. } => end.invocations.push_back(request),
                Event::InvocationTimedOut { request } => {
                    end.invocations.retain(|invocation| *invocation != request);
                }
                _ => {}
            }
            end.authenticate(&event);
            end.events.push(event);
        }
        while *peer_open && !link.up.stalled {
            let Some(frame) = end.session.poll_transmit() else { break };
            link.send(now, Way::Up, frame, packets, random);
        }
        if *peer_open && end.session.is_finished() {
            *peer_open = false;
            link.close(now, Way::Up, packets);
        }
    }

    fn flush_router(&mut self, place: usize) {
        let peer = &mut self.peers[place];
        while peer.router_open && !peer.link.down.stalled {
            match self.router.poll_transmit(peer.connection) {
                Some(Action::Send(frame)) => {
                    peer.link.send(self.now, Way::Down, frame, &mut self.packets, &mut self.random);
                }
                Some(Action::Close) => {
                    peer.link.close(self.now, Way::Down, &mut self.packets);
                    self.close_router_side(place, "");
                    return;
                }
                None => return,
            }
        }
    }
}

/// Where a peer is in its world.
#[derive(Clone, Copy, Debug)]
pub struct Place(usize);

impl From<Client> for Place {
    fn from(client: Client) -> Self {
        Self(client.0)
    }
}

impl From<Raw> for Place {
    fn from(raw: Raw) -> Self {
        Self(raw.0)
    }
}
