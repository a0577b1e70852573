//! What sessions may do, by rules and by decisions (A-86..A-90, T-18, fault 86).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use wamp_driver::{
    Error,
    proto::{
        Encoding, Match, Pattern, Uri, Value,
        router::{Access, Authorization, Changes, Permission, RealmPermissions, Right, Rule},
        uri::UriRule,
    },
};

use super::{Kit, RouterSettings, Stage, Transport};

fn realm() -> RealmPermissions {
    RealmPermissions::new(Uri::unchecked("realm1"))
}

fn rule(kind: Match, uri: &str, allow: &[Right]) -> Rule {
    Rule::new(Pattern::new(UriRule::Loose, kind, uri).unwrap(), allow.iter().copied().collect())
}

/// What anonymous clients may do by the rules of these cases.
fn rules(allow: &[Right]) -> RealmPermissions {
    realm().role("anonymous", Access::Rules(vec![rule(Match::Prefix, "t.", allow)]))
}

fn is(error: &Error, uri: &str) -> bool {
    error.uri().is_some_and(|error| error == uri)
}

fn permit_anew(stage: &Stage, permissions: RealmPermissions) {
    let router = stage.router().expect("the router is ours");
    router.reconfigure(Changes::default().permissions([permissions]));
}

/// A router over each kind of socket.
async fn stages(kit: &Kit, settings: impl Fn(RouterSettings) -> RouterSettings) -> Vec<Stage> {
    let mut stages = Vec::new();
    for transport in [Transport::Ws, Transport::Tcp] {
        let settings = settings(RouterSettings::on(transport));
        stages.push(kit.stage_with(transport, Encoding::MessagePack, settings).await);
    }
    stages
}

pub(super) async fn what_a_role_may_do(kit: Kit) {
    let permit = |settings: RouterSettings| {
        settings.config(|config| config.permissions = vec![rules(&[Right::Subscribe, Right::Publish])])
    };
    for stage in stages(&kit, permit).await {
        let client = stage.client().await;
        let mut events = client.subscribe("t.tick").await.unwrap();
        let (none, all) = (client.call("t.add").await.unwrap_err(), client.subscribe("").prefix().await);
        assert!(is(&none, "wamp.error.not_authorized"), "{none}");
        assert!(none.to_string().contains("may not call `t.add`"), "{none}");
        assert!(is(&all.unwrap_err(), "wamp.error.not_authorized"));
        let refused = client.publish("u.tick").acknowledge().await.unwrap_err();
        assert!(is(&refused, "wamp.error.not_authorized"));
        // T-18: silence.
        client.publish("u.tick").await.unwrap();
        let other = stage.client().await;
        other.publish("t.tick").args((1,)).acknowledge().await.unwrap();
        assert_eq!(events.next().await.unwrap().args::<(u8,)>().unwrap(), (1,));
    }
}

pub(super) async fn decisions_keep_the_order(kit: Kit) {
    let sleeper = kit.runtime.clone();
    let slow = move |settings: RouterSettings| {
        let (sleeper, asked) = (sleeper.clone(), Arc::new(AtomicUsize::new(0)));
        let decide = move |wish: Authorization| -> wamp_driver::BoxFuture<Permission> {
            // The later, the sooner.
            let earlier = asked.fetch_add(1, Ordering::Relaxed);
            let pause = 40_usize.saturating_sub(earlier * 4);
            let sleep = sleeper.sleep(Duration::from_millis(pause as u64));
            Box::pin(async move {
                sleep.await;
                let even = wish.subject.uri().ends_with(|last: char| "02468".contains(last));
                if even || wish.right == Right::Subscribe { Permission::allow() } else { Permission::deny() }
            })
        };
        let dynamic = realm().role("anonymous", Access::Dynamic);
        settings.config(|config| config.permissions = vec![dynamic]).authorizer(decide)
    };
    for stage in stages(&kit, slow).await {
        let (publisher, subscriber) = (stage.client().await, stage.client().await);
        let mut events = subscriber.subscribe("t.").prefix().await.unwrap();
        for number in 0..10 {
            publisher.publish(&format!("t.{number}")).args((number,)).await.unwrap();
        }
        for number in [0, 2, 4, 6, 8] {
            assert_eq!(events.next().await.unwrap().args::<(u8,)>().unwrap(), (number,));
        }
    }
}

