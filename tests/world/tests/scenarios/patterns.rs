//! Which registration gets a call (R-120..R-133).

use wamp_proto::{Encoding, Match};
use wamp_world::World;

use crate::{alice_and_bob, check};

#[test]
fn r_128_r_129_r_130_the_table_of_precedence() {
    let (mut world, _, bob) = alice_and_bob();
    let patterns = [
        (Match::Exact, "a1.b2.c3.d4.e55"),
        (Match::Prefix, "a1.b2.c3"),
        (Match::Prefix, "a1.b2.c3.d4"),
        (Match::Wildcard, "a1.b2..d4.e5"),
        (Match::Wildcard, "a1.b2.c33..e5"),
        (Match::Wildcard, "a1.b2..d4.e5..g7"),
        (Match::Wildcard, "a1.b2..d4..f6.g7"),
    ];
    let callees = patterns.map(|(kind, pattern)| {
        let callee = world.join(&format!("callee {pattern}"), Encoding::Json);
        callee.register_pattern(&mut world, kind, pattern);
        world.run();
        callee
    });
    for (uri, winner) in [
        ("a1.b2.c3.d4.e55", Some(1)),
        ("a1.b2.c3.d98.e74", Some(2)),
        ("a1.b2.c3.d4.e325", Some(3)),
        ("a1.b2.c55.d4.e5", Some(4)),
        // The text says 5, but prefixes are prefixes of characters, and any prefix beats any wildcard.
        ("a1.b2.c33.d4.e5", Some(2)),
        ("a1.b2.c88.d4.e5.f6.g7", Some(6)),
        ("a2.b2.c2.d2.e2", None),
    ] {
        let call = bob.call(&mut world, uri, ());
        world.run();
        match winner {
            None => assert_eq!(bob.failure(&mut world, call), "wamp.error.no_such_procedure"),
            Some(winner) => {
                callees[winner - 1].answer(&mut world, (winner,));
                world.run();
                assert_eq!(bob.result::<usize>(&mut world, call), Ok(winner), "{uri}");
            }
        }
    }
    check(&mut world, "registration_precedence");
}

#[test]
fn r_131_r_132_t_30_the_same_text_with_every_policy() {
    let (mut world, alice, bob) = alice_and_bob();
    let requests = [Match::Exact, Match::Prefix, Match::Wildcard]
        .map(|kind| alice.register_pattern(&mut world, kind, "com.example"));
    world.run();
    let registrations = requests.map(|request| alice.registration(&mut world, request));
    for registration in registrations {
        let call = bob.call(&mut world, "com.example", ());
        world.run();
        alice.answer(&mut world, ());
        world.run();
        assert_eq!(bob.result::<Option<u8>>(&mut world, call), Ok(None));
        alice.unregister(&mut world, registration);
        world.run();
    }
    let call = bob.call(&mut world, "com.example", ());
    world.run();
    assert_eq!(bob.failure(&mut world, call), "wamp.error.no_such_procedure");
    check(&mut world, "registration_policies");
}

#[test]
fn r_02_every_policy_once() {
    for kind in ["exact", "prefix", "wildcard"] {
        let mut world = World::new(1);
        let peer = world.raw("peer", Encoding::Json);
        peer.hello(&mut world);
        peer.send(&mut world, &format!(r#"[64,1,{{"match":"{kind}"}},"com.example"]"#));
        peer.send(&mut world, &format!(r#"[64,2,{{"match":"{kind}"}},"com.example"]"#));
        let answers = peer.received(&mut world);
        assert!(answers[1].starts_with("[65,1,") && answers[2].contains("procedure_already_exists"));
        world.end();
    }
}

#[test]
fn m_120_policies_that_nobody_knows() {
    let mut world = World::new(1);
    let peer = world.raw("peer", Encoding::Json);
    peer.hello(&mut world);
    peer.send(&mut world, r#"[64,1,{"invoke":"loudest"},"com.example"]"#);
    assert!(peer.received(&mut world)[1].contains("wamp.error.invalid_argument"));
    check(&mut world, "registration_unknown_invoke");
}
