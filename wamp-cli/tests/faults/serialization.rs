//! Bad messages in every serializer, faults 28 to 38. Rows alternate between the transports.

use wamp_tokio::proto::{
    Encoding,
    message::{Error, Message},
};

use crate::{
    encode::{V, v},
    scene::Scene,
    wire::{
        Peer,
        Transport::{self, RawSocket, WebSocket},
        violation,
    },
};

use Encoding::{Cbor, Json, MessagePack};

/// Each row: a message, and the text of the ABORT that answers it in every serializer.
fn violations(rows: &[(V, &str)]) {
    let mut scene = Scene::start();
    for encoding in Encoding::ALL {
        for (index, (message, text)) in rows.iter().enumerate() {
            let transport = Transport::ALL[index % 2];
            let peer = scene.join(transport, encoding);
            assert_eq!(
                scene.offend(peer, message),
                violation(text),
                "{encoding:?} {transport:?} {message:?}"
            );
        }
    }
}

/// Each row: a name, bytes in one serializer, and a part of the text of the ABORT that answers them.
fn bytes(rows: &[(&str, Encoding, &[u8], &str)]) {
    let mut scene = Scene::start();
    let before = scene.memory();
    for (index, (name, encoding, message, part)) in rows.iter().enumerate() {
        let transport = Transport::ALL[index % 2];
        let peer = scene.join(transport, *encoding);
        let frame = match (transport, encoding) {
            // What is no UTF-8 does not get as far as the serializer there.
            (WebSocket, Json) if std::str::from_utf8(message).is_err() => continue,
            _ => peer.frame(message),
        };
        let reaction = scene.offence(peer, &frame);
        assert!(reaction.is_violation(part), "{name} {encoding:?} {transport:?}: {reaction:?}");
    }
    let grown = scene.memory().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes");
}

#[test]
fn fault_28_not_a_message() {
    let many = || V::List(vec![v!(16); 9]);
    violations(&[
        (v!([]), "a message needs at least a code, the list is empty"),
        (v!(["CALL", 1]), "element 0 must be the message code, an integer"),
        (v!([null]), "element 0 must be the message code, an integer"),
        (v!([true, 1]), "element 0 must be the message code, an integer"),
        (v!([(-1), 1]), "element 0 must be the message code, an integer"),
        (v!([(16.5), 1]), "element 0 must be the message code, an integer"),
        (v!([[16], 1]), "element 0 must be the message code, an integer"),
        (v!([0, 1]), "there is no message with code 0"),
        (v!([7, 1]), "there is no message with code 7"),
        (v!([255, 1]), "there is no message with code 255"),
        (v!([337, 1]), "there is no message with code 337"),
        (v!([1023, 1]), "there is no message with code 1023"),
        (v!([(u64::MAX), 1]), "there is no message with code 18446744073709551615"),
        (v!([16]), "PUBLISH must have 4 to 6 elements, found 1"),
        (v!([16, 1, {}]), "PUBLISH must have 4 to 6 elements, found 3"),
        (many(), "PUBLISH must have 4 to 6 elements, found 9"),
        (v!([1, "realm1"]), "HELLO must have 3 elements, found 2"),
        (v!([70, 1]), "YIELD must have 3 to 5 elements, found 2"),
        (v!([32, 1, {}, "a", []]), "SUBSCRIBE must have 4 elements, found 5"),
        (v!([6, {}]), "GOODBYE must have 3 elements, found 2"),
    ]);
}

#[test]
fn fault_28_not_even_a_list() {
    let mut scene = Scene::start();
    for encoding in Encoding::ALL {
        for message in [v!(1), v!("[]"), v!({}), v!(null), v!(true), V::raw(b"")] {
            let peer = scene.join(RawSocket, encoding);
            let reaction = scene.offend(peer, &message);
            assert!(reaction.is_violation("cannot decode: "), "{encoding:?} {message:?} {reaction:?}");
        }
    }
}

