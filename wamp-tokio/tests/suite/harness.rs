//! Waits that end. What every adapter must do is tested by `wamp-test`, here is what only tokio has.

use std::{
    future::{Future, IntoFuture},
    time::Duration,
};

use wamp_tokio::{Router, proto::router::Counts};

/// What nothing here may take longer than.
const BOUND: Duration = Duration::from_secs(60);

/// Waits until the router holds what it should; there is no event to wait for, only the counts.
pub(crate) async fn settle(router: &Router, as_expected: impl Fn(&Counts) -> bool) {
    let wait = async {
        while !as_expected(&router.counts()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    if tokio::time::timeout(BOUND, wait).await.is_err() {
        panic!("the router holds {:?}", router.counts());
    }
}

/// Runs a test to its end, within bounds.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(3 * BOUND, test).await.expect("the test hangs") });
    runtime.shutdown_background();
}

/// The future's output, or a panic when it takes too long.
pub(crate) async fn within<F: IntoFuture>(future: F) -> F::Output {
    tokio::time::timeout(BOUND, future.into_future()).await.expect("it hangs")
}
