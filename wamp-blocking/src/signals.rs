//! Signals, each of which writes into a pipe that the I/O thread watches.

use std::{
    io::{self, Read as _},
    os::unix::net::UnixStream,
    sync::Arc,
    task::{Context, Poll},
};

use signal_hook::{
    SigId,
    consts::{SIGINT, SIGTERM},
    low_level::{pipe, unregister},
};
use wamp_driver::{Signal, Signals};

use crate::{
    io::{Until, Watched},
    runtime::Reactor,
};

pub(crate) fn signals(reactor: &Arc<Reactor>) -> io::Result<Signals> {
    let mut caught =
        [Caught::new(reactor, SIGINT, Signal::Interrupt)?, Caught::new(reactor, SIGTERM, Signal::Terminate)?];
    Ok(Signals::new(move |context| {
        let come = caught.iter_mut().find_map(|caught| caught.poll(context));
        come.map_or(Poll::Pending, Poll::Ready)
    }))
}

/// A signal that is caught as long as this is there.
struct Caught {
    name: Signal,
    written: Watched<mio::net::UnixStream>,
    id: SigId,
}

impl Caught {
    fn new(reactor: &Arc<Reactor>, signal: i32, name: Signal) -> io::Result<Self> {
        let (written, writer) = UnixStream::pair()?;
        written.set_nonblocking(true)?;
        let written = Watched::new(reactor.clone(), mio::net::UnixStream::from_std(written))?;
        let id = pipe::register(signal, writer)?;
        Ok(Self { name, written, id })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Option<Signal> {
        let read = |mut stream: &mio::net::UnixStream| stream.read(&mut [0]);
        match self.written.poll(context, Until::Readable, read, |_| true) {
            Poll::Ready(Ok(1..)) => Some(self.name),
            _ => None,
        }
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        unregister(self.id);
    }
}
