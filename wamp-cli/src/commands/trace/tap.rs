//! From copies of the bytes of one direction to the messages in them.

use std::io::Cursor;

use bytes::{Bytes, BytesMut};
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};
use wamp_tokio::proto::{
    Encoding,
    transport::{
        rawsocket::{Config, Event, MAGIC, RawSocket},
        websocket::{Batching, Subprotocol},
    },
};

use super::opening::header;

/// What is known of a direction.
pub(super) enum Tap {
    WebSocket(WebSocket),
    RawSocket(Box<RawSocket>),
    /// Nothing more can be read.
    Off,
}

/// A message, or why it is none.
pub(super) type Found = Result<Bytes, String>;

/// The largest message that is looked at; larger ones are forwarded all the same.
const LARGEST: usize = 1 << 24;

impl Tap {
    /// The taps of both directions, by the handshakes of client and router.
    pub(super) fn pair(request: &[u8], answer: &[u8]) -> Result<(Encoding, [Self; 2]), String> {
        if request.first() == Some(&MAGIC) { rawsocket(request, answer) } else { websocket(answer) }
    }

    /// Takes the next bytes, and says what ends in them.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Found> {
        let found = match self {
            Self::WebSocket(tap) => tap.feed(bytes),
            Self::RawSocket(codec) => {
                codec.handle_bytes(bytes);
                frames(codec)
            }
            Self::Off => return Vec::new(),
        };
        found.unwrap_or_else(|(mut found, why)| {
            *self = Self::Off;
            found.push(Err(format!("{why}; what follows in this direction cannot be read")));
            found
        })
    }
}

/// All that was found, or that and why nothing more will be.
type Fed = Result<Vec<Found>, (Vec<Found>, String)>;

fn rawsocket(request: &[u8], answer: &[u8]) -> Result<(Encoding, [Tap; 2]), String> {
    let mut config = Config::default();
    config.receive_limit = LARGEST;
    config.ping_budget = usize::MAX;
    let mut from_client = RawSocket::server(&config);
    from_client.handle_bytes(request);
    let encoding = opened(&mut from_client)?;
    let mut from_router = RawSocket::client(encoding, &config);
    from_router.handle_bytes(answer);
    opened(&mut from_router)?;
    Ok((encoding, [from_client, from_router].map(|codec| Tap::RawSocket(Box::new(codec)))))
}

fn opened(codec: &mut RawSocket) -> Result<Encoding, String> {
    match codec.poll_event() {
        Some(Event::Open { encoding, .. }) => Ok(encoding),
        Some(Event::Failed(error)) => Err(error.to_string()),
        _ => Err("the handshake is not complete".to_owned()),
    }
}

fn frames(codec: &mut RawSocket) -> Fed {
    // What it would answer is the affair of the two ends.
    codec.advance(codec.output().len());
    let mut found = Vec::new();
    while let Some(event) = codec.poll_event() {
        match event {
            Event::Frame(frame) => found.push(Ok(frame)),
            Event::Failed(error) => return Err((found, error.to_string())),
            _ => {}
        }
    }
    Ok(found)
}

fn websocket(answer: &[u8]) -> Result<(Encoding, [Tap; 2]), String> {
    let chosen = header(answer, "sec-websocket-protocol");
    let Some(subprotocol) = chosen.and_then(Subprotocol::from_name) else {
        let status = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let status = String::from_utf8_lossy(status);
        return Err(format!("no WAMP is spoken: {status}, sub-protocol {}", chosen.unwrap_or("none")));
    };
    Ok((subprotocol.encoding, [(); 2].map(|()| Tap::WebSocket(WebSocket::new(subprotocol)))))
}

/// The frames of a WebSocket.
pub(super) struct WebSocket {
    encoding: Encoding,
    batching: Option<Batching>,
    bytes: BytesMut,
    /// The frames of the message so far.
    message: BytesMut,
}

impl WebSocket {
    fn new(subprotocol: Subprotocol) -> Self {
        let Subprotocol { encoding, batched, .. } = subprotocol;
        let batching = batched.then(|| Batching::new(encoding, LARGEST));
        Self { encoding, batching, bytes: BytesMut::new(), message: BytesMut::new() }
    }

    fn feed(&mut self, bytes: &[u8]) -> Fed {
        self.bytes.extend_from_slice(bytes);
        let mut found = Vec::new();
        loop {
            match self.frame() {
                Ok(Some((header, payload))) => {
                    if let Err(why) = self.take(&header, &payload, &mut found) {
                        return Err((found, why));
                    }
                }
                Ok(None) => return Ok(found),
                Err(why) => return Err((found, why)),
            }
        }
    }

