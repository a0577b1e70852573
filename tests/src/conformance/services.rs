//! Services, proxies and errors, as the macros write them and by hand.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_channel::mpsc;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use wamp_driver::{
    Client, Details, Envelope, Error, ErrorReply, EventDetails, Invocation, Kwargs, Progress, Routes,
};
use wamp_macros::{WampErrorTokio, proxy_tokio, service_tokio};

use super::Stage;

#[derive(Debug, PartialEq, WampErrorTokio)]
#[wamp(crate = "::wamp_driver")]
enum Fault {
    #[error_uri("t.error.too_hot")]
    TooHot(f64, String),
    #[error_uri("t.error.busy")]
    Busy { room: String, minutes: Option<u8> },
    #[error_uri("t.error.broken")]
    Broken,
}

#[derive(Debug, WampErrorTokio)]
#[wamp(crate = "::wamp_driver")]
enum CallFault {
    #[error_uri("t.error.too_hot")]
    TooHot(f64),
    #[error_other]
    Other(Error),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    day: u8,
    room: Option<String>,
}

/// The interface, for both ends.
#[proxy_tokio(prefix = "t.thermostat", crate = "::wamp_driver")]
trait Thermostat {
    async fn set(&self, celsius: f64) -> Result<f64, CallFault>;

    #[procedure(name = "past", invoke = "roundrobin")]
    async fn history(
        &self,
        days: u8,
        #[kwarg] room: Option<String>,
        out: Progress<Sample>,
    ) -> Result<u8, CallFault>;

    #[procedure("t.elsewhere.forever")]
    async fn forever(&self) -> Result<(), CallFault>;
}

struct Wall;

#[service_tokio(crate = "::wamp_driver")]
impl Thermostat for Wall {
    async fn set(&self, celsius: f64) -> Result<f64, CallFault> {
        if celsius > 40.0 { Err(CallFault::TooHot(celsius)) } else { Ok(celsius) }
    }

    async fn history(&self, days: u8, room: Option<String>, out: Progress<Sample>) -> Result<u8, CallFault> {
        for day in 0..days {
            out.send(Sample { day, room: room.clone() }).await?;
        }
        Ok(days)
    }

    async fn forever(&self) -> Result<(), CallFault> {
        std::future::pending().await
    }
}

/// Every form of method.
struct House {
    count: AtomicU64,
    told: mpsc::UnboundedSender<String>,
}

#[service_tokio(prefix = "t.house", crate = "::wamp_driver")]
impl House {
    #[procedure]
    async fn count(&self, step: u64) -> u64 {
        self.count.fetch_add(step, Ordering::Relaxed) + step
    }

    #[procedure("t.other.reset")]
    async fn reset(&self) {
        self.count.store(0, Ordering::Relaxed);
    }

    #[procedure(name = "heat.up", concurrency = 4, disclose_caller)]
    async fn heat(
        &self,
        celsius: f64,
        #[kwarg] room: String,
        #[kwarg] minutes: Option<u8>,
    ) -> Result<String, Fault> {
        match (celsius, &*room) {
            (_, "attic") => Err(Fault::Broken),
            (_, "lab") => Err(Fault::Busy { room, minutes }),
            (41.0.., _) => Err(Fault::TooHot(celsius, room)),
            _ => Ok(format!("{room} {celsius} {minutes:?}")),
        }
    }

    /// Not async: on a thread of its own.
    #[procedure]
    fn blocking(&self, service: i64, arguments: i64) -> Result<i64, ErrorReply> {
        Ok(service * arguments)
    }

    #[procedure(name = "pattern", match = "prefix")]
    async fn pattern(&self, details: Details, invocation: Invocation) -> Result<String, ErrorReply> {
        let (rest,): (String,) = invocation.args()?;
        Ok(format!("{:?} {rest}", details.procedure.as_deref()))
    }

    #[procedure]
    async fn relay(&self, client: Client, celsius: f64) -> Result<f64, CallFault> {
        ThermostatClient::new(client).set(celsius).await
    }

    #[subscribe("t.weather", match = "prefix")]
    async fn on_weather(&self, celsius: f64, about: EventDetails) -> Result<(), Fault> {
        self.tell(format!("{} {celsius}", about.topic.as_deref().unwrap_or_default()));
        if celsius > 40.0 { Err(Fault::TooHot(celsius, String::new())) } else { Ok(()) }
    }

    #[subscribe("t.alarm")]
    fn on_alarm(&self, #[kwarg] level: u8, #[kwarg] text: Option<String>) {
        self.tell(format!("{level} {text:?}"));
    }

    fn tell(&self, text: String) {
        self.told.unbounded_send(text).unwrap();
    }
}

fn house() -> (Arc<House>, mpsc::UnboundedReceiver<String>) {
    let (told, told_by) = mpsc::unbounded();
    (Arc::new(House { count: AtomicU64::new(0), told }), told_by)
}

