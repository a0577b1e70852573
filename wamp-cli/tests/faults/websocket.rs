//! WebSocket, faults 8 to 18.

use std::io::{Read as _, Write as _};

use wamp_tokio::proto::Encoding;

use crate::{
    encode::v,
    harness::wamp,
    scene::Scene,
    wire::{Heard, Peer, Reaction, Transport::WebSocket, answer, connect, request, web_frame, web_head},
};

/// FIN and the opcodes.
const FIN: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// What the library says about a frame that breaks the rules.
fn broken(text: &str) -> Reaction {
    closed(1002, &format!("WebSocket protocol error: {text}"))
}

fn closed(code: u16, text: &str) -> Reaction {
    Reaction::Close(Some(code), text.to_owned())
}

/// Each row: what comes, and what is wrong with it.
fn table(rows: &[(&str, Vec<u8>, &str)]) {
    let mut scene = Scene::start();
    for (name, bytes, text) in rows {
        let peer = scene.join(WebSocket, Encoding::Json);
        assert_eq!(scene.offence(peer, bytes), broken(text), "{name}");
    }
}

#[test]
fn fault_08_an_unmasked_frame() {
    let text = "Received an unmasked frame from client";
    table(&[
        ("text", [&[FIN | TEXT, 2][..], b"[]"].concat(), text),
        ("empty", vec![FIN | TEXT, 0], text),
        ("ping", vec![FIN | 9, 0], text),
        ("close", vec![FIN | 8, 0], text),
    ]);
}

#[test]
fn fault_09_reserved_bits_and_opcodes() {
    let mut rows = Vec::new();
    for rsv in [0x40, 0x20, 0x10, 0x70] {
        rows.push(("RSV", web_frame(FIN | rsv | TEXT, b"[]"), "Reserved bits are non-zero"));
        rows.push(("RSV of a ping", web_frame(FIN | rsv | 9, b""), "Reserved bits are non-zero"));
    }
    let texts = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
        .map(|opcode| (opcode, format!("Encountered invalid opcode: {opcode}")));
    rows.extend(texts.iter().map(|(opcode, text)| ("opcode", web_frame(FIN | opcode, b""), text.as_str())));
    table(&rows);
}

#[test]
fn fault_09_fragments_out_of_place_and_bad_control_frames() {
    let start = web_frame(TEXT, b"[");
    let continued = web_frame(FIN, b"]");
    table(&[
        ("continuation without a start", continued.clone(), "Continue frame but nothing to continue"),
        (
            "text inside of a fragmented message",
            [start.clone(), web_frame(FIN | TEXT, b"]")].concat(),
            "While waiting for more fragments received: TEXT",
        ),
        (
            "binary inside of a fragmented message",
            [start, web_frame(FIN | BINARY, b"]")].concat(),
            "While waiting for more fragments received: BINARY",
        ),
        ("fragmented ping", web_frame(9, b""), "Fragmented control frame"),
        ("fragmented close", web_frame(8, b""), "Fragmented control frame"),
        (
            "ping of 126 bytes",
            web_frame(FIN | 9, &[0; 126]),
            "Control frame too big (payload must be 125 bytes or less)",
        ),
        (
            "close of 126 bytes",
            web_frame(FIN | 8, &[3; 126]),
            "Control frame too big (payload must be 125 bytes or less)",
        ),
    ]);
}

#[test]
fn fault_09_fragments_in_order_with_a_ping_between_them() {
    let mut scene = Scene::start();
    let mut peer = scene.join(WebSocket, Encoding::Json);
    peer.stream.write_all(&web_frame(TEXT, b"[32,2,{},")).unwrap();
    peer.stream.write_all(&web_frame(0, b"")).unwrap();
    peer.stream.write_all(&web_frame(FIN | 9, b"between")).unwrap();
    assert_eq!(peer.hear(), Heard::Pong(b"between".to_vec()));
    peer.stream.write_all(&web_frame(FIN | 10, b"unasked")).unwrap();
    scene.healthy.check();
    peer.stream.write_all(&web_frame(FIN, b"\"topic\"]")).unwrap();
    assert!(peer.bytes_of_message().starts_with(b"[33,2,"));
    peer.leave();
    scene.settled();
}

