//! tokio, as the driver sees it.

use std::{sync::Arc, time::Duration};

use wamp_driver::{BoxFuture, Runtime, proto::Instant};

/// Tasks, timers, the clock and the random source of the runtime that the caller is in.
pub(crate) struct Tokio {
    origin: std::time::Instant,
    handle: tokio::runtime::Handle,
}

impl Tokio {
    /// The runtime of the calling task.
    pub(crate) fn current() -> Arc<dyn Runtime> {
        Arc::new(Self { origin: clock(), handle: tokio::runtime::Handle::current() })
    }
}

impl Runtime for Tokio {
    fn now(&self) -> Instant {
        Instant::from_origin(clock().saturating_duration_since(self.origin))
    }

    fn spawn(&self, task: BoxFuture<()>) {
        self.handle.spawn(task);
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
}

#[allow(clippy::disallowed_methods, reason = "the one place where this adapter asks for the time")]
fn clock() -> std::time::Instant {
    tokio::time::Instant::now().into_std()
}
