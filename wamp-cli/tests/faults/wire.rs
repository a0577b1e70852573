//! RawSocket and WebSocket by hand: a client without any library, so that each byte is the test's own.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
};

use wamp_tokio::proto::{
    Encoding, Limits,
    message::{Abort, Message},
};

use crate::{
    encode::{V, v},
    harness::LONG,
};

/// How a peer is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    RawSocket,
    WebSocket,
}

impl Transport {
    pub(crate) const ALL: [Self; 2] = [Self::RawSocket, Self::WebSocket];
}

/// One side of a connection, as far as the test has opened it.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    pub(crate) transport: Transport,
    pub(crate) encoding: Encoding,
}

/// One thing that the router said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Message(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    End,
}

/// How the router parts with a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// ABORT with this reason and text, and the end.
    Abort(String, String),
    /// A close frame with this code and text, and the end.
    Close(Option<u16>, String),
    /// The end, without a word.
    Silence,
}

/// ABORT with a protocol violation.
pub(crate) fn violation(text: &str) -> Reaction {
    Reaction::Abort("wamp.error.protocol_violation".to_owned(), text.to_owned())
}

impl Reaction {
    /// Whether it is a protocol violation whose text contains this.
    pub(crate) fn is_violation(&self, part: &str) -> bool {
        matches!(self, Self::Abort(reason, text) if reason == "wamp.error.protocol_violation" && text.contains(part))
    }
}

pub(crate) fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    stream
}

/// The code of a serializer in a RawSocket's handshake.
pub(crate) fn code(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Json => 1,
        Encoding::MessagePack => 2,
        Encoding::Cbor => 3,
    }
}

pub(crate) fn subprotocol(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Json => "wamp.2.json",
        Encoding::MessagePack => "wamp.2.msgpack",
        Encoding::Cbor => "wamp.2.cbor",
    }
}

/// A frame of RawSocket.
pub(crate) fn raw_frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
    frame[0] |= kind;
    frame.extend(payload);
    frame
}

/// The header of a client's WebSocket frame, with `first` for FIN, RSV and opcode, and a mask of zeros.
pub(crate) fn web_head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..=125 => head.push(0x80 | length as u8),
        126..=0xFFFF => head.extend([&[0x80 | 126][..], &(length as u16).to_be_bytes()].concat()),
        _ => head.extend([&[0x80 | 127][..], &length.to_be_bytes()].concat()),
    }
    head.extend([0; 4]);
    head
}

/// A client's WebSocket frame, masked.
pub(crate) fn web_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0xA5, 0x5A, 0x01, 0xFE];
    let mut frame = web_head(first, payload.len() as u64);
    let at = frame.len() - 4;
    frame[at..].copy_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A request for a WebSocket with these headers besides.
