//! The commands.

mod call;
mod meta;
mod msg;
mod publish;
mod register;
mod router;
mod subscribe;

use crate::{
    args::{Command, MsgCommand, RouterCommand},
    exit::Failure,
    session::Context,
};

/// Runs a command to its end.
pub(crate) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Router(RouterCommand::Run(arguments)) => router::run(context, arguments).await,
        Command::Call(arguments) => call::run(context, arguments).await,
        Command::Publish(arguments) => publish::run(context, arguments).await,
        Command::Subscribe(arguments) => subscribe::run(context, arguments).await,
        Command::Register(arguments) => register::run(context, arguments).await,
        Command::Meta(command) => meta::run(context, command).await,
        Command::Msg(MsgCommand::Decode(arguments)) => msg::decode(context, &arguments),
        Command::Msg(MsgCommand::Encode(arguments)) => msg::encode(context, &arguments),
    }
}
