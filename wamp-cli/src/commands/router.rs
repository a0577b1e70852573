//! `wamp router run`.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use wamp_tokio::{Endpoint, Router, RouterBuilder, Tap, config::ConfigFile};

use crate::{
    args::RouterRun,
    exit::Failure,
    log,
    session::Context,
    signals::{Hangup, Signals},
};

/// Runs a router until a signal comes or its time is over.
pub(crate) async fn run(context: &Context, arguments: RouterRun) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let mut configured = arguments.config.as_deref().map(Configured::read).transpose()?;
    let log = configured.as_ref().map(|configured| &configured.file.log);
    log::start(&context.globals, log);
    let context = &context.with_log(log);
    let builder = match &configured {
        Some(configured) => RouterBuilder::from_config(&configured.file)?,
        None => {
            let builder = open_to_everybody(context, &arguments.listen)?;
            builder.max_connections(arguments.max_connections as usize)
        }
    };
    let router = arguments.http.iter().fold(builder, RouterBuilder::http).await?;
    let ready_file = arguments.ready_file.as_deref();
    let file = configured.as_ref().map(|configured| &configured.file);
    let started = announce(context, &router, file, ready_file);
    if started.is_ok() {
        tokio::select! {
            _ = signals.next() => {}
            () = tokio::time::sleep(arguments.shutdown_after.unwrap_or(FOREVER)) => {}
            () = reload_when_told(context, &router, configured.as_mut()) => {}
        }
        context.say("shutting down");
    }
    shut_down(&router).await;
    if let Some(path) = ready_file.filter(|_| started.is_ok()) {
        // Somebody may have removed it already.
        let _ = fs::remove_file(path);
    }
    started
}

/// Starts a router beside something else: that of a file, or one that lets everybody in.
pub(super) async fn beside(
    context: &Context,
    listen: &[String],
    config: Option<&Path>,
    tap: Option<impl Tap>,
) -> Result<Router, Failure> {
    let file = config.map(ConfigFile::read).transpose()?;
    let builder = match &file {
        Some(file) => RouterBuilder::from_config(file)?,
        None => {
            let usual = [DEFAULT_LISTEN.to_owned()];
            let listen = if listen.is_empty() { &usual } else { listen };
            open_to_everybody(context, listen)?
        }
    };
    let router = tap.into_iter().fold(builder, RouterBuilder::tap).await?;
    announce(context, &router, file.as_ref(), None)?;
    Ok(router)
}

/// Where a router listens when nobody says so.
const DEFAULT_LISTEN: &str = "ws://127.0.0.1:8080";

/// Lets everybody say GOODBYE.
pub(super) async fn shut_down(router: &Router) {
    if tokio::time::timeout(SHUTDOWN, router.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// A router which lets everybody in.
fn open_to_everybody(context: &Context, listen: &[String]) -> Result<RouterBuilder, Failure> {
    let is_tls = |url: &&String| url.parse::<Endpoint>().is_ok_and(|endpoint| endpoint.is_tls());
    if let Some(url) = listen.iter().find(is_tls) {
        let how = "a configuration file says which, see `wamp router init --template tls`";
        return Err(Failure::usage(format!("{url} needs a certificate: {how}")));
    }
    let builder = context.globals.realm.iter().fold(Router::builder(), RouterBuilder::realm);
    Ok(listen.iter().fold(builder, RouterBuilder::listen))
}

/// A configuration that can be read again.
struct Configured {
    path: PathBuf,
    file: ConfigFile,
    hangup: Hangup,
}

impl Configured {
    fn read(path: &Path) -> Result<Self, Failure> {
        let (file, hangup) = (ConfigFile::read(path)?, Hangup::catch()?);
        Ok(Self { path: path.to_owned(), file, hangup })
    }

    /// Reads the file again and has the router follow it; whatever is wrong with the file, the router goes on as it was.
    fn reload(&mut self, context: &Context, router: &Router) {
        let path = self.path.display();
        let reloaded = ConfigFile::read(&self.path).and_then(|fresh| router.reload(&fresh).map(|()| fresh));
        match reloaded {
            // What waits for a restart goes on waiting: the next reload is to say so again.
            Ok(fresh) => {
                context.say(format_args!("reloaded roles, users and certificates from {path}"));
                for part in self.file.needs_restart(&fresh) {
                    context.say(format_args!("WARNING: changed {part} take effect after a restart only"));
                }
            }
            Err(error) => context.say(format_args!("WARNING: not reloaded, all stays as it was: {error}")),
        }
    }
}

/// Never ends.
async fn reload_when_told(context: &Context, router: &Router, configured: Option<&mut Configured>) {
    let Some(configured) = configured else { return std::future::pending().await };
    loop {
        configured.hangup.next().await;
        configured.reload(context, router);
    }
}

/// Longer than any router runs.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

/// How long all sessions together have to say GOODBYE.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Says where the router is and whom it serves.
fn announce(
    context: &Context,
    router: &Router,
    file: Option<&ConfigFile>,
    ready_file: Option<&Path>,
) -> Result<(), Failure> {
    let endpoints = router.endpoints().iter().map(urls).collect::<Vec<_>>();
    for urls in &endpoints {
        context.say(format_args!("listening on {}", urls.join(" and ")));
    }
    if let Some(address) = router.http() {
        context.say(format_args!("metrics and health on http://{address}"));
    }
    match file {
        Some(file) => {
            let realms = file.realms.keys().map(String::as_str).collect::<Vec<_>>();
            context.say(format_args!("realm {}", realms.join(", ")));
        }
        None => warn(context),
    }
    let Some(path) = ready_file else { return Ok(()) };
    let lines = endpoints.concat().join("\n") + "\n";
    write_atomically(path, &lines)
        .map_err(|error| Failure::usage(format!("cannot write the ready file {}: {error}", path.display())))
}

/// Says what it means that there is no configuration.
fn warn(context: &Context) {
    context.say(format_args!("realm {}", context.globals.realm.join(", ")));
    context.say(
        "WARNING: there is no authentication: everybody who reaches these addresses is let in as anonymous",
    );
    context.say("WARNING: and may do anything: call, register, publish and subscribe to whatever they like");
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
