//! Many messages in one WebSocket message (W-50..W-57), as a codec: bytes in, messages out, and back.
//!
//! In JSON every message is followed by the record separator 0x1E. autobahn-python and Crossbar have read the text in
//! another way and write 0x18. Neither octet can be part of a JSON text, so both are understood, and the peer is answered
//! in its own way.

use std::collections::VecDeque;

use bytes::{Buf as _, Bytes};
use memchr::memchr;

use crate::Encoding;

/// What ends a message in JSON (W-51, W-57).
const RECORD_SEPARATOR: u8 = 0x1E;

/// What other implementations take for it.
const CANCEL: u8 = 0x18;

/// Bytes of the length in front of a message in MessagePack and CBOR (W-52, W-53).
const PREFIX: usize = 4;

/// Both directions of a batched connection.
///
/// ```
/// use wamp_proto::{Encoding, transport::websocket::Batching};
///
/// let mut batching = Batching::new(Encoding::Json, 1 << 20);
/// let mut messages = ["[70,1]".into(), "[70,2]".into()].into();
/// let batch = batching.join(&mut messages).expect("there are messages");
/// assert_eq!(&batch[..], b"[70,1]\x1e[70,2]\x1e");
///
/// batching.handle_batch(batch);
/// assert_eq!(batching.poll_message(), Some(Ok("[70,1]".into())));
/// assert_eq!(batching.poll_message(), Some(Ok("[70,2]".into())));
/// assert_eq!(batching.poll_message(), None);
/// ```
#[derive(Debug)]
pub struct Batching {
    encoding: Encoding,
    /// In JSON: what the peer writes, and we do until it has.
    separator: u8,
    receive_limit: usize,
    /// What is left of the batch that came last.
    batch: Bytes,
    /// Which message of it is next, from 1; 0 when there is none.
    number: usize,
}

impl Batching {
    /// A batch is filled up to this, in bytes; a message that is larger is a batch of its own (W-54).
    pub const FILL: usize = 64 << 10;

    /// For messages of up to `receive_limit` bytes.
    pub fn new(encoding: Encoding, receive_limit: usize) -> Self {
        Self { encoding, separator: RECORD_SEPARATOR, receive_limit, batch: Bytes::new(), number: 0 }
    }

    /// The largest batch to accept, in bytes: one full one, or the largest message.
    pub fn batch_limit(&self) -> usize {
        self.receive_limit.saturating_add(PREFIX).max(Self::FILL)
    }

    /// Takes messages from the front, as many as fill a batch and one at least, and makes one of them; `None` when there
    /// are none.
    pub fn join(&self, messages: &mut VecDeque<Bytes>) -> Option<Bytes> {
        let (mut count, mut size) = (0_usize, 0_usize);
        for message in &*messages {
            let larger = size.saturating_add(message.len()).saturating_add(PREFIX);
            if count > 0 && larger > Self::FILL {
                break;
            }
            (count, size) = (count.saturating_add(1), larger);
        }
        let mut batch = Vec::with_capacity(size);
        for message in messages.drain(..count) {
            self.append(&message, &mut batch);
        }
        (count > 0).then(|| batch.into())
    }

    fn append(&self, message: &[u8], batch: &mut Vec<u8>) {
        if self.encoding.is_text() {
            batch.extend_from_slice(message);
            batch.push(self.separator);
        } else {
            // No message is too long for it: they are bounded far below.
            let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
            batch.extend_from_slice(&length.to_be_bytes());
            batch.extend_from_slice(message);
        }
    }

    /// A batch came. What is left of the one before is dropped.
    pub fn handle_batch(&mut self, batch: Bytes) {
        if self.encoding.is_text() && batch.last() == Some(&CANCEL) {
            self.separator = CANCEL;
        }
        (self.batch, self.number) = (batch, 1);
    }

