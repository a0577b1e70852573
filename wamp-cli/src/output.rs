//! Results on stdout: nothing but data.

use std::io::{self, IsTerminal as _, Write as _};

use wamp_tokio::{
    Event,
    proto::{Dict, Encoding, Payload, Value, codec, error::RemoteError, message},
};

use crate::{
    args::Output,
    exit::{Code, Failure},
    template::Template,
    value::to_base64,
};

/// How to print.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    output: Output,
    terminal: bool,
}

impl Printer {
    /// A printer for stdout as it is.
    pub(crate) fn new(output: Output) -> Self {
        Self { output, terminal: io::stdout().is_terminal() }
    }

    /// Whether it is people who read it.
    pub(crate) fn is_for_people(self) -> bool {
        self.output == Output::Pretty || self.output == Output::Auto && self.terminal
    }

    /// Whether a report is to be XML.
    pub(crate) fn is_junit(self) -> bool {
        self.output == Output::Junit
    }

    /// One that prints a line for each value, also on a terminal, unless somebody asked for more.
    pub(crate) fn lines(self) -> Self {
        if self.output == Output::Auto { self.json() } else { self }
    }

    /// One that prints JSON in one line.
    pub(crate) fn json(self) -> Self {
        Self { output: Output::Json, ..self }
    }

    /// Prints a result.
    pub(crate) fn result(self, payload: &Payload) -> Result<(), Failure> {
        self.value(result(payload)?)
    }

    /// Prints a value of our own.
    pub(crate) fn value(self, value: Value) -> Result<(), Failure> {
        match (self.output, &value) {
            (Output::Raw, Value::Text(text)) => print(text.as_bytes(), false),
            (Output::Raw, Value::Bytes(bytes)) => print(bytes, false),
            _ => print(self.render(value).as_bytes(), true),
        }
    }

    /// Prints an event in one line, or in several for people.
    pub(crate) fn event(self, event: &Event) -> Result<(), Failure> {
        print(self.render(described(event)?).as_bytes(), true)
    }

    /// Prints an event as a template has it.
    pub(crate) fn formatted(self, template: &Template, event: &Event) -> Result<(), Failure> {
        let text = template.fill(&printable(described(event)?));
        let text = if self.terminal { text.replace(is_control, "\u{FFFD}") } else { text };
        print(text.as_bytes(), true)
    }

    /// Prints an error for programs, when the output is for programs.
    pub(crate) fn error(self, error: &RemoteError) -> Result<(), Failure> {
        if !matches!(self.output, Output::Json | Output::Jsonl) {
            return Ok(());
        }
        self.value(Value::Dict(Dict::from_iter([
            ("error", Value::from(error.error.as_str())),
            ("args", list(&error.payload)?),
            ("kwargs", dict(&error.payload)?),
        ])))
    }

    fn render(self, value: Value) -> String {
        match (self.output, printable(value)) {
            // A terminal must not be told to do things by what somebody sent.
            (Output::Auto, Value::Text(text)) if !(self.terminal && text.contains(is_control)) => text,
            (Output::Pretty, value) => pretty(&value),
            (Output::Auto, value) if self.terminal => pretty(&value),
            (_, value) => value.to_string(),
        }
    }
}

/// An event with all that there is to say of it.
fn described(event: &Event) -> Result<Value, Failure> {
    Ok(Value::Dict(Dict::from_iter([
        ("subscription", Value::from(event.subscription.get())),
        ("publication", Value::from(event.publication.get())),
        ("topic", Value::from(event.topic.as_str())),
        ("args", list(&event.payload)?),
        ("kwargs", dict(&event.payload)?),
        ("details", Value::Dict(details(event)?)),
    ])))
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// Writes bytes, or a line, to stdout at once. A reader that has gone away ends the program without a word.
pub(crate) fn print(bytes: &[u8], line: bool) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let end: &[u8] = if line { b"\n" } else { b"" };
    let written = stdout.write_all(bytes).and_then(|()| stdout.write_all(end)).and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new(Code::Done, ""),
        _ => Failure::new(Code::Internal, format!("cannot write to stdout: {error}")),
    })
}

/// The one value of a payload, or all of it as `{"args": [..], "kwargs": {..}}`.
pub(crate) fn result(payload: &Payload) -> Result<Value, Failure> {
    let mut args = payload.list().map_err(unreadable)?;
    if args.len() <= 1 && payload.dict().map_err(unreadable)?.is_empty() {
        return Ok(args.pop().unwrap_or(Value::Null));
    }
    whole(payload)
}

/// A payload as `{"args": [..], "kwargs": {..}}`.
pub(crate) fn whole(payload: &Payload) -> Result<Value, Failure> {
    Ok(Value::Dict(Dict::from_iter([("args", list(payload)?), ("kwargs", dict(payload)?)])))
}

