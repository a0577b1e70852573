//! Every behaviour of the basic and the advanced profile as a scenario; what crossed the links is compared with `tests/world/snapshots`.
//! `UPDATE_EXPECT=1 cargo test -p wamp-world --test scenarios` writes the snapshots anew.

mod audience;
mod authentication;
mod authenticators;
mod authorizing;
mod bad_input;
mod calls;
mod canceling;
mod closing;
mod concurrency;
mod disclosure;
mod events;
mod history;
mod isolation;
mod joining;
mod leaving;
mod limits;
mod meta;
mod meta_registrations;
mod ordering;
mod passthru;
mod patterns;
mod permissions;
mod progressive_calls;
mod progressive_results;
mod protection;
mod realms;
mod reconfiguring;
mod rerouting;
mod retention;
mod revocation;
mod serializers;
mod shared;
mod slow;
mod tap;
mod templates;
mod testaments;
mod timeouts;
mod uris;

use expect_test::expect_file;
use wamp_proto::{
    Encoding,
    message::{Feature, Features, Role},
    session::Config,
};
use wamp_world::{Client, World, world::LinkRule};

/// Ends the world, with a look at what is left in it, and compares its transcript.
fn check(world: &mut World, name: &str) {
    world.end();
    expect_file![format!("../../snapshots/{name}.txt")].assert_eq(world.transcript());
}

/// Two clients in different serializers.
fn alice_and_bob() -> (World, Client, Client) {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Cbor);
    (world, alice, bob)
}

/// The feature of callers and callees that makes canceling more than `skip`.
fn canceling(config: &mut Config) {
    let features = Features::NONE.with(Feature::CallCanceling);
    config.roles = config.roles.with(Role::Caller, features).with(Role::Callee, features);
}

/// A client whose roles announce call canceling.
fn join_canceling(world: &mut World, name: &str, encoding: Encoding) -> Client {
    world.join_with(name, encoding, LinkRule::default(), canceling)
}

/// A client whose roles have no features at all.
fn join_plain(world: &mut World, name: &str, encoding: Encoding) -> Client {
    world.join_with(name, encoding, LinkRule::default(), |config| {
        for role in Role::CLIENT {
            config.roles = config.roles.with(role, Features::NONE);
        }
    })
}
