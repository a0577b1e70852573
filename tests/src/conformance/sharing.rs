//! Procedures that several sessions have, and events that not every session gets.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use wamp_driver::{
    CancelMode, Error, HistoryQuery, InvocationPolicy, KillReason, MetaEvent, Subscription,
    proto::{
        Match, Pattern,
        error::Closed,
        router::{Config, HistoryRule},
        uri::UriRule,
    },
};

use super::{Kit, RouterSettings, Stage, Transport};

/// R-140..R-148.
pub(super) async fn several_callees(stage: Stage) {
    let caller = stage.client().await;
    let callees = join_all((0..3).map(|_| stage.client())).await;
    for (policy, expected) in [
        (InvocationPolicy::RoundRobin, vec![0, 1, 2, 0, 1, 2]),
        (InvocationPolicy::First, vec![0; 6]),
        (InvocationPolicy::Last, vec![2; 6]),
    ] {
        let procedure = format!("t.{}", policy.as_str());
        for (number, callee) in callees.iter().enumerate() {
            callee.register(&procedure, move || async move { Ok(number) }).invoke(policy).await.unwrap();
        }
        let mut served = Vec::new();
        for _ in 0..6 {
            served.push(caller.call(&procedure).value::<usize>().await.unwrap());
        }
        assert_eq!(served, expected, "{policy:?}");
    }
    for (number, callee) in callees.iter().enumerate() {
        let register = callee.register("t.random", move || async move { Ok(number) });
        register.invoke(InvocationPolicy::Random).await.unwrap();
    }
    let mut served = [0; 3];
    for _ in 0..100 {
        served[caller.call("t.random").value::<usize>().await.unwrap()] += 1;
    }
    assert!(served.iter().all(|count| *count > 5), "{served:?}");
    // All must say the same.
    let other = caller.register("t.first", || async { Ok(()) }).await.unwrap_err();
    assert_eq!(other.uri().unwrap(), "wamp.error.procedure_already_exists");
    // T-12: who leaves takes nothing from the others.
    callees[0].close().await;
    assert_eq!(caller.call("t.first").value::<usize>().await.unwrap(), 1);
}

/// A callee takes as many calls as it says; the others wait.
pub(super) async fn a_callee_with_a_limit(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let (running, most) = (std::sync::Arc::new(std::sync::Mutex::new((0, 0))), 3);
    let (seen, kit) = (running.clone(), stage.clone());
    let work = move |number: i64| {
        let (running, kit) = (running.clone(), kit.clone());
        async move {
            {
                let mut running = running.lock().unwrap();
                running.0 += 1;
                running.1 = running.1.max(running.0);
            }
            kit.sleep(std::time::Duration::from_millis(5)).await;
            running.lock().unwrap().0 -= 1;
            Ok(number)
        }
    };
    callee.register("t.work", work).concurrency(most).await.unwrap();
    let calls = (0..30).map(|number| caller.call("t.work").args((number,)).value::<i64>());
    for (number, result) in stage.within(join_all(calls)).await.into_iter().enumerate() {
        assert_eq!(result.unwrap(), number as i64);
    }
    assert_eq!(seen.lock().unwrap().1, most);
}

/// the callee's own answer is waited for.
pub(super) async fn modes_of_canceling(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.pending", || async { std::future::pending::<Result<(), _>>().await }).await.unwrap();
    for mode in [CancelMode::Skip, CancelMode::Kill, CancelMode::KillNoWait] {
        let mut call = caller.call("t.pending").cancel_mode(mode).into_future();
        assert!(super::tools::poll_once(&mut call).is_pending());
        stage.settle(|counts| counts.calls == 1).await;
        drop(call);
        stage.settle(|counts| counts.calls == 0).await;
    }
}

async fn topics(events: &mut Subscription) -> Vec<i64> {
    let mut seen = Vec::new();
    loop {
        let (number,): (i64,) = events.next().await.unwrap().args().unwrap();
        if number == 0 {
            return seen;
        }
        seen.push(number);
    }
}

