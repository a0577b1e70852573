//! The signals that tokio catches.

use std::{io, task::Poll};

use wamp_driver::{Signal, Signals};

#[cfg(unix)]
pub(crate) fn signals() -> io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut caught = [
        (signal(SignalKind::interrupt())?, Signal::Interrupt),
        (signal(SignalKind::terminate())?, Signal::Terminate),
    ];
    Ok(Signals::new(move |context| {
        let come = caught.iter_mut().find_map(|(signal, name)| match signal.poll_recv(context) {
            Poll::Ready(Some(())) => Some(*name),
            _ => None,
        });
        come.map_or(Poll::Pending, Poll::Ready)
    }))
}

#[cfg(windows)]
pub(crate) fn signals() -> io::Result<Signals> {
    let mut caught = tokio::signal::windows::ctrl_c()?;
    Ok(Signals::new(move |context| match caught.poll_recv(context) {
        Poll::Ready(Some(())) => Poll::Ready(Signal::Interrupt),
        _ => Poll::Pending,
    }))
}
