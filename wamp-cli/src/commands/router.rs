//! `wamp router run`.

use std::{fs, io, path::Path, time::Duration};

use wamp_tokio::{Endpoint, Router};

use crate::{args::RouterRun, exit::Failure, session::Context, signals::Signals};

/// Runs a router until a signal comes or its time is over.
pub(crate) async fn run(context: &Context, arguments: RouterRun) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let realms = &context.globals.realm;
    let builder = Router::builder().max_connections(arguments.max_connections as usize);
    let builder = realms.iter().fold(builder, wamp_tokio::RouterBuilder::realm);
    let router = arguments.listen.iter().fold(builder, wamp_tokio::RouterBuilder::listen).await?;
    let ready_file = arguments.ready_file.as_deref();
    let started = announce(context, &router, ready_file);
    if started.is_ok() {
        tokio::select! {
            _ = signals.next() => {}
            () = tokio::time::sleep(arguments.shutdown_after.unwrap_or(FOREVER)) => {}
        }
        context.say("shutting down");
    }
    if tokio::time::timeout(SHUTDOWN, router.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    if let Some(path) = ready_file.filter(|_| started.is_ok()) {
        // Somebody may have removed it already.
        let _ = fs::remove_file(path);
    }
    started
}

/// Longer than any router runs.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

/// How long all sessions together have to say GOODBYE.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Says where the router is and whom it serves.
fn announce(context: &Context, router: &Router, ready_file: Option<&Path>) -> Result<(), Failure> {
    let endpoints = router.endpoints().iter().map(urls).collect::<Vec<_>>();
    for urls in &endpoints {
        context.say(format_args!("listening on {}", urls.join(" and ")));
    }
    context.say(format_args!("realm {}", context.globals.realm.join(", ")));
    context.say(
        "WARNING: there is no authentication: everybody who reaches these addresses is let in as anonymous",
    );
    context.say("WARNING: and may do anything: call, register, publish and subscribe to whatever they like");
    let Some(path) = ready_file else { return Ok(()) };
    let lines = endpoints.concat().join("\n") + "\n";
    write_atomically(path, &lines)
        .map_err(|error| Failure::usage(format!("cannot write the ready file {}: {error}", path.display())))
}

/// All URLs of a listener: one port takes WebSocket and RawSocket.
fn urls(endpoint: &Endpoint) -> Vec<String> {
    let other = match endpoint {
        Endpoint::WebSocket { address, .. } => Some(Endpoint::RawSocket(address.clone())),
        Endpoint::RawSocket(address) => {
            Some(Endpoint::WebSocket { address: address.clone(), path: "/ws".to_owned() })
        }
        _ => None,
    };
    std::iter::once(endpoint).chain(&other).map(ToString::to_string).collect()
}

/// Nobody ever sees half of the file.
fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = name.to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(temporary);
    fs::write(&temporary, text)?;
    fs::rename(&temporary, path).inspect_err(|_| {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    })
}
