//! The signals that async-signal catches.

use std::{
    io,
    pin::Pin,
    task::{Poll, ready},
};

use async_signal::Signal as Caught;
use futures_core::Stream as _;
use wamp_driver::{Signal, Signals};

#[cfg(unix)]
const CAUGHT: [Caught; 2] = [Caught::Int, Caught::Term];
#[cfg(not(unix))]
const CAUGHT: [Caught; 1] = [Caught::Int];

pub(crate) fn signals() -> io::Result<Signals> {
    let mut caught = async_signal::Signals::new(CAUGHT)?;
    Ok(Signals::new(move |context| match ready!(Pin::new(&mut caught).poll_next(context)) {
        Some(Ok(Caught::Int)) => Poll::Ready(Signal::Interrupt),
        Some(Ok(_)) => Poll::Ready(Signal::Terminate),
        // There are no more of them.
        _ => Poll::Pending,
    }))
}
