//! Bytes that wait to be written, and how many PONGs are among them.

use std::collections::VecDeque;

use super::frame::{HEADER, Header, Kind};

/// The most bytes of an allocation that is kept while nothing waits.
const KEPT: usize = 1 << 16;

/// Coalesced output.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    /// Bytes at the front that are written already.
    start: usize,
    /// Bytes written since the beginning.
    written: u64,
    /// For each unwritten PONG, where it ends (counted like `written`), and the length of its payload.
    pongs: VecDeque<(u64, usize)>,
    pong_bytes: usize,
}

impl Output {
    /// The bytes to write next.
    pub(super) fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Forgets `written` bytes, or all when there are fewer.
    pub(super) fn advance(&mut self, written: usize) {
        let written = written.min(self.pending().len());
        self.written = self.written.saturating_add(to_u64(written));
        self.start = self.start.saturating_add(written);
        self.compact();
        while let Some(&(end, length)) = self.pongs.front() {
            if end > self.written {
                break;
            }
            self.pongs.pop_front();
            self.pong_bytes = self.pong_bytes.saturating_sub(length);
        }
    }

    /// Appends bytes that are not a frame.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a frame, whose payload has 2^24 bytes at most.
    pub(super) fn push_frame(&mut self, kind: Kind, payload: &[u8]) {
        self.bytes.reserve(payload.len().saturating_add(HEADER));
        self.push(&Header { kind, length: payload.len() }.octets());
        self.push(payload);
        if kind == Kind::Pong {
            let end = self.written.saturating_add(to_u64(self.pending().len()));
            self.pongs.push_back((end, payload.len()));
            self.pong_bytes = self.pong_bytes.saturating_add(payload.len());
        }
    }

    /// How many PONGs are not written to the end, and the bytes of their payloads.
    pub(super) fn unwritten_pongs(&self) -> (usize, usize) {
        (self.pongs.len(), self.pong_bytes)
    }

    /// Moves the rest to the front when that costs no more than has been written since the last time.
    fn compact(&mut self) {
        let rest = self.pending().len();
        if self.start < rest {
            return;
        }
        self.bytes.drain(..self.start);
        self.start = 0;
        if rest == 0 && self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_order_whatever_the_steps() {
        for step in 1..50 {
            let (mut output, mut read, mut expected) = (Output::default(), vec![], vec![]);
            for byte in 0..40 {
                output.push(&[byte; 3]);
                expected.extend([byte; 3]);
                let take = step.min(output.pending().len());
                read.extend_from_slice(&output.pending()[..take]);
                output.advance(step);
            }
            read.extend_from_slice(output.pending());
            output.advance(usize::MAX);
            assert!(output.pending().is_empty());
            assert_eq!(read, expected, "{step}");
        }
    }

    #[test]
    fn a_large_allocation_is_not_kept() {
        let mut output = Output::default();
        output.push(&[0; KEPT + 1]);
        output.advance(KEPT);
        output.advance(1);
        assert_eq!(output.bytes.capacity(), 0);
        output.push(&[0; 100]);
        output.advance(100);
        assert!(output.bytes.capacity() >= 100);
    }

    #[test]
    fn a_pong_counts_until_its_last_byte_is_written() {
        let mut output = Output::default();
        output.push_frame(Kind::Message, b"before");
        output.push_frame(Kind::Pong, b"abc");
        output.push_frame(Kind::Message, b"after");
        output.push_frame(Kind::Pong, b"");
        for (step, left) in [(10, (2, 3)), (6, (2, 3)), (1, (1, 0)), (9, (1, 0)), (3, (1, 0)), (1, (0, 0))] {
            output.advance(step);
            assert_eq!(output.unwritten_pongs(), left);
        }
    }
}
