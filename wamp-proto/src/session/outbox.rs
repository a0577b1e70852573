//! The frames that wait to be sent, bounded in bytes and in number.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{error::Misuse, limits::Limits};

#[derive(Debug)]
pub(super) struct Outbox {
    frames: VecDeque<Bytes>,
    bytes: usize,
    max_bytes: usize,
    max_frames: usize,
    max_message: usize,
}

impl Outbox {
    pub(super) fn new(max_bytes: usize, max_frames: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            bytes: 0,
            max_bytes,
            max_frames,
            max_message: Limits::MAX_MESSAGE_SIZE,
        }
    }

    pub(super) fn set_message_limit(&mut self, bytes: usize) {
        self.max_message = bytes;
    }

    /// Refuses what the peer would not accept, and all while the queue is full.
    pub(super) fn push(&mut self, frame: Bytes) -> Result<(), Misuse> {
        self.check_size(&frame)?;
        if self.is_full() {
            return Err(Misuse::QueueFull);
        }
        self.push_always(frame);
        Ok(())
    }

    pub(super) fn check_size(&self, frame: &Bytes) -> Result<(), Misuse> {
        if frame.len() > self.max_message {
            return Err(Misuse::TooLarge { size: frame.len(), limit: self.max_message });
        }
        Ok(())
    }

    pub(super) fn push_always(&mut self, frame: Bytes) {
        self.bytes = self.bytes.saturating_add(frame.len());
        self.frames.push_back(frame);
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes = self.bytes.saturating_sub(frame.len());
        Some(frame)
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.max_bytes || self.frames.len() >= self.max_frames
    }

    /// Twice the limits: only answers can get there.
    pub(super) fn is_overrun(&self) -> bool {
        self.bytes > self.max_bytes.saturating_mul(2) || self.frames.len() > self.max_frames.saturating_mul(2)
    }
}