#[test]
fn fault_10_invalid_utf_8() {
    let mut scene = Scene::start();
    for (name, bytes) in [
        ("in a message", web_frame(FIN | TEXT, b"[32,2,{},\"\xFF\"]")),
        ("cut", web_frame(FIN | TEXT, b"[32,2,{},\"\xE2\x82")),
        ("surrogate", web_frame(FIN | TEXT, b"\"\xED\xA0\x80\"")),
        // The first bad fragment is enough: the rest never comes.
        ("in a fragment", web_frame(TEXT, b"[32,2,{},\"\xC3\x28")),
        ("in a later fragment", [web_frame(TEXT, b"[32,2,{},\"\xE2"), web_frame(0, b"\x28")].concat()),
        ("in a close reason", web_frame(FIN | 8, b"\x03\xE8\xFF\xFE")),
    ] {
        let peer = scene.join(WebSocket, Encoding::Json);
        assert_eq!(scene.offence(peer, &bytes), closed(1007, "invalid UTF-8"), "{name}");
    }
}

/// The library looks at whole frames: within one, the first bad byte is noticed with the last one.
#[test]
fn fault_10_a_bad_byte_waits_for_the_end_of_its_frame() {
    let mut scene = Scene::start();
    let mut peer = scene.join(WebSocket, Encoding::Json);
    let frame = web_frame(FIN | TEXT, &[0xFF; 1000]);
    peer.stream.write_all(&frame[..500]).unwrap();
    scene.healthy.check();
    peer.stream.set_nonblocking(true).unwrap();
    let early = peer.stream.peek(&mut [0]).unwrap_err();
    assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
    peer.stream.set_nonblocking(false).unwrap();
    assert_eq!(scene.offence(peer, &frame[500..]), closed(1007, "invalid UTF-8"));
}

#[test]
fn fault_10_a_character_may_be_cut_by_a_fragment() {
    let mut scene = Scene::start();
    let mut peer = scene.join(WebSocket, Encoding::Json);
    let message = "[32,2,{},\"com.example.€\"]".as_bytes();
    let cut = message.len() - 4;
    peer.stream.write_all(&web_frame(TEXT, &message[..cut])).unwrap();
    peer.stream.write_all(&web_frame(FIN, &message[cut..])).unwrap();
    assert!(peer.bytes_of_message().starts_with(b"[33,2,"));
    peer.leave();
    scene.settled();
}

#[test]
fn fault_11_messages_and_frames_above_the_limit() {
    let too_long = |size: u64| format!("Message too long: {size} > 1048576");
    let mut scene = Scene::start();
    let before = scene.memory();
    // The header alone is enough.
    for size in [(1 << 20) + 1, 1 << 32, (1 << 63) - 1] {
        let peer = scene.join(WebSocket, Encoding::Json);
        let reaction = scene.offence(peer, &web_head(FIN | TEXT, size));
        assert_eq!(reaction, closed(1009, &too_long(size)), "{size}");
    }
    let peer = scene.join(WebSocket, Encoding::Json);
    let fragments =
        [web_frame(TEXT, &[b' '; 1 << 19]), web_frame(0, &[b' '; 1 << 19]), web_frame(0, b" ")].concat();
    assert_eq!(scene.offence(peer, &fragments), closed(1009, &too_long((1 << 20) + 1)));
    let peer = scene.join(WebSocket, Encoding::Json);
    let tiny =
        [web_frame(TEXT, &[b' '; 64]), web_frame(0, &[b' '; 64]).repeat((1 << 14) - 1), web_frame(FIN, b" ")]
            .concat();
    assert_eq!(scene.offence(peer, &tiny), closed(1009, &too_long((1 << 20) + 1)));
    let grown = scene.memory().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown}");
}

#[test]
fn fault_12_the_wrong_type_of_message() {
    let mut scene = Scene::start();
    for (encoding, first, text) in [
        (Encoding::Json, BINARY, "a binary message came, this serializer is text"),
        (Encoding::MessagePack, TEXT, "a text message came, this serializer is binary"),
        (Encoding::Cbor, TEXT, "a text message came, this serializer is binary"),
    ] {
        let peer = scene.join(WebSocket, encoding);
        assert_eq!(scene.offence(peer, &web_frame(FIN | first, b"[1]")), closed(1003, text), "{encoding:?}");
        // Before HELLO, too.
        let peer = scene.open(WebSocket, encoding);
        assert_eq!(scene.offence(peer, &web_frame(FIN | first, b"[1]")), closed(1003, text), "{encoding:?}");
    }
}

