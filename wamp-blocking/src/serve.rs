//! mio's listeners.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mio::net::TcpListener;
use wamp_driver::net::{Accept, OpenListener, Socket};

use crate::{
    connect::tcp,
    io::{Until, Watched},
    runtime::Reactor,
};

pub(crate) fn listen(reactor: &Arc<Reactor>, listener: OpenListener) -> io::Result<Box<dyn Accept>> {
    match listener {
        OpenListener::Tcp(listener) => {
            Ok(Box::new(Tcp(Watched::new(reactor.clone(), TcpListener::from_std(listener))?)))
        }
        #[cfg(unix)]
        OpenListener::Unix(listener) => {
            let listener = mio::net::UnixListener::from_std(listener);
            Ok(Box::new(Unix(Watched::new(reactor.clone(), listener)?)))
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

struct Tcp(Watched<TcpListener>);

impl Accept for Tcp {
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Box<dyn Socket>>> {
        let (stream, _) = ready!(self.0.poll(context, Until::Readable, TcpListener::accept, |_| true))?;
        Poll::Ready(tcp(Watched::new(self.0.reactor().clone(), stream)?))
    }
}

#[cfg(unix)]
struct Unix(Watched<mio::net::UnixListener>);

#[cfg(unix)]
impl Accept for Unix {
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Box<dyn Socket>>> {
        let (stream, _) =
            ready!(self.0.poll(context, Until::Readable, mio::net::UnixListener::accept, |_| true))?;
        let stream = Watched::new(self.0.reactor().clone(), stream)?;
        Poll::Ready(Ok(crate::connect::unix(stream)))
    }
}
