//! The network, as far as it is the same for every runtime: the pumps, the handshakes of the transports, the way from a URL
//! to a joined session, and the router's listeners.
//!
//! An adapter lends sockets, tasks and timers by implementing [`Network`]; all the rest is here, once.

mod access;
mod bind;
mod builder;
mod connect;
mod entrance;
mod gate;
mod handshakes;
mod http;
mod listener;
mod metrics;
mod places;
mod prefixed;
mod pump;
mod raw;
mod refusals;
mod router;
mod serve;
mod socket;
mod status;
mod tls;
mod upgrade;
mod websocket;

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::BytesMut;
use wamp_proto::Channel;

use crate::{
    Client, IpVersion,
    endpoint::Address,
    runtime::{BoxFuture, Runtime},
};

pub use bind::OpenListener;
pub use builder::{RouterBuilder, StartError};
pub use connect::Connect;
pub use entrance::Entrance;
pub use listener::Listener;
pub use refusals::Refused;
pub use router::{Router, ShutdownFuture};
pub use tls::TlsError;
#[cfg(feature = "tls")]
pub use tls::{Roots, TlsConfig, TlsOptions};

/// What the driver needs of a runtime to be on the network: an adapter implements this, and nothing else.
pub trait Network: Runtime + Sized {
    /// The handle of a session that applications get.
    type Client: From<Client>;

    /// The runtime that the caller is in, or a new one where there is no such thing.
    fn current() -> Arc<Self>;

    /// Opens a connection, over this version of IP where there are addresses: see [`IpVersion::choose`].
    fn connect(&self, to: Address, ip: IpVersion) -> BoxFuture<io::Result<Box<dyn Socket>>>;

    /// Takes over a listener that is open already, and does not block.
    ///
    /// # Errors
    ///
    /// When the runtime does not take it.
    fn listen(&self, listener: OpenListener) -> io::Result<Box<dyn Accept>>;
}

/// Most bytes that are read at once where the buffer has to be cleared for it.
const MOST_READ: usize = 64 << 10;

/// A stream of bytes both ways. All methods are called by one task, which wants to be woken when any of them can go on.
pub trait Socket: Send + Unpin {
    /// Reads what there is, into `buffer`, which is not empty; 0 is the end.
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Whether a read may find something; asked after one that did not, to save what it costs to prepare another. Default:
    /// it may.
    fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// Reads what there is behind what is in `buffer`, into its spare capacity, of which there is some; 0 is the end.
    fn poll_read_buf(&mut self, context: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        let known = buffer.len();
        buffer.resize(buffer.capacity().min(known + MOST_READ), 0);
        let read = self.poll_read(context, buffer.get_mut(known..).unwrap_or_default());
        let fresh = match &read {
            Poll::Ready(Ok(read)) => *read,
            _ => 0,
        };
        buffer.truncate(known + fresh);
        read
    }

    /// Writes as much as there is room for.
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Writes out what is buffered, if anything is.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends our side; the peer's may still be read.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// What is known about the connection. Default: nothing.
    fn channel(&self) -> Channel {
        Channel::default()
    }
}

/// What is known about a TCP connection with this peer.
pub fn tcp_channel(peer: io::Result<SocketAddr>) -> Channel {
    peer.map_or_else(
        |_| Channel::default(),
        |peer| Channel::tcp(peer.to_string(), peer.ip().to_canonical().is_loopback()),
    )
}

impl<S: Socket + ?Sized> Socket for Box<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(context, buffer)
    }

    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        (**self).poll_readable(context)
    }

    fn poll_read_buf(&mut self, context: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        (**self).poll_read_buf(context, buffer)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        (**self).poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_close(context)
    }

    fn channel(&self) -> Channel {
        (**self).channel()
    }
}

/// A listening socket.
pub trait Accept: Send + 'static {
    /// The next connection.
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Box<dyn Socket>>>;
}

/// The future's output, unless it takes longer than this.
async fn within<T>(
    runtime: &dyn Runtime,
    limit: std::time::Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    use futures_util::future::{Either, select};
    match select(std::pin::pin!(future), runtime.sleep(limit)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
