#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod args;
mod commands;
mod contexts;
mod duration;
mod exit;
mod latency;
mod log;
mod login;
mod output;
mod session;
mod signals;
mod template;
mod value;

use std::{process::ExitCode, time::Duration};

use crate::{
    args::Cli,
    exit::{Code, Failure},
    output::Printer,
    session::Context,
};

fn main() -> ExitCode {
    let (cli, matches) = Cli::read();
    let printer = Printer::new(cli.globals.output);
    match args::refuse_misplaced(&matches).and_then(|()| run(cli, printer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                eprintln!("error: {}", one_line(&failure.message));
            }
            if let Some(error) = &failure.remote {
                // There is an error to report already.
                let _ = printer.error(error);
            }
            failure.status()
        }
    }
}

fn run(mut cli: Cli, printer: Printer) -> Result<(), Failure> {
    if cli.command.is_client() {
        contexts::fill(&mut cli.globals)?;
    }
    if cli.globals.realm.is_empty() && !matches!(cli.command, args::Command::Context(_)) {
        cli.globals.realm.push("realm1".to_owned());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Internal, format!("cannot start the runtime: {error}")))?;
    let context = Context::new(cli.globals, printer);
    let result = runtime.block_on(commands::run(&context, cli.command));
    // The tasks that are left go now, and with them the commands they run; what blocks is of no use to anybody.
    runtime.shutdown_timeout(SHUTDOWN);
    result
}

/// How long tasks may take to go.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// An error is one line, whatever somebody sent.
fn one_line(text: &str) -> String {
    text.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
