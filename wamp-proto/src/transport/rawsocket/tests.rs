use super::*;
use crate::id::{RandomIds, SessionId};

fn config(receive_limit: usize) -> Config {
    Config { receive_limit, ..Config::default() }
}

fn drain(socket: &mut RawSocket) -> Vec<Event> {
    std::iter::from_fn(|| socket.poll_event()).collect()
}

fn frame(payload: &[u8]) -> Event {
    Event::Frame(Bytes::copy_from_slice(payload))
}

fn pong(payload: &[u8]) -> Event {
    Event::Pong(Bytes::copy_from_slice(payload))
}

/// A router whose client speaks JSON and receives `send_limit` bytes; its reply is written.
fn open_server(config: &Config, send_limit: usize) -> RawSocket {
    let mut server = RawSocket::server(config);
    server.handle_bytes(&handshake::message(Encoding::Json, send_limit));
    assert_eq!(drain(&mut server), [Event::Open { encoding: Encoding::Json, send_limit }]);
    server.advance(usize::MAX);
    server
}

fn assert_failed(socket: &mut RawSocket, error: &RawSocketError, output: &[u8]) {
    assert_eq!(socket.poll_event(), Some(Event::Failed(error.clone())));
    assert_eq!(socket.failure(), Some(error));
    assert_eq!(socket.output(), output, "{error}");
    assert_eq!((socket.encoding(), socket.send_limit()), (None, 0));
    socket.handle_bytes(&[0, 0, 0, 1, 0]);
    socket.buffer().extend_from_slice(&[0, 0, 0, 1, 0]);
    socket.handle_read();
    socket.handle_eof();
    assert_eq!(socket.poll_event(), None, "{error} is the last event");
    assert_eq!(socket.send(b""), Err(TooLarge { length: 0, limit: 0 }));
    socket.advance(output.len());
    assert_eq!(socket.output(), b"");
}

#[test]
fn w_61_w_62_the_request_announces_the_limit_rounded_up() {
    for (limit, second, rounded) in [
        (0, 0x01, 512),
        (512, 0x01, 512),
        (513, 0x11, 1024),
        (1 << 20, 0xB1, 1 << 20),
        ((1 << 20) + 1, 0xC1, 1 << 21),
        (1 << 24, 0xF1, 1 << 24),
        (usize::MAX, 0xF1, 1 << 24),
    ] {
        let client = RawSocket::client(Encoding::Json, &config(limit));
        assert_eq!(client.output(), [0x7F, second, 0, 0]);
        assert_eq!(client.receive_limit(), rounded);
        assert_eq!((client.encoding(), client.send_limit(), client.failure()), (None, 0, None));
    }
}

#[test]
fn w_64_the_reply_echoes_the_serializer_with_the_routers_own_limit() {
    for (encoding, code) in [(Encoding::Json, 1), (Encoding::MessagePack, 2), (Encoding::Cbor, 3)] {
        let mut server = RawSocket::server(&config(1 << 16));
        server.handle_bytes(&[0x7F, 0x20 | code, 0, 0]);
        assert_eq!(server.output(), [0x7F, 0x70 | code, 0, 0]);
        assert_eq!(drain(&mut server), [Event::Open { encoding, send_limit: 2048 }]);
        assert_eq!((server.encoding(), server.send_limit()), (Some(encoding), 2048));
    }
}

#[test]
fn w_66_fault_1_another_protocol_is_closed_without_a_reply() {
    for first in (0..=255_u8).filter(|&first| first != 0x7F) {
        let error = RawSocketError::NotRawSocket { octet: first };
        let mut server = RawSocket::server(&Config::default());
        server.handle_bytes(&[first]);
        assert_failed(&mut server, &error, b"");
        let mut client = RawSocket::client(Encoding::Json, &Config::default());
        client.advance(usize::MAX);
        client.handle_bytes(&[first]);
        assert_failed(&mut client, &error, b"");
    }
}

#[test]
fn w_63_fault_2_serializers_that_are_not_accepted() {
    let accepted = Config { encodings: vec![Encoding::Json, Encoding::Cbor], ..Config::default() };
    for code in [0, 2, 4, 5, 6, 15] {
        let mut server = RawSocket::server(&accepted);
        server.handle_bytes(&[0x7F, 0xF0 | code, 0, 0]);
        assert_failed(&mut server, &RawSocketError::UnsupportedSerializer { code }, &[0x7F, 0x10, 0, 0]);
    }
}

#[test]
fn w_68_fault_3_reserved_octets_in_the_request() {
    for octets in [[0, 1], [1, 0], [0x80, 0xFF]] {
        let mut server = RawSocket::server(&Config::default());
        server.handle_bytes(&[0x7F, 0xF1, octets[0], octets[1]]);
        assert_failed(&mut server, &RawSocketError::ReservedOctets { octets }, &[0x7F, 0x30, 0, 0]);
    }
}

