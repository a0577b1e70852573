//! tokio, as the driver sees it.

use std::{io, sync::Arc, time::Duration};

use wamp_driver::{
    Address, BoxFuture, IpVersion, Job, Runtime, Signals,
    net::{Accept, Network, OpenListener, Socket},
    proto::Instant,
};

use crate::{connect::connect, serve::listen, signals::signals};

/// Tasks, timers, sockets, the clock and the random source of the tokio runtime that the caller is in.
#[derive(Debug)]
pub struct Tokio {
    origin: std::time::Instant,
    handle: tokio::runtime::Handle,
}

impl Runtime for Tokio {
    fn now(&self) -> Instant {
        Instant::from_origin(clock().saturating_duration_since(self.origin))
    }

    fn unix_time(&self) -> Duration {
        calendar()
    }

    fn spawn(&self, task: BoxFuture<()>) {
        self.handle.spawn(task);
    }

    fn spawn_blocking(&self, job: Job) {
        self.handle.spawn_blocking(move || job()());
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        // A sleep is bound to the runtime it is made in.
        let _runtime = self.handle.enter();
        Box::pin(tokio::time::sleep(duration))
    }

    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        // An operating system without a random source is one that nothing here can run safely on.
        getrandom::fill(&mut seed).expect("the operating system has a random source");
        seed
    }

    fn signals(&self) -> io::Result<Signals> {
        // A signal is bound to the runtime it is caught in.
        let _runtime = self.handle.enter();
        signals()
    }
}

impl Network for Tokio {
    type Client = wamp_driver::Client;

    /// # Panics
    ///
    /// Outside of a tokio runtime.
    fn current() -> Arc<Self> {
        Arc::new(Self { origin: clock(), handle: tokio::runtime::Handle::current() })
    }

    fn connect(&self, to: Address, ip: IpVersion) -> BoxFuture<io::Result<Box<dyn Socket>>> {
        Box::pin(connect(to, ip))
    }

    fn listen(&self, listener: OpenListener) -> io::Result<Box<dyn Accept>> {
        // A listener is bound to the runtime it is made in.
        let _runtime = self.handle.enter();
        listen(listener)
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where this adapter asks for the date")]
fn calendar() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

#[allow(clippy::disallowed_methods, reason = "the one place where this adapter asks for the time")]
fn clock() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}
