//! Decisions of whoever runs the router, and the order that they must not disturb (A-89, A-90, S-75, S-77, fault 86).

use std::time::Duration;

use wamp_proto::{
    Encoding, Match, Uri, Value,
    message::PublishOptions,
    router::{Access, Authorization, Event, Limit, Permission, RealmPermissions, Right, Ruling},
};
use wamp_world::{Client, World, world::REALM};

use crate::check;

fn dynamic() -> RealmPermissions {
    RealmPermissions::new(Uri::unchecked(REALM)).role("app", Access::Everything).role("user", Access::Dynamic)
}

fn world_with(change: impl FnOnce(&mut wamp_proto::router::Config)) -> (World, Client, Client) {
    let mut world = World::with(1, |config| {
        config.permissions = vec![dynamic()];
        change(config);
    });
    let app = world.join_as("app", "app", REALM);
    let user = world.join_as("user", "user", REALM);
    (world, app, user)
}

fn world() -> (World, Client, Client) {
    world_with(|_| {})
}

/// The question that there must be now.
fn question(world: &mut World) -> Authorization {
    world.run();
    let question = world.question().expect("the router asks");
    assert_eq!(world.question(), None);
    question
}

#[test]
fn a_86_a_87_a_89_what_is_asked() {
    let (mut world, app, user) = world();
    let session = user.session_id(&mut world);
    let options = PublishOptions { acknowledge: true, retain: true, ..PublishOptions::default() };
    user.publish_with(&mut world, "com.tick", (1,), options);
    user.subscribe_pattern(&mut world, Match::Prefix, "com.");
    let first = question(&mut world);
    assert_eq!((first.right, first.subject.uri().as_str()), (Right::Publish, "com.tick"));
    assert_eq!((first.session, &*first.authid, &*first.authrole), (session, "user", "user"));
    assert_eq!((first.realm.as_str(), &*first.authmethod), (REALM, "trusted"));
    assert_eq!(first.options.get("retain").and_then(Value::as_bool), Some(true));
    world.authorize(&first, Permission::allow());
    let second = question(&mut world);
    assert_eq!((second.right, second.subject.kind()), (Right::Subscribe, Match::Prefix));
    assert_eq!(second.options.get("match").and_then(Value::as_str), Some("prefix"));
    world.authorize(&second, Permission::deny());
    world.run();
    app.publish(&mut world, "com.tick", (2,));
    world.run();
    assert!(user.received(&mut world).is_empty());
    assert!(world.transcript().contains("wamp.error.not_authorized"));
    check(&mut world, "authorizing");
}

#[test]
fn a_90_s_75_s_77_later_messages_wait_in_order() {
    let (mut world, app, user) = world();
    for topic in ["com.a", "com.b"] {
        app.subscribe(&mut world, topic);
    }
    app.register(&mut world, "com.first");
    app.register(&mut world, "com.second");
    world.run();
    user.publish(&mut world, "com.a", (1,));
    user.publish(&mut world, "com.b", (2,));
    user.call(&mut world, "com.first", (3,));
    user.publish(&mut world, "com.a", (4,));
    user.call(&mut world, "com.second", (5,));
    user.leave(&mut world);
    // Others do not wait.
    app.publish(&mut world, "com.other", ());
    let mut asked = Vec::new();
    for _ in 0..5 {
        let next = question(&mut world);
        asked.push(next.subject.uri().to_string());
        assert!(world.left(user).is_none(), "GOODBYE waits too");
        world.authorize(&next, Permission::allow());
    }
    world.run();
    assert_eq!(asked, ["com.a", "com.b", "com.first", "com.a", "com.second"]);
    assert_eq!(app.received(&mut world), ["[1]", "[2]", "[4]"]);
    assert!(world.left(user).is_some());
    check(&mut world, "authorizing_order");
}

