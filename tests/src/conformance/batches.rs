//! Many messages in one WebSocket message (W-50..W-57).

use tungstenite::Message;
use wamp_driver::proto::transport::websocket::Batching;

use super::{
    Encoding, Kit, RouterSettings, Transport, calls, events, payloads, progress,
    rules::{HELLO, close_frame, start, websocket},
};

/// Those cases that have many messages under way, large ones and small ones.
pub(super) async fn nothing_else_changes(kit: Kit) {
    for encoding in Encoding::ALL {
        let stage = async || kit.stage(Transport::Ws, encoding).await.batched();
        calls::five_hundred_calls_in_flight(stage().await).await;
        calls::a_call_that_times_out_is_canceled(stage().await).await;
        events::events_reach_their_subscribers_in_order(stage().await).await;
        events::acknowledged_publications_of_many_tasks(stage().await).await;
        progress::results_of_many_calls(stage().await).await;
        payloads::large_and_small_side_by_side(stage().await).await;
    }
}

/// A batch is larger than the largest message, and no message may be.
pub(super) async fn the_message_limit(kit: Kit) {
    let limit = 3_000;
    for encoding in Encoding::ALL {
        let settings =
            RouterSettings::on(Transport::Ws).config(move |config| config.limits.message_size = limit);
        let stage = kit.stage_with(Transport::Ws, encoding, settings).await.batched();
        let client = stage.client().await;
        let mut events = client.subscribe("t.topic").await.unwrap();
        let text = "x".repeat(2_900);
        for _ in 0..100 {
            client.publish("t.topic").args((&text,)).exclude_me(false).await.unwrap();
        }
        for _ in 0..100 {
            let event = stage.within(events.next()).await.unwrap();
            assert_eq!(event.value::<String>().unwrap(), text);
        }
        client.publish("t.topic").args(("x".repeat(limit),)).await.unwrap();
        stage.within(client.closed()).await;
    }
}

/// W-57: several messages in a batch, and what stands behind them.
pub(super) async fn a_router_answers_each_peer_in_its_own_way(kit: Kit) {
    let (_router, url) = start(&kit, |settings| settings).await;
    for separator in ["\x1e", "\x18"] {
        let mut socket = websocket(&url, "wamp.2.json.batched").unwrap();
        let messages = [HELLO, r#"[48,1,{},"t.nobody"]"#, r#"[48,2,{},"t.nobody"]"#, ""].join(separator);
        socket.send(Message::text(messages)).unwrap();
        let mut answers = String::new();
        while !answers.contains("[8,48,2,") {
            let batch = socket.read().unwrap().into_text().unwrap();
            assert!(batch.ends_with(separator), "{batch:?}");
            answers += &batch;
        }
        let codes = answers.split_terminator(separator).map(|message| &message[..3]).collect::<Vec<_>>();
        assert_eq!(codes, ["[2,", "[8,", "[8,"]);
    }
}

/// T-40, W-55, W-56, fault 36: the connection fails, and the close frame says why.
pub(super) async fn malformed_batches(kit: Kit) {
    let (router, url) =
        start(&kit, |settings| settings.config(|config| config.limits.message_size = 1_000)).await;
    let healthy = kit.connect(&url).options(|options| options.batched = true).await.unwrap();
    for (protocol, batch, reason) in [
        ("wamp.2.json.batched", Message::text(""), "without a message"),
        ("wamp.2.json.batched", Message::text(HELLO), "does not end with the separator"),
        ("wamp.2.json.batched", Message::text("\x1e"), "message 1 of a batch is empty"),
        ("wamp.2.json.batched", Message::text("x".repeat(1_001) + "\x1e"), "too long"),
        ("wamp.2.json.batched", Message::binary(&b"[1]\x1e"[..]), "this serializer is text"),
        ("wamp.2.cbor.batched", Message::binary(&b""[..]), "without a message"),
        ("wamp.2.cbor.batched", Message::binary(&b"\0\0\0\x05abc"[..]), "5 bytes are due, 3 are left"),
        ("wamp.2.msgpack.batched", Message::binary(&b"\0\0\0"[..]), "4 bytes are due, 3 are left"),
        ("wamp.2.msgpack.batched", Message::binary(vec![0; Batching::FILL + 1]), "too long"),
        ("wamp.2.msgpack.batched", Message::text("[1]\x1e"), "this serializer is binary"),
    ] {
        let mut socket = websocket(&url, protocol).unwrap();
        // The router may have closed before everything is sent.
        let _ = socket.send(batch);
        let close = close_frame(&mut socket);
        assert!(close.reason.contains(reason), "{protocol}: {close}");
    }
    // Garbage between two messages is a message that cannot be decoded: the peer is told so in the protocol.
    let mut socket = websocket(&url, "wamp.2.json.batched").unwrap();
    socket.send(Message::text([HELLO, "garbage", HELLO, ""].join("\x1e"))).unwrap();
    let answers = socket.read().unwrap().into_text().unwrap();
    assert!(answers.contains("[3,") && answers.contains("protocol_violation"), "{answers}");
    kit.settle(&*router, |counts| counts.connections == 1).await;
    assert!(healthy.close_reason().is_none());
}
