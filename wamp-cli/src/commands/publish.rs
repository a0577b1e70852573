//! `wamp publish`.

use std::time::Duration;

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    time::{Interval, MissedTickBehavior},
};
use wamp_tokio::{
    Client, Publish,
    proto::{Match, Payload, Value, error::Closed},
};

use super::ping;
use crate::{
    args::{self, Audience},
    exit::Failure,
    session::{Context, check_uri},
    value,
};

/// Publishes events; with `--ack`, prints the ids of the publications.
pub(crate) async fn run(context: &Context, arguments: args::Publish) -> Result<(), Failure> {
    check_uri(&arguments.uri, Match::Exact)?;
    let payload = if arguments.lines { None } else { Some(value::payload(&arguments.payload)?) };
    context
        .run(async |context, client| {
            match payload {
                Some(payload) => repeated(context, client, &arguments, payload).await?,
                None => lines(context, client, &arguments).await?,
            }
            parted(client).await
        })
        .await
}

/// The same event, as often as it is asked for.
async fn repeated(
    context: &Context,
    client: &Client,
    arguments: &args::Publish,
    payload: Payload,
) -> Result<(), Failure> {
    let mut pace = pace(arguments);
    for left in (0..arguments.repeat).rev() {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        let mut event = event(client, arguments, payload.clone());
        // All are alike: what becomes of the last one tells of all.
        if left == 0 {
            event = event.acknowledge();
        }
        publish(context, arguments, event).await?;
    }
    Ok(())
}

/// Says GOODBYE. A router that answers has read all events before it; one that ends the session otherwise has not.
async fn parted(client: &Client) -> Result<(), Failure> {
    match client.close().await {
        Closed::ByUs => Ok(()),
        closed => Err(wamp_tokio::Error::Closed(closed).into()),
    }
}

/// An event for each line of stdin.
async fn lines(context: &Context, client: &Client, arguments: &args::Publish) -> Result<(), Failure> {
    let mut pace = pace(arguments);
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let unreadable = |error| Failure::usage(format!("cannot read stdin: {error}"));
    while let Some(line) = lines.next_line().await.map_err(unreadable)? {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        let event = event(client, arguments, value::line_payload(&arguments.payload, &line)?);
        publish(context, arguments, event).await?;
    }
    // What the router answers now, it has read after all events; what that is, is no matter. Who is closed instead hears why,
    // which he would not once he has said GOODBYE.
    let _ = ping::round_trip(client).await;
    Ok(())
}

/// When the next event may go.
fn pace(arguments: &args::Publish) -> Option<Interval> {
    let mut interval = tokio::time::interval(Duration::from_secs_f64(1.0 / arguments.rate?));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(interval)
}

/// Sends an event; prints what the router says to it, if that was asked for.
async fn publish(context: &Context, arguments: &args::Publish, event: Publish) -> Result<(), Failure> {
    match event.await? {
        Some(publication) if arguments.ack => context.printer.value(Value::from(publication.get())),
        _ => Ok(()),
    }
}

fn event(client: &Client, arguments: &args::Publish, payload: Payload) -> Publish {
    let mut publish = to(client.publish(&arguments.uri).payload(payload), arguments.audience.clone());
    if arguments.ack {
        publish = publish.acknowledge();
    }
    if arguments.retain {
        publish = publish.retain();
    }
    if arguments.disclose {
        publish = publish.disclose_me();
    }
    publish
}

/// A list that is empty says that nobody is meant, and is not sent.
fn to(mut publish: Publish, audience: Audience) -> Publish {
    let Audience { exclude_me, exclude, exclude_authid, exclude_authrole, .. } = audience;
    let Audience { eligible, eligible_authid, eligible_authrole, .. } = audience;
    publish = publish.exclude_me(exclude_me);
    if !exclude.is_empty() {
        publish = publish.exclude(exclude);
    }
    if !exclude_authid.is_empty() {
        publish = publish.exclude_authid(exclude_authid);
    }
    if !exclude_authrole.is_empty() {
        publish = publish.exclude_authrole(exclude_authrole);
    }
    if !eligible.is_empty() {
        publish = publish.eligible(eligible);
    }
    if !eligible_authid.is_empty() {
        publish = publish.eligible_authid(eligible_authid);
    }
    if !eligible_authrole.is_empty() {
        publish = publish.eligible_authrole(eligible_authrole);
    }
    publish
}
