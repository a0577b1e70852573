//! `wamp subscribe`.

use std::time::Duration;

use wamp_tokio::{Client, Subscription, proto::Match};

use crate::{
    args::{MatchPolicy, Subscribe, Until},
    exit::{Code, Failure},
    session::{Context, check_uri},
};

/// Prints events until there were enough, the time is over, or a signal comes.
pub(crate) async fn run(context: &Context, arguments: Subscribe) -> Result<(), Failure> {
    check_uri(&arguments.uri, Match::from(arguments.policy))?;
    context.run(async |context, client| subscribe(context, client, &arguments).await).await
}

async fn subscribe(context: &Context, client: &Client, arguments: &Subscribe) -> Result<(), Failure> {
    let subscribe = client.subscribe(&arguments.uri);
    let subscribe = match arguments.policy {
        MatchPolicy::Exact => subscribe,
        MatchPolicy::Prefix => subscribe.prefix(),
        MatchPolicy::Wildcard => subscribe.wildcard(),
    };
    let subscribe = if arguments.retained { subscribe.get_retained() } else { subscribe };
    listen(context, client, subscribe, arguments.until).await
}

/// Prints the events of a subscription.
pub(super) async fn listen(
    context: &Context,
    client: &Client,
    subscribe: wamp_tokio::Subscribe,
    until: Until,
) -> Result<(), Failure> {
    let events = subscribe.await?;
    context.say(format_args!("subscribed to {} (subscription {})", events.topic(), events.id()));
    within(until, async |seen| print(context, client, events, until.count, seen).await).await
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

async fn print(
    context: &Context,
    client: &Client,
    mut events: Subscription,
    count: Option<u64>,
    seen: &mut u64,
) -> Result<(), Failure> {
    while let Some(event) = events.next().await {
        if event.missed > 0 {
            eprintln!("warning: {} events were lost, stdout is not read as fast as they come", event.missed);
        }
        context.printer.event(&event)?;
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
