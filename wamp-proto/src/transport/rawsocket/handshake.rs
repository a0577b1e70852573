//! The four octets that each side sends first (W-61..W-68).

use crate::Encoding;

use super::{HandshakeRefused, RawSocketError};

/// Octets in a handshake and in its reply.
pub(super) const LENGTH: usize = 4;

/// The first octet of a handshake (W-61). No HTTP method starts with it, so that one port can serve both (W-80).
pub const MAGIC: u8 = 0x7F;

/// Octets accepted with the nibble 0.
const SMALLEST_LIMIT: usize = 1 << 9;

/// Octets accepted with the nibble 15.
const LARGEST_LIMIT: usize = 1 << 24;

/// The nibble of the smallest limit that is not below `limit`, as far as there is one (W-62).
pub(super) fn nibble_of(limit: usize) -> u8 {
    let limit = limit.clamp(SMALLEST_LIMIT, LARGEST_LIMIT).next_power_of_two();
    let nibble = limit.trailing_zeros().saturating_sub(SMALLEST_LIMIT.trailing_zeros());
    u8::try_from(nibble).unwrap_or(0x0F)
}

/// The limit that a nibble announces: 2^(9+L) octets (W-62).
pub(super) fn limit_of(nibble: u8) -> usize {
    SMALLEST_LIMIT.wrapping_shl(u32::from(nibble & 0x0F))
}

/// The code of a serializer (W-63).
pub(super) const fn code_of(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Json => 1,
        Encoding::MessagePack => 2,
        Encoding::Cbor => 3,
    }
}

/// A request, or the reply of a router that agrees (W-61, W-64).
pub(super) fn message(encoding: Encoding, receive_limit: usize) -> [u8; LENGTH] {
    [MAGIC, nibble_of(receive_limit) << 4 | code_of(encoding), 0, 0]
}

/// The reply of a router that refuses (W-65).
pub(super) fn refusal(refused: HandshakeRefused) -> [u8; LENGTH] {
    [MAGIC, refused.code << 4, 0, 0]
}

/// What both sides agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) encoding: Encoding,
    /// The most octets that the peer receives in one frame.
    pub(super) send_limit: usize,
}

/// Router: reads the request of a client. An error of [`RawSocketError::refusal`] is to be answered with.
///
/// Reserved octets go first: with them in use, the rest may mean something else.
pub(super) fn read_request(octets: [u8; LENGTH], accepted: &[Encoding]) -> Result<Agreed, RawSocketError> {
    let [_, second, reserved @ ..] = octets;
    if reserved != [0, 0] {
        return Err(RawSocketError::ReservedOctets { octets: reserved });
    }
    let (nibble, code) = (second >> 4, second & 0x0F);
    let encoding = accepted.iter().copied().find(|&encoding| code_of(encoding) == code);
    let encoding = encoding.ok_or(RawSocketError::UnsupportedSerializer { code })?;
    Ok(Agreed { encoding, send_limit: limit_of(nibble) })
}