pub(super) async fn methods_of_every_form(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let (house, mut told) = house();
    let serving = stage.within(callee.serve(house.clone())).await.unwrap();
    assert_eq!(serving.registrations().len(), 6);
    stage.holds(|counts| counts.subscriptions == 2);
    assert_eq!(caller.call("t.house.count").args((2,)).value::<u64>().await.unwrap(), 2);
    assert_eq!(caller.call("t.house.count").args((3,)).value::<u64>().await.unwrap(), 5);
    assert!(caller.call("t.other.reset").await.unwrap().payload.is_empty());
    assert_eq!(house.count.load(Ordering::Relaxed), 0);
    let heat = caller.call("t.house.heat.up").args((20.5,)).kwarg("room", "hall").kwarg("minutes", 5);
    assert_eq!(heat.value::<String>().await.unwrap(), "hall 20.5 Some(5)");
    assert_eq!(caller.call("t.house.blocking").args((6, 7)).value::<i64>().await.unwrap(), 42);
    let pattern: String = caller.call("t.house.pattern.of.it").args(("x",)).value().await.unwrap();
    assert_eq!(pattern, "Some(\"t.house.pattern.of.it\") x");
    for celsius in [20.5, 45.0, 19.5] {
        caller.publish("t.weather.lab").args((celsius, "and more")).await.unwrap();
        assert_eq!(stage.within(told.next()).await.unwrap(), format!("t.weather.lab {celsius}"));
    }
    caller.publish("t.alarm").kwargs(BTreeMap::from([("level", 3)])).await.unwrap();
    assert_eq!(stage.within(told.next()).await.unwrap(), "3 None");
    // Mistakes are told by name.
    for (call, part) in [
        (caller.call("t.house.count"), "argument 1 (`step`) is missing"),
        (caller.call("t.house.blocking").args((1, "x")), "argument 2 (`arguments`)"),
        (caller.call("t.house.heat.up").args((1.5,)), "keyword argument `room`"),
        (caller.call("t.house.count").args((1, 2)), "too many arguments: 1 is expected"),
    ] {
        let error = call.await.unwrap_err();
        assert!(error.is_invalid_argument() && error.to_string().contains(part), "{error} instead of {part}");
    }
}

pub(super) async fn errors_typed_at_both_ends(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.serve(house().0).await.unwrap();
    let heat = |celsius: f64, room: &str| {
        let call = caller.call("t.house.heat.up").args((celsius,)).kwarg("room", room).kwarg("minutes", 5);
        async move { call.await.unwrap_err() }
    };
    let hot = heat(45.5, "hall").await;
    assert_eq!(hot.uri().unwrap(), "t.error.too_hot");
    assert_eq!(hot.decode(), Some(Fault::TooHot(45.5, "hall".to_owned())));
    assert_eq!(
        heat(1.0, "lab").await.decode(),
        Some(Fault::Busy { room: "lab".to_owned(), minutes: Some(5) })
    );
    assert_eq!(heat(1.0, "attic").await.decode(), Some(Fault::Broken));
    // Another error is none of these, and nor is one whose arguments are others: the original is still there.
    let unknown = caller.call("t.nobody").await.unwrap_err();
    assert_eq!(unknown.decode::<Fault>(), None);
    assert!(unknown.is_no_such_procedure());
    callee
        .register("t.odd", || async { Err::<(), _>(ErrorReply::new("t.error.too_hot").arg("very")) })
        .await
        .unwrap();
    let odd = caller.call("t.odd").await.unwrap_err();
    assert_eq!(odd.decode::<Fault>(), None);
    assert!(
        matches!(CallFault::from(odd), CallFault::Other(error) if error.uri().unwrap() == "t.error.too_hot")
    );
}

pub(super) async fn one_trait_for_both_ends(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.serve(Wall).await.unwrap();
    let thermostat = ThermostatClient::new(caller.clone());
    assert_eq!(thermostat.set(20.5).await.unwrap(), 20.5);
    assert!(matches!(thermostat.set(45.0).await, Err(CallFault::TooHot(45.0))));
    let (tell, told) = mpsc::unbounded();
    let out = Progress::to(move |sample| tell.unbounded_send(sample).unwrap());
    assert_eq!(stage.within(thermostat.history(2, Some("lab".to_owned()), out)).await.unwrap(), 2);
    let sample = |day| Sample { day, room: Some("lab".to_owned()) };
    assert_eq!(told.collect::<Vec<_>>().await, [sample(0), sample(1)]);
    assert_eq!(thermostat.history(9, None, Progress::nobody()).await.unwrap(), 9);
    // Several services on one client, of which one is a client of another; errors come through.
    callee.serve(house().0).await.unwrap();
    assert_eq!(caller.call("t.house.relay").args((20.5,)).value::<f64>().await.unwrap(), 20.5);
    let relayed = caller.call("t.house.relay").args((45.0,)).await.unwrap_err();
    assert!(matches!(relayed.decode::<CallFault>(), Some(CallFault::TooHot(45.0))), "{relayed}");
    // Whoever takes a thermostat takes one that is elsewhere, on any thread.
    let elsewhere = stage.spawn(async move { too_hot(&thermostat).await });
    assert!(stage.within(elsewhere).await && too_hot(&Wall).await);
    let hurried = ThermostatClient::new(caller).with_timeout(Duration::from_millis(50));
    let late = stage.within(hurried.forever()).await;
    assert!(matches!(&late, Err(CallFault::Other(error)) if error.is_timeout()), "{late:?}");
    // What is there under its own name is what the trait says.
    assert_eq!(
        ThermostatClient::routes(Arc::new(Wall)).uris().collect::<Vec<_>>(),
        ["t.thermostat.set", "t.thermostat.past", "t.elsewhere.forever"]
    );
}

