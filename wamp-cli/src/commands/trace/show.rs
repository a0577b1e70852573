//! Messages as people see them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use tokio::sync::Notify;
use wamp_tokio::{
    Side,
    proto::{
        Dict, Encoding, Value, codec,
        message::{Message, MessageKind},
    },
};

use super::tap::Found;
use crate::{commands::msg, exit::Failure, output::Printer, value::to_hex};

/// What all connections share.
pub(super) struct Watch {
    printer: Printer,
    secrets: bool,
    count: Option<u64>,
    seen: AtomicU64,
    enough: Notify,
}

impl Watch {
    pub(super) fn new(printer: Printer, secrets: bool, count: Option<u64>) -> Self {
        Self { printer, secrets, count, seen: AtomicU64::new(0), enough: Notify::new() }
    }

    /// Waits until all that was asked for is printed.
    pub(super) async fn enough(&self) {
        self.enough.notified().await;
    }
}

/// What is printed of one connection.
pub(super) struct Show {
    watch: Arc<Watch>,
    connection: u64,
    encoding: Encoding,
}

impl Show {
    pub(super) fn new(watch: Arc<Watch>, connection: u64) -> Self {
        Self { watch, connection, encoding: Encoding::Json }
    }

    /// The same, for messages in this serializer.
    pub(super) fn speaking(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    /// Prints what is wrong with a connection.
    pub(super) fn flag(&self, side: Side, why: &str) -> Result<(), Failure> {
        self.line(side, [("error", Value::from(why))])
    }

    /// Prints a message, and what is wrong with it.
    pub(super) fn message(&self, side: Side, message: Found) -> Result<(), Failure> {
        let watch = &self.watch;
        let number = watch.seen.fetch_add(1, Ordering::Relaxed) + 1;
        if watch.count.is_some_and(|count| number > count) {
            return Ok(());
        }
        match message {
            Ok(frame) => self.line(side, described(self.encoding, &frame, watch.secrets))?,
            Err(why) => self.flag(side, &why)?,
        }
        if watch.count == Some(number) {
            watch.enough.notify_one();
        }
        Ok(())
    }

    fn line(
        &self,
        side: Side,
        about: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<(), Failure> {
        let mut line = passed(jiff::Timestamp::now(), self.connection, side);
        for (name, value) in about {
            line.insert(name, value);
        }
        self.watch.printer.value(Value::Dict(line))
    }
}

/// How each line about something that has passed begins.
pub(in crate::commands) fn passed(at: jiff::Timestamp, connection: u64, from: Side) -> Dict {
    Dict::from_iter([
        ("time", Value::from(at.to_string())),
        ("connection", Value::from(connection)),
        ("from", Value::from(from.as_str())),
    ])
}

/// What there is to say of a message.
fn described(encoding: Encoding, frame: &Bytes, secrets: bool) -> Vec<(&'static str, Value)> {
    let parsed = msg::parse(encoding, frame.clone());
    let list = codec::from_slice::<Vec<Value>>(encoding, frame).ok();
    let mut about = Vec::new();
    match &parsed {
        Ok(message) => about.push(("type", Value::from(message.kind().name()))),
        Err(violation) => about.push(("error", Value::from(violation.to_string()))),
    }
    match list {
        Some(list) if secrets => about.push(("message", Value::List(list))),
        // Of a message that is none, nobody knows where its secrets are.
        Some(list) => match parsed {
            Ok(message) if message.kind().may_hold_secrets() => {
                about.push(("message", without_secrets(message)));
            }
            Err(_) if !is_harmless(list.first()) => about.push(("bytes", Value::from(frame.len()))),
            _ => about.push(("message", Value::List(list))),
        },
        None if secrets => about.push(("hex", Value::from(to_hex(frame)))),
        None => about.push(("bytes", Value::from(frame.len()))),
    }
    about
}

/// A code of a message that carries no secret.
fn is_harmless(code: Option<&Value>) -> bool {
    let known = |code: &u64| MessageKind::from_code(*code).is_some_and(|kind| !kind.may_hold_secrets());
    matches!(code, Some(Value::Unsigned(code)) if known(code))
}

fn without_secrets(message: Message) -> Value {
    let json = message.without_secrets().encode(Encoding::Json).ok();
    json.and_then(|json| codec::from_slice(Encoding::Json, &json).ok()).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: &'static str, secrets: bool) -> String {
        let about = described(Encoding::Json, &Bytes::from_static(json.as_bytes()), secrets);
        Value::Dict(Dict::from_iter(about)).to_string()
    }

    #[test]
    fn messages_and_faults() {
        for (json, printed) in [
            ("[50,1,{},[2]]", r#"{"type":"RESULT","message":[50,1,{},[2]]}"#),
            ("[50,1]", r#"{"error":"RESULT must have 3 to 5 elements, found 2","message":[50,1]}"#),
            ("[50", r#""bytes":3}"#),
        ] {
            assert!(line(json, false).ends_with(printed), "{}", line(json, false));
        }
    }

    #[test]
    fn secrets_are_hidden() {
        let shown = line(r#"[5,"open sesame",{"a":1}]"#, false);
        assert_eq!(shown, r#"{"type":"AUTHENTICATE","message":[5,"(hidden)",{}]}"#);
        for json in [
            r#"[1,"realm1",{"roles":{"caller":{}},"authextra":{"token":"open sesame"}}]"#,
            r#"[2,1,{"roles":{},"authextra":{"token":"open sesame"}}]"#,
            r#"[4,"wampcra",{"challenge":"open sesame"}]"#,
        ] {
            assert!(line(json, false).contains("(hidden)"), "{}", line(json, false));
            assert!(!line(json, false).contains("sesame"), "{}", line(json, false));
        }
        // However it is broken.
        for json in [
            r#"[5,"open sesame"]"#,
            r#"[5,{},"open sesame"]"#,
            r#"[5.0,"open sesame",{}]"#,
            r#"["open sesame"]"#,
            r#"[999,"open sesame"]"#,
            r#"[5,"open sesame",{}"#,
            r#"[1,"realm1",{"roles":{"caller":{}},"authextra":"open sesame"}]"#,
        ] {
            assert!(!line(json, false).contains("sesame"), "{}", line(json, false));
        }
        for json in [r#"[5,"open sesame",{}]"#, r#"[5,"open sesame"]"#] {
            assert!(line(json, true).contains("sesame"), "{}", line(json, true));
        }
    }
}
