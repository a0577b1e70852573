//! Who calls, and how far the router trusts the call (R-100..R-111).

use wamp_proto::{
    Encoding,
    message::{CallOptions, Features, InvocationDetails, RegisterOptions, Role},
    router::Disclosure,
    session::Event,
};
use wamp_world::{Client, World, world::LinkRule};

use crate::check;

fn disclosing() -> RegisterOptions {
    RegisterOptions { disclose_caller: true, ..RegisterOptions::default() }
}

fn disclosed() -> CallOptions {
    CallOptions { disclose_me: true, ..CallOptions::default() }
}

/// What the callee learns of the last call.
fn details(world: &mut World, callee: Client) -> InvocationDetails {
    let events = callee.events(world);
    let details = events.into_iter().rev().find_map(|event| match event {
        Event::Invocation { details, .. } => Some(*details),
        _ => None,
    });
    details.unwrap()
}

#[test]
fn r_101_r_102_r_104_r_106_on_request_of_either() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    alice.register(&mut world, "com.example.plain");
    alice.register_with(&mut world, "com.example.curious", disclosing());
    world.run();
    for (procedure, options, known) in [
        ("com.example.plain", CallOptions::default(), false),
        ("com.example.plain", disclosed(), true),
        ("com.example.curious", CallOptions::default(), true),
    ] {
        bob.call_with(&mut world, procedure, (), options);
        world.run();
        let details = details(&mut world, alice);
        assert_eq!(details.caller.is_some(), known);
        assert_eq!(details.caller_authrole.as_deref(), known.then_some("anonymous"));
        assert_eq!(details.caller_authid.is_some(), known);
    }
    check(&mut world, "disclosure");
}

#[test]
fn f_14_r_100_a_callee_that_has_not_announced_it() {
    let mut world = World::with(1, |config| config.trust_level = Some(3));
    let alice = world.join_with("alice", Encoding::Json, LinkRule::default(), |config| {
        config.roles = config.roles.with(Role::Callee, Features::NONE);
    });
    let bob = world.join("bob", Encoding::Json);
    alice.register_with(&mut world, "com.example.curious", disclosing());
    world.run();
    bob.call_with(&mut world, "com.example.curious", (), disclosed());
    world.run();
    assert_eq!(details(&mut world, alice), InvocationDetails::default());
    check(&mut world, "disclosure_not_announced");
}

/// Fault 73.
#[test]
fn r_103_r_105_t_69_never() {
    let mut world = World::with(1, |config| config.caller_disclosure = Disclosure::Never);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    let curious = alice.register_with(&mut world, "com.example.curious", disclosing());
    alice.register(&mut world, "com.example.plain");
    world.run();
    assert_eq!(alice.failure(&mut world, curious), "wamp.error.option_disallowed.disclose_me");
    let call = bob.call_with(&mut world, "com.example.plain", (), disclosed());
    world.run();
    assert_eq!(bob.results(&mut world, call), ["wamp.error.option_disallowed.disclose_me"]);
    assert_eq!(alice.invoked(&mut world), 0, "one answer, and no call");
    let call = bob.call(&mut world, "com.example.plain", ());
    world.run();
    alice.answer(&mut world, ());
    world.run();
    assert_eq!(bob.results(&mut world, call), [""]);
    check(&mut world, "disclosure_never");
}

#[test]
fn r_101_always() {
    let mut world = World::with(1, |config| config.caller_disclosure = Disclosure::Always);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    alice.register(&mut world, "com.example.plain");
    world.run();
    bob.call(&mut world, "com.example.plain", ());
    world.run();
    assert!(details(&mut world, alice).caller.is_some());
    check(&mut world, "disclosure_always");
}

#[test]
fn r_110_r_111_t_68_trust_levels() {
    let mut world = World::with(1, |config| config.trust_level = Some(1));
    let alice = world.join("alice", Encoding::Json);
    alice.register(&mut world, "com.example.plain");
    world.run();
    let trusted = LinkRule { trust_level: Some(9), ..LinkRule::default() };
    let bob = world.join("bob", Encoding::Json);
    let carol = world.join_with("carol", Encoding::Json, trusted, |_| {});
    for (caller, level) in [(bob, 1), (carol, 9)] {
        caller.call(&mut world, "com.example.plain", ());
        world.run();
        assert_eq!(details(&mut world, alice).trustlevel, Some(level));
    }
    // A caller cannot say so itself.
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, r#"[48,1,{"trustlevel":9,"caller":1},"com.example.plain"]"#);
    let details = details(&mut world, alice);
    assert_eq!((details.trustlevel, details.caller), (Some(1), None));
    check(&mut world, "trust_levels");
}
