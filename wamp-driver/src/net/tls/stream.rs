//! A socket that speaks TLS over another one. The library does no I/O of its own: it is given bytes, and gives some.

use std::{
    future::poll_fn,
    io::{self, BufRead as _, Write as _},
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use rustls::{Connection, ProtocolVersion};
use wamp_proto::{Channel, channel::ClientCertificate};

use super::{TlsError, certificate};
use crate::net::{Socket, socket::or_would_block};

/// TLS over another socket.
pub(in crate::net) struct TlsSocket {
    socket: Box<dyn Socket>,
    connection: Connection,
    /// We have said that we send nothing more.
    closing: bool,
    /// The first failure is the last word.
    failed: Option<TlsError>,
}

/// The label of RFC 9266.
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";

/// The socket below as the library wants it: it blocks never, and says when it would.
struct Below<'a, 'b>(&'a mut dyn Socket, &'a mut Context<'b>);

impl io::Read for Below<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        or_would_block(self.0.poll_read(self.1, buffer))
    }
}

impl io::Write for Below<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(self.0.poll_write(self.1, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        or_would_block(self.0.poll_flush(self.1))
    }
}

/// What the library says of I/O, as a poll.
fn pending<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

impl TlsSocket {
    pub(super) fn new(socket: Box<dyn Socket>, connection: Connection) -> Self {
        Self { socket, connection, closing: false, failed: None }
    }

    /// The socket below, without TLS.
    pub(in crate::net) fn into_inner(self) -> Box<dyn Socket> {
        self.socket
    }

    /// Does the handshake. When it fails, the peer was told why, if it listens.
    pub(in crate::net) async fn handshake(&mut self) -> Result<(), TlsError> {
        poll_fn(|context| self.poll_handshake(context)).await.map_err(|error| {
            TlsError::within(&error).cloned().unwrap_or_else(|| match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe => TlsError::Truncated,
                _ => TlsError::Other(error.to_string()),
            })
        })
    }

    fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_write_out(context))?;
            if !self.connection.is_handshaking() {
                return self.socket.poll_flush(context);
            }
            ready!(self.socket.poll_flush(context))?;
            ready!(self.poll_fill(context))?;
        }
    }

    /// 32 bytes that both ends of this connection know and nobody else, for channel binding (A-72, RFC 9266). TLS 1.2 has
    /// none: there, they would bind only where an extension is spoken.
    fn exporter(&self) -> Option<[u8; 32]> {
        let bindable = self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let exported = || self.connection.export_keying_material([0; 32], EXPORTER, Some(&[])).ok();
        bindable.then(exported).flatten()
    }

    /// The certificate that the client has shown, at the server.
    fn client_certificate(&self) -> Option<ClientCertificate> {
        match &self.connection {
            Connection::Client(_) => None,
            Connection::Server(server) => server.peer_certificates()?.first().map(certificate::identify),
        }
    }

    /// Writes out all records that there are.
    fn poll_write_out(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.connection.wants_write() {
            let written = self.connection.write_tls(&mut Below(&mut *self.socket, context));
            if ready!(pending(written))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads records once.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(error) = &self.failed {
            return Poll::Ready(Err(error.clone().into()));
        }
        let read = self.connection.read_tls(&mut Below(&mut *self.socket, context));
        if ready!(pending(read))? == 0 && self.connection.is_handshaking() {
            return self.fail(TlsError::Truncated);
        }
        if let Err(error) = self.connection.process_new_packets() {
            // The alert that tells the peer goes out if it can.
            let _ = self.poll_write_out(context);
            let _ = self.socket.poll_flush(context);
            return self.fail(error.into());
        }
        Poll::Ready(Ok(()))
    }

    fn fail<T>(&mut self, error: TlsError) -> Poll<io::Result<T>> {
        self.failed = Some(error.clone());
        Poll::Ready(Err(error.into()))
    }

    /// Hands what was decrypted to `take`, which says how much it took; 0 is the end, when the peer has said that it is.
    fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        mut take: impl FnMut(&[u8]) -> usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut reader = self.connection.reader();
            match pending(reader.fill_buf().map(&mut take)) {
                Poll::Ready(Ok(count)) => {
                    reader.consume(count);
                    return Poll::Ready(Ok(count));
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return self.fail(TlsError::Truncated);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
            // Some records ask for an answer. What does not fit now goes out with the next flush.
            if self.connection.wants_write() {
                let _ = self.poll_write_out(context)?;
            }
            ready!(self.poll_fill(context))?;
        }
    }
}

impl Socket for TlsSocket {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_take(context, |decrypted| {
            let count = decrypted.len().min(buffer.len());
            let (to, from) = (buffer.get_mut(..count), decrypted.get(..count));
            to.unwrap_or_default().copy_from_slice(from.unwrap_or_default());
            count
        })
    }

    fn poll_read_buf(&mut self, context: &mut Context<'_>, buffer: &mut BytesMut) -> Poll<io::Result<usize>> {
        self.poll_take(context, |decrypted| {
            let room = buffer.capacity() - buffer.len();
            let taken = decrypted.get(..room).unwrap_or(decrypted);
            buffer.extend_from_slice(taken);
            taken.len()
        })
    }

    /// What was taken before goes out first, so that little is ever kept here.
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_write_out(context))?;
        Poll::Ready(self.connection.writer().write(bytes))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(context))?;
        self.socket.poll_flush(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closing {
            self.closing = true;
            self.connection.send_close_notify();
        }
        ready!(self.poll_write_out(context))?;
        ready!(self.socket.poll_flush(context))?;
        self.socket.poll_close(context)
    }

    /// What TLS adds to what is known about the connection below.
    fn channel(&self) -> Channel {
        let mut channel = self.socket.channel();
        channel.private = true;
        channel.tls_exporter = self.exporter();
        channel.client_certificate = self.client_certificate();
        channel
    }
}
