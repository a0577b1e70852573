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
    Ok(Box::new(Stream(stream, channel)))
}

/// Of which nothing is known here.
#[cfg(feature = "axum")]
pub(crate) fn any(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Box<dyn Socket> {
    Box::new(Stream(stream, Channel::default()))
}

#[cfg(unix)]
pub(crate) fn unix(stream: tokio::net::UnixStream) -> Box<dyn Socket> {
    Box::new(Stream(stream, Channel::unix()))
}

/// Any stream of tokio's, and what is known about it.
struct Stream<S>(S, Channel);

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Socket for Stream<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_read_buf(&mut self, context: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        pin!(self.0.read_buf(buffer)).poll(context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn channel(&self) -> Channel {
        self.1.clone()
    }
}