/// The positional arguments.
pub(crate) fn list(payload: &Payload) -> Result<Value, Failure> {
    payload.list().map(Value::List).map_err(unreadable)
}

/// The keyword arguments.
pub(crate) fn dict(payload: &Payload) -> Result<Value, Failure> {
    payload.dict().map(Value::Dict).map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Protocol, format!("the payload cannot be read: {error}"))
}

/// The details of an event as they stand in the message.
fn details(event: &Event) -> Result<Dict, Failure> {
    let message = message::Event {
        subscription: event.subscription,
        publication: event.publication,
        details: event.details.clone(),
        payload: Payload::empty(),
    };
    let frame = message.encode(Encoding::MessagePack).map_err(unreadable)?;
    let elements: Vec<Value> = codec::from_slice(Encoding::MessagePack, &frame).map_err(unreadable)?;
    match elements.into_iter().nth(3) {
        Some(Value::Dict(details)) => Ok(details),
        _ => Ok(Dict::new()),
    }
}

/// A value that has a JSON form for people: binary values as `b64:` text, which arguments take back. A text that starts
/// with U+0000 cannot come from a peer.
pub(crate) fn printable(value: Value) -> Value {
    match value {
        Value::Bytes(bytes) => Value::Text(format!("b64:{}", to_base64(&bytes))),
        Value::List(items) => Value::List(items.into_iter().map(printable).collect()),
        Value::Dict(items) => {
            Value::Dict(items.into_iter().map(|(key, value)| (key, printable(value))).collect())
        }
        value => value,
    }
}

/// JSON over several lines, indented by two spaces.
fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write_pretty(value, 0, &mut out);
    out
}

fn write_pretty(value: &Value, indent: usize, out: &mut String) {
    let newline = |out: &mut String, indent: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", indent));
    };
    match value {
        Value::List(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                newline(out, indent + 1);
                write_pretty(item, indent + 1, out);
            }
            newline(out, indent);
            out.push(']');
        }
        Value::Dict(items) if !items.is_empty() => {
            out.push('{');
            for (at, (key, item)) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                newline(out, indent + 1);
                out.push_str(&Value::from(key).to_string());
                out.push_str(": ");
                write_pretty(item, indent + 1, out);
            }
            newline(out, indent);
            out.push('}');
        }
        value => out.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn render(output: Output, terminal: bool, value: &str) -> String {
        Printer { output, terminal }.render(json(value).unwrap())
    }

    #[test]
    fn forms() {
        for (output, terminal, value, printed) in [
            (Output::Auto, false, "\"a b\"", "a b"),
            (Output::Auto, true, "\"a b\"", "a b"),
            (Output::Auto, true, "\"\\u001b[2J\"", "\"\\u001b[2J\""),
            (Output::Json, false, "\"a b\"", "\"a b\""),
            (Output::Pretty, false, "\"a b\"", "\"a b\""),
            (Output::Auto, false, "[1, {\"a\": 2}]", "[1,{\"a\":2}]"),
            (Output::Auto, true, "[1,{}]", "[\n  1,\n  {}\n]"),
            (
                Output::Pretty,
                false,
                "{\"a\":[],\"b\":{\"c\":1}}",
                "{\n  \"a\": [],\n  \"b\": {\n    \"c\": 1\n  }\n}",
            ),
            (Output::Json, false, "[\"\\u0000AQI=\"]", "[\"b64:AQI=\"]"),
            (Output::Auto, false, "\"\\u0000AQI=\"", "b64:AQI="),
            (Output::Jsonl, true, "[1]", "[1]"),
        ] {
            assert_eq!(render(output, terminal, value), printed, "{output:?} {value}");
        }
    }

    #[test]
    fn one_value_or_all_of_it() {
        let payload = |args: &str, kwargs: &str| {
            Payload::new(Encoding::Json, &json(args).unwrap(), &json(kwargs).unwrap()).unwrap()
        };
        for (args, kwargs, printed) in [
            ("[]", "{}", "null"),
            ("[5]", "{}", "5"),
            ("[[5, 6]]", "{}", "[5,6]"),
            ("[5, 6]", "{}", "{\"args\":[5,6],\"kwargs\":{}}"),
            ("[5]", "{\"a\": 1}", "{\"args\":[5],\"kwargs\":{\"a\":1}}"),
            ("[]", "{\"a\": 1}", "{\"args\":[],\"kwargs\":{\"a\":1}}"),
        ] {
            assert_eq!(result(&payload(args, kwargs)).unwrap().to_string(), printed);
        }
    }
}
