//! RawSocket (W-60..W-81): WAMP messages in frames on any reliable stream of bytes.
//!
//! [`RawSocket`] is the codec of one connection, for the client and for the router.

mod error;
mod frame;
mod handshake;
mod output;
#[cfg(test)]
mod tests;

use bytes::{Buf as _, Bytes, BytesMut};

pub use error::{HandshakeRefused, RawSocketError, TooLarge};
pub use handshake::MAGIC;

use crate::{Encoding, Limits};

use frame::{Header, Kind};
use handshake::Agreed;
use output::Output;

/// Room for a read when no frame is under way.
const READ_SMALL: usize = 1 << 13;

/// Room for a read at most: a header alone never makes us reserve more (fault 5).
const READ_LARGE: usize = 1 << 16;

/// Room below which more is made, so that a few bytes of a frame do not cost an allocation each.
const READ_LOW: usize = 1 << 10;

/// Bytes in unwritten PONGs that are always allowed, whatever the receive limit.
const PONG_BYTES: usize = 1 << 16;

/// What one side of a RawSocket accepts.
///
/// ```
/// use wamp_proto::transport::rawsocket::Config;
///
/// let mut config = Config::default();
/// config.receive_limit = 64 * 1024;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Router: the serializers that a client may ask for. Default all; of no use to a client.
    pub encodings: Vec<Encoding>,
    /// The longest frame that is received, in bytes of payload. Default 1 MiB.
    ///
    /// Rounded up to a power of two from 2^9 to 2^24, as only these can be announced (W-62).
    pub receive_limit: usize,
    /// The most PINGs that may be unanswered, which is to say: that came while their PONGs wait to be written. One more
    /// and the connection fails (fault 7). Default 32.
    ///
    /// The payloads of the waiting PONGs are bounded too: by the receive limit or 64 KiB, whichever is more.
    pub ping_budget: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            encodings: Encoding::ALL.to_vec(),
            receive_limit: Limits::default().message_size,
            ping_budget: 32,
        }
    }
}

/// What a RawSocket has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The handshake succeeded: frames may be sent. Always the first event, unless the RawSocket fails before.
    Open {
        /// The serializer.
        encoding: Encoding,
        /// The most bytes of payload that the peer receives in one frame (W-73).
        send_limit: usize,
    },
    /// A WAMP message in the serializer of the connection, undecoded and perhaps empty (W-76).
    ///
    /// It shares the memory that it was read into, which lives as long as the last frame in it.
    Frame(Bytes),
    /// A PONG and its payload, whether a PING asked for it or not (W-76).
    Pong(Bytes),
    /// The RawSocket has failed or the peer has closed it. Always the last event.
    Failed(RawSocketError),
}

/// The codec of one RawSocket connection, for either role.
///
/// Bytes that arrive go in with [`buffer`](Self::buffer) and [`handle_read`](Self::handle_read), or with
/// [`handle_bytes`](Self::handle_bytes). Then take events until there are none: frames are parsed as they are asked
/// for, so a caller that stops asking must stop reading as well. Last, write [`output`](Self::output): the handshake,
/// frames and the PONGs, which the codec sends on its own (W-72).
///
/// The events do not depend on how the bytes were split (W-79). The first failure is latched: later input is ignored,
/// nothing more can be sent, and what is in the output, such as the error reply to a handshake, can still be written.
///
/// ```
/// use wamp_proto::{Encoding, transport::rawsocket::{Config, Event, RawSocket}};
///
/// let config = Config::default();
/// let mut client = RawSocket::client(Encoding::Cbor, &config);
/// let mut server = RawSocket::server(&config);
///
/// // Each side gets what the other one writes.
/// server.handle_bytes(client.output());
/// client.handle_bytes(server.output());
/// server.advance(server.output().len());
/// let open = Event::Open { encoding: Encoding::Cbor, send_limit: 1 << 20 };
/// assert_eq!(client.poll_event(), Some(open.clone()));
/// assert_eq!(server.poll_event(), Some(open));
///
/// server.send(b"\x83\x01\x02\x03")?;
/// assert_eq!(server.output(), b"\0\0\0\x04\x83\x01\x02\x03");
/// client.handle_bytes(server.output());
/// assert_eq!(client.poll_event(), Some(Event::Frame((&b"\x83\x01\x02\x03"[..]).into())));
/// assert_eq!(client.poll_event(), None);
/// # Ok::<(), wamp_proto::transport::rawsocket::TooLarge>(())
/// ```
#[derive(Debug)]
pub struct RawSocket {
    state: State,
    receive_limit: usize,
    ping_budget: usize,
    input: BytesMut,
    eof: bool,
    /// An event found ahead of being asked for.
    next: Option<Event>,
    output: Output,
}