/// P-25..P-30.
pub(super) async fn audiences(stage: Stage) {
    let publisher = stage.client().await;
    let (one, other) = (stage.client().await, stage.client().await);
    let mut streams = [one.subscribe("t.topic").await.unwrap(), other.subscribe("t.topic").await.unwrap()];
    let publish = |number: i64| publisher.publish("t.topic").args((number,));
    publish(1).await.unwrap();
    publish(2).exclude([one.session()]).await.unwrap();
    publish(3).eligible([one.session()]).await.unwrap();
    // Within the router's process, it is another one.
    let role = one.welcome().authrole.clone().unwrap();
    publish(4).eligible_authrole([&role]).await.unwrap();
    publish(5).exclude_authrole([&role]).await.unwrap();
    publish(6).eligible_authid([&one.welcome().authid.clone().unwrap()]).await.unwrap();
    publish(7).exclude_authid([&one.welcome().authid.clone().unwrap()]).await.unwrap();
    publish(8).eligible_authrole(["admin"]).await.unwrap();
    publish(0).acknowledge().await.unwrap();
    let seen = stage.within(join_all(streams.iter_mut().map(topics))).await;
    assert_eq!(seen, [vec![1, 3, 4, 6], vec![1, 2, 4, 7]]);
}

/// R-101..R-104, P-36.
pub(super) async fn who_calls_and_who_publishes(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let who = |invocation: wamp_driver::Invocation| async move {
        let caller = invocation.details.caller;
        invocation.reply((caller,), ())
    };
    callee.register("t.who", who).await.unwrap();
    let session = Some(caller.session().get());
    assert_eq!(caller.call("t.who").disclose_me().value::<Option<u64>>().await.unwrap(), session);
    assert_eq!(caller.call("t.who").value::<Option<u64>>().await.unwrap(), None);
    callee.register("t.always", who).disclose_caller().await.unwrap();
    assert_eq!(caller.call("t.always").value::<Option<u64>>().await.unwrap(), session);
    let mut events = callee.subscribe("t.topic").await.unwrap();
    caller.publish("t.topic").disclose_me().await.unwrap();
    caller.publish("t.topic").await.unwrap();
    let publisher = |event: Option<wamp_driver::Event>| event.unwrap().details.publisher;
    assert_eq!(publisher(stage.within(events.next()).await), Some(caller.session()));
    assert_eq!(publisher(stage.within(events.next()).await), None);
}

/// P-65..P-72.
pub(super) async fn retained_events(stage: Stage) {
    let (publisher, subscriber) = (stage.client().await, stage.client().await);
    for (topic, number) in [("t.a", 1), ("t.a", 2), ("t.b", 3)] {
        publisher.publish(topic).args((number,)).retain().acknowledge().await.unwrap();
    }
    let mut plain = subscriber.subscribe("t.a").await.unwrap();
    let mut retained = subscriber.subscribe("t.a").get_retained().await.unwrap();
    let event = stage.within(retained.next()).await.unwrap();
    assert!(event.details.retained);
    assert_eq!(event.args::<(i64,)>().unwrap(), (2,));
    let mut all = subscriber.subscribe("t.").prefix().get_retained().await.unwrap();
    let mut seen = BTreeMap::new();
    for _ in 0..2 {
        let event = stage.within(all.next()).await.unwrap();
        seen.insert(event.topic.to_string(), event.args::<(i64,)>().unwrap().0);
    }
    assert_eq!(seen, BTreeMap::from([("t.a".to_owned(), 2), ("t.b".to_owned(), 3)]));
    // Each new event comes to each stream once, and is not a retained one.
    publisher.publish("t.a").args((4,)).await.unwrap();
    for stream in [&mut plain, &mut retained, &mut all] {
        let event = stage.within(stream.next()).await.unwrap();
        assert_eq!((event.details.retained, event.args::<(i64,)>().unwrap().0), (false, 4));
    }
}

