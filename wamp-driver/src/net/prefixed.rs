//! A socket of which a part was read already.
//!
//! The WebSocket library could be told what that part was; but a buffer that begins with it has no room of its own, and
//! reads frame by frame from then on. So the library gets a socket on which the handshake ends where a read ends.

use std::{
    io,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};

use super::Socket;

/// Gives `before` to the reader first, then what the socket has.
pub(super) struct Prefixed<S> {
    before: Bytes,
    /// What was read of the answer's head, until all of it was.
    head: Option<Vec<u8>>,
    socket: S,
}

impl<S> Prefixed<S> {
    /// A socket of which `before` was read already.
    pub(super) fn new(before: Vec<u8>, socket: S) -> Self {
        Self { before: before.into(), head: None, socket }
    }

    /// A socket that begins with the answer to an upgrade request. When the request is granted, no read goes beyond the
    /// answer's head; a refusal is given with the text that follows it.
    pub(super) fn with_answer(socket: S) -> Self {
        Self { before: Bytes::new(), head: Some(Vec::new()), socket }
    }
}

/// What ends the head of an HTTP message.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// The status of an answer that grants the request, behind `HTTP/1.1 `.
const GRANTED: &[u8] = b"101";
const GRANTED_AT: usize = 9;

/// How many of the bytes just read belong to the head, if it ends in them and frames come next.
fn end_of_head(answer: &mut Option<Vec<u8>>, fresh: &[u8]) -> Option<usize> {
    let head = answer.as_mut()?;
    let known = head.len();
    head.extend_from_slice(fresh);
    // The end may have begun in an earlier read.
    let from = known.saturating_sub(END_OF_HEAD.len());
    let unseen = head.get(from..).unwrap_or_default();
    let at = unseen.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD)?;
    let granted = head.get(GRANTED_AT..).is_some_and(|status| status.starts_with(GRANTED));
    *answer = None;
    granted.then_some((from + at + END_OF_HEAD.len()).saturating_sub(known))
}

impl<S: Socket> Socket for Prefixed<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.before.is_empty() {
            let read = ready!(self.socket.poll_read(context, buffer))?;
            let fresh = buffer.get(..read).unwrap_or_default();
            let Some(end) = end_of_head(&mut self.head, fresh) else { return Poll::Ready(Ok(read)) };
            self.before = Bytes::copy_from_slice(fresh.get(end..).unwrap_or_default());
            return Poll::Ready(Ok(end));
        }
        let count = buffer.len().min(self.before.len());
        self.before.copy_to_slice(buffer.get_mut(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
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
                while seen.len() < head.len() {
                    assert!(next(&mut socket, &mut seen) > 0);
                }
                assert_eq!(seen, head.as_bytes(), "in pieces of {pieces}");
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
