//! Faults on request.

use std::time::Duration;

use wamp_driver::net::{Connect, Network};

use crate::{
    Router,
    proxy::{Fault, Proxy},
};

/// A network between a [`Router`] and those clients that connect through it, which fails when it is told to.
///
/// ```
/// use wamp_blocking::{ReconnectPolicy, Wait as _};
/// use wamp_test::{Router, blocking};
///
/// let router = Router::start();
/// let faults = router.faults();
/// let client = faults.connect::<blocking::Network>().reconnect(ReconnectPolicy::default()).wait()?;
/// let first = client.session();
/// faults.kill();
/// wamp_test::eventually(|| client.session() != first).wait();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Faults {
    router: Router,
    proxy: Proxy,
}

impl Faults {
    /// # Panics
    ///
    /// When no port is left.
    pub(crate) fn new(router: Router) -> Self {
        let proxy = Proxy::new(&router.url()).expect("a port is left");
        Self { router, proxy }
    }

    /// The URL of the router, over WebSocket and through this network.
    pub fn url(&self) -> &str {
        self.proxy.url()
    }

    /// A connection to be made through this network: see [`Router::connect`].
    pub fn connect<N: Network>(&self) -> Connect<N> {
        self.router.connect_to(self.url())
    }

    /// From now on, everything comes this much later.
    pub fn delay(&self, delay: Duration) {
        self.proxy.set(Fault::Delay(delay));
    }

    /// From now on nothing passes, and nobody is told: what is on its way is lost, and connections stay as they are.
    pub fn stall(&self) {
        self.proxy.set(Fault::BlackHole);
    }

    /// From now on, what passes is not what was sent: the first byte of each piece is another.
    pub fn corrupt(&self) {
        self.proxy.set(Fault::Corrupt);
    }

    /// From now on, every connection ends, in order, after so many more bytes of either direction.
    pub fn cut_after(&self, bytes: usize) {
        self.proxy.set(Fault::CutAfter(bytes));
    }

    /// From now on, every connection is reset, those too that are made.
    pub fn reset(&self) {
        self.proxy.set(Fault::Reset);
    }

    /// Resets the connections that there are, and waits until they are gone. Those that are made afterwards have no fault.
    pub fn kill(&self) {
        self.proxy.kill();
    }

    /// From now on, there is no fault.
    pub fn heal(&self) {
        self.proxy.set(Fault::None);
    }
}
