//! A connection whose messages are shown to taps.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use wamp_proto::{Encoding, Limits, id::SessionId, message::Message};

use super::{Observed, Side, Tap, guard};

/// The taps of one connection, and what they are told about it.
pub(crate) struct Watched {
    taps: Vec<Arc<dyn Tap>>,
    connection: u64,
    encoding: Encoding,
    /// Who we are, and what we take of the other one.
    own: Side,
    limits: Limits,
    /// The session, once there is one; 0 before.
    session: AtomicU64,
}

impl Watched {
    /// Nothing, where there are no taps.
    pub(crate) fn new(
        taps: &[Arc<dyn Tap>],
        own: Side,
        connection: u64,
        encoding: Encoding,
        limits: Limits,
    ) -> Option<Self> {
        let taps = taps.to_vec();
        let session = AtomicU64::new(0);
        (!taps.is_empty()).then_some(Self { taps, connection, encoding, own, limits, session })
    }

    /// Shows frames to all taps.
    pub(crate) fn show<'a>(&self, sender: Side, frames: impl Iterator<Item = &'a Bytes>) {
        // What we send is bounded by what the other one takes.
        let limits = if sender == self.own { Limits::loosest() } else { self.limits };
        for frame in frames {
            let message = Message::decode(self.encoding, frame, &limits).ok();
            if let Some(Message::Welcome(welcome)) = &message {
                self.session.store(welcome.session.get(), Ordering::Relaxed);
            }
            let session = SessionId::try_from(self.session.load(Ordering::Relaxed)).ok();
            let observed = Observed::new(sender, self.connection, session, self.encoding, message, frame);
            self.taps.iter().for_each(|tap| guard(|| tap.observe(&observed)));
        }
    }
}
