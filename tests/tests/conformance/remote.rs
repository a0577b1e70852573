//! The cases for any router, at one of ours of which they know the URL alone.

use wamp_test::conformance::{
    Adapter as _, Encoding, Kit, RouterSettings, Stage, Transport,
    remote::{CASES, Outcome, Profile},
};
use wamp_tokio::proto::message::WelcomeDetails;

use crate::adapters::Tokio;

#[test]
fn our_router_passes_and_forgets_each_case() {
    Tokio::run(async {
        let kit = Kit::of::<Tokio>();
        let router = kit.start(RouterSettings::on(Transport::Tcp)).await;
        let url = router.endpoints()[0].to_string();
        let watcher = kit.connect(&url).await.unwrap();
        for case in CASES {
            let stage = Stage::at(kit.clone(), &url, Encoding::Cbor);
            assert_eq!(case.run(stage, &watcher.welcome()).await, Outcome::Passed, "{}", case.path());
            kit.settle(&*router, |counts| counts.sessions == 1 && counts.registrations == 0).await;
        }
    });
}

#[test]
fn what_a_router_does_not_announce_is_skipped() {
    Tokio::run(async {
        for case in CASES {
            assert_eq!(case.profile == Profile::Basic, case.needs.is_empty(), "{}", case.path());
            if case.profile == Profile::Advanced {
                let nobody = Stage::at(Kit::of::<Tokio>(), "tcp://127.0.0.1:1", Encoding::Cbor);
                let ended = case.run(nobody, &WelcomeDetails::default()).await;
                assert!(matches!(ended, Outcome::Skipped(missing) if missing.len() == case.needs.len()));
            }
        }
    });
}

#[test]
fn a_router_that_fails_is_told_where() {
    Tokio::run(async {
        let nobody = Stage::at(Kit::of::<Tokio>(), "tcp://127.0.0.1:1", Encoding::Cbor);
        let ended = CASES[0].run(nobody, &WelcomeDetails::default()).await;
        let Outcome::Failed(why) = ended else { panic!("{ended:?}") };
        assert!(why.contains("stage.rs") && why.contains("it joins"), "{why}");
    });
}
