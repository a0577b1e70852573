//! `wamp register`.

use std::{
    convert::Infallible,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, Semaphore, oneshot};
use wamp_tokio::{
    Client, ErrorReply, Invocation, Reply,
    proto::{Encoding, Match, Value, codec, uri::uris},
};

use super::shell;
use crate::{
    args::{Answer, InvokePolicy, MatchPolicy, Register},
    exit::{Code, Failure, RUNTIME_ERROR},
    session::{Context, check_uri},
    value,
};

/// Answers the calls of a procedure until there were enough, or a signal comes.
pub(crate) async fn run(context: &Context, arguments: Register) -> Result<(), Failure> {
    check_uri(&arguments.uri, Match::from(arguments.policy))?;
    let service = Arc::new(Service::new(&arguments)?);
    context.run(async |context, client| register(context, client, &arguments, service).await).await
}

async fn register(
    context: &Context,
    client: &Client,
    arguments: &Register,
    service: Arc<Service>,
) -> Result<(), Failure> {
    // The handler lives as long as the registration, and `held` in it.
    let (held, taken_away) = oneshot::channel::<Infallible>();
    let handler = {
        let service = service.clone();
        move |invocation: Invocation| {
            let (service, _) = (service.clone(), &held);
            async move { service.answer(invocation).await }
        }
    };
    let register = client.register(&arguments.uri, handler);
    let mut register = shared(register, arguments.policy, arguments.invoke, arguments.concurrency);
    if arguments.force {
        register = register.force_reregister();
    }
    let registration = register.await?;
    context.say(format_args!("registered {} (registration {})", arguments.uri, registration.id()));
    tokio::select! {
        () = service.enough.notified() => {}
        _ = taken_away => return Err(gone(client, &arguments.uri)),
    }
    registration.unregister().await?;
    // The calls that were counted get their answers.
    client.idle().await;
    Ok(())
}

/// Why a registration is no more that nobody here has ended: with its session, or without.
fn gone(client: &Client, uri: &str) -> Failure {
    match client.close_reason() {
        Some(closed) => wamp_tokio::Error::Closed(closed).into(),
        None => {
            let why =
                format!("the router has ended the registration of {uri}: somebody else may have it now");
            Failure::new(Code::Lost, why)
        }
    }
}

/// A registration of this pattern, which is shared so.
pub(super) fn shared(
    register: wamp_tokio::Register,
    policy: MatchPolicy,
    invoke: InvokePolicy,
    concurrency: Option<u16>,
) -> wamp_tokio::Register {
    let register = match policy {
        MatchPolicy::Exact => register,
        MatchPolicy::Prefix => register.prefix(),
        MatchPolicy::Wildcard => register.wildcard(),
    };
    let register = register.invoke(invoke.into());
    concurrency.into_iter().fold(register, |register, calls| register.concurrency(calls.into()))
}

/// The procedure.
pub(super) struct Service {
    /// What was registered, for calls that do not say which procedure they mean.
    uri: String,
    answer: What,
    sleep: Option<Duration>,
    /// How many calls are answered.
    count: Option<u64>,
    /// How many calls have come.
    calls: AtomicU64,
    /// The last call has come.
    enough: Notify,
    /// Room for commands.
    room: Semaphore,
}

/// Commands that run at once.
const COMMANDS: usize = 16;

/// What to answer.
enum What {
    Echo,
    Reply(Value),
    Error(String),
    Exec(String),
}

impl Service {
    fn new(arguments: &Register) -> Result<Self, Failure> {
        let answer = match &arguments.answer {
            Answer { exec: Some(command), .. } => What::Exec(command.clone()),
            Answer { reply: Some(json), .. } => What::Reply(value::json(json)?),
            Answer { error: Some(uri), .. } => {
                check_uri(uri, Match::Exact)?;
                What::Error(uri.clone())
            }
            Answer { command, .. } if !command.is_empty() => What::Exec(shell::quoted(command)),
            _ => What::Echo,
        };
        let service = Self::answering(&arguments.uri, answer, arguments.concurrency);
        Ok(Self { sleep: arguments.sleep, count: arguments.count, ..service })
    }

    /// One that a command answers.
    pub(super) fn of_command(uri: &str, command: String, concurrency: Option<u16>) -> Self {
        Self::answering(uri, What::Exec(command), concurrency)
    }

    fn answering(uri: &str, answer: What, concurrency: Option<u16>) -> Self {
        Self {
            uri: uri.to_owned(),
            answer,
            sleep: None,
            count: None,
            calls: AtomicU64::new(0),
            enough: Notify::new(),
            room: Semaphore::new(concurrency.map_or(COMMANDS, usize::from)),
        }
    }

    pub(super) async fn answer(&self, invocation: Invocation) -> Result<Reply, ErrorReply> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(count) = self.count {
            if call > count {
                return Err(
                    ErrorReply::new(uris::error::UNAVAILABLE).arg("the procedure answers no more calls")
                );
            }
            if call == count {
                self.enough.notify_one();
            }
        }
        if let Some(sleep) = self.sleep {
            tokio::time::sleep(sleep).await;
        }
        match &self.answer {
            What::Echo => Ok(Reply::from(invocation.payload)),
            What::Reply(value) => invocation.reply([value], ()),
            What::Error(uri) => {
                let args = invocation.payload.list().unwrap_or_default();
                Err(args.into_iter().fold(ErrorReply::new(uri), ErrorReply::arg))
            }
            What::Exec(command) => {
                let _room = self.room.acquire().await?;
                self.exec(command, &invocation).await
            }
        }
    }

    /// Runs the command. It dies with the call.
    async fn exec(&self, command: &str, invocation: &Invocation) -> Result<Reply, ErrorReply> {
        let procedure = invocation.details.procedure.as_ref().map_or(self.uri.as_str(), |uri| uri.as_str());
        match shell::run(command, ("WAMP_PROCEDURE", procedure), &invocation.payload).await {
            Ok(output) => reply(invocation, &output),
            Err(failure) => Err(ErrorReply::new(RUNTIME_ERROR).arg(failure.message)),
        }
    }
}

/// What a command printed, as the result of the call.
fn reply(invocation: &Invocation, output: &Output) -> Result<Reply, ErrorReply> {
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let text = text.trim_end();
        let text =
            if text.is_empty() { format!("the command failed: {}", output.status) } else { text.to_owned() };
        return Err(ErrorReply::new(RUNTIME_ERROR).arg(text));
    }
    if !output.stderr.is_empty() {
        tracing::info!(stderr = %String::from_utf8_lossy(&output.stderr), "the command says");
    }
    invocation.reply([printed(&output.stdout)], ())
}

/// JSON, or text without the newline at its end, or whatever bytes it is.
fn printed(stdout: &[u8]) -> Value {
    if let Ok(value) = codec::from_slice(Encoding::Json, stdout.trim_ascii()) {
        return value;
    }
    match std::str::from_utf8(stdout) {
        Ok(text) if !text.starts_with('\0') => Value::from(text.strip_suffix('\n').unwrap_or(text)),
        _ => Value::from(stdout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_print() {
        for (stdout, value) in [
            (&b"5\n"[..], Value::from(5)),
            (b"\"text\"\n", Value::from("text")),
            (b"[1]", Value::from_iter([1])),
            (b"two\nlines\n", Value::from("two\nlines")),
            (b"a\n\n", Value::from("a\n")),
            (b"", Value::from("")),
            (b"\xff\n", Value::from(&b"\xff\n"[..])),
            (b"\0x", Value::from(&b"\0x"[..])),
        ] {
            assert_eq!(printed(stdout), value, "{stdout:?}");
        }
    }
}
