//! Mistakes in services.

use wamp_tokio::service;

struct Thermostat;

#[service(prefix = "com.example")]
impl Thermostat {
    async fn nothing_is_offered(&self) {}
}

#[service]
impl Thermostat {
    #[procedure]
    async fn changes(&mut self, celsius: f64) {}
}

#[service]
impl Thermostat {
    #[procedure]
    async fn without_self(celsius: f64) {}
}

#[service]
impl Thermostat {
    #[procedure]
    async fn borrows(&self, room: &str) {}
}

#[service]
impl Thermostat {
    #[procedure]
    async fn generic<T>(&self, room: T) {}
}

#[service]
impl Thermostat {
    #[procedure(invoke = "sometimes")]
    async fn policy(&self) {}
}

#[service]
impl Thermostat {
    #[procedure(retries = 3)]
    async fn option(&self) {}
}

#[service]
impl Thermostat {
    #[procedure("com..example")]
    async fn uri(&self) {}
}

#[service]
impl Thermostat {
    #[subscribe]
    async fn no_topic(&self) {}
}

#[service]
impl Thermostat {
    #[procedure]
    #[subscribe("com.example.topic")]
    async fn both(&self) {}
}

#[service(name = "com.example")]
impl Thermostat {}

#[wamp_blocking::service]
impl Thermostat {
    #[procedure]
    async fn not_here(&self) {}
}

fn main() {}