#[test]
fn fault_86_no_decision_is_a_denial() {
    let (mut world, app, user) = world_with(|config| config.authorization_timeout = Duration::from_secs(3));
    app.subscribe(&mut world, "com.tick");
    let options = PublishOptions { acknowledge: true, ..PublishOptions::default() };
    let refused = user.publish_with(&mut world, "com.tick", (1,), options);
    let late = question(&mut world);
    world.advance(Duration::from_millis(2_999));
    assert_eq!(user.results(&mut world, refused).len(), 0);
    world.advance(Duration::from_millis(1));
    assert_eq!(user.failure(&mut world, refused), "wamp.error.authorization_failed");
    // Too late, and too late once more.
    world.authorize(&late, Permission::allow());
    world.authorize(&late, Permission::deny());
    let failed = user.call(&mut world, "com.add", ());
    let next = question(&mut world);
    // A decision about another question is none about this one.
    world.authorize(&late, Permission::allow());
    world.authorize(&next, Permission::failed());
    world.run();
    assert_eq!(user.failure(&mut world, failed), "wamp.error.authorization_failed");
    assert!(app.received(&mut world).is_empty());
    assert_eq!(world.counts().totals.denied, 2);
    check(&mut world, "authorizing_too_late");
}

#[test]
fn a_session_that_leaves_meanwhile() {
    let (mut world, app, user) = world();
    app.subscribe(&mut world, "com.tick");
    world.run();
    user.publish(&mut world, "com.tick", (1,));
    let void = question(&mut world);
    world.cut(user);
    world.authorize(&void, Permission::allow());
    // Neither does the next one in its place inherit anything.
    let other = world.join_as("other", "user", REALM);
    other.publish(&mut world, "com.tick", (2,));
    let own = question(&mut world);
    assert_ne!(void.id, own.id);
    world.authorize(&void, Permission::allow());
    world.run();
    assert!(app.received(&mut world).is_empty());
    world.authorize(&own, Permission::allow());
    world.run();
    assert_eq!(app.received(&mut world), ["[2]"]);
    check(&mut world, "authorizing_gone");
}

#[test]
fn a_session_that_is_killed_meanwhile() {
    let (mut world, app, user) = world();
    app.subscribe(&mut world, "com.tick");
    let session = user.session_id(&mut world).get();
    user.publish(&mut world, "com.tick", (1,));
    let void = question(&mut world);
    app.call(&mut world, "wamp.session.kill", (session,));
    world.run();
    world.authorize(&void, Permission::allow());
    world.run();
    assert!(world.left(user).is_some());
    assert!(app.received(&mut world).is_empty());
    world.end();
}

#[test]
fn decisions_may_hold_for_a_while() {
    let (mut world, app, user) = world_with(|config| config.max_cached_decisions = 2);
    app.subscribe_pattern(&mut world, Match::Prefix, "com.");
    world.run();
    let publish = |world: &mut World, topic: &str| {
        user.publish(world, topic, ());
        world.run();
        world.question()
    };
    let minute = Permission::allow().cache(Duration::from_secs(60));
    let asked = publish(&mut world, "com.a").unwrap();
    world.authorize(&asked, minute);
    assert_eq!(publish(&mut world, "com.a"), None);
    // For this URI and this right.
    let asked = publish(&mut world, "com.b").unwrap();
    world.authorize(&asked, Permission::deny().cache(Duration::from_secs(60)));
    assert_eq!(publish(&mut world, "com.b"), None);
    user.subscribe(&mut world, "com.a");
    let asked = question(&mut world);
    world.authorize(&asked, minute);
    // The oldest has made room.
    let asked = publish(&mut world, "com.a").unwrap();
    world.authorize(&asked, minute);
    world.advance(Duration::from_secs(59));
    assert_eq!(publish(&mut world, "com.a"), None);
    world.advance(Duration::from_secs(1));
    let asked = publish(&mut world, "com.a").unwrap();
    world.authorize(&asked, minute);
    world.run();
    assert_eq!(app.received(&mut world).len(), 5);
    // Other permissions, other decisions.
    world.permit([dynamic()]);
    let asked = publish(&mut world, "com.a").unwrap();
    world.authorize(&asked, Permission::deny());
    world.end();
}