#[test]
fn fault_29_elements_of_the_wrong_type() {
    violations(&[
        (v!([1, 17, {}]), "HELLO: element 1 must be a URI"),
        (v!([1, "realm1", []]), "HELLO: element 2 must be a dict"),
        (v!([6, [], "a"]), "GOODBYE: element 1 must be a dict"),
        (v!([16, 1, [], "a"]), "PUBLISH: element 2 must be a dict"),
        (v!([16, 1, null, "a"]), "PUBLISH: element 2 must be a dict"),
        (v!([16, 1, {}, 5]), "PUBLISH: element 3 must be a URI"),
        (v!([16, 1, {}, "a", {}]), "PUBLISH: element 4 must be a list of arguments"),
        (v!([16, 1, {}, "a", "x"]), "PUBLISH: element 4 must be a list of arguments"),
        (v!([16, 1, {}, "a", null]), "PUBLISH: element 4 must be a list of arguments"),
        (v!([16, 1, {}, "a", [], []]), "PUBLISH: element 5 must be a dict of arguments"),
        (v!([48, 1, "{}", "a"]), "CALL: element 2 must be a dict"),
        (v!([48, 1, {}, ["a"]]), "CALL: element 3 must be a URI"),
        (v!([48, 1, {}, (&b"a"[..])]), "CALL: element 3 must be a URI"),
        (v!([64, 1, {}, null]), "REGISTER: element 3 must be a URI"),
        (v!([70, 1, {}, [], 1]), "YIELD: element 4 must be a dict of arguments"),
        (v!([16, 1, {"acknowledge": 1}, "a"]), "PUBLISH: attribute `acknowledge` must be a bool"),
        (v!([16, 1, {"exclude_me": "yes"}, "a"]), "PUBLISH: attribute `exclude_me` must be a bool"),
        (
            v!([32, 1, {"match": 1}, "a"]),
            "SUBSCRIBE: attribute `match` must be `exact`, `prefix` or `wildcard`",
        ),
        (
            v!([32, 1, {"match": "regex"}, "a"]),
            "SUBSCRIBE: attribute `match` must be `exact`, `prefix` or `wildcard`",
        ),
    ]);
}

#[test]
fn fault_30_ids_out_of_range() {
    const TEXT: &str = "CALL: element 1 must be an id, an integer from 1 to 2^53";
    let call = |id: V| V::List(vec![v!(48), id, v!({}), v!("com.example.nothing")]);
    let mut rows =
        [v!(0), v!(-1), v!((1_u64 << 53) + 1), v!(1.5), v!("1"), v!(null), v!([1]), v!(u64::MAX), v!(1.0)]
            .map(|id| (call(id), TEXT))
            .to_vec();
    rows.push((v!([34, 1, 0]), "UNSUBSCRIBE: element 2 must be an id, an integer from 1 to 2^53"));
    rows.push((v!([70, 0, {}]), "YIELD: element 1 must be an id, an integer from 1 to 2^53"));
    rows.push((v!([49, (-5), {}]), "CANCEL: element 1 must be an id, an integer from 1 to 2^53"));
    violations(&rows);
}

