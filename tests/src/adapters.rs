//! The adapters, each with its runtime: what tests run on.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// A module for an adapter.
macro_rules! adapter {
    ($(#[$about:meta])* $name:ident: $network:ty, $client:ty, |$test:ident| $run:expr) => {
        $(#[$about])*
        pub mod $name {
            /// What clients run on, as [`Router::connect`](crate::Router::connect) wants to know it.
            pub type Network = $network;

            /// A client that has joined, whose messages are recorded.
            pub type Client = crate::Client<$client>;

            /// Runs a test to its end.
            pub fn run<T>($test: impl Future<Output = T>) -> T {
                $run
            }
        }
    };
}

adapter! {
    /// Tests on tokio: a runtime of two threads for each.
    #[cfg(feature = "tokio")]
    tokio: wamp_tokio::Tokio, wamp_tokio::Client, |test| {
        let mut builder = ::tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build().expect("a runtime");
        let output = runtime.block_on(test);
        // What a test has left running must not keep it.
        runtime.shutdown_background();
        output
    }
}

adapter! {
    /// Tests on smol.
    #[cfg(feature = "smol")]
    smol: wamp_async_std::AsyncIo<wamp_async_std::Smol>, wamp_async_std::Client, |test| ::smol::block_on(test)
}

adapter! {
    /// Tests on async-std.
    #[cfg(feature = "async-std")]
    async_std: wamp_async_std::AsyncIo<wamp_async_std::AsyncStd>, wamp_async_std::Client, |test| {
        ::async_std::task::block_on(test)
    }
}

adapter! {
    /// Tests without a runtime, on threads.
    blocking: wamp_blocking::Threads, wamp_blocking::Client, |test| crate::adapters::block_on(test)
}

impl blocking::Client {
    /// What [`Router::client`](crate::Router::client) is where nothing is awaited.
    ///
    /// # Panics
    ///
    /// When it cannot join.
    pub fn at(router: &crate::Router) -> Self {
        block_on(router.client::<blocking::Network>())
    }
}

#[cfg(all(feature = "async-std", not(any(feature = "smol", feature = "tokio"))))]
pub use self::async_std as chosen;
#[cfg(not(any(feature = "async-std", feature = "smol", feature = "tokio")))]
pub use self::blocking as chosen;
#[cfg(all(feature = "smol", not(feature = "tokio")))]
pub use self::smol as chosen;
/// The first of them that there is.
#[cfg(feature = "tokio")]
pub use self::tokio as chosen;

/// Ends the sleep of the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
