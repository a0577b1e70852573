//! The flags of `wamp msg`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `wamp msg`.
#[derive(Debug, Subcommand)]
pub(crate) enum MsgCommand {
    /// Print a serialized message as its JSON list, and say when it is no valid WAMP message.
    Decode(MsgDecode),
    /// Serialize a message that is given as its JSON list.
    Encode(MsgEncode),
    /// Check messages, and say of each what is wrong with it and where.
    Validate(MsgValidate),
}

/// `wamp msg decode`.
#[derive(Debug, Args)]
#[group(id = "input", required = true, multiple = false, args = ["hex", "base64", "file", "stdin"])]
pub(crate) struct MsgDecode {
    /// The message in hexadecimal digits; white space is ignored.
    #[arg(long)]
    pub(crate) hex: Option<String>,
    /// The message in Base64.
    #[arg(long)]
    pub(crate) base64: Option<String>,
    /// The file that holds the message.
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// A single `-` reads the message from stdin.
    #[arg(value_name = "-", value_parser = ["-"])]
    pub(crate) stdin: Option<String>,
}

/// `wamp msg encode`.
#[derive(Debug, Args)]
pub(crate) struct MsgEncode {
    /// The message as a JSON list, - for stdin; text that starts with \u0000 is the Base64 of a binary value.
    pub(crate) json: String,
    /// Print hexadecimal digits, which is the default.
    #[arg(long, conflicts_with_all = ["base64", "raw"])]
    pub(crate) hex: bool,
    /// Print Base64.
    #[arg(long, conflicts_with = "raw")]
    pub(crate) base64: bool,
    /// Print the bytes themselves.
    #[arg(long)]
    pub(crate) raw: bool,
}

/// `wamp msg validate`.
#[derive(Debug, Args)]
pub(crate) struct MsgValidate {
    /// Messages: JSON lists, or with --serializer msgpack or cbor hexadecimal digits or Base64; - reads one from each line of
    /// stdin, which is the default.
    #[arg(value_name = "MESSAGE")]
    pub(crate) messages: Vec<String>,
    /// Read one from each line of this file.
    #[arg(long, conflicts_with = "messages")]
    pub(crate) file: Option<PathBuf>,
    /// Take all as hexadecimal digits.
    #[arg(long, conflicts_with = "base64")]
    pub(crate) hex: bool,
    /// Take all as Base64.
    #[arg(long)]
    pub(crate) base64: bool,
}
