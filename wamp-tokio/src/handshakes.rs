//! Connections in their handshake: bounded in time and in number.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};

/// All handshakes that are under way. One too many, and the oldest has to go: accepting never waits, so that peers that
/// never finish keep nobody out for long (fault 19).
pub(crate) struct Handshakes {
    most: usize,
    timeout: Duration,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    next: u64,
    /// Dropped to end the handshake; the oldest one first.
    keep: BTreeMap<u64, oneshot::Sender<()>>,
}

impl Handshakes {
    pub(crate) fn new(most: usize, timeout: Duration) -> Arc<Self> {
        Arc::new(Self { most, timeout, waiting: Mutex::default() })
    }

    /// One more.
    pub(crate) fn begin(self: &Arc<Self>) -> Handshake {
        let (keep, dropped) = oneshot::channel();
        let mut waiting = self.waiting();
        let number = waiting.next;
        waiting.next += 1;
        waiting.keep.insert(number, keep);
        if waiting.keep.len() > self.most {
            waiting.keep.pop_first();
        }
        drop(waiting);
        Handshake { all: self.clone(), number, dropped, deadline: Instant::now() + self.timeout }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One handshake, over when this is dropped.
pub(crate) struct Handshake {
    all: Arc<Handshakes>,
    number: u64,
    dropped: oneshot::Receiver<()>,
    /// One for the whole handshake, from the first byte on.
    deadline: Instant,
}

impl Handshake {
    /// Does a part of the handshake; `None` when it takes too long, or has to make room.
    pub(crate) async fn limit<T>(&mut self, part: impl Future<Output = T>) -> Option<T> {
        let part = pin!(timeout_at(self.deadline, part));
        match select(part, &mut self.dropped).await {
            Either::Left((Ok(done), _)) => Some(done),
            _ => None,
        }
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.all.waiting().keep.remove(&self.number);
    }
}

/// How long a peer that was refused may take to hear so.
const LINGER: Duration = Duration::from_secs(1);

/// After a refusal: closes our side and waits until the peer has closed its own. A socket that is dropped with unread data
/// takes back what was sent last, so all is read.
pub(crate) async fn linger<S>(stream: &mut S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let closed = async {
        stream.shutdown().await?;
        tokio::io::copy(stream, &mut tokio::io::sink()).await
    };
    // The connection is over either way.
    let _ = timeout(LINGER, closed).await;
}
