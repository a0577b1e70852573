//! One session for one command.

use std::time::Duration;

use wamp_tokio::{
    Client, ClientOptions, Connect,
    config::LogEntry,
    proto::{Match, Pattern, Uri, uri::UriRule},
};

use crate::{
    args::{Globals, Serializer},
    exit::{Code, Failure},
    log, login,
    output::Printer,
    signals::Signals,
};

/// What the commands share.
pub(crate) struct Context {
    /// The global flags.
    pub(crate) globals: Globals,
    /// Where results go.
    pub(crate) printer: Printer,
    /// Whether what is said to people goes into the log, which is for programs.
    log_is_json: bool,
}

impl Context {
    pub(crate) fn new(globals: Globals, printer: Printer) -> Self {
        let log_is_json = log::is_json(&globals, None);
        Self { globals, printer, log_is_json }
    }

    /// The same, with a log as a router's configuration says.
    pub(crate) fn with_log(&self, file: Option<&LogEntry>) -> Self {
        let globals = self.globals.clone();
        let log_is_json = log::is_json(&globals, file);
        Self { globals, printer: self.printer, log_is_json }
    }

    /// Says something to people, unless they asked for quiet.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        match (self.globals.quiet, self.log_is_json) {
            (true, _) => {}
            (false, true) => log::say(text),
            (false, false) => eprintln!("{text}"),
        }
    }

    /// The same, for a router elsewhere.
    pub(crate) fn with_url(&self, url: &str) -> Self {
        self.with(|globals| globals.url = Some(url.to_owned()))
    }

    /// The same, with this serializer.
    pub(crate) fn speaking(&self, serializer: Serializer) -> Self {
        self.with(|globals| globals.serializer = Some(serializer))
    }

    fn with(&self, change: impl FnOnce(&mut Globals)) -> Self {
        let mut globals = self.globals.clone();
        change(&mut globals);
        Self { globals, ..*self }
    }

    /// The same, for a router elsewhere that asks nobody who they are.
    pub(crate) fn at(&self, url: String) -> Self {
        let mut context = self.with_url(&url);
        (context.globals.login, context.globals.tls) = Default::default();
        context
    }

    /// A session of the realm.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        let mut failures = 0_u32;
        loop {
            let ended = connect(&self.globals).await;
            failures = failures.saturating_add(1);
            match ended {
                Err(failure)
                    if failure.code == Code::CannotConnect && failures != self.globals.max_failures =>
                {
                    tracing::warn!(error = failure.message, "not connected, trying again");
                    tokio::time::sleep(BETWEEN).await;
                }
                ended => return ended,
            }
        }
    }

    /// A session of the realm to be made.
    pub(crate) fn connection(&self) -> Result<Connect, Failure> {
        connection(&self.globals)
    }

    /// What a session of the realm is made with.
    pub(crate) fn options(&self) -> Result<ClientOptions, Failure> {
        let mut options = ClientOptions::default();
        let _ = connection(&self.globals)?.options(|set| options = set.clone());
        Ok(options)
    }

    /// Joins the realm, runs the command and closes the session in order, also when a signal ends the command.
    pub(crate) async fn run(
        &self,
        command: impl AsyncFnOnce(&Self, &Client) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        // Not earlier: until here, a signal just ends the process, also one that waits for its stdin.
        let mut signals = Signals::catch()?;
        let client = tokio::select! {
            client = self.connect() => client?,
            ended = signals.next() => return Err(ended),
        };
        tracing::info!(session = %client.session(), encoding = %client.encoding(), "joined");
        let result = tokio::select! {
            result = command(self, &client) => result,
            ended = signals.next() => Err(ended),
        };
        let closed = client.close().await;
        tracing::info!(%closed, "closed");
        result
    }
}

/// Refuses a URI that cannot be one before anything is sent.
pub(crate) fn check_uri(uri: &str, policy: Match) -> Result<(), Failure> {
    Pattern::new(UriRule::Loose, policy, uri).map(drop).map_err(Failure::usage)
}

async fn connect(globals: &Globals) -> Result<Client, Failure> {
    Ok(connection(globals)?.await?)
}

/// A connection as the flags want it.
fn connection(globals: &Globals) -> Result<Connect, Failure> {
    let [realm] = globals.realm.as_slice() else {
        return Err(Failure::usage("a client joins one realm: give --realm once"));
    };
    realm.parse::<Uri>().map_err(|error| Failure::usage(format!("bad realm: {error}")))?;
    let connect: Connect = login::environment(globals)?.connect()?;
    Ok(connect.agent(AGENT).options(|options| {
        if let Some(timeout) = globals.timeout {
            options.request_timeout = timeout;
            options.connect_timeout = options.connect_timeout.min(timeout);
            options.join_timeout = options.join_timeout.min(timeout);
            options.close_timeout = options.close_timeout.min(timeout.max(MIN_CLOSE));
        }
    }))
}

/// The time between two tries to connect.
const BETWEEN: Duration = Duration::from_millis(500);

/// What we are called in the router's logs.
const AGENT: &str = concat!("wamp-cli-", env!("CARGO_PKG_VERSION"));

/// Saying GOODBYE deserves a moment however short the time for an answer is.
const MIN_CLOSE: Duration = Duration::from_millis(200);