    /// The next frame that is complete, unmasked.
    fn frame(&mut self) -> Result<Option<(FrameHeader, BytesMut)>, String> {
        let mut cursor = Cursor::new(&self.bytes[..]);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|error| error.to_string())?;
        let Some((header, length)) = parsed else { return Ok(None) };
        let begin = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > LARGEST {
            return Err(format!("a WebSocket frame of {length} bytes"));
        }
        if self.bytes.len() < begin + length {
            return Ok(None);
        }
        let mut payload = self.bytes.split_to(begin + length).split_off(begin);
        if let Some(mask) = header.mask {
            for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
                *byte ^= mask;
            }
        }
        Ok(Some((header, payload)))
    }

    /// Control frames are nothing of WAMP's.
    fn take(&mut self, header: &FrameHeader, payload: &[u8], found: &mut Vec<Found>) -> Result<(), String> {
        let OpCode::Data(data) = header.opcode else { return Ok(()) };
        if header.rsv1 {
            return Err("a WebSocket message is compressed".to_owned());
        }
        match data {
            Data::Text if !self.encoding.is_text() => {
                found.push(Err(format!("a text message, though {} is binary", self.encoding)));
            }
            Data::Binary if self.encoding.is_text() => {
                found.push(Err(format!("a binary message, though {} is text", self.encoding)));
            }
            _ => {}
        }
        self.message.extend_from_slice(payload);
        if self.message.len() > LARGEST {
            return Err("a WebSocket message of more than 16 MiB".to_owned());
        }
        if header.is_final {
            let message = self.message.split().freeze();
            match &mut self.batching {
                Some(batching) => {
                    batching.handle_batch(message);
                    found.extend(
                        std::iter::from_fn(|| batching.poll_message())
                            .map(|message| message.map_err(|error| error.to_string())),
                    );
                }
                None => found.push(Ok(message)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tap: &mut Tap, bytes: &[u8]) -> Vec<Result<String, String>> {
        let text = |message: Bytes| String::from_utf8(message.to_vec()).unwrap();
        tap.feed(bytes).into_iter().map(|found| found.map(text)).collect()
    }

    fn json() -> Tap {
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n";
        let (encoding, [tap, _]) = Tap::pair(b"GET / HTTP/1.1\r\n\r\n", answer).unwrap();
        assert_eq!(encoding, Encoding::Json);
        tap
    }

    #[test]
    fn messages_of_a_websocket_however_they_are_cut() {
        // In two frames, the second one masked, with a PING between them; then one of a wrong type.
        let bytes = b"\x01\x02[9\x89\x00\x80\x81\x01\x02\x03\x04\x5c\x82\x01x";
        for size in 1..bytes.len() {
            let mut tap = json();
            let all = bytes.chunks(size).flat_map(|bytes| found(&mut tap, bytes)).collect::<Vec<_>>();
            let wrong = Err("a binary message, though json is text".to_owned());
            assert_eq!(all, [Ok("[9]".to_owned()), wrong, Ok("x".to_owned())], "in pieces of {size}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_once() {
        for (bytes, why) in [(&b"\xC1\x01x"[..], "compressed"), (b"\x8F\x00", "cannot be read")] {
            let mut tap = json();
            let said = found(&mut tap, bytes);
            assert!(matches!(&said[..], [Err(text)] if text.contains(why)), "{said:?}");
            assert_eq!(found(&mut tap, b"\x81\x01x"), []);
        }
        let refused = b"HTTP/1.1 404 Not Found\r\n\r\n";
        let why = Tap::pair(b"GET / HTTP/1.1\r\n\r\n", refused).err().unwrap();
        assert!(why.contains("404 Not Found"), "{why}");
    }

    #[test]
    fn frames_of_a_rawsocket() {
        let (encoding, [mut up, mut down]) = Tap::pair(b"\x7F\xF2\0\0", b"\x7F\x12\0\0").unwrap();
        assert_eq!(encoding, Encoding::MessagePack);
        assert_eq!(found(&mut up, b"\0\0\0\x01a\x01\0\0\0\0\0"), [Ok("a".to_owned())]);
        assert_eq!(found(&mut down, b"\0\0\0\0"), [Ok(String::new())]);
        assert!(Tap::pair(b"\x7F\xF2\0\0", b"\x7F\x30\0\0").is_err());
    }
}
