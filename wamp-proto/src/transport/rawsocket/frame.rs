//! The header of a frame (W-69..W-71).

use super::RawSocketError;

/// Octets in a header.
pub(super) const HEADER: usize = 4;

/// The 25th bit of the length, in the first octet.
const X: u8 = 0b1000;

/// The length that needs the 25th bit, and the only one that may use it (W-70).
const X_LENGTH: usize = 1 << 24;

/// What a frame carries (W-71).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Ping,
    Pong,
}

/// A header that is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Octets of payload, 2^24 at most.
    pub(super) length: usize,
}

impl Header {
    /// Reads a header and checks it, also against the limit that was announced to the peer (W-73, W-74, W-75).
    pub(super) fn read(octets: [u8; HEADER], receive_limit: usize) -> Result<Self, RawSocketError> {
        let reserved = RawSocketError::ReservedHeader { octets };
        let [first, length @ ..] = octets;
        let kind = match first & !X {
            0 => Kind::Message,
            1 => Kind::Ping,
            2 => Kind::Pong,
            _ => return Err(reserved),
        };
        let length = match (first & X != 0, length) {
            (true, [0, 0, 0]) => X_LENGTH,
            (true, _) => return Err(reserved),
            (false, [high, middle, low]) => {
                usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
            }
        };
        if length > receive_limit {
            return Err(RawSocketError::FrameTooLong { length, limit: receive_limit });
        }
        Ok(Self { kind, length })
    }

    /// Octets of the header and the payload.
    pub(super) fn frame_length(self) -> usize {
        self.length.saturating_add(HEADER)
    }

    /// The octets of a header whose length is 2^24 at most.
    pub(super) fn octets(self) -> [u8; HEADER] {
        let kind = match self.kind {
            Kind::Message => 0,
            Kind::Ping => 1,
            Kind::Pong => 2,
        };
        let length = u32::try_from(self.length).unwrap_or(0);
        let x = if length >> 24 == 0 { 0 } else { X };
        let [_, high, middle, low] = length.to_be_bytes();
        [x | kind, high, middle, low]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 24;

    #[test]
    fn w_69_w_71_headers_both_ways() {
        for (kind, length, octets) in [
            (Kind::Message, 0, [0, 0, 0, 0]),
            (Kind::Message, 1, [0, 0, 0, 1]),
            (Kind::Message, 0x01_02_03, [0, 1, 2, 3]),
            (Kind::Ping, 0, [1, 0, 0, 0]),
            (Kind::Pong, 256, [2, 0, 1, 0]),
            (Kind::Message, (1 << 24) - 1, [0, 0xFF, 0xFF, 0xFF]),
            (Kind::Message, 1 << 24, [8, 0, 0, 0]),
            (Kind::Ping, 1 << 24, [9, 0, 0, 0]),
            (Kind::Pong, 1 << 24, [10, 0, 0, 0]),
        ] {
            let header = Header { kind, length };
            assert_eq!(header.octets(), octets);
            assert_eq!(Header::read(octets, LIMIT), Ok(header));
        }
    }

    #[test]
    fn w_75_t_44_every_first_octet() {
        for first in 0..=255_u8 {
            let octets = [first, 0, 0, 0];
            let found = Header::read(octets, LIMIT);
            assert_eq!(found.is_ok(), matches!(first, 0..=2 | 8..=10), "{first:#04x}");
            if let Err(error) = found {
                assert_eq!(error, RawSocketError::ReservedHeader { octets });
            }
        }
        for octets in [[8, 0, 0, 1], [8, 1, 0, 0], [9, 0, 1, 0]] {
            assert_eq!(Header::read(octets, LIMIT), Err(RawSocketError::ReservedHeader { octets }));
        }
    }

    #[test]
    fn w_73_w_74_the_limit_is_for_every_kind() {
        for first in [0, 1, 2] {
            assert!(Header::read([first, 0, 2, 0], 512).is_ok());
            let error = RawSocketError::FrameTooLong { length: 513, limit: 512 };
            assert_eq!(Header::read([first, 0, 2, 1], 512), Err(error));
        }
        let error = RawSocketError::FrameTooLong { length: 1 << 24, limit: 1 << 23 };
        assert_eq!(Header::read([8, 0, 0, 0], 1 << 23), Err(error));
    }
}
