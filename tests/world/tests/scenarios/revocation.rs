//! Registrations that the router ends (R-70..R-73), and `force_reregister`.

use wamp_proto::{
    Encoding,
    message::{Feature, Features, InvocationPolicy, RegisterOptions, Role},
    session::Event,
};
use wamp_world::{World, world::LinkRule};

use crate::{check, join_canceling, shared::shared};

fn forced() -> RegisterOptions {
    RegisterOptions { force_reregister: true, ..RegisterOptions::default() }
}

#[test]
fn r_71_r_72_r_06_a_registration_is_revoked() {
    for reason in [None, Some("wamp.error.not_authorized")] {
        let mut world = World::new(1);
        let alice = world.join("alice", Encoding::Cbor);
        let bob = world.join("bob", Encoding::Json);
        let request = alice.register(&mut world, "com.example.add");
        world.run();
        let registration = alice.registration(&mut world, request);
        let open = bob.call(&mut world, "com.example.add", ());
        world.run();
        assert!(world.revoke(registration, reason));
        assert!(!world.revoke(registration, reason), "once");
        world.run();
        let revoked = Event::RegistrationRevoked { registration, reason: reason.map(str::to_owned) };
        assert!(alice.events(&mut world).contains(&revoked));
        let call = bob.call(&mut world, "com.example.add", ());
        alice.answer(&mut world, ());
        world.run();
        assert_eq!(bob.results(&mut world, open), [""], "open invocations are answered as ever");
        assert_eq!(bob.failure(&mut world, call), "wamp.error.no_such_procedure");
        check(&mut world, if reason.is_some() { "revocation_reason" } else { "revocation" });
    }
}

#[test]
fn r_73_f_21_a_callee_that_does_not_know_it() {
    let mut world = World::new(1);
    let callees = ["alice", "carol"].map(|name| {
        let features = match name {
            "alice" => Features::NONE,
            _ => Features::NONE.with(Feature::RegistrationRevocation),
        };
        let callee = world.join_with(name, Encoding::Json, LinkRule::default(), |config| {
            config.roles = config.roles.with(Role::Callee, features);
        });
        let request = callee.register_with(&mut world, "com.example.add", shared(InvocationPolicy::Last));
        world.run();
        callee.registration(&mut world, request)
    });
    assert_eq!(callees[0], callees[1]);
    assert!(world.revoke(callees[0], None));
    world.run();
    assert_eq!(world.counts().registrations, 0);
    check(&mut world, "revocation_not_announced");
}

#[test]
fn r_72_it_crosses_an_invocation_and_an_unregister() {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Json);
    let request = alice.register(&mut world, "com.example.add");
    world.run();
    let registration = alice.registration(&mut world, request);
    bob.call(&mut world, "com.example.add", ());
    world.revoke(registration, None);
    alice.unregister(&mut world, registration);
    world.run();
    assert_eq!(alice.closed(&mut world), None);
    check(&mut world, "revocation_crosses");
}

#[test]
fn force_reregister_if_it_is_allowed() {
    for allowed in [false, true] {
        let mut world = World::with(1, |config| config.allow_force_reregister = allowed);
        let alice = world.join("alice", Encoding::Json);
        let carol = world.join("carol", Encoding::Json);
        alice.register_with(&mut world, "com.example.add", forced());
        world.run();
        let request = carol.register_with(&mut world, "com.example.add", forced());
        world.run();
        let bob = join_canceling(&mut world, "bob", Encoding::Json);
        let call = bob.call(&mut world, "com.example.add", ());
        world.run();
        if allowed {
            carol.answer(&mut world, ("carol",));
        } else {
            assert_eq!(carol.failure(&mut world, request), "wamp.error.option_not_allowed");
            alice.answer(&mut world, ("alice",));
        }
        world.run();
        assert_eq!(bob.results(&mut world, call), [if allowed { r#"["carol"]"# } else { r#"["alice"]"# }]);
        check(&mut world, if allowed { "force_reregister" } else { "force_reregister_refused" });
    }
}

#[test]
fn force_reregister_of_ones_own_and_of_shared_ones() {
    let mut world = World::with(1, |config| config.allow_force_reregister = true);
    let alice = world.join("alice", Encoding::Json);
    let carol = world.join("carol", Encoding::Json);
    for callee in [alice, carol] {
        callee.register_with(&mut world, "com.example.add", shared(InvocationPolicy::First));
        world.run();
    }
    let request = carol.register_with(&mut world, "com.example.add", forced());
    world.run();
    let registration = carol.registration(&mut world, request);
    assert_eq!(world.counts().registrations, 1);
    carol.unregister(&mut world, registration);
    world.run();
    assert_eq!(world.counts().registrations, 0);
    check(&mut world, "force_reregister_shared");
}
