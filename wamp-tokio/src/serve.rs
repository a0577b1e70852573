//! tokio's listeners.

use std::{
    io,
    task::{Context, Poll, ready},
};

use tokio::net::TcpListener;
use wamp_driver::net::{Accept, OpenListener, Socket};

use crate::connect::tcp;

pub(crate) fn listen(listener: OpenListener) -> io::Result<Box<dyn Accept>> {
    match listener {
        OpenListener::Tcp(listener) => Ok(Box::new(Tcp(TcpListener::from_std(listener)?))),
        #[cfg(unix)]
        OpenListener::Unix(listener) => Ok(Box::new(Unix(tokio::net::UnixListener::from_std(listener)?))),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

struct Tcp(TcpListener);

impl Accept for Tcp {
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Box<dyn Socket>>> {
        let (stream, _) = ready!(self.0.poll_accept(context))?;
        Poll::Ready(tcp(stream))
    }
}

#[cfg(unix)]
struct Unix(tokio::net::UnixListener);

#[cfg(unix)]
impl Accept for Unix {
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Box<dyn Socket>>> {
        let (stream, _) = ready!(self.0.poll_accept(context))?;
        Poll::Ready(Ok(crate::connect::unix(stream)))
    }
}
