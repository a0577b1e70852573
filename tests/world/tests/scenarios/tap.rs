//! The live tap: the messages of one session, shown to another that may see them. An extension of the meta API.

use std::time::Duration;

use wamp_proto::{
    Dict, Encoding, Match, Pattern, Payload, Uri, Value,
    auth::Method,
    id::RequestId,
    message::{CallOptions, CancelMode},
    router::{Access, Authentication, MetaAccess, RealmPermissions, Right, Rights, Rule},
    session::{Call, Event, Failure},
    uri::UriRule,
};
use wamp_world::{
    Client, World,
    world::{LinkRule, OTHER_REALM, Way},
};

const TAP: &str = "wamp.x.session.tap";

fn tap(world: &mut World, viewer: Client, target: Client, payload: bool) -> RequestId {
    let session = target.session_id(world).get();
    tap_session(world, viewer, session, payload)
}

fn tap_session(world: &mut World, viewer: Client, session: u64, payload: bool) -> RequestId {
    let kwargs = Dict::from_iter([("payload", Value::from(payload))]);
    let payload = Payload::new(Encoding::Json, &(session,), &kwargs);
    let options = CallOptions { receive_progress: true, ..CallOptions::default() };
    let call = Call { options, ..Call::new(Uri::unchecked(TAP), payload.unwrap()) };
    let call = Call { timeout: Some(Duration::from_secs(3600)), ..call };
    let request = viewer.send_call(world, call).unwrap();
    world.run();
    request
}

/// Who has sent what, and how many messages are missing before it.
fn shown(world: &mut World, viewer: Client, call: RequestId) -> Vec<(String, String, u64)> {
    let parts = viewer.events(world).into_iter().filter_map(|event| match event {
        Event::Result { request, payload, details } if request == call && details.progress => {
            // The first one only says that it has begun.
            (!payload.is_empty()).then_some(payload)
        }
        _ => None,
    });
    let read = |payload: Payload| {
        let shown = payload.value::<Dict>().unwrap();
        let text = |key: &str| shown.get(key).and_then(Value::as_str).unwrap().to_owned();
        assert!(text("timestamp").starts_with("1970-01-01T00:00:0"));
        (text("sender"), text("message"), shown.get("dropped").and_then(Value::as_u64).unwrap())
    };
    parts.map(read).collect()
}

fn texts(world: &mut World, viewer: Client, call: RequestId) -> Vec<String> {
    shown(world, viewer, call).into_iter().map(|(sender, text, _)| format!("{sender} {text}")).collect()
}

