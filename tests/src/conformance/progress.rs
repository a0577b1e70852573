//! Calls whose results, or arguments, come in parts.

use std::time::Duration;

use futures_channel::{mpsc, oneshot};
use futures_util::{SinkExt as _, StreamExt as _};
use wamp_driver::{CallResult, Error, ErrorReply, Invocation, Reply, proto::error::Misuse};

use super::Stage;

/// Counts to the number that it is given, one progressive result each, and answers with their sum.
async fn count(invocation: Invocation) -> Result<Reply, ErrorReply> {
    let (to,): (i64,) = invocation.args()?;
    for number in 1..=to {
        if invocation.receives_progress() {
            invocation.progress((number,)).await?;
        }
    }
    invocation.reply(((1..=to).sum::<i64>(),), ())
}

/// Adds up what it is sent in parts, and tells the sum so far after each.
async fn sum(invocation: Invocation) -> Result<Reply, ErrorReply> {
    let (mut sum,): (i64,) = invocation.args()?;
    let mut parts = invocation.parts();
    while let Some(part) = parts.next().await {
        let part = part?;
        sum += part.args::<(i64,)>()?.0;
        if !part.last {
            invocation.progress((sum,)).await?;
        }
    }
    invocation.reply((sum,), ())
}

fn number(result: Result<CallResult, Error>) -> (bool, i64) {
    let result = result.unwrap();
    (result.details.progress, result.value().unwrap())
}

/// R-50..R-54.
pub(super) async fn results_in_parts(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.count", count).await.unwrap();
    let results = caller.call("t.count").args((100,)).progressive().await.unwrap();
    let results = stage.within(results.map(number).collect::<Vec<_>>()).await;
    let expected = (1..=100).map(|number| (true, number)).chain([(false, 5_050)]).collect::<Vec<_>>();
    assert_eq!(results, expected);
    // Who does not care gets the last one alone, whether or not it is asked for progress.
    let last = caller.call("t.count").args((10,)).progressive().await.unwrap().result();
    assert_eq!(number(stage.within(last).await), (false, 55));
    assert_eq!(caller.call("t.count").args((10,)).value::<i64>().await.unwrap(), 55);
}

/// many calls at once, each with its own.
pub(super) async fn results_of_many_calls(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.count", count).await.unwrap();
    let calls = (0..50).map(|to| {
        let call = caller.call("t.count").args((to,)).progressive();
        async move { (to, call.await.unwrap().map(number).collect::<Vec<_>>().await) }
    });
    for (to, results) in stage.within(futures_util::future::join_all(calls)).await {
        let expected = (1..=to).map(|number| (true, number)).chain([(false, to * (to + 1) / 2)]);
        assert_eq!(results, expected.collect::<Vec<_>>());
    }
}

/// R-30..R-34, in both directions at once.
pub(super) async fn arguments_in_parts(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.sum", sum).await.unwrap();
    let (mut arguments, mut results) = caller.call("t.sum").args((1,)).streaming().await.unwrap();
    for next in 2..=20 {
        arguments.send((next,)).await.unwrap();
        assert_eq!(number(stage.within(results.next()).await.unwrap()), (true, next * (next + 1) / 2));
    }
    arguments.finish((21,)).await.unwrap();
    assert_eq!(number(stage.within(results.next()).await.unwrap()), (false, 231));
    assert!(results.next().await.is_none());
    // The same as a sink.
    callee.register("t.length", length).await.unwrap();
    let (mut arguments, results) = caller.call("t.length").args(("first",)).streaming().await.unwrap();
    let mut texts = futures_util::stream::iter((0..900).map(|number| Ok((number.to_string(),))));
    stage.within(arguments.send_all(&mut texts)).await.unwrap();
    futures_util::SinkExt::<(String,)>::close(&mut arguments).await.unwrap();
    assert_eq!(number(stage.within(results.result()).await), (false, 902));
}

/// How many parts there are.
async fn length(invocation: Invocation) -> Result<Reply, ErrorReply> {
    let parts = 1 + invocation.parts().map(|part| part.map(drop)).collect::<Vec<_>>().await.len();
    invocation.reply((parts,), ())
}

