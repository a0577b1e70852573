//! The router behind the proxy: connections to it, with TLS where its URL demands it.

use std::{
    error::Error as _,
    io,
    pin::Pin,
    task::{Context as TaskContext, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wamp_tokio::{Connect, ConnectError, Endpoint, Socket, TlsOptions};

use crate::{exit::Failure, login, session::Context};

/// Where connections are forwarded to.
pub(super) struct Upstream {
    pub(super) endpoint: Endpoint,
    tls: TlsOptions,
    timeout: Option<Duration>,
}

impl Upstream {
    /// The router at a URL, with TLS as the flags have it, if that can be.
    pub(super) fn new(context: &Context, url: &str) -> Result<Self, Failure> {
        let endpoint: Endpoint = url.parse().map_err(Failure::usage)?;
        let tls = login::environment(&context.globals)?.tls()?;
        if endpoint.is_tls() {
            tls.check().map_err(|error| ConnectError::Tls { to: endpoint.to_string(), error })?;
        }
        Ok(Self { endpoint, tls, timeout: context.globals.timeout })
    }

    pub(super) async fn open(&self) -> Result<Wire, String> {
        let connect = wamp_tokio::connect(&self.endpoint.to_string());
        let connect = connect.tls(|tls| *tls = self.tls.clone());
        let connect = self.timeout.into_iter().fold(connect, Connect::connect_timeout);
        let opened = connect.open_socket().await;
        // Where to, is said by whoever prints it.
        opened
            .map(Wire)
            .map_err(|error| error.source().map_or_else(|| error.to_string(), ToString::to_string))
    }
}

/// The driver's socket as tokio reads and writes it.
pub(super) struct Wire(Box<dyn Socket>);

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(self.0.poll_read(context, buffer.initialize_unfilled()))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close(context)
    }
}
