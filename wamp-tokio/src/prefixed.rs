//! A stream of which a part was read already.
//!
//! The WebSocket library could be told what that part was; but a buffer that begins with it has no room of its own, and
//! reads frame by frame from then on. So the library gets a stream on which the handshake ends where a read ends.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Gives `before` to the reader first, then what the stream has.
pub(crate) struct Prefixed<S> {
    before: Bytes,
    /// What was read of the answer's head, until all of it was.
    head: Option<Vec<u8>>,
    stream: S,
}

impl<S> Prefixed<S> {
    /// A stream of which `before` was read already.
    pub(crate) fn new(before: Vec<u8>, stream: S) -> Self {
        Self { before: before.into(), head: None, stream }
    }

    /// A stream that begins with the answer to an upgrade request. When the request is granted, no read goes beyond the
    /// answer's head; a refusal is given with the text that follows it.
    pub(crate) fn with_answer(stream: S) -> Self {
        Self { before: Bytes::new(), head: Some(Vec::new()), stream }
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

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.before.is_empty() {
            let start = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            let fresh = buffer.filled().get(start..).unwrap_or_default();
            if let Some(end) = end_of_head(&mut self.head, fresh) {
                self.before = Bytes::copy_from_slice(fresh.get(end..).unwrap_or_default());
                buffer.set_filled(start + end);
            }
            return Poll::Ready(Ok(()));
        }
        let count = buffer.remaining().min(self.before.len());
        buffer.put_slice(self.before.get(..count).unwrap_or_default());
        self.before.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn what_was_read_comes_first() {
        let mut stream = Prefixed::new(b"ab".to_vec(), &b"cd"[..]);
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "abcd");
    }

    #[tokio::test]
    async fn a_read_ends_where_the_head_ends() {
        let granted = "HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n";
        for (head, rest) in [(granted, "frames\r\n\r\n"), (granted, ""), ("HTTP/1.1 101 \r\n\r\n", "b")] {
            for pieces in [1, 3, 1000] {
                let whole = format!("{head}{rest}");
                let source = in_chunks(whole.as_bytes(), pieces);
                let mut stream = Prefixed::with_answer(source);
                let mut seen = Vec::new();
                while seen.len() < head.len() {
                    assert!(stream.read_buf(&mut seen).await.unwrap() > 0);
                }
                assert_eq!(seen, head.as_bytes(), "in pieces of {pieces}");
                stream.read_to_end(&mut seen).await.unwrap();
                assert_eq!(seen, whole.as_bytes());
            }
        }
    }

    #[tokio::test]
    async fn a_refusal_comes_with_its_text() {
        let whole = b"HTTP/1.1 503 No\r\n\r\ntoo many";
        let mut stream = Prefixed::with_answer(&whole[..]);
        let mut seen = Vec::new();
        stream.read_buf(&mut seen).await.unwrap();
        assert_eq!(seen, whole);
    }

    /// A reader that gives at most so many bytes at a time.
    fn in_chunks(bytes: &[u8], most: usize) -> impl AsyncRead + Unpin + '_ {
        struct Chunks<'a>(&'a [u8], usize);
        impl AsyncRead for Chunks<'_> {
            fn poll_read(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let count = self.1.min(self.0.len()).min(buffer.remaining());
                let (now, later) = self.0.split_at(count);
                buffer.put_slice(now);
                self.0 = later;
                Poll::Ready(Ok(()))
            }
        }
        Chunks(bytes, most)
    }
}
