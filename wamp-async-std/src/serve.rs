//! async-io's listeners.

#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::{
    io,
    net::TcpListener,
    task::{Context, Poll, ready},
};

use async_io::Async;
use wamp_driver::net::{Accept, OpenListener, Socket};

use crate::connect::tcp;

pub(crate) fn listen(listener: OpenListener) -> io::Result<Box<dyn Accept>> {
    match listener {
        OpenListener::Tcp(listener) => Ok(Box::new(Tcp(Async::new(listener)?))),
        #[cfg(unix)]
        OpenListener::Unix(listener) => Ok(Box::new(Unix(Async::new(listener)?))),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

struct Tcp(Async<TcpListener>);

impl Accept for Tcp {
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Box<dyn Socket>>> {
        let stream = ready!(poll_accept(&self.0, context, |listener| Async::new(listener.accept()?.0)))?;
        Poll::Ready(tcp(stream))
    }
}

#[cfg(unix)]
struct Unix(Async<UnixListener>);

#[cfg(unix)]
impl Accept for Unix {
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Box<dyn Socket>>> {
        let stream = ready!(poll_accept(&self.0, context, |listener| Async::new(listener.accept()?.0)))?;
        Poll::Ready(Ok(crate::connect::unix(stream)))
    }
}

/// The next connection, of any kind.
fn poll_accept<L, S>(
    listener: &Async<L>,
    context: &mut Context<'_>,
    accept: impl Fn(&L) -> io::Result<S>,
) -> Poll<io::Result<S>> {
    loop {
        match accept(listener.get_ref()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            accepted => return Poll::Ready(accepted),
        }
        ready!(listener.poll_readable(context))?;
    }
}
