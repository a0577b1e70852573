//! The messages of all connections, as they pass the router.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::mpsc::{self, Receiver};
use wamp_tokio::{
    Observed, RouterBuilder, Side,
    proto::{Dict, Encoding, Value, codec},
};

use crate::{exit::Failure, output::print, session::Context};

/// Messages that wait to be printed. The router waits for no terminal: what is more is left out, and the next line says how
/// much that was.
const WAITING: usize = 10_000;

/// What a router has shown, to be printed.
pub(in crate::commands) struct Log {
    shown: Receiver<Line>,
    dropped: Arc<AtomicU64>,
    payload: bool,
}

struct Line {
    at: jiff::Timestamp,
    message: Observed,
}

impl Log {
    /// Sees all that a router will do, from the first HELLO on; with the arguments of the messages if `payload`.
    pub(in crate::commands) fn tap(router: RouterBuilder, payload: bool) -> (RouterBuilder, Self) {
        let (show, shown) = mpsc::channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let missed = dropped.clone();
        let router = router.tap(move |message: &Observed| {
            let line = Line { at: jiff::Timestamp::now(), message: message.clone() };
            if show.try_send(line).is_err() {
                missed.fetch_add(1, Ordering::Relaxed);
            }
        });
        (router, Self { shown, dropped, payload })
    }

    /// Prints messages; ends only with a failure.
    async fn run(mut self, context: &Context) -> Failure {
        while let Some(line) = self.shown.recv().await {
            if let Err(failure) = self.print(context, &line) {
                return failure;
            }
        }
        // The router has the other end.
        pending().await
    }

    fn print(&self, context: &Context, Line { at, message }: &Line) -> Result<(), Failure> {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
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
    let mut line = Dict::from_iter([
        ("time", Value::from(at.to_string())),
        ("connection", message.connection().into()),
        ("session", session),
        ("from", message.sender().as_str().into()),
    ]);
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
