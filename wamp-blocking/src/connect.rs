//! mio's streams as sockets.

use std::{
    future::poll_fn,
    io::{self, Read, Write},
    net::{IpAddr, Shutdown, SocketAddr, ToSocketAddrs as _},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

#[cfg(unix)]
use mio::net::UnixStream;
use mio::{event::Source, net::TcpStream};
use wamp_driver::{
    Address, Channel, IpVersion,
    net::{Socket, tcp_channel},
};

use crate::{
    io::{Until, Watched},
    runtime::{Reactor, lock},
};

pub(crate) async fn connect(
    reactor: Arc<Reactor>,
    to: Address,
    ip: IpVersion,
) -> io::Result<Box<dyn Socket>> {
    match to {
        Address::Tcp(to) => {
            let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
            for address in ip.choose(look_up(to.host, to.port).await?)? {
                match open(&reactor, address).await {
                    Ok(stream) => return tcp(stream),
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        }
        #[cfg(unix)]
        Address::Unix(path) => Ok(unix(Watched::new(reactor, UnixStream::connect(path)?)?)),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// The addresses of a host. Looking up a name blocks, so that it has a thread of its own: a time limit ends the wait.
async fn look_up(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let answer = Arc::new(Mutex::new((None, None::<Waker>)));
    let ask = answer.clone();
    std::thread::Builder::new().name("wamp-lookup".to_owned()).spawn(move || {
        let found = (host, port).to_socket_addrs().map(Iterator::collect);
        let mut answer = lock(&ask);
        answer.0 = Some(found);
        let waker = answer.1.take();
        drop(answer);
        waker.into_iter().for_each(Waker::wake);
    })?;
    poll_fn(|context| {
        let mut answer = lock(&answer);
        if let Some(found) = answer.0.take() {
            return Poll::Ready(found);
        }
        answer.1 = Some(context.waker().clone());
        Poll::Pending
    })
    .await
}

async fn open(reactor: &Arc<Reactor>, address: SocketAddr) -> io::Result<Watched<TcpStream>> {
    let stream = Watched::new(reactor.clone(), TcpStream::connect(address)?)?;
    // It can be written to once it is open, or has failed.
    let opened = |stream: &TcpStream| match (stream.take_error()?, stream.peer_addr()) {
        (Some(error), _) => Err(error),
        (None, Err(error)) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        (None, peer) => peer.map(drop),
    };
    poll_fn(|context| stream.poll(context, Until::Writable, opened, |()| true)).await?;
    Ok(stream)
}

/// Small frames are not to wait for the acknowledgement of those before.
pub(crate) fn tcp(stream: Watched<TcpStream>) -> io::Result<Box<dyn Socket>> {
    stream.get().set_nodelay(true)?;
    let channel = tcp_channel(stream.get().peer_addr());
    Ok(Box::new(Stream(stream, channel)))
}

#[cfg(unix)]
pub(crate) fn unix(stream: Watched<UnixStream>) -> Box<dyn Socket> {
    Box::new(Stream(stream, Channel::unix()))
}

/// A stream of mio's, and what is known about it.
struct Stream<S: Source>(Watched<S>, Channel);

/// Ends one's own side.
trait Close {
    fn close(&self) -> io::Result<()>;
}

impl Close for TcpStream {
    fn close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Close for UnixStream {
    fn close(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl<S> Socket for Stream<S>
where
    S: Source + Close + Send + Unpin,
    for<'a> &'a S: Read + Write,
{
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let room = buffer.len();
        let read = |mut stream: &S| stream.read(buffer);
        // Less than there was room for is all that there was.
        self.0.poll(context, Until::Readable, read, |read| *read == room)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let write = |mut stream: &S| stream.write(bytes);
        self.0.poll(context, Until::Writable, write, |written| *written == bytes.len())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.get().close())
    }

    fn channel(&self) -> Channel {
        self.1.clone()
    }
}
