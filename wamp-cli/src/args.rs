//! The command line: what may be said, and the help for it.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use wamp_tokio::proto::{Encoding, Match};

use crate::duration;

/// The version, with the program that says so: other packages install a `wamp`, too.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (wamp-cli, ", env!("CARGO_PKG_REPOSITORY"), ")");

/// What the exit codes mean.
const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  internal error
    2  bad usage or configuration
    3  cannot connect to the router
    5  the router refused the session
    6  not authorized
    7  timeout, or the call was canceled
    8  no such procedure
    9  application error (its URI on stderr; the whole error on stdout with -o json)
   10  somebody broke the protocol
   11  the connection was lost
  130  interrupted (SIGINT)
  143  terminated (SIGTERM)

Only data goes to stdout, everything else to stderr.";

/// A router and clients for WAMP, the Web Application Messaging Protocol.
#[derive(Debug, Parser)]
#[command(name = "wamp", version = VERSION, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    /// What all commands understand.
    #[command(flatten)]
    pub(crate) globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that are accepted before and after the subcommand.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Globals {
    /// Connect to the router at this URL: ws://, tcp:// or rs://, unix://, ws+unix://.
    #[arg(short, long, global = true, env = "WAMP_URL", default_value = "ws://localhost:8080/ws")]
    pub(crate) url: String,

    /// Join this realm; `router run` takes the flag several times and offers them all.
    #[arg(short, long, global = true, env = "WAMP_REALM", default_value = "realm1")]
    pub(crate) realm: Vec<String>,

    /// Speak this serializer only, instead of letting the router choose.
    #[arg(long, global = true, env = "WAMP_SERIALIZER", value_enum)]
    pub(crate) serializer: Option<Serializer>,

    /// Wait at most this long for the router and for each answer: 500ms, 10s, 2m, or a number of seconds [default: 10s].
    #[arg(long, global = true, value_name = "DUR", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,

    /// Print results in this form.
    #[arg(short, long, global = true, env = "WAMP_OUTPUT", value_enum, default_value = "auto")]
    pub(crate) output: Output,

    /// Print nothing on stderr but errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Log what happens on stderr, twice for every detail; RUST_LOG says more precisely what.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// A serializer by its short name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Serializer {
    /// JSON.
    Json,
    /// MessagePack.
    Msgpack,
    /// CBOR.
    Cbor,
}

impl From<Serializer> for Encoding {
    fn from(serializer: Serializer) -> Self {
        match serializer {
            Serializer::Json => Self::Json,
            Serializer::Msgpack => Self::MessagePack,
            Serializer::Cbor => Self::Cbor,
        }
    }
}

/// The form of results on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people on a terminal, one line of JSON for a pipe; a single text is printed as it is.
    Auto,
    /// One JSON document in one line.
    Json,
    /// One JSON document in each line.
    Jsonl,
    /// JSON over several lines.
    Pretty,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a router.
    #[command(subcommand)]
    Router(RouterCommand),
    /// Call a procedure and print its result.
    Call(Call),
    /// Publish an event.
    Publish(Publish),
    /// Subscribe to a topic and print its events, one in each line.
    Subscribe(Subscribe),
    /// Register a procedure and answer its calls.
    Register(Register),
    /// Decode and encode single messages.
    #[command(subcommand)]
    Msg(MsgCommand),
}

/// `wamp router`.
#[derive(Debug, Subcommand)]
pub(crate) enum RouterCommand {
    /// Run a router until SIGINT or SIGTERM; without arguments on port 8080 of this machine, for anybody.
    Run(RouterRun),
}

/// `wamp router run`.
#[derive(Debug, Args)]
pub(crate) struct RouterRun {
    /// Listen here, may be given several times: ws://host:port and tcp://host:port each take WebSocket and RawSocket,
    /// port 0 is any free one; unix:///path; ws+unix:///path.
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080")]
    pub(crate) listen: Vec<String>,

    /// Write the router's URLs to this file, one in each line, once it accepts connections.
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,

    /// Serve at most this many connections at once; more are told so and refused.
    #[arg(long, value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: u32,

    /// Shut down after this time.
    #[arg(long, value_name = "DUR", value_parser = duration::parse)]
    pub(crate) shutdown_after: Option<Duration>,
}