pub(super) async fn an_authorizer_that_fails_denies(kit: Kit) {
    let bad = |settings: RouterSettings| {
        let decide = |wish: Authorization| -> wamp_driver::BoxFuture<Permission> {
            match wish.subject.uri().as_str() {
                "t.panics" => panic!("this authorizer panics"),
                "t.panics_later" => Box::pin(async { panic!("this authorizer panics later") }),
                "t.hangs" => Box::pin(std::future::pending()),
                _ => Box::pin(async { Permission::allow() }),
            }
        };
        let dynamic = realm().role("anonymous", Access::Dynamic);
        let change = |config: &mut wamp_driver::proto::router::Config| {
            config.permissions = vec![dynamic];
            config.authorization_timeout = Duration::from_secs(1);
        };
        settings.config(change).authorizer(decide)
    };
    for stage in stages(&kit, bad).await {
        let client = stage.client().await;
        for procedure in ["t.panics", "t.panics_later", "t.hangs"] {
            let error = client.call(procedure).await.unwrap_err();
            assert!(is(&error, "wamp.error.authorization_failed"), "{procedure}: {error}");
        }
        let error = client.call("t.nobody").await.unwrap_err();
        assert!(is(&error, "wamp.error.no_such_procedure"), "{error}");
    }
}

pub(super) async fn a_procedure_decides(kit: Kit) {
    let dynamic = || realm().role("anonymous", Access::Dynamic);
    let by_procedure = |settings: RouterSettings| {
        settings
            .config(move |config| config.permissions = vec![dynamic()])
            .authorizer_procedure("t.authorize")
    };
    for stage in stages(&kit, by_procedure).await {
        let client = stage.client().await;
        // Fault 86: nobody is there to decide.
        let error = client.call("t.yes").await.unwrap_err();
        assert!(is(&error, "wamp.error.authorization_failed"), "{error}");
        let authorizer = stage.client().await;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let decide = move |session: Value, uri: String, action: String, options: Value| {
            let count = count.clone();
            async move {
                count.fetch_add(1, Ordering::Relaxed);
                assert!(session.as_dict().is_some_and(|dict| dict.get("authrole").is_some()));
                assert!(options.as_dict().is_some());
                let cached = |allow: bool| {
                    Value::Dict(
                        [("allow", Value::from(allow)), ("cache", Value::from(true))].into_iter().collect(),
                    )
                };
                Ok(match uri.as_str() {
                    "t.yes" => Value::from(action == "call"),
                    "t.cached" => cached(true),
                    "t.never" => cached(false),
                    _ => Value::from("perhaps"),
                })
            }
        };
        permit_anew(&stage, realm().others(Access::Everything));
        authorizer.register("t.authorize", decide).await.unwrap();
        // It keeps what it has.
        permit_anew(&stage, dynamic());
        let expect = async |procedure: &str, uri: &str| {
            let error = client.call(procedure).await.unwrap_err();
            assert!(is(&error, uri), "{procedure}: {error}");
        };
        expect("t.yes", "wamp.error.no_such_procedure").await;
        expect("t.other", "wamp.error.authorization_failed").await;
        let before = asked.load(Ordering::Relaxed);
        for _ in 0..3 {
            expect("t.cached", "wamp.error.no_such_procedure").await;
            expect("t.never", "wamp.error.not_authorized").await;
        }
        assert_eq!(asked.load(Ordering::Relaxed) - before, 2);
        let denied = client.register("t.yes", || async { Ok(()) }).await.unwrap_err();
        assert!(is(&denied, "wamp.error.not_authorized"));
    }
}

pub(super) async fn permissions_change_while_the_router_runs(kit: Kit) {
    let permit =
        |settings: RouterSettings| settings.config(|config| config.permissions = vec![rules(&Right::ALL)]);
    for stage in stages(&kit, permit).await {
        let client = stage.client().await;
        let mut kept = client.subscribe("t.kept").await.unwrap();
        let mut lost = client.subscribe("t.lost").await.unwrap();
        let only = rule(Match::Exact, "t.kept", &[Right::Subscribe, Right::Publish]);
        let fewer = realm().role("anonymous", Access::Rules(vec![only]));
        permit_anew(&stage, fewer);
        // The stream ends, the other goes on.
        assert!(lost.next().await.is_none());
        let other = stage.client().await;
        other.publish("t.kept").args((1,)).acknowledge().await.unwrap();
        assert_eq!(kept.next().await.unwrap().args::<(u8,)>().unwrap(), (1,));
        let error = client.subscribe("t.lost").await.unwrap_err();
        assert!(is(&error, "wamp.error.not_authorized"));
    }
}
