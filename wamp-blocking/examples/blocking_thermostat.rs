//! A thermostat: one trait for the service and for its client, and errors that both know.
//!
//! `cargo run -p wamp-blocking --example blocking_thermostat`

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use wamp_blocking::{Error, Progress, Router, Wait as _, WampError, proxy, service};

/// What a thermostat can do, wherever it is.
#[proxy(prefix = "com.example.thermostat")]
trait Thermostat {
    /// Sets the temperature.
    fn set(&self, celsius: f64) -> Result<f64, Fault>;

    /// Tells all temperatures, and how many there were.
    fn history(&self, #[kwarg] most: Option<usize>, each: Progress<f64>) -> Result<usize, Fault>;
}

/// What goes wrong with a thermostat.
#[derive(Debug, WampError)]
enum Fault {
    #[error_uri("com.example.error.too_hot")]
    TooHot(f64),
    #[error_other]
    Other(Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooHot(celsius) => write!(f, "{celsius} degrees are too hot"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

/// The thermostat itself.
#[derive(Default)]
struct Heating {
    set: Mutex<Vec<f64>>,
}

#[service]
impl Thermostat for Heating {
    fn set(&self, celsius: f64) -> Result<f64, Fault> {
        if celsius > 40.0 {
            return Err(Fault::TooHot(celsius));
        }
        self.set.lock().unwrap_or_else(PoisonError::into_inner).push(celsius);
        Ok(celsius)
    }

    fn history(&self, most: Option<usize>, each: Progress<f64>) -> Result<usize, Fault> {
        let all = self.set.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for celsius in all.iter().take(most.unwrap_or(all.len())) {
            each.send(*celsius).wait()?;
        }
        Ok(all.len())
    }
}

fn comfortable(thermostat: &impl Thermostat) -> Result<f64, Fault> {
    thermostat.set(20.5)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let router = Router::builder().listen("ws://127.0.0.1:0").wait()?;
    let service = router.connect().wait()?;
    service.serve(Heating::default()).wait()?;

    let client = wamp_blocking::connect(&router.url().ok_or("it listens")?).wait()?;
    let thermostat = ThermostatClient::new(client);
    println!("set         {}", thermostat.set(21.5)?);
    if let Err(fault) = thermostat.set(45.0) {
        println!("no          {fault}");
    }
    let show = Progress::to(|celsius: f64| println!("was         {celsius}"));
    println!("how many    {}", thermostat.history(Some(1), show)?);

    // The same interface, without a network.
    println!("here        {}", comfortable(&Heating::default())?);
    println!("there       {}", comfortable(&thermostat)?);
    Ok(())
}
