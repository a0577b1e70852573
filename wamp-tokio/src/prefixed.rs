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
    /// How much of [`END_OF_HEAD`] was read last, until all of it was.
    head: Option<usize>,
    stream: S,
}

/// What ends the head of an HTTP message.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

impl<S> Prefixed<S> {
    /// A stream of which `before` was read already.
    pub(crate) fn new(before: Vec<u8>, stream: S) -> Self {
        Self { before: before.into(), head: None, stream }
    }

    /// A stream that begins with the head of an HTTP message: no read goes beyond its end.
    pub(crate) fn with_head(stream: S) -> Self {
        Self { before: Bytes::new(), head: Some(0), stream }
    }
}

/// Whether these first bytes of an answer say that there will be no WebSocket. Its body is then of interest: it says why.
fn is_refusal(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.") && bytes.get(8..12).is_some_and(|status| status != b" 101")
}

/// How many of `bytes` belong to the head that is being read, if it ends in them.
fn end_of_head(matched: &mut usize, bytes: &[u8]) -> Option<usize> {
    for (at, byte) in bytes.iter().enumerate() {
        *matched = match END_OF_HEAD.get(*matched) {
            Some(expected) if byte == expected => *matched + 1,
            _ => usize::from(*byte == b'\r'),
        };
        if *matched == END_OF_HEAD.len() {
            return Some(at + 1);
        }
    }
    None
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
            if is_refusal(fresh) {
                self.head = None;
            }
            if let Some(end) = self.head.as_mut().and_then(|matched| end_of_head(matched, fresh)) {
                self.before = Bytes::copy_from_slice(fresh.get(end..).unwrap_or_default());
                self.head = None;
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
        for (head, rest) in
            [("HTTP/1.1 101 OK\r\n\r\n", "frames\r\n\r\n"), ("\r\r\n\r\r\n\r\n", ""), ("a\r\n\r\n", "b")]
        {
            for pieces in [1, 3, 1000] {
                let whole = format!("{head}{rest}");
                let source = in_chunks(whole.as_bytes(), pieces);
                let mut stream = Prefixed::with_head(source);
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
