//! `wamp register`.

use std::{
    io,
    pin::pin,
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::AsyncWriteExt as _,
    process::Command,
    sync::{Notify, Semaphore},
};
use wamp_tokio::{
    Client, ErrorReply, Invocation, Reply,
    proto::{Encoding, Match, Value, codec, uri::uris},
};

use crate::{
    args::{Answer, MatchPolicy, Register},
    exit::{Failure, RUNTIME_ERROR},
    output,
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
    let handler = {
        let service = service.clone();
        move |invocation: Invocation| {
            let service = service.clone();
            async move { service.answer(invocation).await }
        }
    };
    let register = client.register(&arguments.uri, handler);
    let register = match arguments.policy {
        MatchPolicy::Exact => register,
        MatchPolicy::Prefix => register.prefix(),
        MatchPolicy::Wildcard => register.wildcard(),
    };
    let mut register = register.invoke(arguments.invoke.into());
    if let Some(concurrency) = arguments.concurrency {
        register = register.concurrency(concurrency.into());
    }
    if arguments.force {
        register = register.force_reregister();
    }
    let registration = register.await?;
    context.say(format_args!("registered {} (registration {})", arguments.uri, registration.id()));
    tokio::select! {
        closed = client.closed() => return Err(wamp_tokio::Error::Closed(closed).into()),
        () = service.enough.notified() => {}
    }
    registration.unregister().await?;
    // The calls that were counted get their answers.
    client.idle().await;
    Ok(())
}

/// The procedure.
struct Service {
    /// What was registered, for calls that do not say which procedure they mean.
    uri: String,
    answer: What,
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
    Exec(String),
}

impl Service {
    fn new(arguments: &Register) -> Result<Self, Failure> {
        let answer = match &arguments.answer {
            Answer { exec: Some(command), .. } => What::Exec(command.clone()),
            Answer { reply: Some(json), .. } => What::Reply(value::json(json)?),
            _ => What::Echo,
        };
        Ok(Self {
            uri: arguments.uri.clone(),
            answer,
            count: arguments.count,
            calls: AtomicU64::new(0),
            enough: Notify::new(),
            room: Semaphore::new(arguments.concurrency.map_or(COMMANDS, usize::from)),
        })
    }

    async fn answer(&self, invocation: Invocation) -> Result<Reply, ErrorReply> {
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
        match &self.answer {
            What::Echo => Ok(Reply::from(invocation.payload)),
            What::Reply(value) => invocation.reply([value], ()),
            What::Exec(command) => {
                let _room = self.room.acquire().await?;
                self.exec(command, &invocation).await
            }
        }
    }

    /// Runs the command. It dies with the call.
    async fn exec(&self, command: &str, invocation: &Invocation) -> Result<Reply, ErrorReply> {
        let payload = &invocation.payload;
        let json = |value: Result<Value, Failure>| match value {
            Ok(value) => Ok(output::printable(value).to_string()),
            Err(failure) => Err(ErrorReply::new(RUNTIME_ERROR).arg(failure.message)),
        };
        let procedure = invocation.details.procedure.as_ref().map_or(self.uri.as_str(), |uri| uri.as_str());
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).env("WAMP_PROCEDURE", procedure);
        for (name, value) in [
            ("WAMP_ARGS_JSON", json(output::list(payload))?),
            ("WAMP_KWARGS_JSON", json(output::dict(payload))?),
        ] {
            // What the environment has no room for is on stdin all the same.
            if value.len() <= MAX_VARIABLE {
                shell.env(name, value);
            } else {
                shell.env_remove(name);
            }
        }
        let input = json(output::whole(payload))? + "\n";
        reply(invocation, &run_shell(shell, input).await?)
    }
}

/// Feeds a command its input and waits for its end.
async fn run_shell(mut shell: Command, input: String) -> io::Result<Output> {
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    shell.process_group(0);
    let mut child = shell.spawn()?;
    #[cfg(unix)]
    let group = group::Group::of(&child);
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A command that does not read its input is fine.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let mut end = pin!(child.wait_with_output());
    let output = tokio::select! {
        biased;
        output = &mut end => output,
        () = feed => end.await,
    };
    #[cfg(unix)]
    group.ended();
    output
}

/// What a command has started.
#[cfg(unix)]
mod group {
    use rustix::process::{Pid, Signal, kill_process_group};

    /// The processes of a command that nobody waits for any more are killed, not the shell alone.
    pub(super) struct Group(Option<Pid>);

    impl Group {
        /// The group that a child leads.
        pub(super) fn of(child: &tokio::process::Child) -> Self {
            Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
        }

        /// The command has ended by itself, and what it left running is meant to.
        pub(super) fn ended(mut self) {
            self.0 = None;
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            if let Some(leader) = self.0 {
                // They may be gone already.
                let _ = kill_process_group(leader, Signal::KILL);
            }
        }
    }
}

/// The longest arguments that go into the environment: systems allow 128 KiB for a variable.
const MAX_VARIABLE: usize = 100 * 1024;

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
