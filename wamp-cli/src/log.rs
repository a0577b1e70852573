//! The log, on stderr.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use wamp_tokio::config::{self, LogEntry};

use crate::args::{Globals, LogFormat};

/// Starts the log. RUST_LOG says what is in it, or else -q and -v, or else a router's configuration; how it looks, the flag
/// says before the configuration.
pub(crate) fn start(globals: &Globals, file: Option<&LogEntry>) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level(globals, file)));
    // Below this it logs every frame as it is, and with them the tickets. What is said
    // to people is in the log whatever its level: with -q nothing is said.
    let directives = ["tungstenite=warn", "wamp::said=info"].into_iter().filter_map(|text| text.parse().ok());
    let filter = directives.fold(filter, EnvFilter::add_directive);
    let colours = std::env::var_os("NO_COLOR").is_none_or(|wish| wish.is_empty());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(colours && std::io::stderr().is_terminal());
    if is_json(globals, file) { log.json().init() } else { log.with_target(false).init() }
}

fn level(globals: &Globals, file: Option<&LogEntry>) -> &'static str {
    let of_file = file.and_then(|log| log.level).map(config::LevelName::as_str);
    match (globals.quiet, globals.verbose) {
        (true, _) => "error",
        (false, 0) => of_file.unwrap_or("warn"),
        (false, 1) => "debug",
        (false, _) => "trace",
    }
}

/// Says something to people who read the log by a program.
pub(crate) fn say(text: impl std::fmt::Display) {
    tracing::info!(target: "wamp::said", "{text}");
}

/// Whether the log is for programs.
pub(crate) fn is_json(globals: &Globals, file: Option<&LogEntry>) -> bool {
    match globals.log_format {
        Some(format) => format == LogFormat::Json,
        None => file.and_then(|log| log.format) == Some(config::LogFormat::Json),
    }
}
