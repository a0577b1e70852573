//! Whatever happens in one realm, nothing of it is seen in another, nor by those who may not see it (T-78, X-01, faults 71,
//! 72): random operations, with permissions that change meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use wamp_proto::{
    Dict, Encoding, Match, Pattern, Payload, Uri, Value,
    message::CallOptions,
    router::{Access, RealmPermissions, Right, Rights, Rule},
    session::{Call, Event},
    uri::UriRule,
};
use wamp_world::{Client, Random, World};

const REALMS: [&str; 3] = ["red-realm", "green-realm", "blue-realm"];
const TOPICS: [&str; 4] = ["t.a", "t.b", "t.c.a", "u.a"];
const PATTERNS: [(Match, &str); 6] = [
    (Match::Exact, "t.a"),
    (Match::Prefix, "t."),
    (Match::Prefix, ""),
    (Match::Wildcard, "t..a"),
    (Match::Prefix, "wamp."),
    (Match::Exact, "wamp.session.on_join"),
];

/// A member of a realm.
struct Member {
    client: Client,
    realm: usize,
    restricted: bool,
    session: u64,
}

struct Trial {
    world: World,
    random: Random,
    members: Vec<Member>,
    /// All sessions that there ever were, with their realms.
    sessions: BTreeMap<u64, usize>,
    /// What the restricted role may subscribe to, in each realm, at any time so far.
    permitted: Vec<BTreeSet<&'static str>>,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let world = World::with(seed, |config| {
            config.realms = REALMS.map(Uri::unchecked).to_vec();
            config.max_retained = 0;
        });
        let permitted = vec![TOPICS.into_iter().collect(); REALMS.len()];
        let (members, sessions) = (Vec::new(), BTreeMap::new());
        let mut trial = Self { world, random: Random::new(seed), members, sessions, permitted };
        (0..REALMS.len()).for_each(|realm| trial.join(realm));
        trial
    }

    fn join(&mut self, realm: usize) {
        let restricted = self.random.one_in(2);
        let name = format!("{}-{}", REALMS[realm], self.members.len());
        let role = if restricted { "restricted" } else { "free" };
        let client = self.world.join_as(&name, role, REALMS[realm]);
        let session = client.session_id(&mut self.world).get();
        self.sessions.insert(session, realm);
        self.members.push(Member { client, realm, restricted, session });
    }

    fn step(&mut self) {
        let member = self.random.below(self.members.len());
        let Member { client, realm, session, .. } = self.members[member];
        let topic = *self.random.pick(&TOPICS);
        let world = &mut self.world;
        match self.random.below(13) {
            0 => self.join(realm),
            1 if self.members.len() > 6 => {
                client.leave(world);
                world.run();
                self.members.remove(member);
            }
            2 => self.permit(),
            3..=5 => {
                let (kind, uri) = *self.random.pick(&PATTERNS);
                client.subscribe_pattern(world, kind, uri);
            }
            6 => {
                client.register(world, topic);
            }
            7 => {
                client.call(world, topic, (REALMS[realm], session));
            }
            8 => {
                client.call(world, "wamp.session.list", ());
            }
            9 => self.tap(client, realm),
            _ => {
                client.publish(world, topic, (REALMS[realm], topic));
            }
        }
        self.world.run();
    }

    /// One member looks at all that another sends and is sent.
    fn tap(&mut self, viewer: Client, realm: usize) {
        let others = self.members.iter().filter(|member| member.realm == realm);
        let others = others.map(|member| member.session).collect::<Vec<_>>();
        let kwargs = Dict::from_iter([("payload", Value::from(true))]);
        let payload = Payload::new(Encoding::Json, &(self.random.pick(&others),), &kwargs).unwrap();
        let options = CallOptions { receive_progress: true, ..CallOptions::default() };
        let call = Call { options, ..Call::new(Uri::unchecked("wamp.x.session.tap"), payload) };
        let call = Call { timeout: Some(Duration::from_secs(3600)), ..call };
        viewer.send_call(&mut self.world, call).unwrap();
    }

    /// Other rules for the restricted role, in one realm or all.
    fn permit(&mut self) {
        let mut all = Vec::new();
        for (realm, name) in REALMS.into_iter().enumerate() {
            let mut rules = vec![Rule::new(pattern(Match::Prefix, ""), Rights::ALL)];
            for topic in TOPICS {
                if self.random.one_in(2) {
                    rules.push(Rule::new(pattern(Match::Exact, topic), Rights::NONE.with(Right::Call)));
                    self.permitted[realm].remove(topic);
                } else {
                    self.permitted[realm].insert(topic);
                }
            }
            let permissions = RealmPermissions::new(Uri::unchecked(name)).role("free", Access::Everything);
            all.push(permissions.role("restricted", Access::Rules(rules)));
        }
        self.world.permit(all);
    }

    /// Everything that has come since the last look is of the own realm, and may be seen. Counts what there is to see, the meta
    /// events among it, and what taps have shown.
    fn check(&mut self) -> [usize; 3] {
        let (mut seen, mut meta, mut shown) = (0, 0, 0);
        for Member { client, realm, restricted, .. } in &self.members {
            for event in client.events(&mut self.world) {
                let payload = match &event {
                    Event::Event(event) => &event.payload,
                    Event::Invocation { payload, .. } | Event::Result { payload, .. } => payload,
                    _ => continue,
                };
                let text = format!("{:?} {:?}", payload.list().unwrap(), payload.dict().unwrap());
                for (other, name) in REALMS.iter().enumerate() {
                    assert!(other == *realm || !text.contains(name), "{} in {}", text, REALMS[*realm]);
                }
                for (session, of) in &self.sessions {
                    assert!(of == realm || !text.contains(&session.to_string()), "{text} {}", REALMS[*realm]);
                }
                shown += usize::from(text.contains("\"sender\""));
                if let (Event::Event(event), true) = (&event, *restricted) {
                    let args = event.payload.list().unwrap();
                    let topic = args.get(1).and_then(Value::as_str);
                    let known = topic.is_none_or(|topic| self.permitted[*realm].contains(topic));
                    assert!(known, "{text} was not permitted in {}", REALMS[*realm]);
                }
                let topic =
                    if let Event::Event(event) = &event { event.details.topic.as_deref() } else { None };
                meta += usize::from(topic.is_some_and(|topic| topic.starts_with("wamp.")));
                seen += 1;
            }
        }
        [seen, meta, shown]
    }
}

fn pattern(kind: Match, uri: &str) -> Pattern {
    Pattern::new(UriRule::Loose, kind, uri).unwrap()
}

#[test]
fn t_78_x_01_faults_71_72_nothing_crosses_whatever_happens() {
    let mut counts = [0; 3];
    for seed in 0..12 {
        let mut trial = Trial::new(seed);
        for _ in 0..250 {
            trial.step();
            counts.iter_mut().zip(trial.check()).for_each(|(count, more)| *count += more);
        }
        trial.world.end();
    }
    let [seen, meta, shown] = counts;
    assert!(seen > 1_000 && meta > 100 && shown > 100, "{counts:?}: nothing was to be seen at all");
}
