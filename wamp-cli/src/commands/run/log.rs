//! The messages of all connections, as they pass the router.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::sync::mpsc::{self, Receiver, Sender};
use wamp_tokio::{
    Observed, Side, Tap,
    proto::{Encoding, Value, codec},
};

use crate::{commands::trace::passed, exit::Failure, output::print, session::Context};

/// Messages that wait to be printed, and bytes of them. The router waits for no terminal: what is more is left out, and the
/// next line says how much that was.
const WAITING: usize = 10_000;
const WAITING_BYTES: usize = 16 << 20;

/// The tap of a router: what it sees waits for the [`Log`].
pub(in crate::commands) struct Tail {
    show: Sender<Line>,
    waiting: Arc<Waiting>,
}

/// What a router has shown, to be printed.
pub(super) struct Log {
    shown: Receiver<Line>,
    waiting: Arc<Waiting>,
    payload: bool,
}

/// What the two have in common.
#[derive(Default)]
struct Waiting {
    bytes: AtomicUsize,
    dropped: AtomicU64,
}

struct Line {
    at: jiff::Timestamp,
    message: Observed,
}

impl Tap for Tail {
    fn observe(&self, message: &Observed) {
        let Waiting { bytes, dropped } = &*self.waiting;
        let size = message.size();
        let fits = bytes.fetch_add(size, Ordering::Relaxed) + size <= WAITING_BYTES;
        let line = || Line { at: jiff::Timestamp::now(), message: message.detached() };
        if !fits || self.show.try_send(line()).is_err() {
            bytes.fetch_sub(size, Ordering::Relaxed);
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Log {
    /// What is to see the messages, and what prints them, with their arguments if `payload`.
    pub(super) fn new(payload: bool) -> (Tail, Self) {
        let (show, shown) = mpsc::channel(WAITING);
        let waiting = Arc::<Waiting>::default();
        (Tail { show, waiting: waiting.clone() }, Self { shown, waiting, payload })
    }

    /// Prints messages; ends only with a failure.
    async fn run(mut self, context: &Context) -> Failure {
        while let Some(line) = self.shown.recv().await {
            self.waiting.bytes.fetch_sub(line.message.size(), Ordering::Relaxed);
            if let Err(failure) = self.print(context, &line) {
                return failure;
            }
        }
        // The router has the other end.
        pending().await
    }

    fn print(&self, context: &Context, Line { at, message }: &Line) -> Result<(), Failure> {
        let dropped = self.waiting.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            context.say(format_args!("{dropped} messages are not shown: they came too fast"));
        }
        let shown =
            if self.payload { message.json().map(|text| (text, false)) } else { message.header_json() };
        if context.printer.is_for_people() {
            print(for_people(*at, message, shown).as_bytes(), true)
        } else {
            context.printer.json().value(for_programs(*at, message, shown))
        }
    }
}

/// Prints messages, if anybody wants to see them.
pub(super) async fn watched(context: &Context, log: Option<Log>) -> Failure {
    match log {
        Some(log) => log.run(context).await,
        None => pending().await,
    }
}

/// The text of a message and whether its payload was cut off; nothing of what is no message.
type Shown = Option<(String, bool)>;

/// `12:34:56.789012 3 -> CALL [48,1,{},"com.example.add"]`: from or to the third connection.
fn for_people(at: jiff::Timestamp, message: &Observed, shown: Shown) -> String {
    let (time, connection) = (at.strftime("%H:%M:%S.%6f"), message.connection());
    let arrow = if message.sender() == Side::Client { "->" } else { "<-" };
    match message.kind().zip(shown) {
        Some((kind, (text, cut))) => {
            let more = if cut { " .." } else { "" };
            format!("{time} {connection} {arrow} {kind} {text}{more}")
        }
        None => format!("{time} {connection} {arrow} {} bytes that are no message", message.size()),
    }
}

fn for_programs(at: jiff::Timestamp, message: &Observed, shown: Shown) -> Value {
    let session = message.session().map_or(Value::Null, |session| session.get().into());
    let mut line = passed(at, message.connection(), message.sender());
    line.insert("session", session);
    match message.kind().zip(shown) {
        Some((kind, (text, cut))) => {
            line.insert("type", kind.name());
            let list = codec::from_slice(Encoding::Json, text.as_bytes());
            line.insert("message", list.unwrap_or(Value::Text(text)));
            line.insert("cut", cut);
        }
        None => {
            line.insert("error", "it is no message");
            line.insert("bytes", message.size());
        }
    }
    Value::Dict(line)
}

#[cfg(test)]
mod tests {
    use wamp_tokio::Router;

    use super::*;

    /// Nobody prints: what waits has a bound, and what is left out is counted.
    #[tokio::test]
    async fn what_waits_is_bounded() {
        let (tail, mut log) = Log::new(true);
        let router = Router::builder().tap(tail).await.unwrap();
        let client = router.connect().await.unwrap();
        for _ in 0..40 {
            client.publish("t.topic").args(("x".repeat(500_000),)).acknowledge().await.unwrap();
        }
        let bytes = log.waiting.bytes.load(Ordering::Relaxed);
        assert!(bytes <= WAITING_BYTES && log.waiting.dropped.load(Ordering::Relaxed) > 0, "{bytes}");
        let mut kept = 0;
        while let Ok(line) = log.shown.try_recv() {
            kept += line.message.size();
        }
        assert_eq!(kept, bytes);
    }
}