pub(crate) fn request(headers: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// The head of the answer to a request for a WebSocket; empty when there is none.
pub(crate) fn answer(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

impl Peer {
    /// Opens the transport, and nothing more.
    pub(crate) fn open(address: &str, transport: Transport, encoding: Encoding) -> Self {
        let mut peer = Self { stream: connect(address), transport, encoding };
        peer.stream.write_all(&Self::handshake(transport, encoding)).unwrap();
        peer.finish_handshake();
        peer
    }

    /// What a client says first.
    pub(crate) fn handshake(transport: Transport, encoding: Encoding) -> Vec<u8> {
        match transport {
            Transport::RawSocket => vec![0x7F, 0xF0 | code(encoding), 0, 0],
            Transport::WebSocket => {
                request(&format!("Sec-WebSocket-Protocol: {}\r\n", subprotocol(encoding))).into_bytes()
            }
        }
    }

    pub(crate) fn finish_handshake(&mut self) {
        match self.transport {
            Transport::RawSocket => {
                let mut reply = [0; 4];
                self.stream.read_exact(&mut reply).unwrap();
                // The router takes messages of 2^20 bytes.
                assert_eq!(reply, [0x7F, 0xB0 | code(self.encoding), 0, 0]);
            }
            Transport::WebSocket => {
                let head = answer(&mut self.stream);
                assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
            }
        }
    }

    /// Joins with all roles.
    pub(crate) fn join(&mut self) {
        self.send(
            &v!([1, "realm1", {"roles": {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}}]),
        );
        let Message::Welcome(_) = self.message() else { panic!("no WELCOME") };
    }

    /// A message as a frame of this transport.
    pub(crate) fn frame(&self, message: &[u8]) -> Vec<u8> {
        match self.transport {
            Transport::RawSocket => raw_frame(0, message),
            Transport::WebSocket => {
                web_frame(if self.encoding == Encoding::Json { 0x81 } else { 0x82 }, message)
            }
        }
    }

    pub(crate) fn send(&mut self, message: &V) {
        self.stream.write_all(&self.frame(&message.encode(self.encoding))).unwrap();
    }

    /// What comes next.
    pub(crate) fn hear(&mut self) -> Heard {
        self.try_hear().unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Heard::End,
            _ => panic!("the router says nothing, and does not close: {error}"),
        })
    }

    fn try_hear(&mut self) -> io::Result<Heard> {
        match self.transport {
            Transport::RawSocket => {
                let [kind, length @ ..] = self.take::<4>()?;
                let [a, b, c] = length;
                let payload = self.bytes(u32::from_be_bytes([0, a, b, c]).into())?;
                Ok(if kind == 2 { Heard::Pong(payload) } else { Heard::Message(payload) })
            }
            Transport::WebSocket => {
                let [first, second] = self.take::<2>()?;
                let length = match second {
                    126 => u16::from_be_bytes(self.take()?).into(),
                    127 => u64::from_be_bytes(self.take()?),
                    _ => second.into(),
                };
                let payload = self.bytes(length)?;
                let data = if self.encoding == Encoding::Json { 0x81 } else { 0x82 };
                Ok(match first {
                    0x88 => close_of(&payload),
                    0x8A => Heard::Pong(payload),
                    _ => {
                        assert_eq!(first, data);
                        Heard::Message(payload)
                    }
                })
            }
        }
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn bytes(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// The next message, undecoded.
    pub(crate) fn bytes_of_message(&mut self) -> Vec<u8> {
        match self.hear() {
            Heard::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    /// The next message.
    pub(crate) fn message(&mut self) -> Message {
        let message = self.bytes_of_message();
        Message::decode(self.encoding, &message.into(), &Limits::default()).unwrap()
    }

    /// How the router parts with this peer, to the very end.
    pub(crate) fn reaction(&mut self) -> Reaction {
        let mut reaction = Reaction::Silence;
        loop {
            match self.hear() {
                Heard::Message(message) => {
                    let message = Message::decode(self.encoding, &message.into(), &Limits::default());
                    let Ok(Message::Abort(Abort { details, reason, .. })) = message else {
                        panic!("not ABORT: {message:?}")
                    };
                    assert_eq!(reaction, Reaction::Silence, "one ABORT, and nothing before it");
                    reaction = Reaction::Abort(reason.to_string(), details.message.unwrap_or_default());
                }
                Heard::Close(code, text) => {
                    match &reaction {
                        Reaction::Silence => reaction = Reaction::Close(code, text),
                        _ => assert_eq!((code, &*text), (None, "")),
                    }
                    // The router may be gone already.
                    let _ = self.stream.write_all(&web_frame(0x88, &[]));
                }
                Heard::End => return reaction,
                Heard::Pong(pong) => panic!("PONG {pong:?}"),
            }
        }
    }
}

fn close_of(payload: &[u8]) -> Heard {
    match payload {
        [] => Heard::Close(None, String::new()),
        [a, b, text @ ..] => {
            Heard::Close(Some(u16::from_be_bytes([*a, *b])), String::from_utf8(text.to_vec()).unwrap())
        }
        _ => panic!("a close frame of one byte"),
    }
}
