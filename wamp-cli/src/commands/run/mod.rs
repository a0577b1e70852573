//! `wamp run` and `wamp dev`.

mod bound;
mod file;
mod lines;
mod log;
mod program;

use std::{collections::BTreeMap, path::Path, pin::pin, time::Duration};

use futures_util::future::{OptionFuture, join_all};
use tokio::sync::watch;
use wamp_tokio::{Lifecycle, Routes, RunError, RunFuture, Runner, ShutdownHandle};

use self::{
    file::{CommandLine, RouterTable, ServicesFile},
    lines::Prefix,
    log::Log,
    program::{Program, Surroundings, supervise},
};
use super::router;
use crate::{
    args::{Dev, RestartPolicy, Run, Services},
    exit::{Code, Failure},
    login,
    session::Context,
    signals::Signals,
};

/// Runs programs and commands until all programs have ended, or a signal comes.
pub(crate) async fn run(context: &Context, arguments: Run) -> Result<(), Failure> {
    let mut plan = Plan::new(&arguments.services)?;
    if arguments.router {
        plan.router = Some(RouterTable { listen: arguments.listen, config: None });
    }
    if plan.programs.is_empty() && plan.routes.uris().next().is_none() {
        return Err(Failure::usage("there is nothing to run: name a program, or a file with --file"));
    }
    plan.run(context).await
}

/// Runs a router, programs and commands until a signal comes, and prints the messages.
pub(crate) async fn dev(context: &Context, arguments: Dev) -> Result<(), Failure> {
    let mut plan = Plan::new(&arguments.services)?;
    if plan.router.is_none() || !arguments.listen.is_empty() {
        plan.router = Some(RouterTable { listen: arguments.listen, config: None });
    }
    plan.log = Some(arguments.payload);
    plan.run(context).await
}

/// What is to be run.
struct Plan {
    router: Option<RouterTable>,
    programs: Vec<Program>,
    routes: Routes,
    grace: Duration,
    /// Whether the messages are printed, and whether with their arguments.
    log: Option<bool>,
}

impl Plan {
    fn new(services: &Services) -> Result<Self, Failure> {
        let file = services.file.as_deref().map(ServicesFile::read).transpose()?.unwrap_or_default();
        let routes = bound::routes(&file);
        let mut programs = Vec::new();
        for (name, entry) in file.programs {
            programs.push(Program {
                name,
                command: entry.command.into_inner(),
                restart: entry.restart.unwrap_or(services.restart),
                directory: entry.directory,
                env: entry.env,
            });
        }
        for text in &services.programs {
            let program = named(text, services.restart, &programs);
            programs.push(program);
        }
        Ok(Self { router: file.router, programs, routes, grace: services.grace, log: None })
    }

    async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut signals = Signals::catch()?;
        let (tail, log) = self.log.map(Log::new).unzip();
        let started = match &self.router {
            Some(RouterTable { listen, config }) => {
                let config = config.as_ref().map(|config| config.get_ref().as_path());
                Some(router::beside(context, listen, config, tail).await?)
            }
            None => None,
        };
        let at_router = started.as_ref().and_then(|router| router.endpoints().first());
        let at_router = at_router.map(|endpoint| context.with_url(&endpoint.to_string()));
        let context = at_router.as_ref().unwrap_or(context);
        let ended = self.serve(context, log, &mut signals).await;
        if let Some(router) = started {
            router::shut_down(&router).await;
        }
        ended
    }

    async fn serve(self, context: &Context, log: Option<Log>, signals: &mut Signals) -> Result<(), Failure> {
        let bound = bound(context, self.routes, self.grace)?;
        let (stop, stopped) = watch::channel(false);
        let stop = Stop { programs: stop, bound: bound.as_ref().map(|(handle, _)| handle.clone()) };
        let environment = login::environment(&context.globals)?.variables()?;
        let around = Surroundings { context, environment, grace: self.grace, stop: stopped };
        // Without anything else to do, this ends with the last program.
        let endless = log.is_some() || bound.is_some();
        let mut served = pin!(async {
            let bound = async {
                let ended = OptionFuture::from(bound.map(|(_, run)| run)).await.transpose();
                if ended.is_err() {
                    // The programs are of no use without it.
                    stop.everything();
                }
                ended.map(drop).map_err(failed)
            };
            let (bound, programs) = tokio::join!(bound, supervised(&self.programs, &around, endless));
            bound.and(programs)
        });
        let ended = tokio::select! {
            ended = &mut served => return ended,
            ended = signals.next() => ended,
            ended = log::watched(context, log) => ended,
        };
        context.say("shutting down");
        stop.everything();
        // A second signal waits for nothing: what still runs is killed.
        tokio::select! {
            _ = served => {}
            _ = signals.next() => {}
        }
        Err(ended)
    }
}