#[test]
fn w_65_fault_4_too_many_connections() {
    let mut server = RawSocket::refuse();
    server.handle_bytes(&[0x7F, 0xF1, 0, 0]);
    assert_failed(&mut server, &RawSocketError::TooManyConnections, &[0x7F, 0x40, 0, 0]);
}

#[test]
fn w_67_t_43_replies_that_a_client_cannot_accept() {
    let refused = |code| RawSocketError::Refused(HandshakeRefused { code });
    let mismatch = |code| RawSocketError::SerializerMismatch { requested: Encoding::Json, code };
    for (reply, error) in [
        ([0x7F, 0x00, 0, 0], refused(0)),
        ([0x7F, 0x10, 0, 0], refused(1)),
        ([0x7F, 0x20, 0, 0], refused(2)),
        ([0x7F, 0x30, 0, 0], refused(3)),
        ([0x7F, 0x40, 0, 0], refused(4)),
        ([0x7F, 0x50, 0, 0], refused(5)),
        ([0x7F, 0xF0, 0, 0], refused(15)),
        ([0x7F, 0xF2, 0, 0], mismatch(2)),
        ([0x7F, 0xF4, 0, 0], mismatch(4)),
        ([0x7F, 0xF1, 0, 1], RawSocketError::ReservedOctets { octets: [0, 1] }),
        ([0x7F, 0xF1, 1, 0], RawSocketError::ReservedOctets { octets: [1, 0] }),
    ] {
        let mut client = RawSocket::client(Encoding::Json, &Config::default());
        client.advance(4);
        client.handle_bytes(&reply);
        assert_failed(&mut client, &error, b"");
    }
}

#[test]
fn w_70_the_frame_of_2_24() {
    let largest = vec![7; 1 << 24];
    let mut server = open_server(&config(1 << 24), 1 << 24);
    server.send(&largest).unwrap();
    assert_eq!(server.output()[..4], [8, 0, 0, 0]);
    assert_eq!(server.output().len(), (1 << 24) + 4);

    let mut receiver = open_server(&config(1 << 24), 512);
    for chunk in server.output().chunks(1 << 16) {
        receiver.handle_bytes(chunk);
    }
    assert_eq!(drain(&mut receiver), [Event::Frame(largest.clone().into())]);

    server.advance(usize::MAX);
    server.send(&largest[1..]).unwrap();
    assert_eq!(server.output()[..4], [0, 0xFF, 0xFF, 0xFF]);
    let too_large = TooLarge { length: (1 << 24) + 1, limit: 1 << 24 };
    assert_eq!(server.send(&vec![0; (1 << 24) + 1]), Err(too_large));
}

#[test]
fn w_72_a_ping_is_answered_with_its_payload() {
    let mut server = open_server(&Config::default(), 512);
    server.handle_bytes(&[1, 0, 0, 3, b'a', b'b', b'c', 1, 0, 0, 0]);
    assert_eq!(server.output(), [2, 0, 0, 3, b'a', b'b', b'c', 2, 0, 0, 0]);
    assert_eq!(drain(&mut server), []);
}

#[test]
fn w_72_our_own_pings() {
    let mut server = open_server(&Config::default(), 512);
    server.ping(b"x").unwrap();
    assert_eq!(server.output(), [1, 0, 0, 1, b'x']);
    assert_eq!(server.ping(&[0; 513]), Err(TooLarge { length: 513, limit: 512 }));
    server.handle_bytes(&[2, 0, 0, 1, b'x']);
    assert_eq!(drain(&mut server), [pong(b"x")]);
}

#[test]
fn w_72_a_ping_above_the_peers_own_limit_cannot_be_answered() {
    let mut server = open_server(&config(1024), 512);
    server.handle_bytes(&[1, 0, 2, 1]);
    assert_failed(&mut server, &RawSocketError::PingUnanswerable { length: 513, limit: 512 }, b"");
}

#[test]
fn w_73_t_42_the_peers_limit_bounds_what_is_sent() {
    for nibble in 0..15 {
        let limit = 1 << (9 + nibble);
        let mut server = open_server(&config(512), limit);
        assert_eq!((server.send_limit(), server.receive_limit()), (limit, 512));
        server.send(&vec![0; limit]).unwrap();
        let length = server.output().len();
        assert_eq!(server.send(&vec![0; limit + 1]), Err(TooLarge { length: limit + 1, limit }));
        assert_eq!(server.output().len(), length);
    }
}

