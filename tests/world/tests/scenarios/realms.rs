//! Realms do not know of each other (S-12, T-78, fault 72).

use wamp_proto::{Encoding, Match, Uri};
use wamp_world::{
    World,
    world::{LinkRule, OTHER_REALM},
};

use crate::check;

#[test]
fn s_12_t_78_fault_72_nothing_crosses() {
    let mut world = World::new(1);
    let here = world.join("here", Encoding::Json);
    let there = world.join_with("there", Encoding::Cbor, LinkRule::default(), |config| {
        config.realm = Uri::unchecked(OTHER_REALM);
    });
    for client in [here, there] {
        client.subscribe(&mut world, "com.example.tick");
        client.subscribe_pattern(&mut world, Match::Prefix, "");
        client.register(&mut world, "com.example.add");
    }
    world.run();
    assert_eq!(world.counts().registrations, 2);
    there.publish(&mut world, "com.example.tick", ("there",));
    world.run();
    assert!(here.received(&mut world).is_empty());
    let call = there.call(&mut world, "com.example.add", ());
    world.run();
    there.answer(&mut world, ("there",));
    world.run();
    assert_eq!(there.result::<String>(&mut world, call), Ok("there".to_owned()));
    let mallory = world.raw("mallory", Encoding::Json);
    mallory.hello(&mut world);
    mallory.send(&mut world, "[34,1,1]");
    mallory.send(&mut world, "[66,2,1]");
    let call = here.call(&mut world, "com.example.only_there", ());
    there.register(&mut world, "com.example.only_there");
    world.run();
    assert_eq!(here.failure(&mut world, call), "wamp.error.no_such_procedure");
    check(&mut world, "realms");
}