/// the answer may come before the last part; what is sent then says so.
pub(super) async fn an_answer_before_the_last_part(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    callee.register("t.early", || async { Ok("enough") }).await.unwrap();
    let (mut arguments, results) = caller.call("t.early").streaming().await.unwrap();
    let result = stage.within(results.result()).await.unwrap();
    assert_eq!(result.value::<String>().unwrap(), "enough");
    let late = arguments.send((1,)).await;
    assert!(matches!(late, Err(Error::Misuse(Misuse::NoSuchCall(_)))), "{late:?}");
    // The session is as good as ever, at both ends.
    assert_eq!(caller.call("t.early").value::<String>().await.unwrap(), "enough");
}

/// dropping the stream cancels the call; the callee's next part fails.
pub(super) async fn a_stream_that_is_dropped_cancels_its_call(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let (ended, mut ends) = mpsc::unbounded();
    let endless = move |invocation: Invocation| {
        let guard = Guard(ended.clone());
        async move {
            let _guard = guard;
            invocation.progress((1,)).await?;
            std::future::pending::<()>().await;
            invocation.reply((), ())
        }
    };
    callee.register("t.endless", endless).await.unwrap();
    let mut results = caller.call("t.endless").progressive().await.unwrap();
    assert_eq!(number(stage.within(results.next()).await.unwrap()), (true, 1));
    drop(results);
    // The handler is dropped.
    assert!(stage.within(ends.next()).await.is_some());
    stage.settle(|counts| counts.calls == 0).await;
}

/// Tells when it is dropped.
struct Guard(mpsc::UnboundedSender<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.unbounded_send(());
    }
}

/// the caller gives up between two parts; the callee's stream of arguments says so.
pub(super) async fn arguments_that_end_too_early(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let (tell, told) = oneshot::channel();
    let tell = std::sync::Mutex::new(Some(tell));
    // What blocks runs on when the call is canceled, and can see that it was.
    let handler = move |invocation: Invocation| {
        wait(invocation.progress((0,)))?;
        let mut parts = invocation.parts();
        let last = loop {
            match wait(parts.next()) {
                Some(Ok(_)) => {}
                other => break other,
            }
        };
        let canceled = invocation.is_canceled();
        tell.lock().unwrap().take().unwrap().send((last.map(|last| last.map(drop)), canceled)).unwrap();
        invocation.reply((), ())
    };
    callee.register_blocking("t.wait", handler).await.unwrap();
    let (mut arguments, mut results) = caller.call("t.wait").args((1,)).streaming().await.unwrap();
    arguments.send((2,)).await.unwrap();
    // The handler runs, or it would not even start.
    assert_eq!(number(stage.within(results.next()).await.unwrap()), (true, 0));
    drop(results);
    let (last, canceled) = stage.within(told).await.unwrap();
    assert!(matches!(last, Some(Err(Error::Canceled))), "{last:?}");
    assert!(canceled);
}

/// Waits on this thread, as a handler that blocks does.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// R-60..R-63: the time is kept by whoever is first; each part of the result gives as much time again.
pub(super) async fn time_limits(stage: Stage) {
    let (callee, caller) = (stage.client().await, stage.client().await);
    let kit = stage.clone();
    let slow = move |invocation: Invocation| {
        let kit = kit.clone();
        async move {
            for _ in 0..5 {
                kit.sleep(Duration::from_secs(1)).await;
                invocation.progress(()).await?;
            }
            std::future::pending::<Result<(), ErrorReply>>().await
        }
    };
    callee.register("t.slow", slow).await.unwrap();
    // All of them together take longer; one may be three seconds late.
    let limit = Duration::from_secs(4);
    let results = caller.call("t.slow").timeout(limit).progressive().await.unwrap();
    let results = stage.within(results.collect::<Vec<_>>()).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 5, "{results:?}");
    assert!(matches!(results.last(), Some(Err(Error::Timeout))), "{results:?}");
    stage.settle(|counts| counts.calls == 0).await;
}
