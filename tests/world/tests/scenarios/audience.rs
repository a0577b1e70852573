//! Who receives an event and what it is told of the publisher: lists, disclosure, trust levels.

use wamp_proto::{
    Encoding, Match, Pattern, Uri,
    id::SessionId,
    message::{Audience, Feature, Features, PublishOptions, Role},
    router::{Disclosure, TrustRule},
    uri::UriRule,
};
use wamp_world::{Client, World, world::LinkRule};

use crate::{check, join_plain};

const TOPIC: &str = "com.example.tick";

fn lists(change: impl FnOnce(&mut Audience)) -> PublishOptions {
    let mut audience = Audience::default();
    change(&mut audience);
    PublishOptions { audience: Some(Box::new(audience)), acknowledge: true, ..PublishOptions::default() }
}

fn disclosing() -> PublishOptions {
    PublishOptions { disclose_me: true, acknowledge: true, ..PublishOptions::default() }
}

/// One publisher and three subscribers to a topic.
fn four(world: &mut World) -> (Client, [Client; 3]) {
    let publisher = world.join("publisher", Encoding::Json);
    let names = [("alice", Encoding::Json), ("bob", Encoding::Cbor), ("carol", Encoding::MessagePack)];
    let subscribers = names.map(|(name, encoding)| world.join(name, encoding));
    for subscriber in subscribers {
        subscriber.subscribe(world, TOPIC);
    }
    world.run();
    (publisher, subscribers)
}

#[test]
fn p_26_to_p_28_t_24_t_25_the_truth_table_of_the_lists() {
    let mut world = World::new(1);
    let (publisher, subscribers) = four(&mut world);
    let sessions = subscribers.map(|subscriber| subscriber.session_id(&mut world));
    let authids = subscribers.map(|subscriber| subscriber.welcome(&mut world).details.authid.unwrap());
    let [alice, bob, _] = sessions;
    let [alice_authid, bob_authid, _] = authids;
    let stranger = SessionId::try_from(4711).unwrap();
    let (role, other) = ("anonymous".to_owned(), "admin".to_owned());
    let table: Vec<(&str, PublishOptions, [bool; 3])> = vec![
        ("no lists", lists(|_| {}), [true, true, true]),
        ("exclude nobody", lists(|it| it.exclude = Some(vec![])), [true, true, true]),
        ("nobody is eligible", lists(|it| it.eligible = Some(vec![])), [false; 3]),
        ("no authid is eligible", lists(|it| it.eligible_authid = Some(vec![])), [false; 3]),
        ("no authrole is eligible", lists(|it| it.eligible_authrole = Some(vec![])), [false; 3]),
        ("exclude one", lists(|it| it.exclude = Some(vec![alice])), [false, true, true]),
        ("one is eligible", lists(|it| it.eligible = Some(vec![alice])), [true, false, false]),
        ("two, one twice", lists(|it| it.eligible = Some(vec![bob, alice, bob])), [true, true, false]),
        ("a stranger is", lists(|it| it.eligible = Some(vec![stranger])), [false; 3]),
        (
            "eligible and excluded",
            lists(|it| (it.eligible, it.exclude) = (Some(vec![alice, bob]), Some(vec![alice]))),
            [false, true, false],
        ),
        (
            "exclude an authid",
            lists(|it| it.exclude_authid = Some(vec![alice_authid.clone()])),
            [false, true, true],
        ),
        ("an authid", lists(|it| it.eligible_authid = Some(vec![bob_authid.clone()])), [false, true, false]),
        ("exclude the role", lists(|it| it.exclude_authrole = Some(vec![role.clone()])), [false; 3]),
        ("exclude another", lists(|it| it.exclude_authrole = Some(vec![other.clone()])), [true; 3]),
        ("the role", lists(|it| it.eligible_authrole = Some(vec![other.clone(), role.clone()])), [true; 3]),
        (
            "both must agree",
            lists(|it| (it.eligible, it.eligible_authrole) = (Some(vec![alice]), Some(vec![other.clone()]))),
            [false; 3],
        ),
        (
            "and do",
            lists(|it| (it.eligible, it.eligible_authrole) = (Some(vec![alice]), Some(vec![role.clone()]))),
            [true, false, false],
        ),
        (
            "session and authid",
            lists(|it| {
                (it.eligible, it.eligible_authid) = (Some(vec![alice]), Some(vec![bob_authid.clone()]));
            }),
            [false; 3],
        ),
    ];
    for (number, (name, options, receives)) in table.into_iter().enumerate() {
        world.note(name);
        publisher.publish_with(&mut world, TOPIC, (number,), options);
        world.run();
        let event = format!("[{number}]");
        let received = subscribers.map(|subscriber| subscriber.received(&mut world).contains(&event));
        assert_eq!(received, receives, "{name}");
    }
    check(&mut world, "lists");
}