/// What ends all that runs.
struct Stop {
    programs: watch::Sender<bool>,
    bound: Option<ShutdownHandle>,
}

impl Stop {
    fn everything(&self) {
        self.programs.send_replace(true);
        self.bound.iter().for_each(ShutdownHandle::shutdown);
    }
}

/// The session on which commands serve, if there are any.
fn bound(
    context: &Context,
    routes: Routes,
    grace: Duration,
) -> Result<Option<(ShutdownHandle, RunFuture)>, Failure> {
    if routes.uris().next().is_none() {
        return Ok(None);
    }
    let connection = context.connection()?.on_change(|change| {
        if let Lifecycle::Retrying { after, why, .. } = change {
            tracing::warn!(?after, %why, "not connected, trying again");
        }
    });
    let runner = Runner::new().connect(connection).serve(routes);
    let runner = runner.drain_within(grace).without_signals();
    Ok(Some((runner.shutdown_handle(), runner.run())))
}

fn failed(error: RunError) -> Failure {
    match error {
        RunError::Serve(error) => Failure { message: error.to_string(), ..error.error.into() },
        RunError::Closed(closed) => wamp_tokio::Error::Closed(closed).into(),
        RunError::Connect(error) => error.into(),
        error => Failure::new(Code::Internal, error.to_string()),
    }
}

/// All programs, each until it has ended for good.
async fn supervised(programs: &[Program], around: &Surroundings<'_>, endless: bool) -> Result<(), Failure> {
    let width = programs.iter().map(|program| program.name.chars().count()).max().unwrap_or_default();
    let ended = programs
        .iter()
        .enumerate()
        .map(|(place, program)| supervise(program, Prefix::new(&program.name, width, place), around));
    let failed = join_all(ended).await.into_iter().flatten().collect::<Vec<_>>();
    if endless {
        // The sender outlives this.
        let _ = around.stop.clone().wait_for(|stop| *stop).await;
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(Code::Application, failed.join("; "))) }
}

/// A program of the command line, with a name that no other one has.
fn named(text: &str, restart: RestartPolicy, others: &[Program]) -> Program {
    let command = match text.contains(char::is_whitespace) {
        true => CommandLine::Shell(text.to_owned()),
        false => CommandLine::Words(vec![text.to_owned()]),
    };
    let word = text.split_whitespace().next().unwrap_or(text);
    let stem = Path::new(word).file_stem().map_or(word.into(), |stem| stem.to_string_lossy());
    let taken = |name: &str| others.iter().any(|other| other.name == name);
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    let free = std::iter::once(stem.to_string()).chain(numbered).find(|name| !taken(name));
    let name = free.unwrap_or_default();
    Program { name, command, restart, directory: None, env: BTreeMap::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_programs() {
        let mut programs = Vec::new();
        for (text, name) in [
            ("./date-service", "date-service"),
            ("/opt/date-service --verbose", "date-service-2"),
            ("date-service", "date-service-3"),
            ("x.sh", "x"),
        ] {
            let program = named(text, RestartPolicy::Never, &programs);
            assert_eq!(program.name, name);
            programs.push(program);
        }
    }
}