#[test]
fn w_73_w_74_fault_5_a_header_above_the_limit_fails_before_its_payload() {
    for first in 0..=2 {
        let mut server = open_server(&config(512), 1 << 20);
        server.handle_bytes(&[first, 0, 2, 1]);
        assert_failed(&mut server, &RawSocketError::FrameTooLong { length: 513, limit: 512 }, b"");
    }
}

#[test]
fn fault_5_memory_follows_the_bytes_and_not_the_length_field() {
    let mut server = open_server(&config(1 << 24), 512);
    server.handle_bytes(&[8, 0, 0, 0]);
    assert!(server.buffer().capacity() <= 2 * READ_LARGE);
    let mut received = 4;
    while received < 1 << 22 {
        let spare = server.buffer().capacity() - server.buffer().len();
        assert!(spare > 0);
        server.buffer().extend_from_slice(&vec![1; spare]);
        server.handle_read();
        received += spare;
        assert!(server.buffer().capacity() <= 2 * received + 2 * READ_LARGE);
    }
    assert_eq!(server.poll_event(), None);
}

#[test]
fn a_large_frame_does_not_live_on_in_the_buffer() {
    let mut server = open_server(&config(1 << 24), 512);
    let mut bytes = vec![0; (1 << 20) + 4];
    bytes[1] = 0x10;
    bytes.extend_from_slice(&[0, 0]);
    server.handle_bytes(&bytes);
    let Some(Event::Frame(payload)) = server.poll_event() else { panic!("no frame") };
    assert!(payload.is_unique());
    assert_eq!(*server.input, [0, 0]);
}

#[test]
fn w_75_fault_6_reserved_headers() {
    for octets in [[3, 0, 0, 0], [7, 0, 0, 0], [0x10, 0, 0, 0], [0x80, 0, 0, 0], [8, 0, 0, 1], [11, 0, 0, 0]]
    {
        let mut server = open_server(&config(1 << 24), 512);
        server.handle_bytes(&octets);
        assert_failed(&mut server, &RawSocketError::ReservedHeader { octets }, b"");
    }
}

