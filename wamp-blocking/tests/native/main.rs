//! What only threads have: waiting, iterators, scopes that close, handlers that block. What every adapter must do is in the
//! conformance suite, `wamp-test`.

mod dependencies;
mod handlers;
mod scopes;
mod services;
mod waiting;

use std::{sync::mpsc, thread, time::Duration};

use wamp_blocking::{Client, Router, Wait as _};

/// Runs a test on a thread of its own, and not for ever.
fn within(test: impl FnOnce() + Send + 'static) {
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        let _ = tell.send(());
    });
    match told.recv_timeout(Duration::from_secs(30)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// How to get to a router.
type Way = fn(&Router) -> Client;

/// Routers and the ways to them: over a socket and within the process.
fn routers() -> [(Router, Way); 2] {
    let over_tcp = |router: &Router| wamp_blocking::connect(&router.url().unwrap()).wait().unwrap();
    let in_process = |router: &Router| router.connect().wait().unwrap();
    let router = || Router::builder().listen("tcp://127.0.0.1:0").wait().unwrap();
    [(router(), over_tcp), (router(), in_process)]
}

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..5_000 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("in five seconds it was not so that {what}");
}