#[test]
fn what_a_session_sends_and_is_sent_is_shown_until_it_leaves() {
    let mut world = World::new(1);
    let viewer = world.join("viewer", Encoding::Json);
    let target = world.join("target", Encoding::Cbor);
    let other = world.join("other", Encoding::MessagePack);
    let call = tap(&mut world, viewer, target, false);
    viewer.events(&mut world);
    target.subscribe(&mut world, "com.example.news");
    world.run();
    other.publish(&mut world, "com.example.news", ("secret", 1));
    target.publish(&mut world, "com.example.other", ("secret", 2));
    // What others do among themselves is nobody's business.
    other.publish(&mut world, "com.example.unheard", ());
    world.run();
    target.leave(&mut world);
    world.run();
    let events = viewer.events(&mut world);
    let ended = events.iter().any(|event| {
        let Event::Result { request, payload, details } = event else { return false };
        *request == call && !details.progress && payload.value::<u64>().unwrap() == 0
    });
    assert!(ended, "{events:?}");
    let transcript = world.transcript();
    for (sender, text) in [
        ("client", r#"[32,1,{},\"com.example.news\"]"#),
        ("router", r"[33,1,"),
        ("router", r"[36,"),
        ("client", r#"[16,2,{},\"com.example.other\"]"#),
        ("client", r#"[6,{},\"wamp.close.close_realm\"]"#),
        ("router", r#"[6,{},\"wamp.close.goodbye_and_out\"]"#),
    ] {
        let line = format!(r#""sender":"{sender}","message":"{text}"#);
        assert_eq!(transcript.matches(&line).count(), 1, "{line}\n{transcript}");
    }
    let to_viewer = transcript.lines().filter(|line| line.contains("router -> viewer"));
    let to_viewer = to_viewer.collect::<String>();
    assert!(!to_viewer.contains("secret") && !to_viewer.contains("unheard"), "{to_viewer}");
    assert_eq!(world.counts().taps, 0);
    world.end();
}

#[test]
fn arguments_are_shown_when_asked_for_and_cut_when_they_are_long() {
    let mut world = World::with(1, |config| config.max_tap_text = 100);
    let viewer = world.join("viewer", Encoding::Json);
    let target = world.join("target", Encoding::Cbor);
    let call = tap(&mut world, viewer, target, true);
    target.publish(&mut world, "com.example.news", ("short",));
    target.publish(&mut world, "com.example.news", ("x".repeat(80),));
    target.publish(&mut world, &format!("com.example.{}", "ä".repeat(90)), ());
    world.run();
    let texts = texts(&mut world, viewer, call);
    assert_eq!(texts[0], r#"client [16,1,{},"com.example.news",["short"]]"#);
    assert_eq!(texts[1], r#"client [16,2,{},"com.example.news"]"#);
    assert!(texts[2].len() <= "client ".len() + 100 && texts[2].ends_with('ä'), "{}", texts[2]);
    let transcript = world.transcript().replace("\\\"", "'");
    assert!(
        transcript.contains(r#"['short']]","cut":false"#) && transcript.contains(r#"news']","cut":true"#)
    );
    world.end();
}

/// What a tap shows is not shown again: there is no loop.
#[test]
fn two_sessions_may_tap_each_other() {
    let mut world = World::new(1);
    let one = world.join("one", Encoding::Json);
    let two = world.join("two", Encoding::Json);
    let first = tap(&mut world, one, two, false);
    let second = tap(&mut world, two, one, false);
    one.events(&mut world);
    two.events(&mut world);
    one.publish(&mut world, "com.example.one", ());
    two.publish(&mut world, "com.example.two", ());
    world.run();
    assert_eq!(texts(&mut world, one, first), [r#"client [16,2,{},"com.example.two"]"#]);
    assert_eq!(texts(&mut world, two, second), [r#"client [16,2,{},"com.example.one"]"#]);
    // One that leaves ends both.
    two.leave(&mut world);
    world.run();
    assert_eq!(world.counts().taps, 0);
    world.end();
}

#[test]
fn a_tap_ends_when_its_viewer_has_seen_enough_or_leaves() {
    let mut world = World::new(1);
    let viewer = world.join("viewer", Encoding::Json);
    let target = world.join("target", Encoding::Json);
    let call = tap(&mut world, viewer, target, false);
    viewer.cancel(&mut world, call, CancelMode::Skip);
    world.run();
    assert_eq!(viewer.failure(&mut world, call), "wamp.error.canceled");
    target.publish(&mut world, "com.example.news", ());
    world.run();
    assert!(shown(&mut world, viewer, call).is_empty());
    let mut world = World::new(1);
    let viewer = world.join("viewer", Encoding::Json);
    let target = world.join("target", Encoding::Json);
    tap(&mut world, viewer, target, false);
    world.cut(viewer);
    assert_eq!(world.counts().taps, 0);
    target.publish(&mut world, "com.example.news", ());
    world.run();
    world.end();
}

/// R-37: its id is in use until then.
#[test]
fn r_37_a_tap_is_a_call_that_is_not_finished() {
    let mut world = World::new(1);
    let target = world.join("target", Encoding::Json);
    let session = target.session_id(&mut world).get();
    let raw = world.raw("raw", Encoding::Json);
    raw.send(&mut world, r#"[1,"realm1",{"roles":{"caller":{}}}]"#);
    raw.send(&mut world, &format!(r#"[48,1,{{"receive_progress":true}},"{TAP}",[{session}]]"#));
    raw.send(&mut world, r#"[48,1,{},"wamp.session.count"]"#);
    assert!(raw.received(&mut world).concat().contains("reuses the id 1"), "{}", world.transcript());
    assert_eq!(world.counts().taps, 0);
    world.end();
}

#[test]
fn a_viewer_that_does_not_keep_up_misses_messages_and_nothing_else() {
    let mut world = World::with(1, |config| config.queue_messages = 40);
    let viewer = world.join("viewer", Encoding::Json);
    let target = world.join("target", Encoding::Json);
    let call = tap(&mut world, viewer, target, false);
    world.stall(viewer, Way::Down);
    for _ in 0..100 {
        target.publish(&mut world, "com.example.news", ());
        world.run();
    }
    // There is room for what the session itself needs.
    let count = viewer.call(&mut world, "wamp.session.count", ());
    world.run();
    world.unstall(viewer, Way::Down);
    world.run();
    assert_eq!(viewer.result::<u64>(&mut world, count), Ok(2));
    let seen = shown(&mut world, viewer, call);
    assert!(seen.len() < 100 && seen.iter().all(|(.., dropped)| *dropped == 0));
    target.publish(&mut world, "com.example.news", ());
    world.run();
    let [(_, _, dropped)] = &shown(&mut world, viewer, call)[..] else { panic!("one more") };
    assert_eq!(*dropped, 100 - seen.len() as u64);
    target.leave(&mut world);
    world.run();
    let last = viewer.events(&mut world).into_iter().find_map(|event| match event {
        Event::Result { request, payload, details } if request == call && !details.progress => Some(payload),
        _ => None,
    });
    assert_eq!(last.unwrap().value::<u64>().unwrap(), *dropped);
    world.end();
}

#[test]
fn t_78_nobody_sees_into_another_realm_or_itself_or_more_than_there_may_be() {
    let mut world = World::with(1, |config| config.max_taps = 1);
    let viewer = world.join("viewer", Encoding::Json);
    let target = world.join("target", Encoding::Json);
    let there = world.join_with("there", Encoding::Json, LinkRule::default(), |config| {
        config.realm = Uri::unchecked(OTHER_REALM);
    });
    let elsewhere = tap(&mut world, viewer, there, false);
    assert_eq!(viewer.failure(&mut world, elsewhere), "wamp.error.no_such_session");
    let itself = tap(&mut world, viewer, viewer, false);
    assert_eq!(viewer.failure(&mut world, itself), "wamp.error.invalid_argument");
    let session = target.session_id(&mut world).get();
    let plain = viewer.call(&mut world, TAP, (session,));
    world.run();
    assert_eq!(viewer.failure(&mut world, plain), "wamp.error.invalid_argument");
    tap(&mut world, viewer, target, false);
    let more = tap(&mut world, target, viewer, false);
    assert_eq!(target.failure(&mut world, more), "wamp.error.unavailable");
    assert_eq!(world.counts().totals.limited, 1);
    // Another realm has its own.
    let beside = world.join_with("beside", Encoding::Json, LinkRule::default(), |config| {
        config.realm = Uri::unchecked(OTHER_REALM);
    });
    tap(&mut world, beside, there, false);
    assert_eq!(world.counts().taps, 2);
    world.end();
}

fn rule(kind: Match, uri: &str) -> Rule {
    Rule::new(Pattern::new(UriRule::Loose, kind, uri).unwrap(), Rights::NONE.with(Right::Call))
}

fn permissions(rules: Vec<Rule>) -> [RealmPermissions; 1] {
    let realm = RealmPermissions::new(Uri::unchecked("realm1")).role("user", Access::Everything);
    [realm.role("admin", Access::Rules(rules))]
}

/// X-07: no rule of an application is about it, and who loses the right sees nothing more.
#[test]
fn x_07_a_tap_needs_a_rule_and_ends_with_it() {
    let mut world = World::with(1, |config| {
        config.permissions = permissions(vec![rule(Match::Prefix, "")]).to_vec();
    });
    let viewer = world.join_as("viewer", "admin", "realm1");
    let target = world.join_as("target", "user", "realm1");
    let denied = tap(&mut world, viewer, target, false);
    assert_eq!(viewer.failure(&mut world, denied), "wamp.error.not_authorized");
    world.permit(permissions(vec![rule(Match::Exact, TAP)]));
    let call = tap(&mut world, viewer, target, false);
    world.permit(permissions(vec![rule(Match::Exact, TAP), rule(Match::Exact, "wamp.session.count")]));
    target.publish(&mut world, "com.example.news", ());
    world.run();
    let events = viewer.events(&mut world);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Result { .. })).count(), 2, "{events:?}");
    world.permit(permissions(vec![rule(Match::Exact, "wamp.session.count")]));
    world.run();
    target.publish(&mut world, "com.example.news", ());
    world.run();
    let events = viewer.events(&mut world);
    let [Event::Failed { request, failure: Failure::Remote(error) }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!((*request, error.error.as_str()), (call, "wamp.error.not_authorized"));
    world.end();
}

#[test]
fn x_07_routers_may_have_no_taps() {
    for (change, error) in [
        (MetaAccess::ReadOnly, "wamp.error.not_authorized"),
        (MetaAccess::Nothing, "wamp.error.no_such_procedure"),
    ] {
        let mut world = World::with(1, |config| config.meta_api = change);
        let viewer = world.join("viewer", Encoding::Json);
        let target = world.join("target", Encoding::Json);
        let call = tap(&mut world, viewer, target, false);
        assert_eq!(viewer.failure(&mut world, call), error);
        world.end();
    }
    let mut world = World::with(1, |config| config.max_taps = 0);
    let viewer = world.join("viewer", Encoding::Json);
    let call = tap_session(&mut world, viewer, 1, false);
    assert_eq!(viewer.failure(&mut world, call), "wamp.error.no_such_procedure");
    world.end();
}

/// Secrets are in HELLO, CHALLENGE and AUTHENTICATE, which no open session may send: a peer that does so all the same is
/// thrown out before anybody sees it.
#[test]
fn no_secret_of_an_authentication_is_shown() {
    let mut world = World::with(1, |config| {
        config.authentication = vec![Authentication::new([Method::Anonymous])];
    });
    let viewer = world.join("viewer", Encoding::Json);
    let raw = world.raw("raw", Encoding::Json);
    raw.send(&mut world, r#"[1,"realm1",{"roles":{"caller":{}}}]"#);
    raw.received(&mut world);
    let own = viewer.session_id(&mut world).get();
    let listed = viewer.call(&mut world, "wamp.session.list", ());
    world.run();
    let sessions = viewer.result::<Vec<u64>>(&mut world, listed).unwrap();
    let session = sessions.into_iter().find(|session| *session != own).unwrap();
    let call = tap_session(&mut world, viewer, session, true);
    raw.send(&mut world, r#"[5,"hunter2",{}]"#);
    let texts = texts(&mut world, viewer, call);
    assert!(texts.len() == 1 && texts[0].starts_with("router [3,"), "{texts:?}");
    assert!(!texts.concat().contains("hunter2"));
    world.end();
}