/// X-01..X-73.
pub(super) async fn meta(stage: Stage) {
    let (watcher, other) = (stage.client().await, stage.client().await);
    let meta = watcher.meta();
    let mut events = meta.events().await.unwrap();
    let sessions = meta.sessions().list().await.unwrap();
    assert!(sessions.contains(&watcher.session()) && sessions.contains(&other.session()));
    assert!(meta.sessions().count().await.unwrap() >= 2);
    let info = meta.sessions().get(other.session()).await.unwrap();
    assert_eq!((info.session, Some(info.authrole)), (other.session(), other.welcome().authrole.clone()));
    let registration = other.register("t.procedure", || async { Ok(()) }).await.unwrap().id();
    let registrations = meta.registrations();
    assert_eq!(registrations.list().await.unwrap().exact, [registration]);
    assert_eq!(registrations.lookup("t.procedure", Match::Exact).await.unwrap(), Some(registration));
    assert_eq!(registrations.lookup("t.procedure", Match::Prefix).await.unwrap(), None);
    assert_eq!(registrations.best_match("t.procedure").await.unwrap(), Some(registration));
    assert_eq!(registrations.get(registration).await.unwrap().uri, "t.procedure");
    assert_eq!(registrations.list_callees(registration).await.unwrap(), [other.session()]);
    assert_eq!(registrations.count_callees(registration).await.unwrap(), 1);
    let subscription = other.subscribe("t.topic").await.unwrap();
    let subscriptions = meta.subscriptions();
    assert_eq!(subscriptions.lookup("t.topic", Match::Exact).await.unwrap(), Some(subscription.id()));
    assert_eq!(subscriptions.matching("t.topic").await.unwrap(), Some(vec![subscription.id()]));
    assert_eq!(subscriptions.get(subscription.id()).await.unwrap().match_policy, "exact");
    assert_eq!(subscriptions.list_subscribers(subscription.id()).await.unwrap(), [other.session()]);
    assert_eq!(subscriptions.count_subscribers(subscription.id()).await.unwrap(), 1);
    other.meta().sessions().add_testament("t.last", ("gone",), BTreeMap::<String, i64>::new()).await.unwrap();
    let mut last = watcher.subscribe("t.last").await.unwrap();
    let why = KillReason::new("com.example.maintenance", "back in an hour");
    meta.sessions().kill(other.session(), why).await.unwrap();
    let Closed::ByPeer { reason, .. } = stage.within(other.closed()).await else { panic!("no goodbye") };
    assert_eq!(reason, "com.example.maintenance");
    let testament = stage.within(last.next()).await.unwrap();
    assert_eq!(testament.args::<(String,)>().unwrap().0, "gone");
    let unknown = meta.sessions().get(other.session()).await.unwrap_err();
    assert_eq!(unknown.uri().unwrap(), "wamp.error.no_such_session");
    let mut seen = Vec::new();
    loop {
        let event = stage.within(events.next()).await.unwrap();
        let event = MetaEvent::try_from(&event).unwrap();
        assert!(!matches!(event, MetaEvent::Other(_)), "{event:?}");
        let left = matches!(&event, MetaEvent::SessionLeft { session, .. } if *session == other.session());
        seen.push(event);
        if left {
            break;
        }
    }
    let registered = MetaEvent::Registered { session: other.session(), registration };
    let deleted = MetaEvent::RegistrationDeleted { session: other.session(), registration };
    let place = |event: &MetaEvent| seen.iter().position(|other| other == event).expect("it came");
    assert!(place(&registered) < place(&deleted), "{seen:?}");
}

/// P-75..P-83.
pub(super) async fn history(kit: Kit) {
    let keep = |config: &mut Config| {
        let topic = Pattern::new(UriRule::Loose, Match::Exact, "t.kept").unwrap();
        config.history.push(HistoryRule::new("realm1".parse().unwrap(), topic));
    };
    for transport in kit.transports(&[Transport::Ws, Transport::InProcess]) {
        for encoding in wamp_driver::proto::Encoding::ALL {
            let settings = RouterSettings::on(transport).config(keep);
            let stage = kit.stage_with(transport, encoding, settings).await;
            let client = stage.client().await;
            for number in 0..10 {
                client.publish("t.kept").args((number,)).acknowledge().await.unwrap();
            }
            let subscriptions = client.meta().subscriptions();
            let id = subscriptions.lookup("t.kept", Match::Exact).await.unwrap().unwrap();
            let query = HistoryQuery { reverse: true, limit: Some(3), ..HistoryQuery::default() };
            let past = subscriptions.events(id, query).await.unwrap();
            let numbers = past.iter().map(|event| event.args[0].as_i64().unwrap()).collect::<Vec<_>>();
            assert_eq!(numbers, [9, 8, 7]);
            // It is the time of the world.
            assert!(past[0].timestamp.starts_with("20"), "{}", past[0].timestamp);
            for limit in [1, 2] {
                let query = HistoryQuery { limit: Some(limit), ..HistoryQuery::default() };
                let past = subscriptions.events(id, query).await.unwrap();
                assert_eq!(past.len(), usize::try_from(limit).unwrap());
            }
            let future =
                HistoryQuery { from_time: Some("2999-01-01T00:00:00Z".into()), ..HistoryQuery::default() };
            assert!(subscriptions.events(id, future).await.unwrap().is_empty());
            let unknown = HistoryQuery { from_time: Some("yesterday".to_owned()), ..HistoryQuery::default() };
            let refused = subscriptions.events(id, unknown).await.unwrap_err();
            assert!(matches!(&refused, Error::Remote(error) if error.error == "wamp.error.invalid_argument"));
        }
    }
}
