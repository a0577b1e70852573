//! URIs that are none, or not where they stand (I-25, I-30..I-33, T-18, T-32, T-34; faults 58 and 59).

use wamp_proto::Encoding;
use wamp_world::World;

use crate::check;

const NEVER: [&str; 6] = ["a b", "a#b", "a\u{a0}b", "a.\\n", "a\\tb", "#"];
const EMPTY_COMPONENTS: [&str; 6] = ["", ".", "a..b", ".a", "a.", "..."];

/// What the router answers to one request, after HELLO.
fn answer(request: &str) -> Vec<String> {
    let mut world = World::new(1);
    let peer = world.raw("peer", Encoding::Json);
    peer.hello(&mut world);
    peer.received(&mut world);
    peer.send(&mut world, request);
    assert!(world.is_connected(peer), "{request}");
    let answers = peer.received(&mut world);
    world.end();
    answers
}

fn is_refused(kind: u8, request: &str) {
    let answers = answer(request);
    assert_eq!(answers.len(), 1, "{request}");
    let start = format!(r#"[8,{kind},1,{{}},"wamp.error.invalid_uri","#);
    assert!(answers[0].starts_with(&start), "{request}: {answers:?}");
}

#[test]
fn i_25_i_32_t_32_invalid_uris_in_every_request() {
    for uri in NEVER.into_iter().chain(EMPTY_COMPONENTS) {
        is_refused(48, &format!(r#"[48,1,{{}},"{uri}"]"#));
        is_refused(64, &format!(r#"[64,1,{{}},"{uri}"]"#));
        is_refused(32, &format!(r#"[32,1,{{}},"{uri}"]"#));
        is_refused(32, &format!(r#"[32,1,{{"match":"exact"}},"{uri}"]"#));
        is_refused(16, &format!(r#"[16,1,{{"acknowledge":true}},"{uri}"]"#));
    }
    for uri in NEVER {
        for kind in ["prefix", "wildcard"] {
            is_refused(64, &format!(r#"[64,1,{{"match":"{kind}"}},"{uri}"]"#));
            is_refused(32, &format!(r#"[32,1,{{"match":"{kind}"}},"{uri}"]"#));
        }
    }
}

#[test]
fn i_25_i_27_empty_components_in_wildcards() {
    for uri in EMPTY_COMPONENTS {
        let answers = answer(&format!(r#"[32,1,{{"match":"wildcard"}},"{uri}"]"#));
        assert!(answers[0].starts_with("[33,1,"), "{uri}: {answers:?}");
        let answers = answer(&format!(r#"[64,1,{{"match":"wildcard"}},"{uri}"]"#));
        assert!(answers[0].starts_with("[65,1,"), "{uri}: {answers:?}");
    }
}

#[test]
fn i_30_i_31_t_34_fault_58_reserved_uris() {
    for uri in ["wamp", "wamp.x", "wamp.session.nothing"] {
        is_refused(64, &format!(r#"[64,1,{{}},"{uri}"]"#));
        is_refused(64, &format!(r#"[64,1,{{"match":"prefix"}},"{uri}"]"#));
        is_refused(64, &format!(r#"[64,1,{{"match":"wildcard"}},"{uri}."]"#));
        is_refused(16, &format!(r#"[16,1,{{"acknowledge":true}},"{uri}"]"#));
        // Subscribing and calling stay legal: the meta API lives there.
        assert!(answer(&format!(r#"[32,1,{{}},"{uri}"]"#))[0].starts_with("[33,1,"));
        assert!(answer(&format!(r#"[48,1,{{}},"{uri}"]"#))[0].contains("wamp.error.no_such_procedure"));
    }
    for uri in ["wampfoo.x", "wamp_x", "Wamp.x", "x.wamp"] {
        assert!(answer(&format!(r#"[64,1,{{}},"{uri}"]"#))[0].starts_with("[65,1,"), "{uri}");
    }
}

#[test]
fn t_18_p_07_i_33_an_unacknowledged_publication_is_never_answered() {
    for uri in ["a..b", "a b", "wamp.x", ""] {
        for options in ["{}", r#"{"acknowledge":false}"#, r#"{"acknowledge":null}"#] {
            assert_eq!(answer(&format!(r#"[16,1,{options},"{uri}"]"#)), [""; 0], "{uri} {options}");
        }
    }
}

#[test]
fn i_33_an_error_uri_that_is_none_is_replaced() {
    let mut world = World::new(1);
    let callee = world.raw("callee", Encoding::Json);
    let bob = world.join("bob", Encoding::Cbor);
    callee.hello(&mut world);
    callee.send(&mut world, r#"[64,1,{},"com.example.add"]"#);
    let call = bob.call(&mut world, "com.example.add", ());
    world.run();
    callee.send(&mut world, r#"[8,68,1,{},"no uri at all",["kept"]]"#);
    assert_eq!(bob.failure(&mut world, call), "wamp.error.invalid_uri");
    check(&mut world, "error_uri_invalid");
}

#[test]
fn fault_59_long_uris() {
    let fits = format!("a.{}", "b".repeat(1_022));
    let longer = format!("{fits}b");
    for (code, kind) in [(48, 48), (64, 64), (32, 32)] {
        assert!(!answer(&format!(r#"[{code},1,{{}},"{fits}"]"#))[0].contains("wamp.error.invalid_uri"));
        is_refused(kind, &format!(r#"[{code},1,{{}},"{longer}"]"#));
        if code != 48 {
            is_refused(kind, &format!(r#"[{code},1,{{"match":"prefix"}},"{longer}"]"#));
        }
    }
    is_refused(16, &format!(r#"[16,1,{{"acknowledge":true}},"{longer}"]"#));
}

#[test]
fn fault_59_uris_of_many_components() {
    let (fits, deeper) = (vec!["a"; 32].join("."), vec!["a"; 33].join("."));
    let blanks = ".".repeat(32);
    for kind in [48, 64, 32] {
        assert!(!answer(&format!(r#"[{kind},1,{{}},"{fits}"]"#))[0].contains("wamp.error.invalid_uri"));
        is_refused(kind, &format!(r#"[{kind},1,{{}},"{deeper}"]"#));
    }
    is_refused(32, &format!(r#"[32,1,{{"match":"wildcard"}},"{blanks}"]"#));
    is_refused(16, &format!(r#"[16,1,{{"acknowledge":true}},"{deeper}"]"#));
}

#[test]
fn invalid_uris_as_they_cross_the_link() {
    let mut world = World::new(1);
    let peer = world.raw("peer", Encoding::Json);
    peer.hello(&mut world);
    for request in [
        r#"[48,1,{},"a..b"]"#,
        r#"[64,2,{},"wamp.x"]"#,
        r#"[32,3,{},"a b"]"#,
        r#"[16,4,{"acknowledge":true},"wamp.x"]"#,
        r#"[16,5,{},"wamp.x"]"#,
    ] {
        peer.send(&mut world, request);
    }
    check(&mut world, "invalid_uris");
}

/// What belongs to the protocol is not to be had by a pattern either.
#[test]
fn i_30_i_31_patterns_do_not_catch_reserved_calls() {
    for (kind, pattern) in
        [("prefix", ""), ("prefix", "wam"), ("wildcard", ".session.count"), ("wildcard", "..")]
    {
        let mut world = World::new(1);
        let callee = world.raw("callee", Encoding::Json);
        callee.hello(&mut world);
        callee.send(&mut world, &format!(r#"[64,1,{{"match":"{kind}"}},"{pattern}"]"#));
        callee.received(&mut world);
        callee.send(&mut world, r#"[48,2,{},"wamp.session.nothing"]"#);
        let answers = callee.received(&mut world);
        assert_eq!(answers.len(), 1, "{pattern}: {answers:?}");
        assert!(
            answers[0].starts_with(r#"[8,48,2,{},"wamp.error.no_such_procedure""#),
            "{pattern}: {answers:?}"
        );
        callee.hang_up(&mut world);
        world.end();
    }
}
