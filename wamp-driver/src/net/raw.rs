//! A RawSocket over any socket: the codec is the core's.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use wamp_proto::{
    Encoding,
    transport::rawsocket::{Event, RawSocket, RawSocketError},
};

use super::{
    Socket,
    pump::{Signs, Transport},
    socket::linger,
};
use crate::runtime::Runtime;

/// A RawSocket, from its handshake to its end.
pub(super) struct Raw<S> {
    pub(super) socket: S,
    codec: RawSocket,
    /// Why the socket failed, if it did.
    failed: Option<io::Error>,
    signs: Signs,
}

/// Room that a read finds in the buffer at least.
const READ_ROOM: usize = 4 << 10;

impl<S: Socket> Raw<S> {
    pub(super) fn new(socket: S, codec: RawSocket) -> Self {
        Self { socket, codec, failed: None, signs: Signs::default() }
    }

    /// A socket of which a part was read already.
    pub(super) fn with_read(socket: S, mut codec: RawSocket, read: &[u8]) -> Self {
        codec.buffer().extend_from_slice(read);
        codec.handle_read();
        Self { socket, codec, failed: None, signs: Signs::default() }
    }

    /// Exchanges the handshake; gives the serializer and the largest message that the peer accepts.
    pub(super) async fn open(&mut self) -> Result<(Encoding, usize), RawSocketError> {
        poll_fn(|context| {
            loop {
                let flushed = self.poll_out(context);
                match self.codec.poll_event() {
                    Some(Event::Open { encoding, send_limit }) => {
                        return Poll::Ready(Ok((encoding, send_limit)));
                    }
                    // A refusal must go out before the socket is dropped.
                    Some(Event::Failed(error)) => {
                        let _ = self.poll_out(context);
                        return Poll::Ready(Err(error));
                    }
                    _ => {}
                }
                if let Poll::Ready(Err(error)) = flushed {
                    self.fail(error);
                    continue;
                }
                ready!(self.poll_fill(context));
            }
        })
        .await
    }

    /// After a handshake that failed: a peer that was told why hears it.
    pub(super) async fn refuse(&mut self, runtime: &dyn Runtime, error: &RawSocketError) {
        use RawSocketError as E;
        let told = matches!(
            error,
            E::UnsupportedSerializer { .. } | E::ReservedOctets { .. } | E::TooManyConnections
        );
        if told {
            linger(runtime, &mut self.socket).await;
        }
    }

    /// Reads once; the end is the codec's to judge.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let buffer = self.codec.buffer();
        buffer.reserve(READ_ROOM);
        match ready!(self.socket.poll_read_buf(context, buffer)) {
            Ok(0) => self.codec.handle_eof(),
            Ok(_) => {
                self.signs.heard = true;
                self.codec.handle_read();
            }
            Err(error) => self.fail(error),
        }
        Poll::Ready(())
    }

    /// To the codec, it is the end; the first failure says why.
    fn fail(&mut self, error: io::Error) {
        self.failed.get_or_insert(error);
        self.codec.handle_eof();
    }

    /// Why the socket failed, if it did.
    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.failed.as_ref()
    }

    fn poll_out(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.codec.output().is_empty() {
            let written = ready!(self.socket.poll_write(context, self.codec.output()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.codec.advance(written);
        }
        self.socket.poll_flush(context)
    }
}

impl<S: Socket> Transport for Raw<S> {
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, String>> {
        loop {
            match self.codec.poll_event() {
                Some(Event::Frame(frame)) => return Poll::Ready(Ok(frame)),
                Some(Event::Failed(RawSocketError::Closed)) if self.failed.is_none() => {
                    return Poll::Ready(Err(String::new()));
                }
                Some(Event::Failed(error)) => {
                    let why = self.failed.as_ref().map_or_else(|| error.to_string(), ToString::to_string);
                    return Poll::Ready(Err(why));
                }
                Some(Event::Pong(payload)) => self.signs.pong = Some(payload),
                Some(_) => {}
                None => {
                    // PONGs are due at once (W-72); what does not fit now goes out with the next flush.
                    let _ = self.poll_out(context);
                    ready!(self.poll_fill(context));
                }
            }
        }
    }

    fn poll_write(&mut self, _: &mut Context<'_>, frames: &mut VecDeque<Bytes>) -> Poll<Result<(), String>> {
        while let Some(frame) = frames.pop_front() {
            if let Err(error) = self.codec.send(&frame) {
                return Poll::Ready(Err(error.to_string()));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        self.poll_out(context).map_err(|error| error.to_string())
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let _ = ready!(self.poll_out(context));
        let _ = ready!(self.socket.poll_close(context));
        Poll::Ready(())
    }

    fn ping(&mut self, payload: &[u8]) {
        // The peer takes 512 bytes at least, unless the end has come, which the next read shows.
        let _ = self.codec.ping(payload);
    }

    fn take_signs(&mut self) -> Signs {
        std::mem::take(&mut self.signs)
    }
}