async fn too_hot(thermostat: &(impl Thermostat + Sync)) -> bool {
    matches!(thermostat.set(99.0).await, Err(CallFault::TooHot(_)))
}

/// When one procedure is taken, nothing of the service remains.
pub(super) async fn all_of_a_service_or_nothing(stage: Stage) {
    let (callee, other) = (stage.client().await, stage.client().await);
    other.register("t.other.reset", || async { Ok(()) }).await.unwrap();
    let (house, told) = house();
    let error = stage.within(callee.serve(house)).await.unwrap_err();
    assert_eq!(error.uri, "t.other.reset");
    assert_eq!(error.error.uri().unwrap(), "wamp.error.procedure_already_exists");
    assert!(error.to_string().contains("t.other.reset"), "{error}");
    stage.settle(|counts| counts.registrations == 1 && counts.subscriptions == 0).await;
    // Nobody holds the service any more.
    assert_eq!(stage.within(told.collect::<Vec<_>>()).await, [""; 0]);
    // Who loses interest on the way leaves nothing behind either.
    let given_up = self::house();
    let mut serve = Box::pin(callee.serve(Routes::new().service(given_up.0).service(Wall)).into_future());
    assert!(super::tools::poll_once(&mut serve).is_pending());
    drop(serve);
    stage.round_trip(&callee).await;
    stage.settle(|counts| counts.registrations == 1 && counts.subscriptions == 0).await;
}

pub(super) async fn a_service_ends_when_it_is_stopped(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let (house, mut told) = house();
    let both = Routes::new().service(house).service(Wall);
    assert_eq!(both.uris().count(), 11);
    let serving = callee.serve(both).await.unwrap();
    caller.publish("t.weather").args((1.5,)).await.unwrap();
    assert!(stage.within(told.next()).await.is_some());
    stage.within(serving.stop()).await.unwrap();
    stage.settle(|counts| counts.registrations == 0 && counts.subscriptions == 0).await;
    assert!(caller.call("t.house.count").args((1,)).await.unwrap_err().is_no_such_procedure());
    assert_eq!(stage.within(told.next()).await, None);
    // Dropping the handle ends nothing.
    drop(callee.serve(Wall).await.unwrap());
    assert_eq!(ThermostatClient::new(caller).set(1.5).await.unwrap(), 1.5);
}

struct Date;

#[service_tokio(envelope = "wampy", crate = "::wamp_driver")]
impl Date {
    #[procedure]
    async fn get_date(&self) -> String {
        "2026-11-25".to_owned()
    }
}

#[proxy_tokio(envelope = "wampy", crate = "::wamp_driver")]
trait Dates {
    async fn get_date(&self) -> Result<String, Error>;
    async fn plain(&self) -> Result<Vec<i64>, Error>;
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// wampy's envelope, on request and when it comes.
pub(super) async fn envelopes(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.serve(Date).await.unwrap();
    callee.register("plain", || async { Ok([1, 2]) }).await.unwrap();
    let pair = |Kwargs(place): Kwargs<BTreeMap<String, i64>>| async move { Ok(place) };
    callee.register("map", pair).envelope(Envelope::Wampy).await.unwrap();
    let result = caller.call("get_date").await.unwrap();
    assert_eq!(result.args::<(String,)>().unwrap().0, "2026-11-25");
    assert_eq!(result.kwargs::<Message>().unwrap().message, "2026-11-25");
    let opened = result.enveloped::<String>().unwrap();
    let meta = opened.meta.unwrap();
    assert_eq!((&*opened.message, &*meta.procedure_name), ("2026-11-25", "get_date"));
    assert_eq!(meta.session_id, callee.session().get());
    let map = caller.call("map").kwarg("a", 1).await.unwrap().enveloped::<BTreeMap<String, i64>>().unwrap();
    assert_eq!(map.message, BTreeMap::from([("a".to_owned(), 1)]));
    let dates = DatesClient::new(caller);
    assert_eq!(dates.get_date().await.unwrap(), "2026-11-25");
    assert_eq!(dates.plain().await.unwrap(), [1, 2]);
}
