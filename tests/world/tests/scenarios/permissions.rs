//! Who may do what: rules of roles, and what becomes of those who may not (A-86..A-88, A-91, T-18, X-07).

use wamp_proto::{
    Match, Pattern, Uri,
    message::{CallOptions, PublishOptions, SubscribeOptions},
    router::{Access, Disclosure, Event, HistoryRule, RealmPermissions, Right, Rule},
    uri::UriRule,
};
use wamp_world::{Client, World, world::REALM};

use crate::check;

fn rule(kind: Match, uri: &str, allow: &[Right]) -> Rule {
    Rule::new(Pattern::new(UriRule::Loose, kind, uri).unwrap(), allow.iter().copied().collect())
}

/// The role `app` may do everything, the role `user` what these rules say.
fn permissions(rules: Vec<Rule>) -> RealmPermissions {
    RealmPermissions::new(Uri::unchecked(REALM))
        .role("app", Access::Everything)
        .role("user", Access::Rules(rules))
}

fn world(rules: Vec<Rule>) -> (World, Client, Client) {
    let mut world = World::with(1, |config| config.permissions = vec![permissions(rules)]);
    let app = world.join_as("app", "app", REALM);
    let user = world.join_as("user", "user", REALM);
    (world, app, user)
}

fn acknowledged() -> PublishOptions {
    PublishOptions { acknowledge: true, ..PublishOptions::default() }
}

const DENIED: &str = "wamp.error.not_authorized";

#[test]
fn a_86_a_88_each_right_for_itself() {
    for right in Right::ALL {
        let (mut world, app, user) = world(vec![rule(Match::Prefix, "com.", &[right])]);
        app.register(&mut world, "com.add");
        world.run();
        let requests = [
            (Right::Call, user.call(&mut world, "com.add", ())),
            (Right::Register, user.register(&mut world, "com.sub")),
            (Right::Publish, user.publish_with(&mut world, "com.tick", (), acknowledged())),
            (Right::Subscribe, user.subscribe(&mut world, "com.tick")),
        ];
        world.run();
        for (wanted, request) in requests {
            if wanted != right {
                assert_eq!(user.failure(&mut world, request), DENIED, "{wanted} of {right}");
                let text = format!("[\"the role `user` may not {wanted} `com.");
                assert!(world.transcript().contains(&text), "{}", world.transcript());
            }
        }
        let counts = world.counts();
        assert_eq!(app.invoked(&mut world), usize::from(right == Right::Call));
        assert_eq!(counts.registrations, 1 + usize::from(right == Right::Register));
        assert_eq!(counts.subscriptions, usize::from(right == Right::Subscribe));
        assert_eq!(counts.totals.denied, 3);
        assert_eq!(user.closed(&mut world), None);
        check(&mut world, &format!("permission_to_{right}"));
    }
}