#[test]
fn fault_30_2_64_and_2_53() {
    bytes(&[
        ("2^64", Json, br#"[48,18446744073709551616,{},"a"]"#, "CALL: element 1 must be an id"),
        (
            "2^64 as a float",
            MessagePack,
            b"\x94\x30\xCB\x43\xF0\0\0\0\0\0\0\x80\xA1a",
            "CALL: element 1 must be an id",
        ),
        (
            "2^64 as a big number",
            Cbor,
            b"\x84\x18\x30\xC2\x49\x01\0\0\0\0\0\0\0\0\xA0\x61a",
            "CALL: element 1 must be an id",
        ),
    ]);
    let mut scene = Scene::start();
    for encoding in Encoding::ALL {
        let mut peer = scene.join(RawSocket, encoding);
        peer.send(&v!([48, (1_u64 << 53), {}, "com.example.nothing"]));
        let Message::Error(Error { request, error, .. }) = peer.message() else { panic!("no ERROR") };
        assert_eq!((request.get(), error.as_str()), (1 << 53, "wamp.error.no_such_procedure"));
        peer.leave();
    }
    scene.settled();
}

/// An argument in so many lists or dicts.
fn nested(depth: usize, dict: bool) -> V {
    (0..depth)
        .fold(v!(1), |inner, _| if dict { V::Dict(vec![(v!("k"), inner)]) } else { V::List(vec![inner]) })
}

#[test]
fn fault_31_nesting_above_the_limit() {
    const TEXT: &str = "cannot decode: nesting exceeds the limit of 64";
    let publish = |argument: V| {
        V::List(vec![
            v!(16),
            v!(2),
            v!({"acknowledge": true}),
            v!("com.example.deep"),
            V::List(vec![argument]),
        ])
    };
    // The message's list and that of the arguments count.
    violations(&[(publish(nested(63, false)), TEXT), (publish(nested(63, true)), TEXT)]);
    let mut scene = Scene::start();
    for encoding in Encoding::ALL {
        let mut peer = scene.join(WebSocket, encoding);
        for dict in [false, true] {
            peer.send(&publish(nested(62, dict)));
            let Message::Published(_) = peer.message() else { panic!("not published") };
        }
        peer.leave();
    }
    scene.settled();
}

#[test]
fn fault_31_very_deep_nesting() {
    const DEEP: usize = 500_000;
    let deep = |start: &[u8], unit: &[u8]| [start, &unit.repeat(DEEP / unit.len())].concat();
    let rows = [
        ("lists", Json, deep(br#"[16,1,{},"a","#, b"[")),
        ("dicts", Json, deep(br#"[16,1,"#, br#"{"a":"#)),
        ("lists", MessagePack, deep(b"\x95\x10\x01\x80\xA1a", b"\x91")),
        ("dicts", MessagePack, deep(b"\x95\x10\x01", b"\x81\xA1a")),
        ("lists", Cbor, deep(b"\x85\x10\x01\xA0\x61a", b"\x81")),
        ("lists without length", Cbor, deep(b"\x85\x10\x01\xA0\x61a", b"\x9F")),
        ("dicts without length", Cbor, deep(b"\x85\x10\x01", b"\xBF\x61a")),
        ("tags", Cbor, deep(b"\x85\x10\x01\xA0\x61a", b"\xC6")),
    ];
    let rows = rows.iter().map(|(name, encoding, message)| {
        (
            *name,
            *encoding,
            &**message,
            if *name == "tags" { "cannot decode: " } else { "nesting exceeds the limit of 64" },
        )
    });
    bytes(&rows.collect::<Vec<_>>());
}

#[test]
fn fault_32_lengths_that_do_not_come() {
    let decode = "cannot decode: ";
    bytes(&[
        ("list of 2^32-1", MessagePack, b"\xDD\xFF\xFF\xFF\xFF", decode),
        ("dict of 2^32-1", MessagePack, b"\x94\x10\x01\xDF\xFF\xFF\xFF\xFF", decode),
        ("text of 4 GiB", MessagePack, b"\x94\x10\x01\x80\xDB\xFF\xFF\xFF\xFFa", decode),
        ("binary of 4 GiB", MessagePack, b"\x95\x10\x01\x80\xA1a\xC6\xFF\xFF\xFF\xFF", decode),
        ("list of 2^32-1 arguments", MessagePack, b"\x95\x10\x01\x80\xA1a\xDD\xFF\xFF\xFF\xFF", decode),
        ("extension of 4 GiB", MessagePack, b"\x95\x10\x01\x80\xA1a\x91\xC9\xFF\xFF\xFF\xFF\x01", decode),
        ("list of 2^64-1", Cbor, b"\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", decode),
        ("dict of 2^64-1", Cbor, b"\x84\x10\x01\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", decode),
        ("text of 2^64-1", Cbor, b"\x84\x10\x01\xA0\x7B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFFa", decode),
        ("binary of 2^63", Cbor, b"\x85\x10\x01\xA0\x61a\x81\x5B\x80\0\0\0\0\0\0\0", decode),
        ("list without end", Cbor, b"\x9F\x10\x01", decode),
        ("text without end", Cbor, b"\x84\x10\x01\xA0\x7F\x61a", decode),
        ("binary without end", Cbor, b"\x85\x10\x01\xA0\x61a\x81\x5F\x41a", decode),
        ("a break out of place", Cbor, b"\x84\x10\x01\xA0\xFF", decode),
        ("cut", Json, br#"[16,1,{},"a"#, decode),
        ("cut", Json, br#"[16,1,{},"a","#, decode),
        ("cut", MessagePack, b"\x94\x10\x01\x80", decode),
    ]);
}

#[test]
fn fault_32_more_values_or_keys_than_allowed() {
    let publish = |arguments: V| V::List(vec![v!(16), v!(1), v!({}), v!("com.example.many"), arguments]);
    let keys = |count: u64| V::Dict((0..count).map(|key| (V::Text(key.to_string()), v!(1))).collect());
    violations(&[
        (
            publish(V::List(vec![v!(1); 100_000])),
            "cannot decode: number of values exceeds the limit of 100000",
        ),
        (publish(V::List(vec![keys(1001)])), "cannot decode: number of keys exceeds the limit of 1000"),
    ]);
}

#[test]
fn fault_33_text_that_is_none() {
    let text = "is not representable as Unicode text";
    bytes(&[
        ("invalid UTF-8", Json, b"[16,1,{},\"\xFF\"]", text),
        ("cut UTF-8", Json, b"[16,1,{},\"a\",[\"\xE2\x82\"]]", text),
        ("cut UTF-8", Json, b"[16,1,{},\"a\",[\"\xE2\x82\"]]", text),
        ("a lone surrogate", Json, br#"[16,1,{},"a",["\ud800"]]"#, ""),
        ("surrogates in the wrong order", Json, br#"[16,1,{},"a",["\udc00\ud800"]]"#, ""),
        ("a raw control character", Json, b"[16,1,{},\"a\",[\"\n\"]]", ""),
        ("NUL that is no Base64", Json, br#"[16,1,{},"a",["\u0000?"]]"#, "binary"),
        ("invalid UTF-8", MessagePack, b"\x95\x10\x01\x80\xA1a\x91\xA1\xFF", text),
        ("a surrogate", MessagePack, b"\x95\x10\x01\x80\xA1a\x91\xA3\xED\xA0\x80", text),
        ("leading NUL", MessagePack, b"\x95\x10\x01\x80\xA1a\x91\xA2\0a", text),
        ("invalid UTF-8 in a key", MessagePack, b"\x95\x10\x01\x80\xA1a\x91\x81\xA1\xFF\x01", text),
        ("invalid UTF-8", Cbor, b"\x85\x10\x01\xA0\x61a\x81\x61\xFF", text),
        ("a surrogate", Cbor, b"\x85\x10\x01\xA0\x61a\x81\x63\xED\xA0\x80", text),
        ("leading NUL", Cbor, b"\x85\x10\x01\xA0\x61a\x81\x62\0a", text),
        ("a character cut by chunks", Cbor, b"\x85\x10\x01\xA0\x61a\x81\x7F\x61\xC3\x61\xA9\xFF", text),
    ]);
}

#[test]
fn fault_34_keys_that_are_twice_there_or_no_text() {
    let mut scene = Scene::start();
    for encoding in Encoding::ALL {
        for place in 0..3 {
            for (bad, part) in [
                (v!({"a": 1, "b": 2, "a": 3}), "is there twice"),
                (v!({1: 1}), "dict key"),
                (v!({(&b"a"[..]): 1}), "dict key"),
            ] {
                if encoding == Json && part == "dict key" {
                    // 1 is no key there at all, and a binary key is a text.
                    continue;
                }
                let message = match place {
                    0 => V::List(vec![v!(16), v!(1), bad, v!("a")]),
                    1 => V::List(vec![v!(16), v!(1), v!({}), v!("a"), V::List(vec![bad])]),
                    _ => V::List(vec![v!(16), v!(1), v!({}), v!("a"), v!([]), bad]),
                };
                let peer = scene.join(Transport::ALL[place % 2], encoding);
                let reaction = scene.offend(peer, &message);
                assert!(reaction.is_violation(part), "{encoding:?} {message:?}: {reaction:?}");
            }
        }
    }
    let peer = scene.join(RawSocket, Json);
    assert!(scene.offend(peer, &v!([16, 1, {1: 1}, "a"])).is_violation("cannot decode: "));
    let peer = scene.join(RawSocket, Json);
    let escaped = V::raw(br#"[16,1,{},"a",[{"a":1,"\u0061":2}]]"#);
    assert!(scene.offend(peer, &escaped).is_violation("is there twice"));
}

/// A session in this serializer that has subscribed to the topic of the poison.
fn receiver(scene: &Scene, encoding: Encoding) -> Peer {
    let mut peer = scene.open(WebSocket, encoding);
    peer.join();
    peer.send(&v!([32, 1, {}, "com.example.poison"]));
    let Message::Subscribed(_) = peer.message() else { panic!("not subscribed") };
    peer
}

/// Publishes an argument and gives what a receiver in each serializer gets, as JSON.
fn received(scene: &mut Scene, from: Encoding, argument: &[u8]) -> [String; 3] {
    let mut receivers = Encoding::ALL.map(|encoding| receiver(scene, encoding));
    let mut sender = scene.open(RawSocket, from);
    sender.join();
    sender.send(&V::List(vec![
        v!(16),
        v!(1),
        v!({"acknowledge": true}),
        v!("com.example.poison"),
        V::List(vec![V::raw(argument)]),
    ]));
    let Message::Published(_) = sender.message() else { panic!("not published") };
    scene.healthy.check();
    let values = [0, 1, 2].map(|index| {
        let Message::Event(event) = receivers[index].message() else { panic!("no EVENT") };
        format!("{:?}", event.payload.list().unwrap()[0])
    });
    receivers.into_iter().for_each(Peer::leave);
    sender.leave();
    values
}

#[test]
fn fault_35_what_not_every_serializer_has() {
    let mut scene = Scene::start();
    for (name, from, argument, expected) in POISON {
        let values = received(&mut scene, *from, argument);
        assert_eq!(values.each_ref().map(String::as_str), *expected, "{name} {from:?}");
    }
    scene.settled();
}

/// What is sent, and what those on JSON, MessagePack and CBOR get.
type Poison = (&'static str, Encoding, &'static [u8], [&'static str; 3]);

const POISON: &[Poison] = &[
    ("NaN", MessagePack, b"\xCB\x7F\xF8\0\0\0\0\0\0", ["Null", "Float(NaN)", "Float(NaN)"]),
    ("infinity", MessagePack, b"\xCA\x7F\x80\0\0", ["Null", "Float(inf)", "Float(inf)"]),
    ("negative infinity", Cbor, b"\xF9\xFC\0", ["Null", "Float(-inf)", "Float(-inf)"]),
    ("2^53+1", Json, b"9007199254740993", ["Unsigned(9007199254740993)"; 3]),
    ("2^64-1", Cbor, b"\x1B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", ["Unsigned(18446744073709551615)"; 3]),
    ("2^64", Json, b"18446744073709551616", ["Float(1.8446744073709552e19)"; 3]),
    ("1e300", Json, b"1e300", ["Float(1e300)"; 3]),
    ("binary", Json, br#""\u0000AAEC""#, ["Bytes([0, 1, 2])"; 3]),
    ("binary", MessagePack, b"\xC4\x03\0\x01\x02", ["Bytes([0, 1, 2])"; 3]),
    ("binary in chunks", Cbor, b"\x5F\x41\0\x42\x01\x02\xFF", ["Bytes([0, 1, 2])"; 3]),
    ("text in chunks", Cbor, b"\x7F\x61a\x61b\xFF", ["Text(\"ab\")"; 3]),
    ("a tagged time", Cbor, b"\xC1\x1A\x51\x4B\x67\xB0", ["Unsigned(1363896240)"; 3]),
    ("undefined", Cbor, b"\xF7", ["Null"; 3]),
    ("NUL inside of a text", MessagePack, b"\xA3a\0b", ["Text(\"a\\0b\")"; 3]),
    ("an extension", MessagePack, b"\xD4\x01\x00", ["Bytes([0])"; 3]),
    ("a timestamp", MessagePack, b"\xD6\xFF\0\0\0\0", ["Bytes([0, 0, 0, 0])"; 3]),
    ("-2^64", Cbor, b"\x3B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", ["Float(-1.8446744073709552e19)"; 3]),
    ("2^64", Cbor, b"\xC2\x49\x01\0\0\0\0\0\0\0\0", ["Bytes([1, 0, 0, 0, 0, 0, 0, 0, 0])"; 3]),
    ("a simple value", Cbor, b"\xF0", ["Null"; 3]),
];

#[test]
fn fault_35_what_no_serializer_but_one_can_say() {
    let decode = "cannot decode: ";
    bytes(&[
        ("never used", MessagePack, b"\x95\x10\x01\x80\xA1a\x91\xC1", decode),
        ("reserved", Cbor, b"\x85\x10\x01\xA0\x61a\x81\x1C", decode),
        ("NaN", Json, br#"[16,1,{},"a",[NaN]]"#, decode),
        ("infinity", Json, br#"[16,1,{},"a",[Infinity]]"#, decode),
        ("beyond every float", Json, br#"[16,1,{},"a",[1e400]]"#, decode),
        ("a leading zero", Json, br#"[16,1,{},"a",[01]]"#, decode),
        ("a comma too many", Json, br#"[16,1,{},"a",[1,]]"#, decode),
        ("a comment", Json, br#"[16,1,{},"a"/**/]"#, decode),
    ]);
}

#[test]
fn fault_36_trailing_bytes() {
    bytes(&[
        ("a letter", Json, br#"[16,1,{},"a"]x"#, "cannot decode: trailing bytes from byte 13"),
        ("a second message", Json, br#"[16,1,{},"a"][16,2,{},"a"]"#, "cannot decode: trailing bytes"),
        ("the separator of batches", Json, b"[16,1,{},\"a\"]\x1E", "cannot decode: trailing bytes"),
        ("NUL", MessagePack, b"\x94\x10\x01\x80\xA1a\0", "cannot decode: trailing bytes"),
        ("a batch", MessagePack, b"\0\0\0\x06\x94\x10\x01\x80\xA1a", "cannot decode: "),
        (
            "a second message",
            MessagePack,
            b"\x94\x10\x01\x80\xA1a\x94\x10\x02\x80\xA1a",
            "cannot decode: trailing bytes",
        ),
        ("NUL", Cbor, b"\x84\x10\x01\xA0\x61a\0", "cannot decode: trailing bytes"),
        ("break", Cbor, b"\x84\x10\x01\xA0\x61a\xFF", "cannot decode: trailing bytes"),
    ]);
    // White space is part of a JSON text.
    let scene = Scene::start();
    let mut peer = scene.join(RawSocket, Json);
    peer.send(&V::raw(b" \t\r\n[ 16 , 1 , { \"acknowledge\" : true } , \"a\" ] \n"));
    let Message::Published(_) = peer.message() else { panic!("not published") };
}

#[test]
fn fault_37_many_chosen_uris_cost_no_more_than_others() {
    let mut scene = Scene::start();
    let mut peer = scene.open(RawSocket, MessagePack);
    peer.join();
    let before = scene.ticks();
    // Whatever they hash to under a fixed key, the router's is random; nearly equal ones, as far as a test can tell.
    let mut bytes = Vec::new();
    for request in 1..=5_000_u64 {
        let uri = V::Text(format!("com.example.{}", "a".repeat((request % 500) as usize + 1)));
        let subscribe = V::List(vec![v!(32), v!(request), v!({}), uri]);
        bytes.extend(peer.frame(&subscribe.encode(MessagePack)));
    }
    use std::io::Write as _;
    peer.stream.write_all(&bytes).unwrap();
    for _ in 0..5_000 {
        let Message::Subscribed(_) = peer.message() else { panic!("not subscribed") };
    }
    let ticks = scene.ticks() - before;
    assert!(ticks < 300, "{ticks} ticks of 10 ms for 5,000 subscriptions");
    peer.leave();
    scene.settled();
}

/// A session on a RawSocket that accepts 512 bytes, in JSON.
fn small(scene: &Scene) -> Peer {
    use std::io::{Read as _, Write as _};
    let mut peer =
        Peer { stream: crate::wire::connect(scene.address()), transport: RawSocket, encoding: Json };
    peer.stream.write_all(&[0x7F, 0x01, 0, 0]).unwrap();
    peer.stream.read_exact(&mut [0; 4]).unwrap();
    peer.join();
    peer
}

#[test]
fn fault_38_larger_than_the_receiver_takes() {
    let mut scene = Scene::start();
    let mut small = small(&scene);
    for message in [v!([64, 1, {}, "com.example.small"]), v!([32, 2, {}, "com.example.small"])] {
        small.send(&message);
        small.message();
    }
    let mut large = scene.open(WebSocket, MessagePack);
    large.join();
    // 400 bytes fit in binary, and not in Base64.
    let binary = [7_u8; 400];
    large.send(&v!([48, 1, {}, "com.example.small", [(&binary[..])]]));
    let Message::Error(error) = large.message() else { panic!("no ERROR") };
    assert_eq!(error.error.as_str(), "wamp.error.payload_size_exceeded");
    large.send(&v!([16, 2, {"acknowledge": true}, "com.example.small", [(&binary[..])]]));
    let Message::Published(_) = large.message() else { panic!("not published") };
    // The receiver has noticed neither, and is still there: as a callee, and as a caller that gets too much.
    large.send(&v!([64, 3, {}, "com.example.large"]));
    large.message();
    small.send(&v!([48, 3, {}, "com.example.large"]));
    let Message::Invocation(invocation) = large.message() else { panic!("no INVOCATION") };
    large.send(&V::List(vec![v!(70), v!(invocation.request.get()), v!({}), v!([(&binary[..])])]));
    let Message::Error(error) = small.message() else { panic!("no ERROR") };
    assert_eq!((error.request.get(), error.error.as_str()), (3, "wamp.error.payload_size_exceeded"));
    large.send(&v!([16, 4, {}, "com.example.small", ["fits"]]));
    let Message::Event(_) = small.message() else { panic!("no EVENT") };
    small.leave();
    large.leave();
    scene.settled();
}