    /// The next message of the batch, which shares its memory. After an error, and after the last one, `None`.
    ///
    /// # Errors
    ///
    /// [`BatchError`] when the batch is malformed from here on (W-55, W-56); the peer is at fault, and its connection is to
    /// be failed.
    pub fn poll_message(&mut self) -> Option<Result<Bytes, BatchError>> {
        if self.batch.is_empty() && self.number != 1 {
            return None;
        }
        let number = self.number;
        self.number = number.saturating_add(1);
        let message = self.message(number);
        if message.is_err() {
            (self.batch, self.number) = (Bytes::new(), 0);
        }
        Some(message)
    }

    fn message(&mut self, number: usize) -> Result<Bytes, BatchError> {
        if self.batch.is_empty() {
            return Err(BatchError::Empty);
        }
        let length = if self.encoding.is_text() { self.to_separator() } else { self.prefixed(number) }?;
        if length == 0 {
            return Err(BatchError::EmptyMessage { number });
        }
        if length > self.receive_limit {
            return Err(BatchError::TooLong { number, length, limit: self.receive_limit });
        }
        let message = self.batch.split_to(length);
        if self.encoding.is_text() {
            self.batch.advance(1);
        }
        Ok(message)
    }

    /// The length of a message that the separator ends.
    fn to_separator(&self) -> Result<usize, BatchError> {
        memchr(self.separator, &self.batch).ok_or(BatchError::NoSeparator)
    }

    /// The length of a message that it stands in front of, and which is there.
    fn prefixed(&mut self, number: usize) -> Result<usize, BatchError> {
        let left = self.batch.len();
        if left < PREFIX {
            return Err(BatchError::Truncated { number, length: PREFIX, left });
        }
        let length = usize::try_from(self.batch.get_u32()).unwrap_or(usize::MAX);
        let left = self.batch.len();
        if length > left { Err(BatchError::Truncated { number, length, left }) } else { Ok(length) }
    }
}

