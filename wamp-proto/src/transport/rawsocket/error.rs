//! Why a RawSocket ends, and why a frame cannot be sent.

use crate::Encoding;

/// The end of a RawSocket; every text says whose fault it is and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawSocketError {
    /// The first octet is not 0x7F (W-66); nothing is answered.
    #[error(
        "the peer does not speak RawSocket: its first octet is {octet:#04x}, not 0x7f; check that it is meant to use \
         this transport and port"
    )]
    NotRawSocket {
        /// The octet.
        octet: u8,
    },
    /// Router: the client asks for a serializer that is not accepted (W-63); the answer is error 1.
    #[error(
        "the client asks for serializer {code}, which is not accepted here; it must choose among those of this router"
    )]
    UnsupportedSerializer {
        /// The code, 0 to 15; 0 is illegal.
        code: u8,
    },
    /// Octets 3 and 4 of the peer's handshake are not zero (W-68); a router answers error 3.
    #[error(
        "the peer's handshake uses the reserved octets {octets:02x?}, which must be zero; the peer is at fault"
    )]
    ReservedOctets {
        /// The octets.
        octets: [u8; 2],
    },
    /// Client: the router refuses the connection (W-65, W-67).
    #[error("{0}")]
    Refused(HandshakeRefused),
    /// Client: the router answers with another serializer than the one asked for (W-67).
    #[error(
        "the router answers with serializer {code} where {requested} was asked for; the router is at fault"
    )]
    SerializerMismatch {
        /// The serializer asked for.
        requested: Encoding,
        /// The code in the answer, 1 to 15.
        code: u8,
    },
    /// Router: there are too many connections; the answer is error 4 (W-65).
    #[error(
        "the connection is refused as this router has its maximum already; raise the maximum or let the client retry"
    )]
    TooManyConnections,
    /// The peer announces a frame above the limit that it was told (W-73, W-74).
    #[error(
        "the peer sends a frame of {length} bytes where {limit} were announced as the most; the peer is at fault, or \
         the limit must be raised"
    )]
    FrameTooLong {
        /// Bytes of payload that the header announces.
        length: usize,
        /// The most bytes that this side accepts.
        limit: usize,
    },
    /// A header uses reserved bits or types, or says more than 2^24 bytes (W-75).
    #[error(
        "the peer's frame header {octets:02x?} uses reserved bits or an unknown type; the peer is at fault"
    )]
    ReservedHeader {
        /// The header.
        octets: [u8; 4],
    },
    /// More PINGs than the budget wait for their PONGs to be written (fault 7).
    #[error(
        "the peer sends PINGs faster than it reads the PONGs: {pings} with {bytes} bytes are unanswered; the peer \
         is at fault, or the budget must be raised"
    )]
    PingFlood {
        /// PINGs with unwritten PONGs, the last one included.
        pings: usize,
        /// Bytes of the payloads of these.
        bytes: usize,
    },
    /// The peer sends a PING so long that the PONG would break the limit of the peer itself (W-72, W-73).
    #[error(
        "the peer sends a PING of {length} bytes but receives no more than {limit}; the peer is at fault"
    )]
    PingUnanswerable {
        /// Bytes of the PING's payload.
        length: usize,
        /// The most bytes that the peer receives.
        limit: usize,
    },
    /// The peer closed the stream between two frames: no error of the framing.
    #[error("the peer closed the connection")]
    Closed,
    /// The peer closed the stream before its handshake was complete.
    #[error(
        "the peer closed the connection during the handshake; check that it is meant to use RawSocket on this port"
    )]
    ClosedInHandshake,
    /// The peer closed the stream inside a frame, which is lost.
    #[error("the connection ended inside a frame; the peer or the network broke off")]
    ClosedInFrame,
}

impl RawSocketError {
    /// The answer that a router owes a client whose handshake fails so.
    pub(super) fn refusal(&self) -> Option<HandshakeRefused> {
        match self {
            Self::UnsupportedSerializer { .. } => Some(HandshakeRefused::SERIALIZER),
            Self::ReservedOctets { .. } => Some(HandshakeRefused::RESERVED_BITS),
            Self::TooManyConnections => Some(HandshakeRefused::CONNECTION_LIMIT),
            _ => None,
        }
    }
}

/// The error that a router answers a handshake with (W-65).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the router refuses the RawSocket handshake with error {code}: {}", self.meaning())]
pub struct HandshakeRefused {
    /// The code: 1 to 4, or 0 (illegal), or 5 to 15 (reserved).
    pub code: u8,
}

impl HandshakeRefused {
    /// The router does not support the serializer.
    pub const SERIALIZER: Self = Self { code: 1 };
    /// The router does not accept the maximum message length of the client.
    pub const MESSAGE_LENGTH: Self = Self { code: 2 };
    /// The client uses reserved bits.
    pub const RESERVED_BITS: Self = Self { code: 3 };
    /// The router has too many connections.
    pub const CONNECTION_LIMIT: Self = Self { code: 4 };

    fn meaning(self) -> &'static str {
        match self {
            Self::SERIALIZER => "it does not support the serializer; choose another",
            Self::MESSAGE_LENGTH => "it does not accept this maximum message length; choose another",
            Self::RESERVED_BITS => "it found reserved bits in use, where this side sends none",
            Self::CONNECTION_LIMIT => "it has its maximum of connections; try again later",
            Self { code: 0 } => "an illegal code; the router is at fault",
            _ => "a code without a meaning in this version of the protocol",
        }
    }
}

/// A frame that cannot be sent: it is above the peer's limit (W-73, W-77), or the RawSocket is not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooLarge {
    /// Bytes of the frame's payload.
    pub length: usize,
    /// The most bytes that the peer accepts; 0 while the RawSocket is not open, when nothing can be sent.
    pub limit: usize,
}

impl core::error::Error for TooLarge {}

impl core::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { length, limit } = self;
        if *limit == 0 {
            return write!(f, "a frame of {length} bytes cannot be sent: the RawSocket is not open");
        }
        write!(f, "a frame of {length} bytes cannot be sent: the peer accepts no more than {limit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w_65_every_code_has_a_text() {
        for (code, part) in [
            (0, "illegal"),
            (1, "serializer; choose another"),
            (2, "maximum message length"),
            (3, "reserved bits"),
            (4, "try again later"),
            (5, "without a meaning"),
            (15, "without a meaning"),
        ] {
            let text = RawSocketError::Refused(HandshakeRefused { code }).to_string();
            assert!(text.contains(part) && text.contains(&format!("error {code}:")), "{text}");
        }
    }

    #[test]
    fn w_77_a_frame_too_large_says_why() {
        let text = TooLarge { length: 513, limit: 512 }.to_string();
        assert_eq!(text, "a frame of 513 bytes cannot be sent: the peer accepts no more than 512");
        let text = TooLarge { length: 0, limit: 0 }.to_string();
        assert_eq!(text, "a frame of 0 bytes cannot be sent: the RawSocket is not open");
    }
}