#[test]
fn p_22_p_29_t_23_lists_add_nobody() {
    let mut world = World::new(1);
    let (publisher, [alice, ..]) = four(&mut world);
    let outsider = world.join("outsider", Encoding::Json);
    publisher.subscribe(&mut world, TOPIC);
    world.run();
    let named = [publisher, alice, outsider].map(|client| client.session_id(&mut world)).to_vec();
    publisher.publish_with(&mut world, TOPIC, (1,), lists(|it| it.eligible = Some(named.clone())));
    world.run();
    assert_eq!([publisher, alice, outsider].map(|client| client.received(&mut world).len()), [0, 1, 0]);
    let options = PublishOptions { exclude_me: Some(false), ..lists(|it| it.eligible = Some(named)) };
    publisher.publish_with(&mut world, TOPIC, (2,), options);
    world.run();
    assert_eq!([publisher, alice, outsider].map(|client| client.received(&mut world).len()), [1, 2, 0]);
    world.end();
}

#[test]
fn p_27_fault_72_lists_do_not_reach_other_realms() {
    let mut world = World::new(1);
    let publisher = world.join("publisher", Encoding::Json);
    let other = world.join_with("other", Encoding::Json, LinkRule::default(), |config| {
        config.realm = Uri::unchecked(wamp_world::world::OTHER_REALM);
    });
    other.subscribe(&mut world, TOPIC);
    world.run();
    let session = other.session_id(&mut world);
    publisher.publish_with(&mut world, TOPIC, (1,), lists(|it| it.eligible = Some(vec![session])));
    world.run();
    assert!(other.received(&mut world).is_empty());
    world.end();
}

#[test]
fn p_36_p_38_t_68_disclosure_on_request() {
    let mut world = World::new(1);
    let (publisher, _) = four(&mut world);
    let plain = join_plain(&mut world, "plain", Encoding::Json);
    plain.subscribe(&mut world, TOPIC);
    plain.subscribe_pattern(&mut world, Match::Prefix, "com.");
    world.run();
    publisher.publish(&mut world, TOPIC, ("hidden",));
    publisher.publish_with(&mut world, TOPIC, ("shown",), disclosing());
    world.run();
    // F-03: who has not announced the feature gets the event without the publisher.
    check(&mut world, "disclose_publisher");
}

#[test]
fn p_36_disclosure_by_configuration() {
    let mut world = World::with(1, |config| config.publisher_disclosure = Disclosure::Always);
    let (publisher, _) = four(&mut world);
    publisher.publish(&mut world, TOPIC, ("shown",));
    world.run();
    check(&mut world, "disclose_publisher_always");
}

#[test]
fn p_37_t_69_disclosure_refused() {
    let mut world = World::with(1, |config| config.publisher_disclosure = Disclosure::Never);
    let (publisher, [alice, ..]) = four(&mut world);
    let request = publisher.publish_with(&mut world, TOPIC, ("no",), disclosing());
    publisher.publish_with(&mut world, TOPIC, ("no",), PublishOptions { acknowledge: false, ..disclosing() });
    publisher.publish(&mut world, TOPIC, ("yes",));
    world.run();
    assert_eq!(publisher.failure(&mut world, request), "wamp.error.option_disallowed.disclose_me");
    assert_eq!(alice.received(&mut world), [r#"["yes"]"#]);
    check(&mut world, "disclose_publisher_never");
}

#[test]
fn p_40_trust_levels() {
    let mut world = World::with(1, |config| {
        let rule = |authrole: Option<&str>, prefix: &str, level| TrustRule {
            authrole: authrole.map(str::to_owned),
            uri: Some(Pattern::new(UriRule::Loose, Match::Prefix, prefix).unwrap()),
            level,
        };
        config.publication_trust = vec![
            rule(Some("admin"), "com.", 9),
            rule(None, "com.example.secret", 0),
            rule(Some("anonymous"), "com.", 3),
        ];
    });
    let subscriber = world.join("subscriber", Encoding::Json);
    let plain = world.join_with("plain", Encoding::Json, LinkRule::default(), |config| {
        let features = Features::NONE.with(Feature::PublisherIdentification);
        config.roles = config.roles.with(Role::Subscriber, features);
    });
    let publisher = world.join("publisher", Encoding::Cbor);
    for client in [subscriber, plain] {
        client.subscribe_pattern(&mut world, Match::Prefix, "");
    }
    world.run();
    for topic in ["com.example.secret.key", "com.example.tick", "org.example.tick"] {
        publisher.publish(&mut world, topic, ());
    }
    publisher.publish_with(&mut world, "com.example.tick", (), disclosing());
    world.run();
    check(&mut world, "publication_trust_levels");
}
