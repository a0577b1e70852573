//! Whatever happens in one realm, nothing of it is seen in another, nor by those who may not see it (T-78, X-01, faults 71,
//! 72): random operations, with permissions that change meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use wamp_proto::{
    Match, Pattern, Uri, Value,
    router::{Access, RealmPermissions, Right, Rights, Rule},
    session::Event,
    uri::UriRule,
};
use wamp_world::{Client, Random, World};

const REALMS: [&str; 3] = ["red", "green", "blue"];
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
        match self.random.below(12) {
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
            _ => {
                client.publish(world, topic, (REALMS[realm], topic));
            }
        }
        self.world.run();
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

    /// Everything that has come since the last look is of the own realm, and may be seen. Counts what there is to see, and
    /// the meta events among it.
    fn check(&mut self) -> [usize; 2] {
        let (mut seen, mut meta) = (0, 0);
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
        [seen, meta]
    }
}

fn pattern(kind: Match, uri: &str) -> Pattern {
    Pattern::new(UriRule::Loose, kind, uri).unwrap()
}

#[test]
fn t_78_x_01_faults_71_72_nothing_crosses_whatever_happens() {
    let (mut seen, mut meta) = (0, 0);
    for seed in 0..12 {
        let mut trial = Trial::new(seed);
        for _ in 0..250 {
            trial.step();
            let [more, of_meta] = trial.check();
            (seen, meta) = (seen + more, meta + of_meta);
        }
        trial.world.end();
    }
    assert!(seen > 1_000 && meta > 100, "{seen}, {meta}: nothing was to be seen at all");
}