#[derive(Debug)]
enum State {
    ClientHandshake { requested: Encoding },
    ServerHandshake { accepted: Vec<Encoding> },
    Open(Agreed),
    Failed(RawSocketError),
}

impl RawSocket {
    /// A client that asks for `encoding`; its request is in the output at once (W-61).
    pub fn client(encoding: Encoding, config: &Config) -> Self {
        let mut client = Self::new(State::ClientHandshake { requested: encoding }, config);
        client.output.push(&handshake::message(encoding, client.receive_limit));
        client
    }

    /// A router that waits for the request of a client.
    pub fn server(config: &Config) -> Self {
        Self::new(State::ServerHandshake { accepted: config.encodings.clone() }, config)
    }

    /// A router with too many connections: it has failed from the start, with error 4 as its output (W-65, fault 4).
    ///
    /// The client's request is not waited for, nor looked at.
    pub fn refuse() -> Self {
        let mut server = Self::server(&Config::default());
        server.next = Some(server.fail(RawSocketError::TooManyConnections));
        server
    }

    fn new(state: State, config: &Config) -> Self {
        Self {
            state,
            receive_limit: handshake::limit_of(handshake::nibble_of(config.receive_limit)),
            ping_budget: config.ping_budget,
            input: BytesMut::new(),
            eof: false,
            next: None,
            output: Output::default(),
        }
    }

    /// The buffer to append read bytes to, with spare capacity for a good read; call
    /// [`handle_read`](Self::handle_read) after that.
    ///
    /// The bytes that are in it already must stay. It grows as bytes arrive, and at most by 64 KiB or to its double, no
    /// matter what length a frame announces (fault 5).
    pub fn buffer(&mut self) -> &mut BytesMut {
        let missing = self.missing();
        let low = if missing == 0 { READ_LOW } else { missing.min(READ_LOW) };
        let spare = self.input.capacity().saturating_sub(self.input.len());
        if spare < low {
            self.input.reserve(missing.clamp(READ_SMALL, READ_LARGE));
        }
        &mut self.input
    }

    /// Takes notice of what was appended to the [`buffer`](Self::buffer).
    pub fn handle_read(&mut self) {
        if self.failure().is_some() {
            self.input.clear();
        }
        self.look_ahead();
    }

