//! `wamp subscribe`.

use std::{future::IntoFuture as _, time::Duration};

use futures_util::{
    StreamExt as _,
    future::try_join_all,
    stream::{SelectAll, select_all},
};
use wamp_tokio::{Client, Event, Subscription, proto::Match};

use super::shell;
use crate::{
    args::{MatchPolicy, Subscribe, Until},
    exit::{Code, Failure},
    output::print,
    session::{Context, check_uri},
    template::Template,
};

/// Prints events until there were enough, the time is over, or a signal comes.
pub(crate) async fn run(context: &Context, arguments: Subscribe) -> Result<(), Failure> {
    arguments.uris.iter().try_for_each(|uri| check_uri(uri, Match::from(arguments.policy)))?;
    let how = match (&arguments.format, &arguments.exec) {
        (Some(template), _) => How::Formatted(Template::parse(template)?),
        (None, Some(command)) => How::Exec(command.clone()),
        (None, None) => How::Lines,
    };
    context.run(async |context, client| subscribe(context, client, &arguments, how).await).await
}

async fn subscribe(
    context: &Context,
    client: &Client,
    arguments: &Subscribe,
    how: How,
) -> Result<(), Failure> {
    let asked = arguments
        .uris
        .iter()
        .map(|uri| matching(client.subscribe(uri), arguments.policy, arguments.retained).into_future());
    let topics = subscribed(context, asked).await?;
    if arguments.exit_when_subscribed {
        return Ok(());
    }
    listen(context, client, topics, arguments.until, how).await
}

/// A subscription to this pattern.
pub(super) fn matching(
    subscribe: wamp_tokio::Subscribe,
    policy: MatchPolicy,
    retained: bool,
) -> wamp_tokio::Subscribe {
    let subscribe = match policy {
        MatchPolicy::Exact => subscribe,
        MatchPolicy::Prefix => subscribe.prefix(),
        MatchPolicy::Wildcard => subscribe.wildcard(),
    };
    if retained { subscribe.get_retained() } else { subscribe }
}

/// Waits for all subscriptions, and says that they are there.
pub(super) async fn subscribed(
    context: &Context,
    asked: impl IntoIterator<Item: Future<Output = Result<Subscription, wamp_tokio::Error>>>,
) -> Result<Vec<Subscription>, Failure> {
    let topics = try_join_all(asked).await?;
    for topic in &topics {
        context.say(format_args!("subscribed to {} (subscription {})", topic.topic(), topic.id()));
    }
    Ok(topics)
}

/// What is done with an event.
pub(super) enum How {
    /// It is printed as JSON.
    Lines,
    /// It is printed as somebody likes it.
    Formatted(Template),
    /// A command gets it.
    Exec(String),
}

impl How {
    async fn take(&self, context: &Context, event: &Event) -> Result<(), Failure> {
        match self {
            Self::Lines => context.printer.event(event),
            Self::Formatted(template) => context.printer.formatted(template, event),
            Self::Exec(command) => exec(command, event).await,
        }
    }
}

/// Runs a command for an event.
pub(super) async fn exec(command: &str, event: &Event) -> Result<(), Failure> {
    let output = shell::run(command, ("WAMP_TOPIC", event.topic.as_str()), &event.payload).await?;
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        eprintln!("warning: the command failed: {}", output.status);
    }
    print(&output.stdout, false)
}

/// Prints the events of subscriptions, as they come.
pub(super) async fn listen(
    context: &Context,
    client: &Client,
    topics: Vec<Subscription>,
    until: Until,
    how: How,
) -> Result<(), Failure> {
    let events = select_all(topics);
    within(until, async |seen| take(context, client, events, until.count, seen, &how).await).await
}

/// Prints things, and counts them, as long as it may last.
pub(super) async fn within(
    until: Until,
    print: impl AsyncFnOnce(&mut u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut seen = 0;
    match tokio::time::timeout(until.duration.unwrap_or(FOREVER), print(&mut seen)).await {
        Ok(result) => result,
        Err(_) => match until.count {
            Some(count) => Err(Failure::new(Code::Timeout, format!("only {seen} of {count} came in time"))),
            None => Ok(()),
        },
    }
}

/// Longer than anybody waits.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

async fn take(
    context: &Context,
    client: &Client,
    mut events: SelectAll<Subscription>,
    count: Option<u64>,
    seen: &mut u64,
    how: &How,
) -> Result<(), Failure> {
    while let Some(event) = events.next().await {
        if event.missed > 0 {
            eprintln!("warning: {} events were lost, stdout is not read as fast as they come", event.missed);
        }
        how.take(context, &event).await?;
        *seen += 1;
        if Some(*seen) == count {
            return Ok(());
        }
    }
    Err(match client.close_reason() {
        Some(closed) => wamp_tokio::Error::Closed(closed).into(),
        None => Failure::new(Code::Lost, "the router ended the subscription"),
    })
}