/// The payload of a call or an event, as the command line says it.
#[derive(Debug, Default, Args)]
pub(crate) struct Payload {
    /// Positional arguments: JSON numbers, booleans, null, lists and dicts are what they look like, hex:.. and b64:..
    /// are binary, all else is text.
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    pub(crate) arguments: Vec<String>,

    /// A keyword argument: name=value (typed like ARG), name:=JSON, name=@FILE (text) or name=@@FILE (binary).
    #[arg(short, long = "keyword", value_name = "NAME=VALUE")]
    pub(crate) keywords: Vec<String>,

    /// Take every ARG as text.
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) string: bool,

    /// Take every ARG as JSON, and refuse what is none.
    #[arg(short, long)]
    pub(crate) json: bool,

    /// All positional arguments as one JSON list.
    #[arg(long, value_name = "JSON", conflicts_with = "arguments")]
    pub(crate) args: Option<String>,

    /// Keyword arguments as one JSON dict; -k adds to them.
    #[arg(long, value_name = "JSON")]
    pub(crate) kwargs: Option<String>,

    /// Read {"args": [..], "kwargs": {..}} from this file, - for stdin.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["arguments", "args", "kwargs", "keywords"])]
    pub(crate) payload: Option<PathBuf>,
}

/// `wamp call`.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The procedure.
    pub(crate) uri: String,
    /// Its arguments.
    #[command(flatten)]
    pub(crate) payload: Payload,
}

/// `wamp publish`.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The topic.
    pub(crate) uri: String,
    /// The event.
    #[command(flatten)]
    pub(crate) payload: Payload,
    /// Wait until the router has accepted the event, and print the publication's id.
    #[arg(long)]
    pub(crate) ack: bool,
}

/// `wamp subscribe`.
#[derive(Debug, Args)]
pub(crate) struct Subscribe {
    /// The topic, or the pattern of topics.
    pub(crate) uri: String,
    /// How the URI selects topics.
    #[arg(long = "match", value_name = "POLICY", value_enum, default_value = "exact")]
    pub(crate) policy: MatchPolicy,
    /// End after this many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// End after this time, with exit code 7 when --count is given and not reached.
    #[arg(long, value_name = "DUR", value_parser = duration::parse)]
    pub(crate) duration: Option<Duration>,
}

/// `wamp register`.
#[derive(Debug, Args)]
pub(crate) struct Register {
    /// The procedure, or the pattern of procedures.
    pub(crate) uri: String,
    /// What to answer.
    #[command(flatten)]
    pub(crate) answer: Answer,
    /// How the URI selects procedures.
    #[arg(long = "match", value_name = "POLICY", value_enum, default_value = "exact")]
    pub(crate) policy: MatchPolicy,
    /// End once this many calls are answered.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Run at most this many commands at once with --exec; further calls wait.
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
}

/// What a registered procedure answers.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Answer {
    /// Answer with the arguments of the call.
    #[arg(long)]
    pub(crate) echo: bool,
    /// Answer every call with this JSON value.
    #[arg(long, value_name = "JSON")]
    pub(crate) reply: Option<String>,
    /// Run this shell command for every call: {"args": [..], "kwargs": {..}} on its stdin, the result on its stdout, and
    /// WAMP_PROCEDURE, WAMP_ARGS_JSON and WAMP_KWARGS_JSON in its environment.
    #[arg(long, value_name = "CMD")]
    pub(crate) exec: Option<String>,
}

/// How a URI selects topics or procedures.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum MatchPolicy {
    /// The URI itself.
    Exact,
    /// All that begin with the URI.
    Prefix,
    /// All that are equal where the URI's components are not empty.
    Wildcard,
}

impl From<MatchPolicy> for Match {
    fn from(policy: MatchPolicy) -> Self {
        match policy {
            MatchPolicy::Exact => Self::Exact,
            MatchPolicy::Prefix => Self::Prefix,
            MatchPolicy::Wildcard => Self::Wildcard,
        }
    }
}

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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_its_help() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn global_flags_stand_anywhere() {
        for line in [
            "wamp -r r1 -q call u 1 -2 -k a=1",
            "wamp call -r r1 -q u 1 -2 -k a=1",
            "wamp call u 1 -2 -k a=1 --realm r1 -q",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!((cli.globals.realm, cli.globals.quiet), (vec!["r1".to_owned()], true), "{line}");
            let Command::Call(call) = cli.command else { panic!("{line}") };
            assert_eq!((call.payload.arguments.len(), call.payload.keywords.len()), (2, 1), "{line}");
        }
    }
}
