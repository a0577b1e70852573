//! The rows "Session" and "Serialization" of the table of faults: raw bad input to a router that has a healthy session
//! too, which must not notice.

use wamp_proto::Encoding;
use wamp_world::World;

use crate::check;

/// One bad peer, before and after HELLO, beside a call between healthy sessions.
fn beside_a_healthy_call(encoding: Encoding, joined: bool, bad: &[u8]) -> (Vec<String>, String, bool) {
    let mut world = World::new(1);
    let alice = world.join("alice", Encoding::Json);
    let bob = world.join("bob", Encoding::Cbor);
    alice.register(&mut world, "com.example.add");
    alice.subscribe(&mut world, "com.example.tick");
    world.run();
    let call = bob.call(&mut world, "com.example.add", (2, 3));
    let mallory = world.raw("mallory", encoding);
    if joined {
        mallory.hello(&mut world);
        mallory.received(&mut world);
    }
    mallory.send_bytes(&mut world, bad);
    let answers = mallory.received(&mut world);
    let gone = !world.is_connected(mallory);
    let why = world.left(mallory).unwrap_or_default().to_owned();
    alice.answer(&mut world, (5,));
    bob.publish(&mut world, "com.example.tick", ("ok",));
    world.run();
    assert_eq!(bob.result::<u8>(&mut world, call), Ok(5));
    assert_eq!(alice.received(&mut world), [r#"["ok"]"#]);
    world.end();
    (answers, why, gone)
}

/// ABORT, the end of the session and of the transport; nobody else notices (S-40..S-42).
fn is_a_violation(encoding: Encoding, joined: bool, bad: &[u8]) {
    let (answers, why, gone) = beside_a_healthy_call(encoding, joined, bad);
    let shown = String::from_utf8_lossy(bad);
    assert_eq!(answers.len(), 1, "{shown}: {answers:?}");
    assert!(answers[0].starts_with("[3,{\"message\":"), "{shown}: {answers:?}");
    assert!(answers[0].ends_with(r#","wamp.error.protocol_violation"]"#), "{shown}: {answers:?}");
    assert!(why.starts_with("the peer broke the protocol"), "{shown}: {why}");
    assert!(gone, "{shown}");
}

fn in_json(joined: bool, messages: &[&str]) {
    for message in messages {
        is_a_violation(Encoding::Json, joined, message.as_bytes());
    }
}

#[test]
fn fault_39_anything_but_hello_first() {
    in_json(
        false,
        &[
            r#"[2,1,{"roles":{"broker":{}}}]"#,
            r#"[4,"ticket",{}]"#,
            r#"[5,"secret",{}]"#,
            r#"[6,{},"wamp.close.close_realm"]"#,
            r#"[8,68,1,{},"com.example.error"]"#,
            r#"[16,1,{},"com.example.tick"]"#,
            r#"[32,1,{},"com.example.tick"]"#,
            "[34,1,1]",
            r#"[48,1,{},"com.example.add"]"#,
            "[49,1,{}]",
            r#"[64,1,{},"com.example.x"]"#,
            "[66,1,1]",
            "[70,1,{}]",
        ],
    );
}

#[test]
fn s_44_fault_40_opening_messages_in_an_open_session() {
    in_json(
        true,
        &[
            r#"[1,"realm1",{"roles":{"caller":{}}}]"#,
            r#"[2,1,{"roles":{"broker":{}}}]"#,
            r#"[4,"ticket",{}]"#,
            r#"[5,"secret",{}]"#,
        ],
    );
}

#[test]
fn s_39c_fault_45_messages_of_a_router() {
    let messages = [
        "[17,1,1]",
        "[33,1,1]",
        "[35,1]",
        r#"[35,0,{"subscription":1}]"#,
        "[36,1,1,{}]",
        "[50,1,{}]",
        "[65,1,1]",
        "[67,1]",
        "[68,1,1,{}]",
        "[69,1,{}]",
    ];
    in_json(true, &messages);
    in_json(false, &messages);
}

#[test]
fn fault_28_not_a_message() {
    let messages = [
        "",
        " ",
        "{}",
        "1",
        "null",
        r#""[1]""#,
        "[]",
        "[null]",
        r#"["1"]"#,
        "[1.0]",
        "[-1]",
        "[true]",
        "[7]",
        "[999]",
        "[18446744073709551616]",
        "[1]",
        r#"[1,"realm1"]"#,
        r#"[1,"realm1",{},[]]"#,
    ];
    in_json(true, &messages);
    in_json(false, &messages);
}

#[test]
fn s_49_fault_28_too_few_and_too_many_elements() {
    in_json(
        true,
        &[
            "[3,{}]",
            r#"[3,{},"a",[],{},1]"#,
            "[6,{}]",
            r#"[6,{},"a",[]]"#,
            r#"[8,68,1,{}]"#,
            r#"[8,68,1,{},"a",[],{},1]"#,
            "[16,1,{}]",
            r#"[16,1,{},"a",[],{},1]"#,
            "[32,1,{}]",
            r#"[32,1,{},"a",[]]"#,
            "[34,1]",
            "[34,1,1,{},1]",
            "[48,1,{}]",
            r#"[48,1,{},"a",[],{},1]"#,
            "[49,1]",
            "[49,1,{},1]",
            "[64,1,{}]",
            r#"[64,1,{},"a",[]]"#,
            "[66,1]",
            "[66,1,1,1]",
            "[70,1]",
            "[70,1,{},[],{},1]",
        ],
    );
}

#[test]
fn fault_29_wrong_types() {
    in_json(false, &[r#"[1,17,{}]"#, r#"[1,"realm1",[]]"#, r#"[1,null,{}]"#, r#"[1,"realm1",{"roles":[]}]"#]);
    in_json(
        true,
        &[
            r#"[48,1,[],"com.example.add"]"#,
            r#"[48,1,{},7]"#,
            r#"[48,1,{},"com.example.add",{}]"#,
            r#"[48,1,{},"com.example.add","args"]"#,
            r#"[48,1,{},"com.example.add",[],[]]"#,
            r#"[16,1,{"acknowledge":1},"com.example.tick"]"#,
            r#"[16,1,{"exclude_me":"no"},"com.example.tick"]"#,
            r#"[32,1,{"match":7},"com.example.tick"]"#,
            r#"[49,1,{"mode":7}]"#,
            r#"[70,1,{"progress":0}]"#,
            r#"[6,[],"a"]"#,
            r#"[6,{},7]"#,
            r#"[8,"68",1,{},"a"]"#,
        ],
    );
}

#[test]
fn i_01_fault_30_ids() {
    for id in
        ["0", "-1", "9007199254740993", "1.5", "1.0", "1e0", r#""1""#, "18446744073709551616", "true", "null"]
    {
        in_json(
            true,
            &[
                &format!(r#"[48,{id},{{}},"com.example.x"]"#),
                &format!(r#"[32,{id},{{}},"com.example.x"]"#),
                &format!("[34,1,{id}]"),
                &format!("[66,1,{id}]"),
                &format!("[70,{id},{{}}]"),
            ],
        );
    }
    let (answers, _, gone) =
        beside_a_healthy_call(Encoding::Json, true, br#"[32,9007199254740992,{},"com.example.x"]"#);
    assert!(!gone && answers[0].starts_with("[33,9007199254740992,"), "{answers:?}");
}

#[test]
fn fault_31_nesting() {
    for encoding in Encoding::ALL {
        for depth in [65, 100_000] {
            let mut deep = vec![b'['; depth];
            match encoding {
                Encoding::Json => deep.extend(vec![b']'; depth]),
                Encoding::MessagePack => deep = [vec![0x91; depth], vec![0xc0]].concat(),
                Encoding::Cbor => deep = [vec![0x81; depth], vec![0xf6]].concat(),
            }
            is_a_violation(encoding, true, &deep);
        }
    }
    let nested = format!("{}{}", "[".repeat(63), "]".repeat(63));
    let legal = format!(r#"[16,1,{{}},"com.example.deep",{nested}]"#);
    assert!(!beside_a_healthy_call(Encoding::Json, true, legal.as_bytes()).2);
    let illegal = format!(r#"[16,1,{{}},"com.example.deep",[{nested}]]"#);
    is_a_violation(Encoding::Json, true, illegal.as_bytes());
}

#[test]
fn fault_32_length_bombs() {
    for bomb in [
        &[0xdd, 0xff, 0xff, 0xff, 0xff][..],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0x93, 0x06, 0x80, 0xdb, 0xff, 0xff, 0xff, 0xff],
        &[0x93, 0x06, 0x80, 0xc6, 0xff, 0xff, 0xff, 0xff],
    ] {
        is_a_violation(Encoding::MessagePack, true, bomb);
    }
    for bomb in [
        &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
        &[0x83, 0x06, 0xa0, 0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x83, 0x06, 0xa0, 0x5b, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00],
        &[0x9f, 0x06, 0xa0],
        &[0x83, 0x06, 0xa0, 0x7f, 0x61],
    ] {
        is_a_violation(Encoding::Cbor, true, bomb);
    }
    let long = format!(r#"[16,1,{{}},"com.example.long",["{}"]]"#, "x".repeat(1 << 20));
    is_a_violation(Encoding::Json, true, long.as_bytes());
}

#[test]
fn fault_33_text() {
    is_a_violation(Encoding::Json, true, b"[16,1,{},\"com.\xff\"]");
    is_a_violation(Encoding::Json, true, b"[16,1,{},\"com.\xc0\x80\"]");
    is_a_violation(Encoding::Json, true, br#"[16,1,{},"com.example.x",["\ud800"]]"#);
    is_a_violation(Encoding::Json, true, br#"[16,1,{},"com.example.x",["\udc00\ud800"]]"#);
    is_a_violation(Encoding::Json, true, b"[16,1,{},\"com.example.x\",[\"\x01\"]]");
    is_a_violation(Encoding::Json, true, br#"[16,1,{},"com.example.x",["\u0000not base64"]]"#);
    is_a_violation(Encoding::MessagePack, true, b"\x95\x10\x01\x80\xa3a.b\x91\xa1\xff");
    is_a_violation(Encoding::MessagePack, true, b"\x95\x10\x01\x80\xa3a.b\x91\xa2\0a");
    is_a_violation(Encoding::Cbor, true, b"\x85\x10\x01\xa0\x63a.b\x81\x61\xff");
    is_a_violation(Encoding::Cbor, true, b"\x85\x10\x01\xa0\x63a.b\x81\x62\0a");
}

#[test]
fn m_04_fault_34_keys() {
    in_json(
        true,
        &[
            r#"[16,1,{"acknowledge":true,"acknowledge":true},"a"]"#,
            r#"[16,1,{"_x":1,"_x":1},"a"]"#,
            r#"[16,1,{},"a",[],{"k":1,"k":2}]"#,
            r#"[16,1,{},"a",[{"k":1,"\u006b":2}]]"#,
            r#"[16,1,{1:2},"a"]"#,
        ],
    );
    is_a_violation(Encoding::MessagePack, true, b"\x94\x10\x01\x81\x01\x02\xa3a.b");
    is_a_violation(Encoding::MessagePack, true, b"\x95\x10\x01\x80\xa3a.b\x91\x81\x01\x02");
    is_a_violation(Encoding::Cbor, true, b"\x84\x10\x01\xa1\x01\x02\x63a.b");
    is_a_violation(Encoding::Cbor, true, b"\x85\x10\x01\xa0\x63a.b\x81\xa2\x61k\x01\x61k\x02");
}

#[test]
fn fault_36_trailing_bytes() {
    in_json(true, &["[49,1,{}]]", "[49,1,{}] [49,2,{}]", "[49,1,{}]x", "[49,1,{}", "[49,1,{},]"]);
    is_a_violation(Encoding::MessagePack, true, b"\x93\x31\x01\x80\xc0");
    is_a_violation(Encoding::Cbor, true, b"\x83\x18\x31\x01\xa0\xf6");
}

/// Fault 35: what one serializer can say and another cannot never harms the receiver.
#[test]
fn fault_35_poison_for_other_serializers() {
    let poisons = [
        (Encoding::MessagePack, &b"\x95\x10\x01\x80\xa3a.b\x91\xcb\x7f\xf8\0\0\0\0\0\0"[..]), // NaN
        (Encoding::MessagePack, b"\x95\x10\x01\x80\xa3a.b\x91\xd4\x01\x02"),                  // ext
        (Encoding::MessagePack, b"\x95\x10\x01\x80\xa3a.b\x91\xc4\x02\xff\xfe"),              // bin
        (Encoding::MessagePack, b"\x95\x10\x01\x80\xa3a.b\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
        (Encoding::Cbor, b"\x85\x10\x01\xa0\x63a.b\x81\xc1\x01"), // tag
        (Encoding::Cbor, b"\x85\x10\x01\xa0\x63a.b\x81\xf9\x7c\x00"), // infinity, half
        (Encoding::Cbor, b"\x85\x10\x01\xa0\x63a.b\x81\xf7"),     // undefined
        (Encoding::Cbor, b"\x85\x10\x01\xa0\x63a.b\x81\x3b\xff\xff\xff\xff\xff\xff\xff\xff"), // -2^64
        (Encoding::Json, br#"[16,1,{},"a.b",[1e999]]"#),
        (Encoding::Json, br#"[16,1,{},"a.b",[123456789012345678901234567890]]"#),
        (Encoding::Json, br#"[16,1,{},"a.b",["\u0000//4="]]"#),
    ];
    for (encoding, poison) in poisons {
        let mut world = World::new(1);
        let subscribers = Encoding::ALL.map(|encoding| {
            let subscriber = world.join(encoding.name(), encoding);
            subscriber.subscribe(&mut world, "a.b");
            subscriber
        });
        world.run();
        let mallory = world.raw("mallory", encoding);
        mallory.hello(&mut world);
        mallory.send_bytes(&mut world, poison);
        for subscriber in subscribers {
            assert_eq!(subscriber.closed(&mut world), None, "{encoding} {poison:x?}");
        }
        let received = subscribers.map(|subscriber| subscriber.received(&mut world).len());
        let expected = usize::from(world.is_connected(mallory));
        assert_eq!(received, [expected; 3], "all or nobody: {encoding} {poison:x?}");
        world.end();
    }
}

#[test]
fn bad_input_as_it_crosses_the_link() {
    let mut world = World::new(1);
    for bad in ["garbage", "[]", r#"[1,17,{}]"#, "[999]", r#"[48,1,{},"com.example.add"]"#] {
        let mallory = world.raw("mallory", Encoding::Json);
        mallory.send(&mut world, bad);
    }
    for bad in ["[36,1,1,{}]", "[48,0,{},\"a\"]", "[70,1,{}]", r#"[16,1,{"acknowledge":1},"a"]"#] {
        let mallory = world.raw("mallory", Encoding::Json);
        mallory.hello(&mut world);
        mallory.send(&mut world, bad);
    }
    check(&mut world, "bad_input");
}

#[test]
fn r_31_s_51_e_03_e_04_s_52_features_that_were_not_announced() {
    in_json(
        true,
        &[
            r#"[48,1,{"progress":true},"com.example.add",[2,3]]"#,
            r#"[48,1,{"ppt_scheme":"wamp"},"com.example.add",["AA=="]]"#,
            r#"[16,1,{"ppt_scheme":"x_custom"},"com.example.tick",["AA=="]]"#,
            r#"[70,1,{"ppt_scheme":"mqtt"},["AA=="]]"#,
        ],
    );
}
