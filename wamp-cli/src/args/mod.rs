//! The command line: what may be said, and the help for it.

mod auth;
mod bench;
mod call;
mod conform;
mod context;
mod keygen;
mod login;
mod meta;
mod misplaced;
mod msg;
mod pages;
mod ping;
mod publish;
mod register;
mod router;
mod run;
mod subscribe;
mod tls;
mod trace;

use std::{env, ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    Arg, ArgAction, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    ValueEnum, builder::Resettable,
};
use wamp_tokio::{
    environment,
    proto::{Encoding, Match},
};

use serde::{Deserialize, Serialize};

use crate::duration;

pub(crate) use {
    auth::{AuthCommand, AuthKeygen, AuthScram, AuthSign, AuthVerify, KeyDerivation, Salting},
    bench::{Bench, BenchCommand, BenchConnect, BenchLatency, BenchPubsub, BenchRpc, Pacing},
    call::Call,
    conform::{Conform, ProfileName},
    context::{ContextAdd, ContextCommand},
    keygen::{KeygenCommand, KeygenTls},
    login::{AuthMethod, Login, StoredSecrets},
    meta::{
        ByAuthrole, Lookup, MetaCommand, RegistrationCommand, SessionCommand, SessionQuestion,
        SubscriptionCommand, Tap, Watch, Watched, Why,
    },
    misplaced::refuse_misplaced,
    msg::{MsgCommand, MsgDecode, MsgEncode, MsgValidate},
    pages::{Completion, Man},
    ping::Ping,
    publish::{Audience, Publish},
    register::{Answer, InvokePolicy, Register},
    router::{
        Explain, PasswordMethod, PermissionsCommand, RouterCommand, RouterFile, RouterInit, RouterPasswd,
        RouterRun, Template,
    },
    run::{Dev, RestartPolicy, Run, Services},
    subscribe::{Subscribe, Until},
    tls::Tls,
    trace::Trace,
};

/// The version, with the program that says so: other packages install a `wamp`, too.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (wamp-cli, ", env!("CARGO_PKG_REPOSITORY"), ")");

/// What the exit codes mean.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  internal error
    2  bad usage or configuration
    3  cannot connect to the router
    4  no TLS with the router, or its certificate is not to be trusted
    5  the router refused the session, or did not prove who it is
    6  not authorized
    7  timeout, or the call was canceled
    8  no such procedure
    9  application error (its URI on stderr; the whole error on stdout with -o json)
   10  somebody broke the protocol
   11  the connection was lost
   12  an assertion failed: a limit of bench, a case of conform, a signature
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
    /// Connect to the router at this URL: ws:// or wss://, tcp:// or tcps:// (rs://, rss://), unix://, ws+unix://
    /// [default: ws://localhost:8080/ws].
    #[arg(short, long, global = true, env = environment::URL)]
    pub(crate) url: Option<String>,

    /// Join this realm; `router run` takes the flag several times and offers them all [default: realm1].
    #[arg(short, long, global = true, env = environment::REALM)]
    pub(crate) realm: Vec<String>,

    /// Speak this serializer only, instead of letting the router choose.
    #[arg(long, global = true, env = environment::SERIALIZER, value_enum)]
    pub(crate) serializer: Option<Serializer>,

    /// Wait at most this long for the router and for each answer: 500ms, 10s, 2m, or a number of seconds [default: 10s].
    #[arg(long, global = true, value_name = "DUR", value_parser = duration::parse)]
    pub(crate) timeout: Option<Duration>,

    /// Try to connect this many times, without an end with 0: as the `wamp` of autobahn-python does.
    #[arg(long, global = true, value_name = "N", default_value = "1", hide = true)]
    pub(crate) max_failures: u32,

    /// Print results in this form.
    #[arg(short, long, global = true, env = "WAMP_OUTPUT", value_enum, default_value = "auto")]
    pub(crate) output: Output,

    /// Take the settings of this context that neither flags nor environment say, instead of those of the selected one.
    #[arg(long, global = true, env = "WAMP_CONTEXT", value_name = "NAME")]
    pub(crate) context: Option<String>,

    /// Print nothing on stderr but errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Log what happens on stderr, twice for every detail; RUST_LOG says more precisely what.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// How the log looks [default: text, or what a router's configuration says].
    #[arg(long, global = true, env = "WAMP_LOG_FORMAT", value_name = "FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,

    /// Who one is.
    #[command(flatten)]
    pub(crate) login: Login,

    /// How to speak TLS.
    #[command(flatten)]
    pub(crate) tls: Tls,
}

impl Cli {
    /// What the command line and the environment of this process say, as it is meant and as it was said; says what is
    /// wrong, or what help was asked for, and exits.
    pub(crate) fn read() -> (Self, ArgMatches) {
        // As for programs with `Connect::from_env`, an empty variable is one that is not set.
        let is_empty = |arg: &Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
        let command = Self::command();
        let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg });
        let matches = command.get_matches_from(words(env::args_os()));
        let cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        (cli, matches)
    }

    /// The flag that says the same as a variable, if there is one.
    pub(crate) fn flag_of(variable: &str) -> Option<String> {
        let flag = variable.strip_prefix("WAMP_")?.to_lowercase().replace('_', "-");
        let command = Self::command();
        command.get_arguments().any(|arg| arg.get_long() == Some(&flag)).then(|| format!("--{flag}"))
    }
}

