//! Commands of the user's, for calls and for events.

use std::{
    io,
    pin::pin,
    process::{Output, Stdio},
};

use tokio::{io::AsyncWriteExt as _, process::Command};
use wamp_tokio::proto::{Dict, Payload, Value};

use crate::{
    exit::{Code, Failure},
    output,
};

/// Runs a command with a payload: on its stdin and in its environment. It dies with the future.
pub(super) async fn run(
    command: &str,
    (name, uri): (&str, &str),
    payload: &Payload,
) -> Result<Output, Failure> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).env(name, uri);
    let args = output::printable(output::list(payload)?);
    let kwargs = output::printable(output::dict(payload)?);
    for (name, value) in [
        ("WAMP_ARGS", words(&args)),
        ("WAMP_KWARGS", words(&kwargs)),
        ("WAMP_ARGS_JSON", args.to_string()),
        ("WAMP_KWARGS_JSON", kwargs.to_string()),
    ] {
        // What the environment has no room for is on stdin all the same.
        if value.len() <= MAX_VARIABLE && !value.contains('\0') {
            shell.env(name, value);
        } else {
            shell.env_remove(name);
        }
    }
    let input = Value::Dict(Dict::from_iter([("args", args), ("kwargs", kwargs)])).to_string() + "\n";
    let fed = feed(shell, input).await;
    fed.map_err(|error| Failure::new(Code::Internal, format!("the command cannot be run: {error}")))
}

/// Arguments as words, without quotes.
fn words(arguments: &Value) -> String {
    let plain = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        value => value.to_string(),
    };
    let words: Vec<String> = match arguments {
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Dict(items) => items.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect(),
        value => vec![plain(value)],
    };
    words.join(" ")
}

/// A program and its arguments, as a command for the shell.
pub(super) fn quoted(words: &[String]) -> String {
    let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''")));
    quoted.collect::<Vec<_>>().join(" ")
}

/// Feeds a command its input and waits for its end.
async fn feed(mut shell: Command, input: String) -> io::Result<Output> {
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    shell.process_group(0);
    let mut child = shell.spawn()?;
    #[cfg(unix)]
    let group = Group::of(&child);
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

#[cfg(unix)]
pub(super) use group::Group;

/// What a command has started.
#[cfg(unix)]
mod group {
    use rustix::process::{Pid, Signal, kill_process_group};

    /// The processes of a command that nobody waits for any more are killed, not the shell alone.
    pub(in crate::commands) struct Group(Option<Pid>);

    impl Group {
        /// The group that a child leads.
        pub(in crate::commands) fn of(child: &tokio::process::Child) -> Self {
            Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
        }

        /// Asks all of them to end.
        pub(in crate::commands) fn terminate(&self) {
            if let Some(leader) = self.0 {
                // They may be gone already.
                let _ = kill_process_group(leader, Signal::TERM);
            }
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