    /// Copies bytes from the peer in; [`buffer`](Self::buffer) and [`handle_read`](Self::handle_read) in one.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if self.failure().is_none() {
            self.input.extend_from_slice(bytes);
            self.look_ahead();
        }
    }

    /// The peer will send nothing more. The last event is then a failure, [`RawSocketError::Closed`] when the stream
    /// ended between two frames. No input may follow.
    pub fn handle_eof(&mut self) {
        self.eof = true;
        self.look_ahead();
    }

    /// The next event; to be called until there is none after every input.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.next.take().or_else(|| self.step())
    }

    /// Appends a frame with a WAMP message to the output.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] when the peer does not receive so much (W-73, T-42), or while the RawSocket is not open; the output
    /// is unchanged then.
    pub fn send(&mut self, frame: &[u8]) -> Result<(), TooLarge> {
        self.push_frame(Kind::Message, frame)
    }

    /// Appends a PING to the output; the peer answers with [`Event::Pong`] and the same payload, which may be empty.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send) (W-74).
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), TooLarge> {
        self.push_frame(Kind::Ping, payload)
    }

    /// The bytes to write; then call [`advance`](Self::advance).
    pub fn output(&self) -> &[u8] {
        self.output.pending()
    }

    /// Takes notice that the first `n` bytes of the output are written; more than there are count as all.
    pub fn advance(&mut self, n: usize) {
        self.output.advance(n);
    }

    /// The serializer, while the RawSocket is open.
    pub fn encoding(&self) -> Option<Encoding> {
        match &self.state {
            State::Open(agreed) => Some(agreed.encoding),
            _ => None,
        }
    }

    /// The most bytes of payload that the peer receives in one frame (W-73); 0 while the RawSocket is not open.
    pub fn send_limit(&self) -> usize {
        match &self.state {
            State::Open(agreed) => agreed.send_limit,
            _ => 0,
        }
    }

    /// The most bytes of payload that this side receives in one frame: a power of two (W-62).
    pub fn receive_limit(&self) -> usize {
        self.receive_limit
    }

    /// Why the RawSocket has ended, when it has; known no later than [`Event::Failed`] is taken.
    pub fn failure(&self) -> Option<&RawSocketError> {
        match &self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    fn push_frame(&mut self, kind: Kind, payload: &[u8]) -> Result<(), TooLarge> {
        let (length, limit) = (payload.len(), self.send_limit());
        if limit == 0 || length > limit {
            return Err(TooLarge { length, limit });
        }
        self.output.push_frame(kind, payload);
        Ok(())
    }

    /// Bytes until the frame under way is complete; 0 when none is.
    fn missing(&self) -> usize {
        let octets = match self.state {
            State::Open(_) => self.input.first_chunk(),
            _ => None,
        };
        let header = octets.and_then(|octets| Header::read(*octets, self.receive_limit).ok());
        header.map_or(0, |header| header.frame_length().saturating_sub(self.input.len()))
    }

    /// Lets the handshake and PINGs be answered as soon as their bytes are there. One event is held at most, so that
    /// tiny frames cannot fill a queue.
    fn look_ahead(&mut self) {
        if self.next.is_none() {
            self.next = self.step();
        }
    }

    fn step(&mut self) -> Option<Event> {
        let found = match &self.state {
            State::Failed(_) => return None,
            State::Open(agreed) => self.read_frame(agreed.send_limit),
            State::ClientHandshake { .. } | State::ServerHandshake { .. } => self.read_handshake(),
        };
        match found {
            Ok(None) if self.eof => Some(self.fail(self.end())),
            Ok(event) => event,
            Err(error) => Some(self.fail(error)),
        }
    }

    /// What the end of the stream means when no event is left in the input.
    fn end(&self) -> RawSocketError {
        match &self.state {
            State::Open(_) if self.input.is_empty() => RawSocketError::Closed,
            State::Open(_) => RawSocketError::ClosedInFrame,
            _ => RawSocketError::ClosedInHandshake,
        }
    }

    fn fail(&mut self, error: RawSocketError) -> Event {
        if let (State::ServerHandshake { .. }, Some(refused)) = (&self.state, error.refusal()) {
            self.output.push(&handshake::refusal(refused));
        }
        self.input = BytesMut::new();
        self.state = State::Failed(error.clone());
        Event::Failed(error)
    }

    fn read_handshake(&mut self) -> Result<Option<Event>, RawSocketError> {
        match self.input.first() {
            // Whoever speaks something else is turned away at once, not after four octets (fault 1).
            Some(&octet) if octet != MAGIC => return Err(RawSocketError::NotRawSocket { octet }),
            _ => {}
        }
        let Some(&octets) = self.input.first_chunk() else { return Ok(None) };
        let agreed = match &self.state {
            State::ClientHandshake { requested } => handshake::read_reply(octets, *requested)?,
            State::ServerHandshake { accepted } => {
                let agreed = handshake::read_request(octets, accepted)?;
                self.output.push(&handshake::message(agreed.encoding, self.receive_limit));
                agreed
            }
            State::Open(_) | State::Failed(_) => return Ok(None),
        };
        self.input.advance(handshake::LENGTH);
        self.state = State::Open(agreed);
        let Agreed { encoding, send_limit } = agreed;
        Ok(Some(Event::Open { encoding, send_limit }))
    }

    /// Takes the next frame off the input, answering the PINGs before it.
    fn read_frame(&mut self, send_limit: usize) -> Result<Option<Event>, RawSocketError> {
        loop {
            let Some(&octets) = self.input.first_chunk() else { return Ok(None) };
            let header = Header::read(octets, self.receive_limit)?;
            if header.kind == Kind::Ping {
                self.check_ping(header.length, send_limit)?;
            }
            if self.input.len() < header.frame_length() {
                return Ok(None);
            }
            let payload = self.take_payload(header);
            match header.kind {
                Kind::Message => return Ok(Some(Event::Frame(payload))),
                Kind::Pong => return Ok(Some(Event::Pong(payload))),
                Kind::Ping => self.output.push_frame(Kind::Pong, &payload),
            }
        }
    }

    /// Whether a PING of this length can be answered, and within the budget (W-72, fault 7).
    fn check_ping(&self, length: usize, send_limit: usize) -> Result<(), RawSocketError> {
        if length > send_limit {
            return Err(RawSocketError::PingUnanswerable { length, limit: send_limit });
        }
        let (pings, bytes) = self.output.unwritten_pongs();
        let (pings, bytes) = (pings.saturating_add(1), bytes.saturating_add(length));
        if pings > self.ping_budget || bytes > self.receive_limit.max(PONG_BYTES) {
            return Err(RawSocketError::PingFlood { pings, bytes });
        }
        Ok(())
    }

    /// Splits a complete frame off the input.
    fn take_payload(&mut self, header: Header) -> Bytes {
        self.input.advance(frame::HEADER);
        let payload = self.input.split_to(header.length).freeze();
        // What follows a large frame must not keep the memory of that frame alive.
        if header.length > READ_LARGE && self.input.len() <= READ_LARGE {
            self.input = BytesMut::from(&*self.input);
        }
        payload
    }
}
