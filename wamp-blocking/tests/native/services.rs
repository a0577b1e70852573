//! Services and proxies without async.

use std::sync::mpsc;

use wamp_blocking::{Client, Error, Progress, Wait as _, WampError, proxy, service};

use crate::{routers, within};

#[derive(Debug, WampError)]
enum Fault {
    #[error_uri("t.error.too_hot")]
    TooHot { celsius: f64 },
    #[error_other]
    Other(Error),
}

#[proxy(prefix = "t.thermostat")]
trait Thermostat {
    fn set(&self, celsius: f64) -> Result<f64, Fault>;
    fn history(&self, days: u8, #[kwarg] room: Option<String>, out: Progress<String>) -> Result<u8, Fault>;
    fn odd(&self) -> Result<(), Fault>;
}

struct Wall;

#[service]
impl Thermostat for Wall {
    fn set(&self, celsius: f64) -> Result<f64, Fault> {
        if celsius > 40.0 { Err(Fault::TooHot { celsius }) } else { Ok(celsius) }
    }

    fn history(&self, days: u8, room: Option<String>, out: Progress<String>) -> Result<u8, Fault> {
        for day in 0..days {
            out.send(format!("{day} {room:?}")).wait()?;
        }
        Ok(days)
    }

    fn odd(&self) -> Result<(), Fault> {
        panic!("not my day")
    }
}

struct Relay(mpsc::Sender<i64>);

#[service(prefix = "t.relay")]
impl Relay {
    #[procedure]
    fn set(&self, client: Client, celsius: f64) -> Result<f64, Fault> {
        ThermostatClient::new(client).set(celsius)
    }

    #[subscribe("t.number")]
    fn on_number(&self, number: i64) {
        self.0.send(number).unwrap();
    }
}

#[test]
fn a_trait_at_both_ends_and_a_service_that_calls() {
    within(|| {
        for (router, connect) in routers() {
            let (callee, caller) = (connect(&router), connect(&router));
            let (told, telling) = mpsc::channel();
            callee.serve(Wall).wait().unwrap();
            let relay = callee.serve(Relay(told)).wait().unwrap();
            let thermostat = ThermostatClient::new(caller.clone());
            assert_eq!(thermostat.set(20.5).unwrap(), 20.5);
            assert!(matches!(thermostat.set(45.0), Err(Fault::TooHot { celsius: 45.0 })));
            assert!(matches!(thermostat.odd(), Err(Fault::Other(Error::Remote(_)))));
            let (tell, days) = mpsc::channel();
            let out = Progress::to(move |day| tell.send(day).unwrap());
            assert_eq!(thermostat.history(2, Some("lab".to_owned()), out).unwrap(), 2);
            assert_eq!(days.iter().collect::<Vec<_>>(), ["0 Some(\"lab\")", "1 Some(\"lab\")"]);
            assert_eq!(thermostat.history(2, None, Progress::nobody()).unwrap(), 2);
            let relayed = caller.call("t.relay.set").args((45.0,)).wait().unwrap_err();
            assert!(matches!(relayed.decode(), Some(Fault::TooHot { celsius: 45.0 })), "{relayed}");
            caller.publish("t.number").args((7,)).wait().unwrap();
            assert_eq!(telling.recv().unwrap(), 7);
            relay.stop().wait().unwrap();
            assert!(caller.call("t.relay.set").args((1.5,)).wait().unwrap_err().is_no_such_procedure());
            // Nobody holds the service any more.
            assert!(telling.recv().is_err());
            drop((callee, caller, thermostat));
            assert_eq!(router.counts().sessions, 0);
        }
    });
}
