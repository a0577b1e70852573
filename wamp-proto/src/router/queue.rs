//! The frames that wait for one connection, bounded in bytes and in number.

use std::collections::VecDeque;

use bytes::Bytes;

#[derive(Debug, Default)]
pub(super) struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// How many frames were taken out, ever: tells a slow reader from a stalled one.
    taken: u64,
}

/// Slots that an empty queue may keep for the next burst.
const KEEP: usize = 64;

impl Queue {
    pub(super) fn fits(&self, frame: &Bytes, max_bytes: usize, max_frames: usize) -> bool {
        self.frames.len() < max_frames && self.bytes.saturating_add(frame.len()) <= max_bytes
    }

    pub(super) fn push(&mut self, frame: Bytes) {
        self.bytes = self.bytes.saturating_add(frame.len());
        self.frames.push_back(frame);
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes = self.bytes.saturating_sub(frame.len());
        self.taken = self.taken.wrapping_add(1);
        if self.frames.is_empty() && self.frames.capacity() > KEEP {
            self.frames.shrink_to(KEEP);
        }
        Some(frame)
    }

    pub(super) fn clear(&mut self) {
        self.frames = VecDeque::new();
        self.bytes = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    #[cfg(feature = "planted-bugs")]
    pub(super) fn swap_last(&mut self) {
        let last = self.frames.len().saturating_sub(1);
        if last > 0 {
            self.frames.swap(last.saturating_sub(1), last);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether more is queued than one of these.
    pub(super) fn is_above(&self, bytes: usize, frames: usize) -> bool {
        self.bytes > bytes || self.frames.len() > frames
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }
}
