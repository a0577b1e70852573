//! A RawSocket stream, however it is split.

use super::Source;
use crate::{
    Encoding,
    transport::rawsocket::{Config, Event, RawSocket},
};

/// How the stream arrives.
#[derive(Clone, Copy)]
enum Arrival<'a> {
    Whole,
    Bytes,
    /// In pieces of these lengths, again and again.
    Pieces(&'a [u8]),
}

struct Setup {
    client: Option<Encoding>,
    config: Config,
    eof: bool,
}

/// What can be seen of a RawSocket.
#[derive(Debug, PartialEq)]
struct Seen {
    events: Vec<Event>,
    output: Vec<u8>,
    /// How the sending of a frame at the end went, and what failed.
    end: String,
}

pub(super) fn target(data: &[u8]) {
    let mut source = Source::new(data);
    let setup = setup(&mut source);
    let pieces = source.piece();
    let stream = source.rest();
    let whole = play(&setup, Arrival::Whole, stream);
    assert_eq!(play(&setup, Arrival::Bytes, stream), whole);
    assert_eq!(play(&setup, Arrival::Pieces(pieces), stream), whole);
    check(&whole.events);
}

fn setup(source: &mut Source<'_>) -> Setup {
    let (role, accepted, budget) = (source.byte(), source.byte(), source.below(5));
    let receive_limit = 1 << (9 + (role >> 4) % 6);
    let mut config = Config { receive_limit, ping_budget: budget, ..Config::default() };
    config.encodings.retain(|encoding| accepted & (1 << *encoding as u8) == 0);
    let client = (role & 1 == 1).then(|| Encoding::ALL[usize::from(role >> 1) % 3]);
    Setup { client, config, eof: role & 8 == 8 }
}

fn play(setup: &Setup, arrival: Arrival<'_>, stream: &[u8]) -> Seen {
    let mut socket = match setup.client {
        Some(encoding) => RawSocket::client(encoding, &setup.config),
        None => RawSocket::server(&setup.config),
    };
    let mut events = Vec::new();
    let mut rest = stream;
    let mut turn = 0;
    while !rest.is_empty() {
        let length = match arrival {
            Arrival::Whole => rest.len(),
            Arrival::Bytes => 1,
            Arrival::Pieces(lengths) => lengths.get(turn % lengths.len().max(1)).map_or(7, |&n| n.into()),
        };
        let (piece, later) = rest.split_at(length.clamp(1, rest.len()));
        read(&mut socket, piece, turn);
        events.extend(core::iter::from_fn(|| socket.poll_event()));
        rest = later;
        turn += 1;
    }
    if setup.eof {
        socket.handle_eof();
    }
    events.extend(core::iter::from_fn(|| socket.poll_event()));
    assert!(socket.poll_event().is_none());
    let sent = (socket.send(b"frame"), socket.ping(b""));
    let end = format!("{sent:?} {:?} {:?} {}", socket.failure(), socket.encoding(), socket.send_limit());
    let output = socket.output().to_vec();
    drain(&mut socket);
    Seen { events, output, end }
}

/// By either way of reading.
fn read(socket: &mut RawSocket, piece: &[u8], turn: usize) {
    if turn % 2 == 0 {
        socket.handle_bytes(piece);
    } else {
        let buffer = socket.buffer();
        let spare = buffer.capacity() - buffer.len();
        assert!(spare > 0 && spare <= (1 << 17) + 2 * buffer.len(), "{spare}");
        buffer.extend_from_slice(piece);
        socket.handle_read();
    }
}

fn drain(socket: &mut RawSocket) {
    while !socket.output().is_empty() {
        let before = socket.output().len();
        socket.advance(before.div_ceil(2));
        assert!(socket.output().len() < before);
    }
}

/// Open comes first and once, a failure last and once.
fn check(events: &[Event]) {
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Open { send_limit, .. } => {
                assert!(index == 0 && send_limit.is_power_of_two() && (512..=1 << 24).contains(send_limit));
            }
            Event::Failed(error) => {
                assert!(index + 1 == events.len() && !error.to_string().is_empty());
            }
            _ => assert!(index > 0),
        }
    }
}
