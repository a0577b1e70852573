//! Realms that come into being with the first session that joins them, and go with the last (S-09, S-12, T-78).

use std::collections::BTreeMap;

use wamp_proto::{
    Encoding, Match, Pattern, Uri,
    auth::{Credential, Method},
    error::Closed,
    message::{PublishOptions, SubscribeOptions},
    router::{
        Access, Authentication, Config, Disclosure, HistoryRule, Limit, Principal, RealmPermissions,
        RealmSettings, RealmTemplate, Right, Rights, Rule,
    },
    session::Event,
    uri::UriRule,
};
use wamp_world::{Client, Random, World, world::LinkRule};

fn like() -> Uri {
    Uri::unchecked("tenants")
}

fn exact(uri: &str) -> Pattern {
    Pattern::new(UriRule::Loose, Match::Exact, uri).unwrap()
}

fn tenants(config: &mut Config) {
    config.templates = vec![RealmTemplate::new("tenant-", like())];
    config.history = vec![HistoryRule::new(like(), exact("t.kept"))];
}

fn join(world: &mut World, name: &str, realm: &str) -> Client {
    world.join_with(name, Encoding::Json, LinkRule::default(), |config| {
        config.realm = Uri::unchecked(realm);
    })
}

fn refusal(world: &mut World, client: Client) -> String {
    match client.closed(world) {
        Some(Closed::Aborted { reason, joined: false, .. }) => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

fn retain() -> PublishOptions {
    PublishOptions { retain: true, ..PublishOptions::default() }
}

fn with_retained() -> SubscribeOptions {
    SubscribeOptions { get_retained: true, ..SubscribeOptions::default() }
}

#[test]
fn s_09_s_12_a_realm_is_there_as_long_as_somebody_is_in_it() {
    let mut world = World::with(1, tenants);
    assert_eq!(world.counts().template_realms, 0);
    let first = join(&mut world, "first", "tenant-a");
    let second = join(&mut world, "second", "tenant-a");
    let other = join(&mut world, "other", "tenant-b");
    assert_eq!(world.counts().template_realms, 2);
    first.register(&mut world, "t.add");
    first.publish_with(&mut world, "t.last", ("secret",), retain());
    first.publish(&mut world, "t.kept", ("secret",));
    world.run();
    let call = other.call(&mut world, "t.add", ());
    world.run();
    assert_eq!(other.failure(&mut world, call), "wamp.error.no_such_procedure");
    first.leave(&mut world);
    world.run();
    assert_eq!(second.ask(&mut world, "wamp.session.count", (), ()), "[1]");
    second.subscribe_with(&mut world, "t.last", with_retained());
    world.run();
    assert_eq!(second.received(&mut world).len(), 1, "it is still the same realm");
    world.cut(second);
    assert_eq!(world.counts().template_realms, 1);
    let counts = world.counts();
    assert_eq!((counts.registrations, counts.retained, counts.subscriptions), (0, 0, 0));
    // The next one of this name begins with nothing.
    let third = join(&mut world, "third", "tenant-a");
    third.subscribe_with(&mut world, "t.last", with_retained());
    third.subscribe(&mut world, "t.kept");
    world.run();
    assert!(third.received(&mut world).is_empty());
    let kept = third.ask(&mut world, "wamp.subscription.lookup", ("t.kept",), ());
    let kept = kept.trim_matches(['[', ']']).parse::<u64>().unwrap();
    assert_eq!(third.ask(&mut world, "wamp.subscription.get_events", (kept,), ()), "");
    third.publish(&mut world, "t.kept", ("new",));
    world.run();
    assert!(third.ask(&mut world, "wamp.subscription.get_events", (kept,), ()).contains("new"));
    world.end();
}

#[test]
fn s_09_names_that_no_template_makes() {
    let mut world = World::with(1, |config| {
        tenants(config);
        config.templates[0].max_name = 12;
        config.templates[0].max_realms = 2;
    });
    for name in ["tenants", "tenant-", "tenant", "nobody", "tenant-123456"] {
        let client = join(&mut world, name, name);
        assert_eq!(refusal(&mut world, client), "wamp.error.no_such_realm", "{name}");
    }
    let client = join(&mut world, "bad", "tenant-a b");
    assert_eq!(refusal(&mut world, client), "wamp.error.invalid_uri");
    let one = join(&mut world, "one", "tenant-1");
    join(&mut world, "two", "tenant-2");
    let three = join(&mut world, "three", "tenant-3");
    assert_eq!(refusal(&mut world, three), "wamp.error.unavailable");
    assert!(world.warnings().iter().any(|warning| {
        matches!(warning, wamp_proto::router::Event::Limited { limit: Limit::Realms, .. })
    }));
    // There is room again, and room in what is there always was.
    join(&mut world, "two too", "tenant-2");
    one.leave(&mut world);
    world.run();
    join(&mut world, "three too", "tenant-3");
    assert_eq!(world.counts().template_realms, 2);
    world.end();
}

/// A realm has what is written for its template: who may join, what they may do, what is disclosed.
#[test]
fn a_realm_has_the_settings_of_its_template() {
    let rule = |uri| Rule::new(exact(uri), Rights::NONE.with(Right::Publish));
    let mut world = World::with(1, |config| {
        tenants(config);
        let ticket = Credential::Ticket("secret".into());
        config.authentication = vec![
            Authentication::new([Method::Ticket])
                .realm(like())
                .principal(Principal::new("joe", "user").credential(ticket)),
        ];
        let permissions = RealmPermissions::new(like());
        config.permissions = vec![permissions.role("user", Access::Rules(vec![rule("t.allowed")]))];
    });
    let raw = world.raw("anybody", Encoding::Json);
    raw.send(&mut world, r#"[1,"tenant-a",{"roles":{"publisher":{}}}]"#);
    assert!(raw.received(&mut world).concat().contains("authentication_required"));
    assert_eq!(world.counts().template_realms, 0, "nobody has joined");
    let raw = world.raw("joe", Encoding::Json);
    let hello = r#"[1,"tenant-a",{"roles":{"publisher":{}},"authid":"joe","authmethods":["ticket"]}]"#;
    raw.send(&mut world, hello);
    assert_eq!(world.counts().template_realms, 0, "nor has he yet");
    raw.send(&mut world, r#"[5,"secret",{}]"#);
    assert_eq!(world.counts().template_realms, 1);
    raw.received(&mut world);
    raw.send(&mut world, r#"[16,1,{"acknowledge":true},"t.allowed"]"#);
    raw.send(&mut world, r#"[16,2,{"acknowledge":true},"t.denied"]"#);
    let answers = raw.received(&mut world).concat();
    assert!(answers.contains("[17,1,") && answers.contains("[8,16,2,{},\"wamp.error.not_authorized\""));
    // They can change, as those of any realm.
    let permissions = RealmPermissions::new(like());
    world.permit([permissions.role("user", Access::Rules(vec![rule("t.denied")]))]);
    raw.send(&mut world, r#"[16,3,{"acknowledge":true},"t.denied"]"#);
    assert!(raw.received(&mut world).concat().contains("[17,3,"));
    world.end();
}

/// P-36, R-101, and how many there may be: realm by realm.
#[test]
fn p_36_r_101_settings_of_one_realm() {
    let mut world = World::with(1, |config| {
        tenants(config);
        config.caller_disclosure = Disclosure::Never;
        let mut settings = RealmSettings::new(like());
        settings.caller_disclosure = Some(Disclosure::Always);
        settings.publisher_disclosure = Some(Disclosure::Always);
        settings.max_sessions = Some(2);
        config.realm_settings = vec![settings];
    });
    for (realm, disclosed) in [("tenant-a", true), ("realm1", false)] {
        let callee = join(&mut world, "callee", realm);
        let caller = join(&mut world, "caller", realm);
        callee.register(&mut world, "t.add");
        callee.subscribe(&mut world, "t.news");
        world.run();
        callee.events(&mut world);
        caller.call(&mut world, "t.add", ());
        caller.publish(&mut world, "t.news", ());
        world.run();
        let events = callee.events(&mut world);
        let caller_known = events.iter().any(|event| match event {
            Event::Invocation { details, .. } => details.caller.is_some(),
            _ => false,
        });
        let publisher_known = events.iter().any(|event| match event {
            Event::Event(event) => event.details.publisher.is_some(),
            _ => false,
        });
        assert_eq!((caller_known, publisher_known), (disclosed, disclosed), "{realm}");
        let third = join(&mut world, "third", realm);
        assert_eq!(third.closed(&mut world).is_some(), disclosed, "{realm}");
    }
    world.end();
}

/// Somebody who has been told to leave and does not answer is in no realm any more, whatever has its name by now.
#[test]
fn s_41_who_lingers_is_not_in_the_next_realm_of_the_name() {
    let mut world = World::with(1, tenants);
    let raw = world.raw("lingering", Encoding::Json);
    raw.send(&mut world, r#"[1,"tenant-a",{"roles":{"publisher":{},"subscriber":{},"callee":{}}}]"#);
    let killed = r#"[16,1,{},"wamp.x"]"#;
    raw.send(&mut world, r#"[32,1,{"match":"prefix"},""]"#);
    let admin = join(&mut world, "admin", "tenant-a");
    assert_eq!(admin.ask(&mut world, "wamp.session.kill_all", (), ()), "[1]");
    raw.received(&mut world);
    admin.leave(&mut world);
    world.run();
    assert_eq!(world.counts().template_realms, 0);
    let next = join(&mut world, "next", "tenant-a");
    next.subscribe_pattern(&mut world, Match::Prefix, "");
    next.publish(&mut world, "t.news", ());
    world.run();
    raw.send(&mut world, killed);
    raw.send(&mut world, r#"[16,2,{},"t.news"]"#);
    assert!(raw.received(&mut world).is_empty(), "{}", world.transcript());
    raw.send(&mut world, r#"[6,{},"wamp.close.goodbye_and_out"]"#);
    world.cut(raw);
    assert!(next.received(&mut world).is_empty());
    assert_eq!(next.ask(&mut world, "wamp.session.count", (), ()), "[1]");
    world.end();
}

const NAMES: [&str; 3] = ["tenant-red", "tenant-green", "tenant-blue"];

struct Member {
    client: Client,
    name: usize,
    life: u64,
}

/// Realms that come and go, and in each life leave what could be found by the next one, or beside it.
struct Trial {
    world: World,
    random: Random,
    members: Vec<Member>,
    lives: [u64; NAMES.len()],
    /// In how many lives there was something to find.
    ended: u64,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let (world, random) = (World::with(seed, tenants), Random::new(seed));
        Self { world, random, members: Vec::new(), lives: [0; NAMES.len()], ended: 0 }
    }

    fn mark(member: &Member) -> String {
        format!("<{}/{}>", NAMES[member.name], member.life)
    }

    fn join(&mut self, name: usize) {
        let client = join(&mut self.world, NAMES[name], NAMES[name]);
        self.members.push(Member { client, name, life: self.lives[name] });
    }

    fn part(&mut self, at: usize) {
        let Member { client, name, .. } = self.members.remove(at);
        if self.random.one_in(2) {
            client.leave(&mut self.world);
        } else {
            self.world.cut(client);
        }
        self.world.run();
        if self.members.iter().all(|member| member.name != name) {
            self.lives[name] += 1;
            self.ended += 1;
        }
    }

    fn step(&mut self) {
        let name = self.random.below(NAMES.len());
        if self.members.is_empty() || self.random.one_in(4) {
            return self.join(name);
        }
        let at = self.random.below(self.members.len());
        if self.random.one_in(3) {
            return self.part(at);
        }
        let (client, mark) = (self.members[at].client, Self::mark(&self.members[at]));
        let world = &mut self.world;
        let number = format!("t.{}", mark.len());
        let _request = match self.random.below(8) {
            0 => client.publish_with(world, "t.last", (mark,), retain()),
            1 => client.publish(world, "t.kept", (mark,)),
            2 => client.subscribe_with(world, "t.last", with_retained()),
            3 => client.subscribe_pattern(world, Match::Prefix, "t."),
            4 => client.register(world, &number),
            5 => client.call(world, "wamp.session.add_testament", ("t.kept", [mark], ())),
            6 => client.call(world, &number, (mark,)),
            // The history of `t.kept` has the first id in each realm.
            _ => client.call(world, "wamp.subscription.get_events", (1,)),
        };
        self.world.run();
    }

    /// All that has come is of this life of this realm. Counts it.
    fn check(&mut self) -> usize {
        let mut seen = 0;
        for member in &self.members {
            let own = Self::mark(member);
            for event in member.client.events(&mut self.world) {
                let payload = match &event {
                    Event::Event(event) => &event.payload,
                    Event::Invocation { payload, .. } | Event::Result { payload, .. } => payload,
                    _ => continue,
                };
                let text = format!("{:?} {:?}", payload.list().unwrap(), payload.dict().unwrap());
                assert!(!text.replace(&own, "").contains("<tenant-"), "{text} in {own}");
                seen += usize::from(text.contains(&own));
            }
        }
        seen
    }
}

#[test]
fn t_78_s_12_nothing_leaks_between_realms_of_a_template_nor_from_one_life_to_the_next() {
    let (mut seen, mut ended) = (0, 0);
    for seed in 0..20 {
        let mut trial = Trial::new(seed);
        for _ in 0..200 {
            trial.step();
            seen += trial.check();
            let there = trial.members.iter().map(|member| (member.name, ())).collect::<BTreeMap<_, _>>();
            assert_eq!(trial.world.counts().template_realms, there.len());
        }
        ended += trial.ended;
        trial.world.end();
    }
    assert!(seen > 300 && ended > 200, "{seen}, {ended}: nothing was to be found at all");
}
