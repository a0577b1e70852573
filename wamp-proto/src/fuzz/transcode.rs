//! From one serializer to another, and back.

use super::{Source, codec::walk};
use crate::{
    Limits,
    codec::{Elements, Encoding, Reader, Token, Writer, transcode},
};

pub(super) fn target(data: &[u8]) {
    let mut source = Source::new(data);
    let which = source.below(9);
    let (from, to) = (Encoding::ALL[which / 3], Encoding::ALL[which % 3]);
    let values = source.rest();
    let count = walk(from, values);
    let there = transcode(from, values, to);
    if from == to {
        assert_eq!(there.as_deref(), Ok(values));
        return;
    }
    assert_eq!(there.is_ok(), count.is_some());
    let (Ok(there), Some(count)) = (there, count) else { return };
    assert_eq!(walk(to, &there), Some(count));
    assert!(there.len() <= 8 * values.len() + 64);
    there_and_back(from, to, &there);
    if is_message(from, values, count) {
        assert!(is_message(to, &there, count), "{to} refuses what {from} has passed");
    }
}

/// After one normalization nothing changes any more.
fn there_and_back(from: Encoding, to: Encoding, there: &[u8]) {
    let back = transcode(to, there, from).expect("what was transcoded can be read");
    let again = transcode(from, &back, to).expect("what was transcoded back can be read");
    // JSON has no NaN and no infinities (W-04): they are null from the second pass on.
    let lossy = (from == Encoding::Json || to == Encoding::Json) && !is_finite(to, there);
    if !lossy {
        assert_eq!(again, there);
    }
    assert_eq!(transcode(to, &again, from).as_ref(), Ok(&back));
}

fn is_finite(encoding: Encoding, values: &[u8]) -> bool {
    let mut reader = Reader::new(encoding, values);
    let mut depth = 0_usize;
    while depth > 0 || reader.at_end_of_container() == Ok(false) {
        match reader.next().expect("values that were walked") {
            Token::List(_) | Token::Dict(_) => depth += 1,
            Token::End => depth -= 1,
            Token::Float(float) if !float.is_finite() => return false,
            _ => {}
        }
    }
    true
}

/// Whether the values make a message that a peer would take.
fn is_message(encoding: Encoding, values: &[u8], count: usize) -> bool {
    let mut writer = Writer::new(encoding);
    writer.list(Some(count));
    writer.raw(values, count);
    writer.end();
    let message = writer.finish();
    Elements::split(encoding, &message, &Limits::default()).is_ok_and(|elements| elements.len() == count)
}