/// A batch is malformed: the peer is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// There is no message in it (W-55).
    #[error("a batch without a message came")]
    Empty,
    /// The last message of a batch in JSON has no separator behind it (W-51).
    #[error("a batch came that does not end with the separator 0x1E")]
    NoSeparator,
    /// The batch ends where a length, or as many bytes as it says, should be.
    #[error("a batch came that ends within message {number}: {length} bytes are due, {left} are left")]
    Truncated {
        /// Which message, from 1.
        number: usize,
        /// Bytes that should be there.
        length: usize,
        /// Bytes that are there.
        left: usize,
    },
    /// A message has no bytes.
    #[error("message {number} of a batch is empty")]
    EmptyMessage {
        /// Which message, from 1.
        number: usize,
    },
    /// A message is longer than is accepted.
    #[error("message {number} of a batch is too long: {length} bytes, {limit} are accepted")]
    TooLong {
        /// Which message, from 1.
        number: usize,
        /// Its bytes.
        length: usize,
        /// The most that are accepted.
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use Encoding::{Cbor, Json, MessagePack};

    /// What comes of a batch: the messages, and the error if there is one.
    fn split(batching: &mut Batching, batch: &[u8]) -> (Vec<Vec<u8>>, Option<BatchError>) {
        batching.handle_batch(Bytes::copy_from_slice(batch));
        let mut messages = Vec::new();
        while let Some(message) = batching.poll_message() {
            match message {
                Ok(message) => messages.push(message.to_vec()),
                Err(error) => {
                    assert_eq!(batching.poll_message(), None);
                    return (messages, Some(error));
                }
            }
        }
        (messages, None)
    }

    fn join(batching: &Batching, messages: &[&[u8]]) -> Vec<Bytes> {
        let mut messages = messages.iter().map(|message| Bytes::copy_from_slice(message)).collect();
        std::iter::from_fn(|| batching.join(&mut messages)).collect()
    }

    #[test]
    fn w_51_to_w_54_w_57_framing() {
        let json = Batching::new(Json, 100);
        assert_eq!(join(&json, &[b"[1]", b"[2]"]), [&b"[1]\x1e[2]\x1e"[..]]);
        assert_eq!(join(&json, &[b"[1]"]), [&b"[1]\x1e"[..]]);
        for encoding in [MessagePack, Cbor] {
            let binary = Batching::new(encoding, 100);
            assert_eq!(join(&binary, &[b"abc", b"x"]), [&b"\0\0\0\x03abc\0\0\0\x01x"[..]]);
            assert_eq!(join(&binary, &[b"x"]), [&b"\0\0\0\x01x"[..]]);
        }
        assert_eq!(json.join(&mut VecDeque::new()), None);
    }

    #[test]
    fn batches_are_bounded_and_no_message_is_split() {
        for encoding in Encoding::ALL {
            let mut batching = Batching::new(encoding, 200_000);
            let lengths = [200_000, 1, 30_000, 30_000, 30_000, 65_528, 1, 1];
            let messages = lengths.map(|length| vec![b'x'; length]);
            let batches = join(&batching, &messages.each_ref().map(|message| &message[..]));
            let mut came = Vec::new();
            for (at, batch) in batches.iter().enumerate() {
                assert!(at == 0 || batch.len() <= Batching::FILL, "{}", batch.len());
                assert!(batch.len() <= batching.batch_limit());
                let (messages, error) = split(&mut batching, batch);
                assert_eq!(error, None);
                came.extend(messages);
            }
            assert_eq!(came, messages);
            assert_eq!(batches.len(), 5);
        }
    }

    #[test]
    fn t_40_w_55_w_56_fault_36_bad_batches() {
        let truncated = |number, length, left| Some(BatchError::Truncated { number, length, left });
        for (encoding, batch, good, error) in [
            (Json, &b""[..], 0, Some(BatchError::Empty)),
            (Json, b"[1]", 0, Some(BatchError::NoSeparator)),
            (Json, b"[1]\x1e[2]", 1, Some(BatchError::NoSeparator)),
            (Json, b"\x1e", 0, Some(BatchError::EmptyMessage { number: 1 })),
            (Json, b"[1]\x1e\x1e[2]\x1e", 1, Some(BatchError::EmptyMessage { number: 2 })),
            (Json, b"[1,2,3,4]\x1e", 0, Some(BatchError::TooLong { number: 1, length: 9, limit: 8 })),
            (Cbor, b"", 0, Some(BatchError::Empty)),
            (Cbor, b"\0\0\0", 0, truncated(1, 4, 3)),
            (Cbor, b"\0\0\0\0", 0, Some(BatchError::EmptyMessage { number: 1 })),
            (Cbor, b"\0\0\0\x02x", 0, truncated(1, 2, 1)),
            (MessagePack, b"\0\0\0\x01x\0\0\0\x01", 1, truncated(2, 1, 0)),
            (MessagePack, b"\0\0\0\x01xy", 1, truncated(2, 4, 1)),
            (MessagePack, b"\xff\xff\xff\xffx", 0, truncated(1, 0xFFFF_FFFF, 1)),
            (Cbor, b"\0\0\0\x09123456789", 0, Some(BatchError::TooLong { number: 1, length: 9, limit: 8 })),
        ] {
            let mut batching = Batching::new(encoding, 8);
            let (messages, found) = split(&mut batching, batch);
            assert_eq!((messages.len(), found), (good, error), "{encoding} {batch:?}");
            // The next batch is a new beginning.
            let next = batching.join(&mut [Bytes::from_static(b"[1]")].into()).unwrap();
            assert_eq!(split(&mut batching, &next), (vec![b"[1]".to_vec()], None));
        }
    }

    #[test]
    fn w_57_the_peer_is_answered_with_its_own_separator() {
        let mut batching = Batching::new(Json, 100);
        assert_eq!(split(&mut batching, b"[1]\x18[2]\x18"), (vec![b"[1]".to_vec(), b"[2]".to_vec()], None));
        assert_eq!(join(&batching, &[b"[3]"]), [&b"[3]\x18"[..]]);
        let (_, error) = split(&mut batching, b"[1]\x1e");
        assert_eq!(error, Some(BatchError::NoSeparator), "it does not change its mind");
    }
}