/// Client: reads the reply of a router.
///
/// The refusal goes first: its code must not be taken for a limit, nor for a serializer (T-43).
pub(super) fn read_reply(octets: [u8; LENGTH], requested: Encoding) -> Result<Agreed, RawSocketError> {
    let [_, second, reserved @ ..] = octets;
    let (nibble, code) = (second >> 4, second & 0x0F);
    if code == 0 {
        return Err(RawSocketError::Refused(HandshakeRefused { code: nibble }));
    }
    if reserved != [0, 0] {
        return Err(RawSocketError::ReservedOctets { octets: reserved });
    }
    if code != code_of(requested) {
        return Err(RawSocketError::SerializerMismatch { requested, code });
    }
    Ok(Agreed { encoding: requested, send_limit: limit_of(nibble) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_62_t_41_limits_at_each_nibble() {
        for nibble in 0..=15_u8 {
            let limit = 1_usize << (9 + nibble);
            assert_eq!(limit_of(nibble), limit);
            assert_eq!(nibble_of(limit), nibble);
            assert_eq!(nibble_of(limit - 1), nibble);
            assert_eq!(nibble_of(limit + 1), (nibble + 1).min(15));
            let [_, second, ..] = message(Encoding::Json, limit);
            assert_eq!(second, nibble << 4 | 1);
        }
        assert_eq!((nibble_of(0), nibble_of(usize::MAX)), (0, 15));
        assert_eq!((limit_of(0), limit_of(15)), (512, 16_777_216));
    }

    #[test]
    fn w_61_w_63_requests() {
        for (encoding, second) in
            [(Encoding::Json, 0xF1), (Encoding::MessagePack, 0xF2), (Encoding::Cbor, 0xF3)]
        {
            let octets = message(encoding, 1 << 24);
            assert_eq!(octets, [0x7F, second, 0, 0]);
            let agreed = Agreed { encoding, send_limit: 1 << 24 };
            assert_eq!(read_request(octets, &Encoding::ALL), Ok(agreed));
            assert_eq!(read_reply(octets, encoding), Ok(agreed));
        }
    }

    #[test]
    fn w_63_w_68_every_second_octet_of_a_request() {
        for second in 0..=255_u8 {
            let found = read_request([MAGIC, second, 0, 0], &[Encoding::Cbor, Encoding::Json]);
            let expected = match second & 0x0F {
                1 => Ok(Agreed { encoding: Encoding::Json, send_limit: 1 << (9 + (second >> 4)) }),
                3 => Ok(Agreed { encoding: Encoding::Cbor, send_limit: 1 << (9 + (second >> 4)) }),
                code => Err(RawSocketError::UnsupportedSerializer { code }),
            };
            assert_eq!(found, expected, "{second:#04x}");
        }
    }

    #[test]
    fn w_67_t_43_every_second_octet_of_a_reply() {
        for second in 0..=255_u8 {
            let requested = Encoding::Json;
            let found = read_reply([MAGIC, second, 0, 0], requested);
            let expected = match second & 0x0F {
                0 => Err(RawSocketError::Refused(HandshakeRefused { code: second >> 4 })),
                1 => Ok(Agreed { encoding: requested, send_limit: 1 << (9 + (second >> 4)) }),
                code => Err(RawSocketError::SerializerMismatch { requested, code }),
            };
            assert_eq!(found, expected, "{second:#04x}");
        }
    }

    #[test]
    fn w_68_reserved_octets() {
        for reserved in [[0, 1], [1, 0], [0xFF, 0xFF]] {
            let error = RawSocketError::ReservedOctets { octets: reserved };
            let [third, fourth] = reserved;
            assert_eq!(read_request([MAGIC, 0xF1, third, fourth], &Encoding::ALL), Err(error.clone()));
            assert_eq!(read_request([MAGIC, 0xF0, third, fourth], &Encoding::ALL), Err(error.clone()));
            assert_eq!(read_reply([MAGIC, 0xF1, third, fourth], Encoding::Json), Err(error));
            let refused = RawSocketError::Refused(HandshakeRefused::CONNECTION_LIMIT);
            assert_eq!(read_reply([MAGIC, 0x40, third, fourth], Encoding::Json), Err(refused));
        }
    }

    #[test]
    fn w_65_refusals() {
        for (refused, octets) in [
            (HandshakeRefused::SERIALIZER, [0x7F, 0x10, 0, 0]),
            (HandshakeRefused::MESSAGE_LENGTH, [0x7F, 0x20, 0, 0]),
            (HandshakeRefused::RESERVED_BITS, [0x7F, 0x30, 0, 0]),
            (HandshakeRefused::CONNECTION_LIMIT, [0x7F, 0x40, 0, 0]),
        ] {
            assert_eq!(refusal(refused), octets);
        }
    }
}
