//! A program: started, and started again.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    io::AsyncRead,
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use super::{
    file::CommandLine,
    lines::{Channel, Prefix},
};
#[cfg(unix)]
use crate::commands::shell::Group;
use crate::{args::RestartPolicy, session::Context};

/// A program to be run. There is no `Debug`: its variables may be secrets.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) command: CommandLine,
    pub(super) restart: RestartPolicy,
    pub(super) directory: Option<PathBuf>,
    pub(super) env: BTreeMap<String, String>,
}

/// What all programs have in common.
pub(super) struct Surroundings<'a> {
    pub(super) context: &'a Context,
    /// What they are told of the router, of who they are, and whom to trust.
    pub(super) environment: Vec<(&'static str, OsString)>,
    /// How long they may take to end.
    pub(super) grace: Duration,
    /// Whether they are to end.
    pub(super) stop: watch::Receiver<bool>,
}

/// The first delay before a program is started again, and the longest.
const DELAYS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// After so long, the next failure is a first one again.
const STABLE: Duration = Duration::from_secs(10);

/// Runs a program until it is not started again, or everything is to end; gives what went wrong with it in the end.
pub(super) async fn supervise(
    program: &Program,
    prefix: Prefix,
    around: &Surroundings<'_>,
) -> Option<String> {
    let mut delay = DELAYS.0;
    let mut stop = around.stop.clone();
    let say = |text: &str| {
        if !around.context.globals.quiet {
            prefix.print(text.as_bytes(), Channel::Stderr);
        }
    };
    loop {
        let begun = Instant::now();
        let failed = run(program, &prefix, around).await;
        if *around.stop.borrow() {
            return None;
        }
        say(failed.as_deref().unwrap_or("has ended"));
        let again = match program.restart {
            RestartPolicy::Never => false,
            RestartPolicy::OnFailure => failed.is_some(),
            RestartPolicy::Always => true,
        };
        if !again {
            return failed.map(|failed| format!("{} {failed}", program.name));
        }
        if begun.elapsed() >= STABLE {
            delay = DELAYS.0;
        }
        say(&format!("starts again in {delay:?}"));
        tokio::select! {
            () = sleep(delay) => {}
            _ = stop.wait_for(|stop| *stop) => return None,
        }
        delay = (delay * 2).min(DELAYS.1);
    }
}

/// Runs it once; gives what went wrong.
async fn run(program: &Program, prefix: &Prefix, around: &Surroundings<'_>) -> Option<String> {
    let mut child = match spawn(program, around) {
        Ok(child) => child,
        Err(error) => return Some(format!("cannot be started: {error}")),
    };
    #[cfg(unix)]
    let group = Group::of(&child);
    let copied = [
        child.stdout.take().map(|from| copy(prefix, from, Channel::Stdout)),
        child.stderr.take().map(|from| copy(prefix, from, Channel::Stderr)),
    ];
    let mut stop = around.stop.clone();
    let status = tokio::select! {
        status = child.wait() => status,
        _ = stop.wait_for(|stop| *stop) => {
            #[cfg(unix)]
            group.terminate();
            #[cfg(not(unix))]
            child.start_kill().ok();
            match timeout(around.grace, child.wait()).await {
                Ok(status) => status,
                Err(_) => {
                    prefix.print(b"did not end in time, and is killed", Channel::Stderr);
                    child.start_kill().ok();
                    child.wait().await
                }
            }
        }
    };
    // What it has started goes with it, and then nobody can print any more.
    #[cfg(unix)]
    drop(group);
    let _ = timeout(LAST_WORDS, join_all(copied.into_iter().flatten())).await;
    failure(status)
}

/// How long what was printed at last may take to come through.
const LAST_WORDS: Duration = Duration::from_secs(1);

fn copy(prefix: &Prefix, from: impl AsyncRead + Unpin + Send + 'static, to: Channel) -> JoinHandle<()> {
    let prefix = prefix.clone();
    tokio::spawn(async move { prefix.copy(from, to).await })
}

fn spawn(program: &Program, around: &Surroundings<'_>) -> io::Result<Child> {
    let mut command = match &program.command {
        CommandLine::Shell(text) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", text]);
            shell
        }
        CommandLine::Words(words) => {
            let (name, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
            let mut command = Command::new(name);
            command.args(arguments);
            command
        }
    };
    command.envs(around.environment.iter().map(|(name, value)| (name, value))).envs(&program.env);
    if let Some(directory) = &program.directory {
        command.current_dir(directory);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // A Ctrl-C on the terminal is for us, and we tell the programs.
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

fn failure(status: io::Result<ExitStatus>) -> Option<String> {
    match status {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("has failed: {status}")),
        Err(error) => Some(format!("cannot be waited for: {error}")),
    }
}
