//! `wamp completion`, `wamp man` and `wamp version`: what the command line says of itself.

use clap::{CommandFactory as _, builder::Command};
use wamp_tokio::proto::{Dict, Value};

use crate::{
    args::{Cli, Completion, Man, Output},
    exit::{Code, Failure},
    output::print,
    session::Context,
};

/// Prints the script that completes commands and flags.
pub(crate) fn completion(arguments: &Completion) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "wamp", &mut script);
    print(&script, false)
}

/// Prints a manual page, or writes all of them.
pub(crate) fn man(arguments: &Man) -> Result<(), Failure> {
    let mut cli = Cli::command();
    if let Some(directory) = &arguments.directory {
        let written =
            std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(cli, directory));
        return written
            .map_err(|error| Failure::usage(format!("cannot write to {}: {error}", directory.display())));
    }
    cli.build();
    let command = arguments.command.iter().try_fold(&cli, |command, name| {
        let sub = command.find_subcommand(name);
        sub.ok_or_else(|| Failure::usage(format!("there is no command `{name}` in `{}`", command.get_name())))
    })?;
    print(&page(command.clone())?, false)
}

fn page(command: Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    rendered.map_err(|error| Failure::new(Code::Internal, error.to_string()))?;
    Ok(page)
}

/// Prints which program this is.
pub(crate) fn version(context: &Context) -> Result<(), Failure> {
    if matches!(context.globals.output, Output::Auto | Output::Raw) {
        return print(Cli::command().render_version().as_bytes(), false);
    }
    context.printer.value(Value::Dict(Dict::from_iter([
        ("version", env!("CARGO_PKG_VERSION")),
        ("package", env!("CARGO_PKG_NAME")),
        ("repository", env!("CARGO_PKG_REPOSITORY")),
    ])))
}
