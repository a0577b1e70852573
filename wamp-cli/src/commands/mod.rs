//! The commands.

mod auth;
mod bench;
mod call;
mod configuration;
mod conform;
mod context;
mod init;
mod keygen;
mod meta;
mod msg;
mod pages;
mod passwd;
mod ping;
mod publish;
mod register;
mod router;
mod run;
mod shell;
mod subscribe;
mod trace;
mod validate;

use wamp_tokio::config::ConfigFile;

use crate::{
    args::{Command, EXIT_CODES, KeygenCommand, MsgCommand, PermissionsCommand, RouterCommand},
    exit::Failure,
    log,
    output::print,
    session::Context,
};

/// Runs a command to its end.
pub(crate) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    // A router may have a configuration to say how.
    if !matches!(command, Command::Router(RouterCommand::Run(_))) {
        log::start(&context.globals, None);
    }
    match command {
        Command::Router(command) => run_router(context, command).await,
        Command::Call(arguments) => call::run(context, arguments).await,
        Command::Publish(arguments) => publish::run(context, arguments).await,
        Command::Subscribe(arguments) => subscribe::run(context, arguments).await,
        Command::Register(arguments) => register::run(context, arguments).await,
        Command::Run(arguments) => run::run(context, arguments).await,
        Command::Dev(arguments) => run::dev(context, arguments).await,
        Command::Meta(command) => meta::run(context, command).await,
        Command::Ping(arguments) => ping::run(context, arguments).await,
        Command::Bench(arguments) => bench::run(context, arguments).await,
        Command::Conform(arguments) => conform::run(context, &arguments).await,
        Command::Trace(arguments) => trace::run(context, &arguments).await,
        Command::Msg(MsgCommand::Decode(arguments)) => msg::decode(context, &arguments),
        Command::Msg(MsgCommand::Encode(arguments)) => msg::encode(context, &arguments),
        Command::Msg(MsgCommand::Validate(arguments)) => validate::run(context, &arguments),
        Command::Auth(command) => auth::run(context, &command),
        Command::Context(command) => context::run(context, command),
        Command::Completion(arguments) => pages::completion(&arguments),
        Command::Man(arguments) => pages::man(&arguments),
        Command::Version => pages::version(context),
        Command::ExitCodes => print(EXIT_CODES.as_bytes(), true),
        Command::Keygen(KeygenCommand::Tls(arguments)) => keygen::tls(context, &arguments),
    }
}

async fn run_router(context: &Context, command: RouterCommand) -> Result<(), Failure> {
    match command {
        RouterCommand::Run(arguments) => router::run(context, arguments).await,
        RouterCommand::Init(arguments) => init::run(context, &arguments),
        RouterCommand::Passwd(arguments) => passwd::run(context, &arguments),
        RouterCommand::Check(arguments) => configuration::check(context, &arguments),
        RouterCommand::Schema => print(ConfigFile::json_schema().as_bytes(), true),
        RouterCommand::Permissions(PermissionsCommand::Explain(arguments)) => {
            configuration::explain(context, &arguments)
        }
    }
}