#[test]
fn w_76_pongs_and_empty_frames_are_let_through() {
    let mut server = open_server(&Config::default(), 512);
    server.handle_bytes(&[2, 0, 0, 1, 9, 0, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(drain(&mut server), [pong(&[9]), frame(b""), pong(b"")]);
    assert_eq!(server.failure(), None);
}

#[test]
fn fault_7_pings_without_end_while_nothing_is_written() {
    let mut server = open_server(&Config { ping_budget: 2, ..Config::default() }, 512);
    for _ in 0..100 {
        server.handle_bytes(&[1, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(server.poll_event(), None);
        server.advance(usize::MAX);
    }
    server.handle_bytes(&[1, 0, 0, 0, 1, 0, 0, 1, 7]);
    // Another message between them does not help, nor does the write of a part.
    server.handle_bytes(&[0, 0, 0, 0]);
    assert_eq!(server.poll_event(), Some(frame(b"")));
    server.advance(3);
    server.handle_bytes(&[1, 0, 0, 5]);
    let output = server.output().to_vec();
    assert_failed(&mut server, &RawSocketError::PingFlood { pings: 3, bytes: 6 }, &output);
}

#[test]
fn fault_7_pings_with_large_payloads_have_a_budget_of_bytes() {
    let mut server = open_server(&config(1 << 20), 1 << 20);
    let mut ping = vec![0; (1 << 20) + 4];
    (ping[0], ping[1]) = (1, 0x10);
    server.handle_bytes(&ping);
    assert_eq!((server.poll_event(), server.output().len()), (None, ping.len()));
    server.handle_bytes(&[1, 0, 0, 1]);
    let output = server.output().to_vec();
    assert_failed(&mut server, &RawSocketError::PingFlood { pings: 2, bytes: (1 << 20) + 1 }, &output);
}

#[test]
fn fault_23_the_end_of_the_stream() {
    for (bytes, error) in [
        (&b""[..], RawSocketError::ClosedInHandshake),
        (b"\x7F\xF1\0", RawSocketError::ClosedInHandshake),
        (b"\x7F\xF1\0\0", RawSocketError::Closed),
        (b"\x7F\xF1\0\0\0\0\0\x01x", RawSocketError::Closed),
        (b"\x7F\xF1\0\0\0", RawSocketError::ClosedInFrame),
        (b"\x7F\xF1\0\0\0\0\0\x02x", RawSocketError::ClosedInFrame),
        (b"\x7F\xF1\0\0\0\0\0\x01x\x01\0\0\x01", RawSocketError::ClosedInFrame),
    ] {
        let mut server = RawSocket::server(&Config::default());
        server.handle_bytes(bytes);
        server.handle_eof();
        let events = drain(&mut server);
        assert_eq!(events.last(), Some(&Event::Failed(error)), "{bytes:?}");
        assert_eq!(events.contains(&frame(b"x")), bytes.get(8) == Some(&b'x') && bytes[7] == 1);
        assert_eq!(server.poll_event(), None);
    }
}

#[test]
fn frames_share_the_memory_that_they_were_read_into() {
    let mut server = open_server(&Config::default(), 512);
    server.buffer().extend_from_slice(&[0, 0, 0, 2, 1, 2]);
    let range = server.input.as_ptr_range();
    server.handle_read();
    let Some(Event::Frame(payload)) = server.poll_event() else { panic!("no frame") };
    assert!(range.contains(&payload.as_ptr()));
}

/// Everything that a role can be told: the events and the output after the input in these pieces and its end.
fn outcome<'a>(mut socket: RawSocket, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Vec<u8>) {
    let mut events = vec![];
    for (index, piece) in pieces.enumerate() {
        if index % 2 == 0 {
            socket.handle_bytes(piece);
        } else {
            socket.buffer().extend_from_slice(piece);
            socket.handle_read();
        }
        // Some callers ask for events late.
        if index % 3 != 0 {
            events.extend(drain(&mut socket));
        }
    }
    socket.handle_eof();
    events.extend(drain(&mut socket));
    (events, socket.output().to_vec())
}

fn random_pieces<'a>(mut bytes: &'a [u8], ids: &mut RandomIds) -> Vec<&'a [u8]> {
    let mut pieces = vec![];
    while !bytes.is_empty() {
        let length = usize::try_from(ids.draw::<SessionId>().get() % 40).unwrap().min(bytes.len());
        let (piece, rest) = bytes.split_at(length);
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// Streams that begin with a handshake that both roles take for theirs.
fn streams() -> Vec<Vec<u8>> {
    let frames: &[(u8, &[u8])] = &[
        (0, b"[1,\"realm1\",{}]"),
        (1, b"are you there"),
        (0, b""),
        (2, b"unasked"),
        (1, b""),
        (0, &[0xAA; 300]),
        (2, b""),
        (0, &[0x7F; 512]),
    ];
    let mut good = handshake::message(Encoding::Cbor, 512).to_vec();
    for &(kind, payload) in frames {
        good.extend_from_slice(&[kind, 0]);
        good.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
        good.extend_from_slice(payload);
    }
    let with = |tail: &[u8]| [&good, tail].concat();
    vec![
        with(b""),
        with(&[3, 0, 0, 0]),
        with(&[0, 0, 2, 1, 5, 6]),
        with(&[0, 0, 0, 3, 5]),
        with(&[1, 0, 0]),
        with(&[1, 0, 0, 0].repeat(40)),
        b"\x7F\xF4\0\0\0\0\0\x01x".to_vec(),
        b"\x7F\x40\0\0\0\0\0\x01x".to_vec(),
        b"\x7F\xF3\0\x01\0\0\0\x01x".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"\x7F\xF3".to_vec(),
        b"".to_vec(),
    ]
}

#[test]
fn w_79_fault_24_splits_change_nothing() {
    let mut ids = RandomIds::new([24; 32]);
    let roles = [
        || RawSocket::client(Encoding::Cbor, &config(512)),
        || RawSocket::server(&config(512)),
        RawSocket::refuse,
    ];
    for stream in streams() {
        for role in roles {
            let whole = outcome(role(), [&*stream].into_iter());
            assert!(matches!(whole.0.last(), Some(Event::Failed(_))));
            assert_eq!(outcome(role(), stream.chunks(1)), whole);
            for _ in 0..50 {
                assert_eq!(outcome(role(), random_pieces(&stream, &mut ids).into_iter()), whole);
            }
        }
    }
}

#[test]
fn w_79_handshake_and_frames_in_one_chunk() {
    let stream = &streams()[0];
    for role in [RawSocket::client(Encoding::Cbor, &config(512)), RawSocket::server(&config(512))] {
        let (events, output) = outcome(role, [&**stream].into_iter());
        let expected = [
            Event::Open { encoding: Encoding::Cbor, send_limit: 512 },
            frame(b"[1,\"realm1\",{}]"),
            frame(b""),
            pong(b"unasked"),
            frame(&[0xAA; 300]),
            pong(b""),
            frame(&[0x7F; 512]),
            Event::Failed(RawSocketError::Closed),
        ];
        assert_eq!(events, expected);
        assert_eq!(output, b"\x7F\x03\0\0\x02\0\0\x0Dare you there\x02\0\0\0");
    }
}
