//! tokio's streams as sockets.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
};
use wamp_driver::{
    Address, Channel, IpVersion,
    net::{Socket, tcp_channel},
};

pub(crate) async fn connect(to: Address, ip: IpVersion) -> io::Result<Box<dyn Socket>> {
    match to {
        Address::Tcp(to) => {
            let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
            for address in ip.choose(lookup_host((to.host, to.port)).await?)? {
                match TcpStream::connect(address).await {
                    Ok(stream) => return tcp(stream),
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        }
        #[cfg(unix)]
        Address::Unix(path) => Ok(unix(tokio::net::UnixStream::connect(path).await?)),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Small frames are not to wait for the acknowledgement of those before.
pub(crate) fn tcp(stream: TcpStream) -> io::Result<Box<dyn Socket>> {
    stream.set_nodelay(true)?;
    let channel = tcp_channel(stream.peer_addr());
    let readable = |stream: &TcpStream, context: &mut Context<'_>| stream.poll_read_ready(context).map(drop);
    Ok(Box::new(Stream { stream, channel, readable }))
}

/// Of which nothing is known here.
#[cfg(feature = "axum")]
pub(crate) fn any(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Box<dyn Socket> {
    Box::new(Stream { stream, channel: Channel::default(), readable: |_, _| Poll::Ready(()) })
}

#[cfg(unix)]
pub(crate) fn unix(stream: tokio::net::UnixStream) -> Box<dyn Socket> {
    let readable = |stream: &tokio::net::UnixStream, context: &mut Context<'_>| {
        stream.poll_read_ready(context).map(drop)
    };
    Box::new(Stream { stream, channel: Channel::unix(), readable })
}

/// Any stream of tokio's.
struct Stream<S> {
    stream: S,
    /// What is known about it.
    channel: Channel,
    /// Whether there may be something to read.
    readable: fn(&S, &mut Context<'_>) -> Poll<()>,
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for Stream<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        (self.readable)(&self.stream, context)
    }

    fn poll_read_buf(&mut self, context: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        pin!(self.stream.read_buf(buffer)).poll(context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn channel(&self) -> Channel {
        self.channel.clone()
    }
}
