//! A tap that keeps what it sees.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
};

use super::{Observed, Tap};
use crate::shared::lock;

/// A [`Tap`] that keeps the last messages, 1,000 of them and 1 MiB at most unless it is told otherwise. Clones share them.
///
/// ```
/// use wamp_driver::Recording;
///
/// let recording = Recording::new();
/// // connect(url).tap(recording.clone()).await?;
/// for message in recording.messages() {
///     println!("{message}");
/// }
/// ```
#[derive(Clone)]
pub struct Recording(Arc<Inner>);

struct Inner {
    max_messages: usize,
    max_bytes: usize,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    messages: VecDeque<Observed>,
    bytes: usize,
    forgotten: u64,
}

impl Recording {
    /// One with the usual bounds.
    pub fn new() -> Self {
        Self::with_limits(1_000, 1 << 20)
    }

    /// One that keeps so many messages at most, and so many bytes of their frames. The oldest make room for the newest; one
    /// that has no room at all is counted only.
    pub fn with_limits(max_messages: usize, max_bytes: usize) -> Self {
        Self(Arc::new(Inner { max_messages, max_bytes, log: Mutex::default() }))
    }

    /// What it has kept, the oldest first.
    pub fn messages(&self) -> Vec<Observed> {
        lock(&self.0.log).messages.iter().cloned().collect()
    }

    /// How many messages it has seen and keeps no more, since it was made or cleared.
    pub fn forgotten(&self) -> u64 {
        lock(&self.0.log).forgotten
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        *lock(&self.0.log) = Log::default();
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self::new()
    }
}

impl Tap for Recording {
    fn observe(&self, message: &Observed) {
        let (message, mut log) = (message.detached(), lock(&self.0.log));
        log.bytes += message.size();
        log.messages.push_back(message);
        while log.messages.len() > self.0.max_messages || log.bytes > self.0.max_bytes {
            let Some(oldest) = log.messages.pop_front() else { break };
            log.bytes -= oldest.size();
            log.forgotten += 1;
        }
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.messages()).finish()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use wamp_proto::{Encoding, Limits, message::Message};

    use super::*;
    use crate::Side;

    fn seen(recording: &Recording, json: &'static str) {
        let frame = Bytes::from_static(json.as_bytes());
        let message = Message::decode(Encoding::Json, &frame, &Limits::default()).ok();
        recording.observe(&Observed::new(Side::Client, 1, None, Encoding::Json, message, &frame));
    }

    fn kept(recording: &Recording) -> Vec<String> {
        recording.messages().iter().filter_map(Observed::json).collect()
    }

    #[test]
    fn the_oldest_make_room() {
        let recording = Recording::with_limits(2, 100);
        for json in ["[17,1,1]", "[17,2,2]", "[17,3,3]"] {
            seen(&recording, json);
        }
        assert_eq!(
            (kept(&recording), recording.forgotten()),
            (vec!["[17,2,2]".into(), "[17,3,3]".into()], 1)
        );
        recording.clear();
        assert_eq!((kept(&recording).len(), recording.forgotten()), (0, 0));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let recording = Recording::with_limits(10, 20);
        for json in ["[17,1,1]", "[17,2,2]", "[17,3,3]"] {
            seen(&recording, json);
        }
        assert_eq!((kept(&recording).len(), recording.forgotten()), (2, 1));
        // One that has no room leaves nothing else.
        seen(&recording, r#"[3,{},"wamp.close.normal"]"#);
        assert_eq!((kept(&recording).len(), recording.forgotten()), (0, 4));
    }
}