/// The answer to a request, to its end, and whether it is the end.
fn answer_to(scene: &mut Scene, request: &[u8]) -> String {
    scene.healthy.check();
    let mut stream = connect(scene.address());
    // The router may have had enough before it has read all.
    let _ = stream.write_all(request);
    scene.healthy.check();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    scene.settled();
    String::from_utf8(answer).unwrap()
}

#[test]
fn fault_13_no_subprotocol_in_common() {
    let mut scene = Scene::start();
    for offer in [
        "",
        "mqtt",
        "wamp",
        "wamp.2.JSON",
        "wamp.2.ubjson.batched",
        "wamp.2.ubjson",
        "wamp.2.json wamp.2.cbor",
    ] {
        let header =
            if offer.is_empty() { String::new() } else { format!("Sec-WebSocket-Protocol: {offer}\r\n") };
        let answer = answer_to(&mut scene, request(&header).as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{offer}: {answer}");
        let body = "\r\n\r\noffer one of the sub-protocols wamp.2.json, wamp.2.msgpack, wamp.2.cbor, \
                    wamp.2.json.batched, wamp.2.msgpack.batched, wamp.2.cbor.batched\n";
        assert!(
            answer.ends_with(body) && !answer.to_lowercase().contains("sec-websocket-protocol"),
            "{answer}"
        );
    }
}

#[test]
fn fault_13_the_first_subprotocol_that_is_known() {
    let scene = Scene::start();
    for (offer, chosen) in [
        ("Sec-WebSocket-Protocol: mqtt, wamp.2.cbor, wamp.2.json\r\n", "wamp.2.cbor"),
        ("Sec-WebSocket-Protocol: wamp.2.json.batched, wamp.2.json\r\n", "wamp.2.json.batched"),
        ("Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: wamp.2.msgpack\r\n", "wamp.2.msgpack"),
    ] {
        let mut stream = connect(scene.address());
        stream.write_all(request(offer).as_bytes()).unwrap();
        let answer = answer(&mut stream).to_lowercase();
        assert!(answer.starts_with("http/1.1 101 "), "{answer}");
        assert!(answer.contains(&format!("\r\nsec-websocket-protocol: {chosen}\r\n")), "{answer}");
        // The key is the example of RFC 6455.
        assert!(answer.contains("\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{answer}");
    }
}

#[test]
fn fault_13_and_15_a_client_refuses_a_bad_answer() {
    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    for (accept, subprotocol) in
        [(ACCEPT, "wamp.2.json"), ("", "wamp.2.json"), ("same", "mqtt"), ("same", "")]
    {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = answer(&mut stream);
            let accept = if accept == "same" { accept_for(&asked) } else { accept.to_owned() };
            let mut response =
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    .to_owned();
            for (name, value) in [("Accept", &*accept), ("Protocol", subprotocol)] {
                if !value.is_empty() {
                    response += &format!("Sec-WebSocket-{name}: {value}\r\n");
                }
            }
            // It may close before it has read everything.
            let _ = stream.write_all((response + "\r\n").as_bytes());
            let _ = stream.read_to_end(&mut Vec::new());
        });
        wamp(&["call", "x", "-u", &url]).failed(3);
        server.join().unwrap();
    }
}

/// What a server must answer to the key of a request; there is a WebSocket server in the house that knows.
fn accept_for(request: &str) -> String {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let scene = crate::harness::Router::start();
    let mut stream = connect(crate::scene::address(&scene));
    let request = crate::wire::request("Sec-WebSocket-Protocol: wamp.2.json\r\n");
    stream.write_all(request.replace("dGhlIHNhbXBsZSBub25jZQ==", key).as_bytes()).unwrap();
    let head = answer(&mut stream);
    let name = "sec-websocket-accept: ";
    let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap();
    line[name.len()..].to_owned()
}

