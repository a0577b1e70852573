//! `wamp msg`.

use std::path::Path;

use bytes::Bytes;
use wamp_tokio::proto::{
    Encoding, Limits,
    codec::{DecodeError, Kind, Reader, transcode},
    error::Violation,
    message::Message,
};

use crate::{
    args::{MsgDecode, MsgEncode},
    exit::{Code, Failure},
    output::print,
    session::Context,
    value,
};

/// Prints a serialized message as its JSON list.
pub(crate) fn decode(context: &Context, arguments: &MsgDecode) -> Result<(), Failure> {
    let encoding = encoding(context)?;
    let frame = input(arguments)?;
    let json = convert(encoding, &frame, Encoding::Json).map_err(|error| {
        Failure::new(Code::Protocol, format!("the message is not one well-formed list: {error}"))
    })?;
    print(&json, true)?;
    check(encoding, frame)
}

/// Serializes a message that is given as its JSON list.
pub(crate) fn encode(context: &Context, arguments: &MsgEncode) -> Result<(), Failure> {
    let encoding = encoding(context)?;
    let json = match arguments.json.as_str() {
        "-" => value::bytes_of(Path::new("-"))?,
        json => json.as_bytes().to_vec(),
    };
    let frame = convert(Encoding::Json, &json, encoding)
        .map_err(|error| Failure::usage(format!("the message must be one JSON list: {error}")))?;
    if arguments.raw {
        print(&frame, false)?;
    } else if arguments.base64 {
        print(value::to_base64(&frame).as_bytes(), true)?;
    } else {
        print(value::to_hex(&frame).as_bytes(), true)?;
    }
    check(encoding, frame)
}

fn encoding(context: &Context) -> Result<Encoding, Failure> {
    let serializer = context.globals.serializer;
    serializer
        .map(Encoding::from)
        .ok_or_else(|| Failure::usage("say which one: --serializer json, msgpack or cbor"))
}

fn input(arguments: &MsgDecode) -> Result<Vec<u8>, Failure> {
    if let Some(digits) = &arguments.hex {
        return value::hex(digits).ok_or_else(|| Failure::usage("--hex must be pairs of hexadecimal digits"));
    }
    if let Some(text) = &arguments.base64 {
        return value::base64(text).ok_or_else(|| Failure::usage("--base64 must be Base64"));
    }
    value::bytes_of(arguments.file.as_deref().unwrap_or(Path::new("-")))
}

/// One list, and nothing else, from one serializer to the shortest form of another.
fn convert(from: Encoding, frame: &[u8], to: Encoding) -> Result<Vec<u8>, DecodeError> {
    // White space around a message is fine in JSON.
    let frame = if from.is_text() { frame.trim_ascii() } else { frame };
    let mut reader = Reader::new(from, frame);
    if reader.peek()? != Kind::List {
        return Err(DecodeError::Type { expected: "a list", found: "something else" });
    }
    reader.skip()?;
    if reader.position() < frame.len() {
        return Err(DecodeError::Trailing { at: reader.position() });
    }
    // To its own serializer a message is only copied, and would keep its white space.
    let between = if from == Encoding::Cbor { Encoding::MessagePack } else { Encoding::Cbor };
    transcode(between, &transcode(from, frame, between)?, to)
}

/// Says what is wrong with a message as a message.
fn check(encoding: Encoding, frame: Vec<u8>) -> Result<(), Failure> {
    let parsed = parse(encoding, frame.into());
    let wrong = |violation| format!("this is no valid WAMP message: {violation}");
    parsed.map(drop).map_err(|violation| Failure::new(Code::Protocol, wrong(violation)))
}

/// Reads a message of any size.
pub(super) fn parse(encoding: Encoding, frame: Bytes) -> Result<Message, Violation> {
    Message::decode(encoding, &frame, &Limits::loosest())
}
