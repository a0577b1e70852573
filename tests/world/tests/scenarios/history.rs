//! What was published before, for those who ask.

use std::time::Duration;

use wamp_proto::{
    Dict, Encoding, Match, Pattern, Uri, Value,
    message::{Audience, PublishOptions},
    router::HistoryRule,
    uri::UriRule,
};
use wamp_world::{Client, World, world::REALM};

use crate::check;

const GET: &str = "wamp.subscription.get_events";
const TICK: &str = "com.example.tick";

fn rule(kind: Match, topic: &str, max_events: usize) -> HistoryRule {
    let mut rule =
        HistoryRule::new(Uri::unchecked(REALM), Pattern::new(UriRule::Loose, kind, topic).unwrap());
    rule.max_events = max_events;
    rule
}

/// A world that keeps the events of a topic and of a pattern, and the ids of the two subscriptions.
fn keeping() -> (World, Client, u64, u64) {
    let mut world = World::with(1, |config| {
        config.history = vec![rule(Match::Exact, TICK, 5), rule(Match::Prefix, "com.", 100)];
        config.unix_time_at_zero = Duration::from_secs(1_795_389_171);
    });
    let alice = world.join("alice", Encoding::Json);
    let look_up = |world: &mut World, args: (&str, Dict)| {
        let answer = alice.ask(world, "wamp.subscription.lookup", args, Dict::new());
        answer.trim_matches(['[', ']']).parse().unwrap()
    };
    let tick = look_up(&mut world, (TICK, Dict::new()));
    let all = look_up(&mut world, ("com.", Dict::from_iter([("match", "prefix")])));
    (world, alice, tick, all)
}

/// The first arguments of the events that a query finds.
fn found(world: &mut World, client: Client, subscription: u64, query: Dict) -> Vec<u64> {
    let answer = client.ask(world, GET, (subscription,), query);
    if answer.is_empty() {
        return Vec::new();
    }
    let Ok(Value::List(events)) = wamp_proto::codec::from_slice(Encoding::Json, answer.as_bytes()) else {
        panic!("{answer}")
    };
    let number = |event: &Value| event.as_dict()?.get("args")?.as_list()?.first()?.as_u64();
    events.iter().map(|event| number(event).unwrap()).collect()
}

