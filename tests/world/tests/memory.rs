//! What sessions leave behind in the router: nothing (faults section 2). One router serves the same generations of sessions
//! again and again; the bytes that are alive after each stay what they were.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use wamp_proto::{
    Encoding, Instant,
    router::{Action, Config, ConnectionId, Opened, Router},
};
use wamp_world::Random;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const HELLO: &str = r#"[1,"realm1",{"roles":{"publisher":{},"subscriber":{},"caller":{"features":{
    "call_canceling":true,"progressive_call_invocations":true}},"callee":{"features":{
    "call_canceling":true,"call_timeout":true,"progressive_call_results":true,
    "progressive_call_invocations":true}}}}]"#;

/// What a session may say, `R` for the number of its request and `N` for one of a few names.
const WISHES: [&str; 18] = [
    r#"[32,R,{},"com.N"]"#,
    r#"[32,R,{"match":"prefix","get_retained":true},"com.N"]"#,
    r#"[32,R,{"match":"wildcard"},"com..N"]"#,
    r#"[64,R,{},"com.N"]"#,
    r#"[64,R,{"invoke":"roundrobin","concurrency":1},"com.shared.N"]"#,
    r#"[64,R,{"match":"prefix"},"com.N"]"#,
    r#"[16,R,{},"com.N",[R]]"#,
    r#"[16,R,{"acknowledge":true,"retain":true},"com.N",[R]]"#,
    r#"[16,R,{"exclude_me":false,"eligible_authrole":["anonymous"]},"com.a.N",[R],{"n":R}]"#,
    r#"[48,R,{},"com.N",[R]]"#,
    r#"[48,R,{"timeout":50},"com.shared.N",[R]]"#,
    r#"[48,R,{"receive_progress":true},"com.N.more"]"#,
    r#"[48,R,{"progress":true},"com.N",[R]]"#,
    r#"[49,1,{"mode":"kill"}]"#,
    r#"[48,R,{},"wamp.session.add_testament",["com.N",["gone"],{}]]"#,
    r#"[48,R,{},"wamp.session.list"]"#,
    r#"[34,R,1]"#,
    r#"[70,1,{}]"#,
];

struct Place {
    router: Router,
    now: Instant,
    /// What was sent, by the kind of the message: `[36,` and others.
    sent: BTreeMap<Vec<u8>, u64>,
}

impl Place {
    fn say(&mut self, from: ConnectionId, message: String) {
        self.router.handle_frame(self.now, from, Bytes::from(message));
    }

    /// Everything that is to be sent is, to nobody.
    fn drain(&mut self, connections: &[ConnectionId]) {
        while self.router.poll_event().is_some() {}
        while self.router.poll_ready().is_some() {}
        for &connection in connections {
            while let Some(Action::Send(frame)) = self.router.poll_transmit(connection) {
                *self.sent.entry(frame.get(..4).unwrap_or_default().to_vec()).or_default() += 1;
            }
        }
    }

    /// Sessions come, do many things, and are gone.
    fn generation(&mut self, seed: u64) {
        let mut random = Random::new(seed);
        let opened = || Opened::new(Encoding::Json);
        let sessions = (0..10).map(|_| self.router.open(self.now, opened())).collect::<Vec<_>>();
        sessions.iter().for_each(|session| self.say(*session, HELLO.to_owned()));
        for request in 1..=300_u64 {
            let session = *random.pick(&sessions);
            let wish = *random.pick(&WISHES);
            let name = *random.pick(&["x", "y", "x.more", "z.a.b"]);
            self.say(session, wish.replace('R', &request.to_string()).replace('N', name));
            self.now = self.now + Duration::from_millis(random.number() % 20);
            self.router.handle_timeout(self.now);
            if random.one_in(4) {
                self.drain(&sessions);
            }
        }
        for (number, session) in sessions.iter().enumerate() {
            if number % 2 == 0 {
                self.say(*session, r#"[6,{},"wamp.close.close_realm"]"#.to_owned());
            }
            self.drain(&sessions);
            self.router.handle_eof(self.now, *session, "gone");
        }
        self.drain(&sessions);
        self.now = self.now + Duration::from_secs(60);
        self.router.handle_timeout(self.now);
        self.drain(&sessions);
        let counts = self.router.counts();
        assert_eq!((counts.connections, counts.sessions, counts.calls, counts.queued_bytes), (0, 0, 0, 0));
        assert_eq!((counts.subscriptions, counts.registrations), (0, 0));
    }
}

#[test]
fn what_sessions_leave_behind_is_nothing() {
    const SEEDS: u64 = 6;
    let _profiler = dhat::Profiler::builder().testing().build();
    let router = Router::new(Config::new(["realm1".parse().unwrap()]), [1; 32]);
    let mut place = Place { router, now: Instant::from_origin(Duration::ZERO), sent: BTreeMap::new() };
    let mut alive = Vec::new();
    for round in 0..3 {
        (0..SEEDS).for_each(|seed| place.generation(seed));
        if round > 0 {
            alive.push(dhat::HeapStats::get().curr_bytes);
        }
    }
    // In the first round tables get their size, and topics what is retained of them.
    let [first, .., last] = alive[..] else { panic!() };
    for kind in ["[8,4", "[17,", "[36,", "[50,", "[68,", "[69,"] {
        assert!(place.sent.get(kind.as_bytes()).is_some_and(|sent| *sent > 20), "{kind} {:?}", place.sent);
    }
    assert!(last <= first + 64, "{alive:?} bytes are alive after each round");
}
