//! `wamp msg validate`.

use std::path::Path;

use bytes::Bytes;
use wamp_tokio::proto::{Dict, Encoding, Value, error::Violation};

use super::msg;
use crate::{
    args::MsgValidate,
    exit::{Code, Failure},
    session::Context,
    value,
};

/// Checks messages; prints one line for each.
pub(crate) fn run(context: &Context, arguments: &MsgValidate) -> Result<(), Failure> {
    let encoding = context.globals.serializer.map_or(Encoding::Json, Encoding::from);
    let (mut messages, mut invalid) = (0_u64, 0_u64);
    for text in texts(arguments)? {
        messages += 1;
        let checked = msg::parse(encoding, frame(encoding, arguments, messages, &text)?);
        invalid += u64::from(checked.is_err());
        let mut line =
            Dict::from_iter([("message", Value::from(messages)), ("valid", Value::from(checked.is_ok()))]);
        match checked {
            Ok(message) => drop(line.insert("type", Value::from(message.kind().name()))),
            Err(violation) => describe(&violation, &mut line),
        }
        context.printer.lines().value(Value::Dict(line))?;
    }
    match (messages, invalid) {
        (0, _) => Err(Failure::usage("there is no message to check")),
        (_, 0) => Ok(()),
        _ => Err(Failure::new(Code::Protocol, format!("{invalid} of {messages} messages are invalid"))),
    }
}

/// The messages as they stand, one by one.
fn texts(arguments: &MsgValidate) -> Result<Vec<String>, Failure> {
    let path = match (arguments.messages.as_slice(), &arguments.file) {
        (_, Some(path)) => path,
        ([], None) => Path::new("-"),
        ([only], None) if only == "-" => Path::new("-"),
        (messages, None) => return Ok(messages.to_vec()),
    };
    let lines = value::text_of(path)?;
    Ok(lines.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

/// The bytes of a message.
fn frame(encoding: Encoding, arguments: &MsgValidate, number: u64, text: &str) -> Result<Bytes, Failure> {
    let wrong = |what: &str| Failure::usage(format!("message {number} is no {what}"));
    let bytes = if arguments.hex {
        value::hex(text).ok_or_else(|| wrong("hexadecimal digits"))?
    } else if arguments.base64 {
        value::base64(text).ok_or_else(|| wrong("Base64"))?
    } else if encoding.is_text() {
        text.trim().as_bytes().to_vec()
    } else {
        let guess = value::hex(text).or_else(|| value::base64(text));
        guess.ok_or_else(|| wrong("hexadecimal digits or Base64, as binary serializers need"))?
    };
    Ok(bytes.into())
}

/// What is wrong with a message, and where.
fn describe(violation: &Violation, line: &mut Dict) {
    line.insert("fault", Value::from(violation.to_string()));
    let (message, field) = match violation {
        Violation::Element { message, index, .. } => (Some(message), Some(Value::from(*index))),
        Violation::Attribute { message, attribute, .. } => {
            (Some(message), Some(Value::from(attribute.as_str())))
        }
        Violation::Arity { message, .. } | Violation::NoRoles { message } => (Some(message), None),
        Violation::NoCode | Violation::UnknownCode(_) => (None, Some(Value::from(0))),
        _ => (None, None),
    };
    if let Some(message) = message {
        line.insert("type", Value::from(message.name()));
    }
    if let Some(field) = field {
        line.insert("field", field);
    }
}
