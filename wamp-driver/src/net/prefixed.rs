//! A socket of which a part was read already.
//!
//! The WebSocket library could be told what that part was; but a buffer that begins with it has no room of its own, and
//! reads frame by frame from then on. So the library gets a socket on which the handshake ends where a read ends.

use std::{
    io,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};

use super::{
    Socket,
    tls::{ALERT, TlsError},
};

/// Gives `before` to the reader first, then what the socket has.
pub(super) struct Prefixed<S> {
    before: Bytes,
    /// What was read of the answer's head, until all of it was.
    head: Option<Vec<u8>>,
    /// What came with the head, and is not to be read with it.
    rest: Bytes,
    socket: S,
}

impl<S> Prefixed<S> {
    /// A socket of which `before` was read already.
    pub(super) fn new(before: Vec<u8>, socket: S) -> Self {
        Self { before: before.into(), head: None, rest: Bytes::new(), socket }
    }

    /// A socket that begins with the answer to an upgrade request, whose head comes in one piece however it was sent: the
    /// library takes a slow peer for an attacker by the number of its packets (W-79). When the request is granted, no read
    /// goes beyond the head; a refusal is given with the text that follows it.
    pub(super) fn with_answer(socket: S) -> Self {
        Self { before: Bytes::new(), head: Some(Vec::new()), rest: Bytes::new(), socket }
    }
}

/// What ends the head of an HTTP message.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// The status of an answer that grants the request, behind `HTTP/1.1 `.
const GRANTED: &[u8] = b"101";
const GRANTED_AT: usize = 9;

/// The longest head that is waited for; what the library makes of a longer one is its own affair.
const MAX_HEAD: usize = 16 << 10;

/// Most that is read of it at once: enough for a usual answer.
const HEAD_ROOM: usize = 1 << 10;

/// Where the head ends, if it does; what was read before `known` was looked at.
fn end_of_head(head: &[u8], known: usize) -> Option<usize> {
    // The end may have begun in an earlier read.
    let from = known.saturating_sub(END_OF_HEAD.len());
    let unseen = head.get(from..)?;
    let at = unseen.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD)?;
    Some(from + at + END_OF_HEAD.len())
}

impl<S: Socket> Prefixed<S> {
    /// Reads the answer's head to its end, if it has not been yet.
    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(head) = &mut self.head else { return Poll::Ready(Ok(())) };
        loop {
            let known = head.len();
            head.resize(known + HEAD_ROOM, 0);
            let read = self.socket.poll_read(context, head.get_mut(known..).unwrap_or_default());
            head.truncate(known + if let Poll::Ready(Ok(read)) = read { read } else { 0 });
            let read = ready!(read)?;
            if head.first() == Some(&ALERT) {
                return Poll::Ready(Err(TlsError::TlsExpected.into()));
            }
            let end = end_of_head(head, known);
            if read > 0 && end.is_none() && head.len() < MAX_HEAD {
                continue;
            }
            let mut head = self.head.take().unwrap_or_default();
            let granted = head.get(GRANTED_AT..).is_some_and(|status| status.starts_with(GRANTED));
            if let Some(end) = end.filter(|_| granted) {
                self.rest = head.split_off(end).into();
            }
            self.before = head.into();
            return Poll::Ready(Ok(()));
        }
    }
}

impl<S: Socket> Socket for Prefixed<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_head(context))?;
        if self.before.is_empty() {
            self.before = std::mem::take(&mut self.rest);
        }
        if self.before.is_empty() {
            return self.socket.poll_read(context, buffer);
        }
        let count = buffer.len().min(self.before.len());
        self.before.copy_to_slice(buffer.get_mut(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }

    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.head.is_some() || !self.before.is_empty() || !self.rest.is_empty() {
            return Poll::Ready(());
        }
        self.socket.poll_readable(context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.socket.poll_write(context, bytes)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_close(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::net::socket::read;

    /// Gives at most so many bytes at a time.
    struct Chunks(Vec<u8>, usize);

    impl Socket for Chunks {
        fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Poll::Ready(Ok(count))
        }

        fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Reads once.
    fn next(socket: &mut impl Socket, buffer: &mut Vec<u8>) -> usize {
        read(socket, buffer, 1_000).now_or_never().unwrap().unwrap()
    }

    #[test]
    fn what_was_read_comes_first() {
        let mut socket = Prefixed::new(b"ab".to_vec(), Chunks(b"cd".to_vec(), 9));
        let mut text = Vec::new();
        while next(&mut socket, &mut text) > 0 {}
        assert_eq!(text, b"abcd");
    }

    #[test]
    fn a_read_ends_where_the_head_ends() {
        let granted = "HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n";
        for (head, rest) in [(granted, "frames\r\n\r\n"), (granted, ""), ("HTTP/1.1 101 \r\n\r\n", "b")] {
            for pieces in [1, 3, 1000] {
                let whole = format!("{head}{rest}").into_bytes();
                let mut socket = Prefixed::with_answer(Chunks(whole.clone(), pieces));
                let mut seen = Vec::new();
                assert_eq!(next(&mut socket, &mut seen), head.len(), "in pieces of {pieces}");
                assert_eq!(seen, head.as_bytes());
                while next(&mut socket, &mut seen) > 0 {}
                assert_eq!(seen, whole);
            }
        }
    }

    #[test]
    fn a_refusal_comes_with_its_text() {
        let whole = b"HTTP/1.1 503 No\r\n\r\ntoo many";
        let mut socket = Prefixed::with_answer(Chunks(whole.to_vec(), 1_000));
        let mut seen = Vec::new();
        next(&mut socket, &mut seen);
        assert_eq!(seen, whole);
    }
}
