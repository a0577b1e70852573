//! Batches of a WebSocket: what comes out goes in again.

use std::collections::VecDeque;

use bytes::Bytes;

use super::Source;
use crate::{Encoding, transport::websocket::Batching};

pub(super) fn target(data: &[u8]) {
    let mut source = Source::new(data);
    let encoding = Encoding::ALL[source.below(3)];
    let limit = 1 << source.below(12);
    let batch = Bytes::copy_from_slice(source.rest());
    let mut batching = Batching::new(encoding, limit);
    let (messages, well_formed) = split(&mut batching, batch.clone());
    assert!(messages.iter().all(|message| (1..=limit).contains(&message.len())));
    let again = join(&batching, messages.clone());
    // Nothing is invented and nothing left out.
    let bytes = again.iter().flatten().copied().collect::<Vec<_>>();
    assert!(batch.starts_with(&bytes));
    assert!(!well_formed || batch == bytes);
    assert!(well_formed || bytes.len() < batch.len() || batch.is_empty());
    let mut came = VecDeque::new();
    for batch in again {
        assert!(batch.len() <= batching.batch_limit());
        let (messages, well_formed) = split(&mut batching, batch);
        assert!(well_formed);
        came.extend(messages);
    }
    assert_eq!(came, messages);
}

/// The messages of a batch, and whether it had no fault.
fn split(batching: &mut Batching, batch: Bytes) -> (VecDeque<Bytes>, bool) {
    batching.handle_batch(batch);
    let mut messages = VecDeque::new();
    while let Some(message) = batching.poll_message() {
        match message {
            Ok(message) => messages.push_back(message),
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert_eq!(batching.poll_message(), None);
                return (messages, false);
            }
        }
    }
    (messages, true)
}

fn join(batching: &Batching, mut messages: VecDeque<Bytes>) -> Vec<Bytes> {
    std::iter::from_fn(|| batching.join(&mut messages)).collect()
}
