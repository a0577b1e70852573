//! The link between one peer and the router: two directions, each with latency, fragments and stalls.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use wamp_proto::{
    Encoding, Instant,
    transport::rawsocket::{Config, Event, RawSocket},
};

use crate::random::Random;

/// Which way on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the peer to the router.
    Up,
    /// From the router to the peer.
    Down,
}

/// What is on its way.
#[derive(Debug)]
pub(super) enum Data {
    /// One whole message.
    Frame(Bytes),
    /// Some bytes of a RawSocket stream.
    Bytes(Vec<u8>),
    /// The sender has closed the transport.
    Eof,
}

#[derive(Debug)]
struct Packet {
    at: Instant,
    number: u64,
    data: Data,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    packets: VecDeque<Packet>,
    pub(super) stalled: bool,
    pub(super) latency: Duration,
}

impl Pipe {
    /// Packets arrive in the order in which they were sent, whatever the latency has become meanwhile.
    fn push(&mut self, now: Instant, number: u64, data: Data) {
        let at = (now + self.latency).max(self.packets.back().map_or(now, |packet| packet.at));
        self.packets.push_back(Packet { at, number, data });
    }

    /// When the next packet arrives; the number says in which order at the same time.
    pub(super) fn next(&self) -> Option<(Instant, u64)> {
        self.packets.front().filter(|_| !self.stalled).map(|packet| (packet.at, packet.number))
    }

    pub(super) fn pop(&mut self) -> Option<Data> {
        self.packets.pop_front().map(|packet| packet.data)
    }

    pub(super) fn clear(&mut self) {
        self.packets.clear();
    }
}

/// Both directions, and the codecs at both ends when the link carries a stream of bytes.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) up: Pipe,
    pub(super) down: Pipe,
    sockets: Option<Box<(RawSocket, RawSocket)>>,
}

impl Link {
    /// A link that carries RawSocket bytes, cut in pieces at random.
    pub(super) fn fragmented(encoding: Encoding) -> Self {
        let mut config = Config::default();
        config.receive_limit = 1 << 24;
        let (mut client, mut server) = (RawSocket::client(encoding, &config), RawSocket::server(&config));
        server.handle_bytes(client.output());
        client.handle_bytes(server.output());
        for socket in [&mut client, &mut server] {
            assert!(matches!(socket.poll_event(), Some(Event::Open { .. })), "the handshake of RawSocket");
            socket.advance(usize::MAX);
        }
        Self { sockets: Some(Box::new((client, server))), ..Self::default() }
    }

    pub(super) fn pipe(&mut self, way: Way) -> &mut Pipe {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// Sends one message.
    pub(super) fn send(
        &mut self,
        now: Instant,
        way: Way,
        frame: Bytes,
        number: &mut u64,
        random: &mut Random,
    ) {
        let Some(sockets) = &mut self.sockets else {
            return self.push(now, way, Data::Frame(frame), number);
        };
        let socket = if way == Way::Up { &mut sockets.0 } else { &mut sockets.1 };
        if socket.send(&frame).is_err() {
            return;
        }
        let bytes = socket.output().to_vec();
        socket.advance(bytes.len());
        let mut rest = &*bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(random.below(7) + 1));
            rest = after;
            self.push(now, way, Data::Bytes(piece.to_vec()), number);
        }
    }

    /// The sender closes the transport, behind what it has sent.
    pub(super) fn close(&mut self, now: Instant, way: Way, number: &mut u64) {
        self.push(now, way, Data::Eof, number);
    }

    fn push(&mut self, now: Instant, way: Way, data: Data, number: &mut u64) {
        *number += 1;
        self.pipe(way).push(now, *number, data);
    }

    /// The messages that these bytes complete at the receiver.
    pub(super) fn assemble(&mut self, way: Way, bytes: &[u8]) -> Vec<Bytes> {
        let Some(sockets) = &mut self.sockets else { return Vec::new() };
        let socket = if way == Way::Up { &mut sockets.1 } else { &mut sockets.0 };
        socket.handle_bytes(bytes);
        let mut frames = Vec::new();
        while let Some(event) = socket.poll_event() {
            if let Event::Frame(frame) = event {
                frames.push(frame);
            }
        }
        frames
    }

    /// When the next packet arrives, on which way.
    pub(super) fn next(&self, up: bool, down: bool) -> Option<(Instant, u64, Way)> {
        let up = self.up.next().filter(|_| up).map(|(at, number)| (at, number, Way::Up));
        let down = self.down.next().filter(|_| down).map(|(at, number)| (at, number, Way::Down));
        up.into_iter().chain(down).min_by_key(|(at, number, _)| (*at, *number))
    }
}