#[test]
fn what_waits_is_bounded() {
    let (mut world, app, user) = world_with(|config| config.max_held_messages = 4);
    app.subscribe(&mut world, "com.tick");
    for number in 0..20 {
        user.publish(&mut world, "com.tick", (number,));
    }
    let mut next = Some(question(&mut world));
    assert!(!world.router_reads(user), "the router reads no more than it keeps");
    assert!(world.router_reads(app));
    let mut asked = 0;
    while let Some(question) = next {
        world.authorize(&question, Permission::allow());
        world.run();
        asked += 1;
        next = world.question();
    }
    assert_eq!(asked, 20);
    assert_eq!(app.received(&mut world), (0..20).map(|number| format!("[{number}]")).collect::<Vec<_>>());
    assert!(world.router_reads(user));
    world.end();

    let (mut world, _, user) = world_with(|config| config.max_held_bytes = 10_000);
    user.publish(&mut world, "com.tick", ("x".repeat(20_000),));
    world.run();
    assert!(!world.router_reads(user));
    let [Event::Limited { limit: Limit::HeldMessages, .. }] = world.warnings() else {
        panic!("{:?}", world.warnings())
    };
    world.end();
}

#[test]
fn what_waits_is_looked_at_anew_under_other_permissions() {
    for (access, received, ruling) in
        [(Access::Everything, 2, "PUBLISHED"), (Access::Rules(vec![]), 0, "not_authorized")]
    {
        let (mut world, app, user) = world_with(|config| config.strict_request_ids = true);
        app.subscribe(&mut world, "com.tick");
        let options = PublishOptions { acknowledge: true, ..PublishOptions::default() };
        let requests =
            [1, 2].map(|number| user.publish_with(&mut world, "com.tick", (number,), options.clone()));
        let void = question(&mut world);
        let permissions = RealmPermissions::new(Uri::unchecked(REALM)).role("app", Access::Everything);
        world.permit([permissions.role("user", access)]);
        world.run();
        world.authorize(&void, Permission::allow());
        world.run();
        assert_eq!(app.received(&mut world).len(), received, "{ruling}");
        if received == 0 {
            for request in requests {
                assert_eq!(user.failure(&mut world, request), "wamp.error.not_authorized");
            }
        }
        assert_eq!(user.closed(&mut world), None);
        world.end();
    }
}

#[test]
fn testaments_wait_for_nobody() {
    let (mut world, _, user) = world();
    let none = std::collections::BTreeMap::<String, u8>::new();
    let call = user.call(&mut world, "wamp.session.add_testament", ("com.bye", (), none));
    let asked = question(&mut world);
    assert_eq!(asked.right, Right::Call);
    world.authorize(&asked, Permission::allow());
    world.run();
    assert_eq!(user.failure(&mut world, call), "wamp.error.not_authorized");
    world.end();
}

#[test]
fn fault_73_a_decision_discloses() {
    let (mut world, app, user) = world();
    app.subscribe(&mut world, "com.tick");
    user.publish(&mut world, "com.tick", ());
    let asked = question(&mut world);
    world.authorize(&asked, Permission::allow().disclose());
    world.run();
    assert!(world.transcript().contains(r#""publisher_authid":"user""#));
    assert_eq!(Permission::allow().ruling, Ruling::Allowed);
    world.end();
}

#[test]
fn s_38_abort_does_not_wait() {
    let (mut world, _, _) = world();
    let mallory = world.raw("mallory", Encoding::Json);
    world.permit([dynamic().role("anonymous", Access::Dynamic)]);
    mallory.hello(&mut world);
    mallory.send(&mut world, r#"[16,1,{},"com.tick"]"#);
    question(&mut world);
    mallory.send(&mut world, r#"[3,{},"wamp.error.no"]"#);
    assert!(world.left(mallory).is_some());
    world.end();
}
