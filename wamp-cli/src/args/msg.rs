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
