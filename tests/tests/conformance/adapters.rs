//! The adapters, each with its runtime.

use wamp_test::conformance::Adapter;

pub(crate) struct Tokio;

impl Adapter for Tokio {
    const NAME: &'static str = "tokio";

    type Network = wamp_tokio::Tokio;

    fn run<T>(test: impl Future<Output = T>) -> T {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let output = runtime.block_on(test);
        // A handler that is stuck must not keep the test.
        runtime.shutdown_background();
        output
    }
}

pub(crate) struct Smol;

impl Adapter for Smol {
    const NAME: &'static str = "smol";

    type Network = wamp_async_std::AsyncIo<wamp_async_std::Smol>;

    fn run<T>(test: impl Future<Output = T>) -> T {
        smol::block_on(test)
    }
}

pub(crate) struct AsyncStd;

impl Adapter for AsyncStd {
    const NAME: &'static str = "async-std";

    type Network = wamp_async_std::AsyncIo<wamp_async_std::AsyncStd>;

    fn run<T>(test: impl Future<Output = T>) -> T {
        async_std::task::block_on(test)
    }
}

pub(crate) struct Threads;

impl Adapter for Threads {
    const NAME: &'static str = "blocking";

    type Network = wamp_blocking::Threads;

    /// The thread that asks is not one of the adapter's.
    fn run<T>(test: impl Future<Output = T>) -> T {
        smol::block_on(test)
    }
}