#[test]
fn t_18_a_88_a_publication_without_acknowledgement_is_denied_in_silence() {
    let (mut world, app, user) = world(vec![rule(Match::Exact, "com.open", &[Right::Publish])]);
    app.subscribe_pattern(&mut world, Match::Prefix, "com.");
    world.run();
    user.publish(&mut world, "com.closed", ("closed",));
    user.publish(&mut world, "com.open", ("open",));
    world.run();
    assert_eq!(app.received(&mut world), [r#"["open"]"#]);
    assert_eq!(world.counts().totals.denied, 1);
    let Event::NotAuthorized { authid, denial, .. } = &world.warnings()[0] else { panic!() };
    assert_eq!(
        (&**authid, denial.right, denial.subject.uri().as_str()),
        ("user", Right::Publish, "com.closed")
    );
    check(&mut world, "permission_silence");
}

#[test]
fn fault_66_a_pattern_must_not_reach_more_than_is_allowed() {
    let (mut world, app, user) = world(vec![
        rule(Match::Prefix, "com.app.", &[Right::Subscribe, Right::Register]),
        rule(Match::Exact, "com.app.secret", &[]),
    ]);
    let refused = [
        user.subscribe_pattern(&mut world, Match::Prefix, ""),
        user.subscribe_pattern(&mut world, Match::Prefix, "com.app"),
        user.subscribe_pattern(&mut world, Match::Prefix, "com.app."),
        user.subscribe_pattern(&mut world, Match::Wildcard, "com.app."),
        user.subscribe_pattern(&mut world, Match::Wildcard, "com..log"),
        user.register_pattern(&mut world, Match::Prefix, "com."),
        user.register_pattern(&mut world, Match::Prefix, "com.app.se"),
    ];
    user.subscribe_pattern(&mut world, Match::Prefix, "com.app.log.");
    user.subscribe_pattern(&mut world, Match::Wildcard, "com.app..log");
    user.register_pattern(&mut world, Match::Prefix, "com.app.log.");
    world.run();
    for request in refused {
        assert_eq!(user.failure(&mut world, request), DENIED);
    }
    for topic in ["com.app.secret", "com.other", "com.app.log.1"] {
        app.publish(&mut world, topic, (topic,));
    }
    world.run();
    assert_eq!(user.received(&mut world), [r#"["com.app.log.1"]"#]);
    check(&mut world, "permission_of_patterns");
}

#[test]
fn what_cannot_be_served_is_refused_for_what_it_is() {
    let (mut world, _, user) = world(vec![]);
    let reserved = user.register(&mut world, "wamp.mine");
    world.run();
    assert_eq!(user.failure(&mut world, reserved), "wamp.error.invalid_uri");
    assert_eq!(world.counts().totals.denied, 0);
    world.end();
}

#[test]
fn x_07_fault_71_the_meta_api_needs_rules_of_its_own() {
    let everything = rule(Match::Prefix, "", &Right::ALL);
    let (mut world, app, user) =
        world(vec![everything, rule(Match::Exact, "wamp.session.count", &[Right::Call])]);
    let session = app.session_id(&mut world).get();
    let kill = user.call(&mut world, "wamp.session.kill", (session,));
    let joins = user.subscribe(&mut world, "wamp.session.on_join");
    let all = user.subscribe_pattern(&mut world, Match::Prefix, "");
    let count = user.call(&mut world, "wamp.session.count", ());
    world.run();
    assert_eq!(user.failure(&mut world, kill), DENIED);
    assert_eq!(user.failure(&mut world, joins), DENIED);
    user.subscription(&mut world, all);
    assert_eq!(user.result::<u64>(&mut world, count), Ok(2));
    world.join_as("late", "app", REALM);
    assert!(user.received(&mut world).is_empty());
    assert_eq!(app.closed(&mut world), None);
    check(&mut world, "permission_of_meta");
}

#[test]
fn x_07_histories_and_testaments_are_no_way_around() {
    let topic = Pattern::new(UriRule::Loose, Match::Exact, "com.secret").unwrap();
    let history = vec![HistoryRule::new(Uri::unchecked(REALM), topic)];
    let rules =
        vec![rule(Match::Prefix, "wamp.", &[Right::Call]), rule(Match::Exact, "com.open", &[Right::Publish])];
    let mut world = World::with(1, |config| {
        config.permissions = vec![permissions(rules)];
        config.history = history;
    });
    let app = world.join_as("app", "app", REALM);
    let user = world.join_as("user", "user", REALM);
    app.subscribe_pattern(&mut world, Match::Prefix, "com.");
    app.publish(&mut world, "com.secret", ("secret",));
    world.run();
    let lookup = user.call(&mut world, "wamp.subscription.lookup", ("com.secret",));
    world.run();
    let subscription = user.result::<u64>(&mut world, lookup).unwrap();
    let events = user.call(&mut world, "wamp.subscription.get_events", (subscription,));
    let secret = user.call(&mut world, "wamp.session.add_testament", ("com.secret", ("x",), EMPTY));
    let open = user.call(&mut world, "wamp.session.add_testament", ("com.open", ("bye",), EMPTY));
    world.run();
    assert_eq!(user.failure(&mut world, events), DENIED);
    assert_eq!(user.failure(&mut world, secret), DENIED);
    assert_eq!(user.results(&mut world, open).len(), 1);
    user.leave(&mut world);
    world.run();
    assert_eq!(app.received(&mut world), [r#"["bye"]"#]);
    check(&mut world, "permission_no_way_around");
}

const EMPTY: std::collections::BTreeMap<String, u8> = std::collections::BTreeMap::new();

#[test]
fn realms_and_roles_that_are_not_listed_may_do_nothing() {
    let (mut world, _, _) = world(vec![]);
    let stranger = world.join_as("stranger", "stranger", REALM);
    let elsewhere = world.join_as("elsewhere", "app", wamp_world::world::OTHER_REALM);
    // Nor does the name `trusted` help who is not known by it.
    let fake = world.join("fake", wamp_proto::Encoding::Json);
    let trusted = world.join_as("trusted", "trusted", REALM);
    for client in [stranger, elsewhere, fake] {
        let request = client.subscribe(&mut world, "com.tick");
        world.run();
        assert_eq!(client.failure(&mut world, request), DENIED);
    }
    let request = trusted.subscribe(&mut world, "com.tick");
    world.run();
    trusted.subscription(&mut world, request);
    world.end();
}

#[test]
fn fault_73_rules_disclose_unless_the_router_never_does() {
    for (setting, disclosed) in [(Disclosure::OnRequest, true), (Disclosure::Never, false)] {
        let rules = vec![rule(Match::Prefix, "com.", &Right::ALL).disclose_caller().disclose_publisher()];
        let mut world = World::with(1, |config| {
            config.permissions = vec![permissions(rules)];
            (config.caller_disclosure, config.publisher_disclosure) = (setting, setting);
        });
        let app = world.join_as("app", "app", REALM);
        let user = world.join_as("user", "user", REALM);
        app.register(&mut world, "com.add");
        app.subscribe(&mut world, "com.tick");
        world.run();
        user.publish(&mut world, "com.tick", ());
        user.call_with(&mut world, "com.add", (), CallOptions::default());
        world.run();
        for told in [r#""caller_authid":"user""#, r#""publisher_authid":"user""#] {
            assert_eq!(world.transcript().contains(told), disclosed, "{told}");
        }
        app.answer(&mut world, ());
        world.run();
        world.end();
    }
}

#[test]
fn r_38_a_denied_call_in_parts_is_denied_once() {
    let (mut world, _, user) = world(vec![]);
    let options = CallOptions { progress: true, ..CallOptions::default() };
    let call = user.call_with(&mut world, "com.add", (1,), options);
    user.continue_call(&mut world, call, (2,), true);
    user.continue_call(&mut world, call, (3,), false);
    world.run();
    assert_eq!(user.results(&mut world, call), [DENIED]);
    assert_eq!(world.counts().totals.denied, 1);
    world.end();
}

#[test]
fn rights_that_are_lost_take_what_they_gave() {
    let all = || vec![rule(Match::Prefix, "com.", &Right::ALL)];
    let (mut world, app, user) = world(all());
    let kept = user.subscribe(&mut world, "com.kept");
    let lost = user.subscribe_pattern(&mut world, Match::Prefix, "com.");
    user.register(&mut world, "com.add");
    app.subscribe(&mut world, "com.kept");
    app.register(&mut world, "com.sub");
    world.run();
    // A call under way is answered all the same.
    let call = app.call(&mut world, "com.add", (1, 2));
    world.run();
    world.permit([permissions(vec![rule(Match::Exact, "com.kept", &[Right::Subscribe])])]);
    world.run();
    user.answer(&mut world, (3,));
    for topic in ["com.kept", "com.lost"] {
        app.publish(&mut world, topic, (topic,));
    }
    world.run();
    assert_eq!(app.result::<u8>(&mut world, call), Ok(3));
    assert_eq!(user.received(&mut world), [r#"["com.kept"]"#]);
    let counts = world.counts();
    assert_eq!((counts.subscriptions, counts.registrations), (1, 1));
    let id = user.subscription(&mut world, lost).get();
    let told =
        format!(r#"router -> user  [35,0,{{"subscription":{id},"reason":"the permissions have changed"}}]"#);
    assert!(world.transcript().contains(&told), "{}", world.transcript());
    let again = user.subscribe(&mut world, "com.lost");
    world.run();
    world.permit([permissions(all())]);
    let now = user.subscribe(&mut world, "com.lost");
    world.run();
    assert_eq!(user.failure(&mut world, again), DENIED);
    user.subscription(&mut world, now);
    user.subscription(&mut world, kept);
    check(&mut world, "permission_reload");
}

#[test]
fn a_reload_that_changes_nothing_disturbs_nobody() {
    let rules = || vec![rule(Match::Prefix, "com.", &Right::ALL)];
    let (mut world, _, user) = world(rules());
    user.subscribe(&mut world, "com.tick");
    user.register(&mut world, "com.add");
    world.run();
    let before = world.transcript().len();
    world.permit([permissions(rules())]);
    world.run();
    assert_eq!(world.transcript()[before..].lines().count(), 1, "{}", world.transcript());
    assert_eq!((world.counts().subscriptions, world.counts().registrations), (1, 1));
    world.end();
}

#[test]
fn denials_are_told_sixteen_times_and_counted_always() {
    let (mut world, _, user) = world(vec![]);
    for _ in 0..40 {
        user.publish(&mut world, "com.tick", ());
    }
    world.run();
    assert_eq!(world.counts().totals.denied, 40);
    assert_eq!(world.warnings().len(), 16);
    world.end();
}

#[test]
fn p_66_what_was_retained_is_for_those_who_may_subscribe() {
    let (mut world, app, user) = world(vec![]);
    let retain = PublishOptions { retain: true, ..PublishOptions::default() };
    app.publish_with(&mut world, "com.secret", ("secret",), retain);
    world.run();
    let options = SubscribeOptions { get_retained: true, ..SubscribeOptions::default() };
    let request = user.subscribe_with(&mut world, "com.secret", options);
    world.run();
    assert_eq!(user.failure(&mut world, request), DENIED);
    assert!(user.received(&mut world).is_empty());
    world.end();
}
