//! async-io's streams as sockets.

#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream, ToSocketAddrs as _},
    task::{Context, Poll, ready},
};

use async_io::Async;
use wamp_driver::{
    Address, Channel, IpVersion,
    net::{Socket, tcp_channel},
};

pub(crate) async fn connect(to: Address, ip: IpVersion) -> io::Result<Box<dyn Socket>> {
    match to {
        Address::Tcp(to) => {
            let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
            // Looking up a name blocks, in every operating system.
            let found = blocking::unblock(move || (to.host, to.port).to_socket_addrs()).await?;
            for address in ip.choose(found)? {
                match Async::<TcpStream>::connect(address).await {
                    Ok(stream) => return tcp(stream),
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        }
        #[cfg(unix)]
        Address::Unix(path) => Ok(unix(Async::<UnixStream>::connect(path).await?)),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Small frames are not to wait for the acknowledgement of those before.
pub(crate) fn tcp(stream: Async<TcpStream>) -> io::Result<Box<dyn Socket>> {
    stream.get_ref().set_nodelay(true)?;
    let channel = tcp_channel(stream.get_ref().peer_addr());
    Ok(Box::new(Stream(stream, channel)))
}

#[cfg(unix)]
pub(crate) fn unix(stream: Async<UnixStream>) -> Box<dyn Socket> {
    Box::new(Stream(stream, Channel::unix()))
}

/// A stream of the standard library that async-io watches, and what is known about it.
struct Stream<S>(Async<S>, Channel);

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
    S: Close + Send + Sync,
    for<'a> &'a S: Read + Write,
{
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.0.get_ref().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
            ready!(self.0.poll_readable(context))?;
        }
    }

    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll_readable(context).map(drop)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.0.get_ref().write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
            ready!(self.0.poll_writable(context))?;
        }
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.get_ref().close())
    }

    fn channel(&self) -> Channel {
        self.1.clone()
    }
}