/// The words of the command line, with those of autobahn-python's `wamp` put as ours: `--keyword NAME VALUE`.
pub(crate) fn words(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.into_iter();
    let mut out: Vec<OsString> = Vec::new();
    while let Some(mut word) = words.next() {
        let follows_keyword = out.last().is_some_and(|before| before == "--keyword");
        if follows_keyword && !word.to_string_lossy().contains('=') {
            if let Some(value) = words.next() {
                word.push("=");
                word.push(value);
            }
        }
        out.push(word);
    }
    out
}

impl Globals {
    /// The router to connect to.
    pub(crate) fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(environment::DEFAULT_URL)
    }
}

/// A serializer by its short name.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
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
    /// The bytes of a single text or binary value, without a newline; anything else as JSON.
    Raw,
    /// For `conform`: XML as CI systems know it from JUnit.
    Junit,
}

/// How the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON document in each line, for programs.
    Json,
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
    /// Run programs that serve at a router, and commands for procedures and topics: again when they fail, and all until
    /// Ctrl-C.
    Run(Run),
    /// Run a router for everybody on this machine, and programs, and print all messages.
    Dev(Dev),
    /// Ask the router who and what is there, and watch it change.
    #[command(subcommand)]
    Meta(MetaCommand),
    /// Find out whether a router answers, and how fast; the exit code says what is wrong.
    Ping(Ping),
    /// Measure how fast a router is.
    Bench(Bench),
    /// Print all messages that pass through a proxy, as JSON.
    Trace(Trace),
    /// Put a router to the cases that any router must pass.
    Conform(Conform),
    /// Decode, encode and check single messages.
    #[command(subcommand)]
    Msg(MsgCommand),
    /// Make keys and what routers keep of secrets; sign and verify challenges.
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Make certificates for tests.
    #[command(subcommand)]
    Keygen(KeygenCommand),
    /// Keep settings under names: which router, which realm, who one is.
    #[command(subcommand)]
    Context(ContextCommand),
    /// Print the script with which a shell completes commands and flags.
    Completion(Completion),
    /// Print a page of the manual, or write all of them.
    Man(Man),
    /// Print which program this is.
    Version,
    /// Print what the exit codes mean.
    #[command(after_help = EXIT_CODES)]
    ExitCodes,
}

impl Command {
    /// It joins a realm, and wants to know which: a context says that.
    pub(crate) fn is_client(&self) -> bool {
        matches!(
            self,
            Self::Call(_)
                | Self::Publish(_)
                | Self::Subscribe(_)
                | Self::Register(_)
                | Self::Run(_)
                | Self::Meta(_)
                | Self::Ping(_)
                | Self::Bench(_)
                | Self::Trace(_)
                | Self::Conform(_)
        )
    }
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

/// How a URI selects topics or procedures.
#[derive(Clone, Copy, Debug, Default, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MatchPolicy {
    /// The URI itself.
    #[default]
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

/// An id, from 1 to 2^53.
fn id<Id: TryFrom<u64, Error: std::fmt::Display>>(text: &str) -> Result<Id, String> {
    let number = text.parse::<u64>().map_err(|_| "an id is a number".to_owned())?;
    Id::try_from(number).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use wamp_tokio::environment::Environment;

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
    fn variables_mean_what_they_mean_to_every_program() {
        fn names<T: ValueEnum + Clone>(value: &T) -> Vec<String> {
            let value = value.to_possible_value().unwrap();
            value.get_name_and_aliases().map(str::to_owned).collect()
        }
        let read = |set: &str, text: &str| Environment::of(|name| (name == set).then(|| text.into()));
        for serializer in Serializer::value_variants() {
            for name in names(serializer) {
                let read = read(environment::SERIALIZER, &name).unwrap();
                assert_eq!(read.serializer, Some((*serializer).into()), "{name}");
            }
        }
        for method in AuthMethod::value_variants() {
            for name in names(method) {
                assert_eq!(
                    read(environment::AUTHMETHOD, &name).unwrap().methods,
                    [(*method).into()],
                    "{name}"
                );
            }
        }
    }

    /// Clap takes two flags of one id for one, and says nothing: `wamp meta session kill-authid joe` once joined as joe.
    #[test]
    fn no_flag_of_a_command_is_taken_for_a_global_one() {
        fn check(command: &clap::Command, globals: &[&clap::Id]) {
            for argument in command.get_arguments() {
                let (command, id) = (command.get_name(), argument.get_id());
                assert!(!globals.contains(&id), "{command} {id}");
            }
            command.get_subcommands().for_each(|command| check(command, globals));
        }
        let cli = Cli::command();
        let globals: Vec<_> = cli.get_arguments().map(Arg::get_id).collect();
        assert!(globals.len() > 20);
        cli.get_subcommands().for_each(|command| check(command, &globals));
    }

    #[test]
    fn words_of_autobahn() {
        let put = |line: &str| {
            let words = words(line.split(' ').map(OsString::from));
            words.join(std::ffi::OsStr::new(" ")).into_string().unwrap()
        };
        for (said, meant) in [
            ("wamp call u --keyword a 1 --keyword b x=y", "wamp call u --keyword a=1 --keyword b=x=y"),
            ("wamp call u --keyword a=1 2", "wamp call u --keyword a=1 2"),
            ("wamp call u --keyword a", "wamp call u --keyword a"),
        ] {
            assert_eq!(put(said), meant);
        }
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