#[test]
fn fault_14_bad_requests() {
    let mut scene = Scene::start();
    let good = request("Sec-WebSocket-Protocol: wamp.2.json\r\n");
    let with = |from: &str, to: &str| {
        assert!(good.contains(from));
        good.replace(from, to)
    };
    let more = |header: &str| with("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"));
    let many = (0..101).map(|n| format!("X-{n}: x\r\n")).collect::<String>();
    for (name, request, status) in [
        ("no version", with("Sec-WebSocket-Version: 13\r\n", ""), "426"),
        ("bad version", with("Version: 13", "Version: 8"), "426"),
        ("no key", with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), "400"),
        ("short key", with("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j"), "400"),
        ("no base64", with("dGhlIHNhbXBsZSBub25jZQ==", "d*hlIHNhbXBsZSBub25jZQ=="), "400"),
        ("no upgrade", with("Upgrade: websocket\r\n", ""), "400"),
        ("no connection", with("Connection: Upgrade\r\n", ""), "400"),
        ("POST", with("GET ", "POST "), "405"),
        ("HTTP/1.0", with("HTTP/1.1", "HTTP/1.0"), "400"),
        ("HTTP/3", with("HTTP/1.1", "HTTP/3.0"), "400"),
        ("a line feed in a header", more("X-A: a\nb: c d\0e"), "400"),
        ("no header", more("nothing"), "400"),
        ("a header with a space", more("X A: b"), "400"),
        ("long header", more(&format!("X-A: {}", "a".repeat(17 << 10))), "431"),
        ("very long header", more(&format!("X-A: {}", "a".repeat(200 << 10))), "431"),
        ("many headers", more(many.trim_end()), "431"),
        ("very many headers", more(many.repeat(3).trim_end()), "431"),
        ("no HTTP", "hello, world\r\n\r\n".to_owned(), "400"),
        ("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03".to_owned(), "400"),
    ] {
        let answer = answer_to(&mut scene, request.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{name}: {answer:?}");
        assert_eq!(
            answer.to_lowercase().contains("\r\nsec-websocket-version: 13\r\n"),
            status == "426",
            "{answer}"
        );
    }
}

#[test]
fn fault_16_pages_of_other_hosts() {
    let mut scene = Scene::start();
    for (origin, status) in
        [("http://localhost:3000", "101"), ("https://evil.example.org", "403"), ("null", "403")]
    {
        scene.healthy.check();
        let headers = format!("Sec-WebSocket-Protocol: wamp.2.json\r\nOrigin: {origin}\r\n");
        let mut stream = connect(scene.address());
        stream.write_all(request(&headers).as_bytes()).unwrap();
        let answer = answer(&mut stream);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{origin}: {answer}");
        drop(stream);
        scene.settled();
    }
}

#[test]
fn fault_17_bad_close_frames() {
    let bad = "Protocol violation";
    let frame = |code: u16| web_frame(FIN | 8, &code.to_be_bytes());
    table(&[("one byte", web_frame(FIN | 8, b"x"), "Invalid close sequence")]);
    let mut scene = Scene::start();
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
        let peer = scene.join(WebSocket, Encoding::Json);
        assert_eq!(scene.offence(peer, &frame(code)), closed(1002, bad), "{code}");
    }
}

#[test]
fn fault_17_good_close_frames_are_answered_in_kind() {
    let mut scene = Scene::start();
    let peer = scene.join(WebSocket, Encoding::Json);
    assert_eq!(scene.offence(peer, &web_frame(FIN | 8, b"")), Reaction::Close(None, String::new()));
    for code in [1000, 1001, 1003, 1007, 1011, 3000, 4999u16] {
        let peer = scene.join(WebSocket, Encoding::Json);
        let payload = [&code.to_be_bytes()[..], b"bye"].concat();
        assert_eq!(scene.offence(peer, &web_frame(FIN | 8, &payload)), closed(code, "bye"));
    }
}

#[test]
fn fault_18_no_extension_is_negotiated() {
    let mut scene = Scene::start();
    let offer = "Sec-WebSocket-Protocol: wamp.2.json\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let mut peer = Peer { stream: connect(scene.address()), transport: WebSocket, encoding: Encoding::Json };
    peer.stream.write_all(request(offer).as_bytes()).unwrap();
    let head = answer(&mut peer.stream).to_lowercase();
    assert!(head.starts_with("http/1.1 101 ") && !head.contains("extensions"), "{head}");
    peer.send(&v!([1, "realm1", {"roles": {"caller": {}}}]));
    assert!(peer.bytes_of_message().starts_with(b"[2,"));
    // A client that compresses all the same breaks the protocol.
    let compressed = web_frame(FIN | 0x40 | TEXT, &[0xAA, 0x56, 0x01, 0]);
    assert_eq!(scene.offence(peer, &compressed), broken("Reserved bits are non-zero"));
}
