//! smol and async-std, as the driver sees them.

use std::{fmt, io, marker::PhantomData, sync::Arc, time::Duration};

use async_io::Timer;
use wamp_driver::{
    Address, BoxFuture, IpVersion, Job, Runtime, Signals,
    net::{Accept, Network, OpenListener, Socket},
    proto::Instant,
};

use crate::{connect::connect, serve::listen, signals::signals};

/// What runs tasks.
pub trait Executor: Send + Sync + 'static {
    /// Runs a task in the background, to its end.
    fn spawn(task: BoxFuture<()>);
}

/// smol's global executor; it has one thread unless `SMOL_THREADS` says more.
#[cfg(feature = "smol")]
#[derive(Debug)]
pub enum Smol {}

#[cfg(feature = "smol")]
impl Executor for Smol {
    fn spawn(task: BoxFuture<()>) {
        smol::spawn(task).detach();
    }
}

/// async-std's executor; it has a thread for each processor unless `ASYNC_STD_THREAD_COUNT` says otherwise.
#[cfg(feature = "async-std")]
#[derive(Debug)]
pub enum AsyncStd {}

#[cfg(feature = "async-std")]
impl Executor for AsyncStd {
    fn spawn(task: BoxFuture<()>) {
        async_std::task::spawn(task);
    }
}

/// Sockets and timers of async-io, which smol and async-std have in common; tasks on `E`.
pub struct AsyncIo<E> {
    origin: std::time::Instant,
    executor: PhantomData<fn() -> E>,
}

impl<E: Executor> Runtime for AsyncIo<E> {
    fn now(&self) -> Instant {
        Instant::from_origin(clock().saturating_duration_since(self.origin))
    }

    fn unix_time(&self) -> Duration {
        calendar()
    }

    fn spawn(&self, task: BoxFuture<()>) {
        E::spawn(task);
    }

    fn spawn_blocking(&self, job: Job) {
        blocking::unblock(move || job()()).detach();
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(async move { _ = Timer::after(duration).await })
    }

    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        // An operating system without a random source is one that nothing here can run safely on.
        getrandom::fill(&mut seed).expect("the operating system has a random source");
        seed
    }

    fn signals(&self) -> io::Result<Signals> {
        signals()
    }
}

impl<E: Executor> Network for AsyncIo<E> {
    type Client = wamp_driver::Client;

    fn current() -> Arc<Self> {
        Arc::new(Self { origin: clock(), executor: PhantomData })
    }

    fn connect(&self, to: Address, ip: IpVersion) -> BoxFuture<io::Result<Box<dyn Socket>>> {
        Box::pin(connect(to, ip))
    }

    fn listen(&self, listener: OpenListener) -> io::Result<Box<dyn Accept>> {
        listen(listener)
    }
}

impl<E> fmt::Debug for AsyncIo<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncIo")
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place where this adapter asks for the date")]
fn calendar() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

#[allow(clippy::disallowed_methods, reason = "the one place where this adapter asks for the time")]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}
