//! What the handshakes do with a socket: read some, write all, and part in peace.

use std::{future::poll_fn, io, task::Poll, task::ready, time::Duration};

use super::{Socket, within};
use crate::runtime::Runtime;

/// Reads at most `most` bytes behind what is in `buffer`; gives how many came, 0 at the end.
pub(super) async fn read(socket: &mut impl Socket, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    let known = buffer.len();
    buffer.resize(known + most, 0);
    let read =
        poll_fn(|context| socket.poll_read(context, buffer.get_mut(known..).unwrap_or_default())).await;
    buffer.truncate(known + read.as_ref().map_or(0, |read| *read));
    read
}

/// A poll as libraries want it that do not know of polls.
pub(super) fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Writes all of it, and flushes.
pub(super) async fn write_all(socket: &mut impl Socket, mut bytes: &[u8]) -> io::Result<()> {
    poll_fn(|context| {
        while !bytes.is_empty() {
            let written = ready!(socket.poll_write(context, bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            bytes = bytes.get(written..).unwrap_or_default();
        }
        socket.poll_flush(context)
    })
    .await
}

/// How long a peer that was refused may take to hear so.
const LINGER: Duration = Duration::from_secs(1);

/// After a refusal: closes our side and waits until the peer has closed its own. A socket that is dropped with unread data
/// takes back what was sent last, so all is read.
pub(super) async fn linger(runtime: &dyn Runtime, socket: &mut impl Socket) {
    let mut closed = false;
    let closed = poll_fn(|context| {
        if !closed {
            let _ = ready!(socket.poll_close(context));
            closed = true;
        }
        poll_discard(socket, context)
    });
    // The connection is over either way.
    let _ = within(runtime, LINGER, closed).await;
}

/// Reads until the peer has closed its side, and looks at nothing.
pub(super) fn poll_discard(socket: &mut impl Socket, context: &mut std::task::Context<'_>) -> Poll<()> {
    let mut unread = [0; 4 << 10];
    for _ in 0..64 {
        if !matches!(ready!(socket.poll_read(context, &mut unread)), Ok(1..)) {
            return Poll::Ready(());
        }
    }
    // A peer that never stops must not keep others, nor the clock, from their turn.
    context.waker().wake_by_ref();
    Poll::Pending
}