fn by<V: Into<Value>>(entries: impl IntoIterator<Item = (&'static str, V)>) -> Dict {
    Dict::from_iter(entries)
}

/// Ten events, one a second.
fn publish_ten(world: &mut World, client: Client) {
    for number in 0..10 {
        let topic = if number % 2 == 0 { TICK } else { "com.example.tock" };
        client.publish(world, topic, (number,));
        world.run();
        world.advance(Duration::from_secs(1));
    }
}

#[test]
fn p_75_p_78_to_p_80_p_83_a_history() {
    let (mut world, alice, tick, all) = keeping();
    assert_eq!(alice.ask(&mut world, GET, (tick,), Dict::new()), "");
    let options = PublishOptions { disclose_me: true, ..PublishOptions::default() };
    alice.publish_with(&mut world, TICK, (1, "two"), options);
    alice.publish(&mut world, "com.example.tock", ());
    alice.publish(&mut world, "org.example", ("not kept",));
    world.run();
    let bob = world.join("bob", Encoding::Cbor);
    bob.ask(&mut world, GET, (tick,), Dict::new());
    bob.ask(&mut world, GET, (all,), Dict::new());
    // P-80: the subscription of those who subscribe is the same.
    let subscribed = bob.subscribe(&mut world, TICK);
    world.run();
    assert_eq!(bob.subscription(&mut world, subscribed).get(), tick);
    world.cut(bob);
    let carol = world.join("carol", Encoding::MessagePack);
    carol.ask(&mut world, GET, (tick,), Dict::new());
    check(&mut world, "history");
}

#[test]
fn p_76_limit_reverse_and_topic() {
    let (mut world, alice, tick, all) = keeping();
    publish_ten(&mut world, alice);
    let mut find = |query| found(&mut world, alice, all, query);
    assert_eq!(find(Dict::new()), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(find(by([("limit", 3)])), [0, 1, 2]);
    assert_eq!(find(by([("limit", Value::from(3)), ("reverse", true.into())])), [9, 8, 7]);
    assert_eq!(find(by([("topic", TICK)])), [0, 2, 4, 6, 8]);
    assert_eq!(find(by([("topic", "com.example")])), [0; 0]);
    let several = [("topic", Value::from(TICK)), ("reverse", true.into()), ("limit", 2.into())];
    assert_eq!(find(by(several)), [8, 6]);
    assert_eq!(found(&mut world, alice, tick, Dict::new()), [0, 2, 4, 6, 8]);
    alice.publish(&mut world, TICK, (10,));
    world.run();
    // Fault 67: the oldest make room.
    assert_eq!(found(&mut world, alice, tick, Dict::new()), [2, 4, 6, 8, 10]);
    world.end();
}

#[test]
fn p_76_times() {
    let (mut world, alice, _, all) = keeping();
    publish_ten(&mut world, alice);
    let mut find = |query| found(&mut world, alice, all, query);
    let at = |second: u32| format!("2026-11-22T23:12:{second}Z");
    assert_eq!(find(by([("from_time", at(56))])), [5, 6, 7, 8, 9]);
    assert_eq!(find(by([("after_time", at(56))])), [6, 7, 8, 9]);
    assert_eq!(find(by([("before_time", at(53))])), [0, 1]);
    assert_eq!(find(by([("until_time", at(53))])), [0, 1, 2]);
    assert_eq!(
        find(by([("from_time", at(53)), ("until_time", "2026-11-23T00:12:54+01:00".to_owned())])),
        [2, 3]
    );
    assert_eq!(find(by([("from_time", at(56)), ("before_time", at(56))])), [0; 0]);
    world.end();
}

#[test]
fn p_77_t_71_publications_are_places() {
    let (mut world, alice, _, all) = keeping();
    publish_ten(&mut world, alice);
    let answer = alice.ask(&mut world, GET, (all,), Dict::new());
    let events: Vec<Dict> = wamp_proto::codec::from_slice(Encoding::Json, answer.as_bytes()).unwrap();
    let id = |place: usize| events[place].get("publication").and_then(Value::as_u64).unwrap();
    let mut find = |query| found(&mut world, alice, all, query);
    assert_eq!(find(by([("from_publication", id(6))])), [6, 7, 8, 9]);
    assert_eq!(find(by([("after_publication", id(6))])), [7, 8, 9]);
    assert_eq!(find(by([("before_publication", id(2))])), [0, 1]);
    assert_eq!(find(by([("until_publication", id(2))])), [0, 1, 2]);
    assert_eq!(find(by([("after_publication", id(2)), ("until_publication", id(4))])), [3, 4]);
    let unknown = alice.ask(&mut world, GET, (all,), by([("from_publication", 4711)]));
    assert_eq!(unknown, "wamp.error.invalid_argument");
    world.end();
}

#[test]
fn x_06_p_76_bad_queries() {
    let (mut world, alice, tick, _) = keeping();
    for (key, value) in [
        ("limit", Value::from(0)),
        ("limit", "many".into()),
        ("reverse", 1.into()),
        ("topic", 7.into()),
        ("from_time", "yesterday".into()),
        ("until_time", 1_795_389_171_u64.into()),
        ("before_publication", 0.into()),
        ("after_publication", "x".into()),
    ] {
        let answer = alice.ask(&mut world, GET, (tick,), by([(key, value)]));
        assert_eq!(answer, "wamp.error.invalid_argument", "{key}");
    }
    assert_eq!(alice.ask(&mut world, GET, (tick,), by([("limit", Value::Null)])), "");
    world.end();
}

#[test]
fn p_81_t_71_lists() {
    let (mut world, alice, tick, _) = keeping();
    let bob = world.join("bob", Encoding::Json);
    let (bob_id, authid) = (bob.session_id(&mut world), bob.welcome(&mut world).details.authid);
    let mut publish = |number: u64, change: &dyn Fn(&mut Audience)| {
        let mut audience = Audience::default();
        change(&mut audience);
        let options = PublishOptions { audience: Some(Box::new(audience)), ..PublishOptions::default() };
        alice.publish_with(&mut world, TICK, (number,), options);
        world.run();
    };
    let names = || Some(vec![authid.clone().unwrap()]);
    publish(1, &|it| it.exclude = Some(vec![]));
    publish(2, &|it| it.eligible = Some(vec![bob_id]));
    publish(3, &|it| it.eligible_authid = names());
    publish(4, &|it| it.exclude_authid = names());
    publish(5, &|it| it.eligible_authrole = Some(vec!["admin".to_owned()]));
    publish(6, &|_| {});
    assert_eq!(found(&mut world, bob, tick, Dict::new()), [3, 6]);
    assert_eq!(found(&mut world, alice, tick, Dict::new()), [4, 6]);
    // The limit counts what one may see.
    assert_eq!(found(&mut world, alice, tick, by([("limit", 2)])), [4, 6]);
    world.end();
}

#[test]
fn fault_67_a_result_is_clipped() {
    let mut world = World::with(1, |config| {
        config.history = vec![rule(Match::Exact, TICK, 100)];
        config.max_history_result = 4_000;
    });
    let alice = world.join("alice", Encoding::Json);
    for number in 0..20 {
        alice.publish(&mut world, TICK, (number, "x".repeat(500)));
    }
    world.run();
    let tick = 1;
    assert_eq!(found(&mut world, alice, tick, Dict::new()), [0, 1, 2, 3]);
    world.end();
}

#[test]
fn x_60_x_63_a_kept_subscription_without_subscribers() {
    let (mut world, alice, tick, _) = keeping();
    let listener = world.join("listener", Encoding::Json);
    listener.subscribe_pattern(&mut world, Match::Prefix, "wamp.subscription.");
    world.run();
    for _ in 0..2 {
        let bob = world.join("bob", Encoding::Json);
        bob.subscribe(&mut world, TICK);
        world.run();
        bob.leave(&mut world);
        world.run();
    }
    // As told to others, it comes and goes with its subscribers.
    let events = listener.received(&mut world);
    assert_eq!(events.iter().filter(|event| event.contains(TICK)).count(), 2, "{events:?}");
    assert_eq!(events.len(), 2 + 2 * 4);
    let count = alice.ask(&mut world, "wamp.subscription.count_subscribers", (tick,), Dict::new());
    assert_eq!(count, "[0]");
    world.end();
}
