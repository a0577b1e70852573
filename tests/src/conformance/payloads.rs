//! Messages of every size that means something to a transport.

use std::ops::RangeInclusive;

use futures_util::future::join_all;
use wamp_driver::{
    Client, Error,
    proto::{Encoding, error::Misuse},
};

use super::{Kit, RouterSettings, Stage, Transport, tools::echo};

/// What a message has besides the text in it, in any serializer: a CALL, an INVOCATION, a YIELD and a RESULT of each text meet
/// each length.
const AROUND: usize = 44;

/// Calls with texts of these lengths, a few at a time.
async fn echoes(stage: &Stage, caller: &Client, lengths: RangeInclusive<usize>) {
    let lengths = lengths.collect::<Vec<_>>();
    let text = "x".repeat(lengths.last().copied().unwrap_or_default());
    for lengths in lengths.chunks(8) {
        let call = |length: &usize| {
            let call = caller.call("t.echo").args((&text[..*length],)).value::<String>();
            let length = *length;
            async move { (length, call.await) }
        };
        for (length, answer) in stage.within(join_all(lengths.iter().map(call))).await {
            let answer = answer.unwrap_or_else(|error| panic!("{length} bytes: {error}"));
            assert!(answer.len() == length && answer.bytes().all(|byte| byte == b'x'));
        }
    }
}

/// Where WebSocket takes another form for the length, and where a buffer ends: the first read of a connection, the reads and
/// writes of both transports.
pub(super) async fn around_every_boundary(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.echo", echo).await.unwrap();
    echoes(&stage, &caller, 0..=2).await;
    for boundary in [126, 1 << 10, 4 << 10] {
        echoes(&stage, &caller, boundary - AROUND..=boundary + 1).await;
    }
    // The next ones cost more: a text around, in which the serializers take turns.
    for boundary in [16 << 10, 64 << 10] {
        let turn = Encoding::ALL.iter().position(|encoding| *encoding == stage.encoding()).unwrap_or(0);
        for less in (8..AROUND - 12).skip(turn).step_by(Encoding::ALL.len()) {
            echoes(&stage, &caller, boundary - less..=boundary - less).await;
        }
    }
    assert!(callee.close_reason().is_none() && caller.close_reason().is_none());
}

/// More than any buffer on the way has room for, each way; and small ones that come right behind.
pub(super) async fn large_and_small_side_by_side(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.echo", echo).await.unwrap();
    let text = "y".repeat(400_000);
    let large = (0..2).map(|_| caller.call("t.echo").args((&text,)).value::<String>());
    let small = (0..50).map(|number| caller.call("t.echo").args((number,)).value::<i64>());
    let (large, small) = (join_all(large.collect::<Vec<_>>()), join_all(small.collect::<Vec<_>>()));
    let (large, small) = stage.within(futures_util::future::join(large, small)).await;
    assert!(large.into_iter().all(|answer| answer.unwrap() == text));
    for (number, answer) in (0_i64..).zip(small) {
        assert_eq!(answer.unwrap(), number);
    }
}

/// The largest message that a router takes, and one byte more. Who knows the limit refuses to send it; who does not (WebSocket
/// has no way to say it) is closed.
pub(super) async fn the_message_limit(kit: Kit) {
    const LIMIT: usize = 1 << 12;
    for transport in kit.transports(&Transport::ALL) {
        for encoding in Encoding::ALL {
            let settings = RouterSettings::on(transport).config(|config| config.limits.message_size = LIMIT);
            let stage = kit.stage_with(transport, encoding, settings).await;
            let (callee, caller) = (stage.client().await, stage.client().await);
            callee.register("t.echo", echo).await.unwrap();
            let knows = !matches!(transport, Transport::Ws | Transport::WsUnix);
            // A YIELD of our echo is smaller than the CALL, so only CALLs are ever too large.
            let mut taken = 0;
            let refused = loop {
                let text = "x".repeat(LIMIT - AROUND + taken);
                match stage.within(caller.call("t.echo").args((&text,)).value::<String>()).await {
                    Ok(answer) => assert_eq!(answer, text),
                    Err(error) => break error,
                }
                taken += 1;
                assert!(taken < AROUND, "over {transport:?} with {encoding}: more than the limit was taken");
            };
            assert!(taken > 0, "over {transport:?} with {encoding}: {refused}");
            if knows {
                assert!(matches!(refused, Error::Misuse(Misuse::TooLarge { .. })), "{refused:?}");
                assert_eq!(stage.within(caller.call("t.echo").args((1,)).value::<i64>()).await.unwrap(), 1);
            } else {
                // The router says why (1009), and so does the error.
                assert!(matches!(refused, Error::Closed(_)), "{refused:?}");
                assert!(refused.to_string().contains("code 1009: "), "{refused}");
            }
            // Nobody else minds.
            assert_eq!(stage.within(callee.call("t.echo").args((1,)).value::<i64>()).await.unwrap(), 1);
        }
    }
}

/// The length that a client announces on a RawSocket is kept to by the router: a larger result becomes an error.
pub(super) async fn a_result_that_the_caller_does_not_take(kit: Kit) {
    for encoding in Encoding::ALL {
        let stage = kit.stage(Transport::Tcp, encoding).await;
        let callee = stage.client().await;
        callee.register("t.huge", |length: usize| async move { Ok("x".repeat(length)) }).await.unwrap();
        let connect = stage.connect().options(|options| options.limits.message_size = 1 << 10);
        let caller = connect.await.unwrap();
        for length in (1 << 10) - AROUND..=(1 << 10) + 1 {
            match stage.within(caller.call("t.huge").args((length,)).value::<String>()).await {
                Ok(text) => assert!(text.len() == length && length < 1 << 10),
                Err(error) => {
                    assert!(length > (1 << 10) - AROUND, "{error}");
                    assert_eq!(error.uri().unwrap(), "wamp.error.payload_size_exceeded", "{error}");
                }
            }
        }
        assert!(caller.close_reason().is_none());
    }
}
