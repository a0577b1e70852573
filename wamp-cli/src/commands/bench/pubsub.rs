//! Events.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;
use wamp_tokio::{Client, Subscription, proto::Value};

use super::{
    report::Report,
    run::{Run, all},
    unique,
};
use crate::{
    args::BenchPubsub,
    exit::{Code, Failure},
    session::Context,
};

/// Publishes events, each of which goes to all subscribers.
pub(super) async fn measure(context: &Context, arguments: &BenchPubsub) -> Result<Report, Failure> {
    let topic = unique("pubsub")?;
    let mut clients = Vec::new();
    let mut streams = Vec::new();
    for _ in 0..arguments.subscribers {
        let client = context.connect().await?;
        streams.push(client.subscribe(&topic).capacity(CAPACITY).await?);
        clients.push(client);
    }
    let mut publishers = Vec::new();
    for _ in 0..arguments.publishers {
        publishers.push(context.connect().await?);
    }
    let run = Run::begin(arguments.pacing)?;
    let lost = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for events in streams {
        tasks.spawn(receive(events, arguments.publishers.into(), run.clone(), lost.clone()));
    }
    for publisher in &publishers {
        let (publisher, topic, run) = (publisher.clone(), topic.clone(), run.clone());
        tasks.spawn(publish(publisher, topic, arguments.inflight, arguments.size, run));
    }
    let measured = run.measure(context, tasks).await?;
    for client in publishers.iter().chain(&clients) {
        client.close().await;
    }
    let settings = [
        ("publishers", Value::from(arguments.publishers)),
        ("subscribers", Value::from(arguments.subscribers)),
        ("inflight", Value::from(arguments.inflight)),
        ("size", Value::from(arguments.size)),
        ("rate", arguments.pacing.rate.map_or(Value::Null, Value::from)),
        ("lost", Value::from(lost.load(Ordering::Relaxed))),
    ];
    Ok(Report::new(context, "pubsub", settings, measured))
}

/// Events that may wait for a subscriber of ours.
const CAPACITY: usize = 100_000;

/// How long the last events may take.
const LAST: Duration = Duration::from_secs(10);

/// Publishes until the time is over, and then that this publisher has ended.
async fn publish(
    client: Client,
    topic: String,
    inflight: u16,
    size: u32,
    run: Arc<Run>,
) -> Result<(), Failure> {
    let mut tasks = JoinSet::new();
    for _ in 0..inflight {
        let (client, topic, run) = (client.clone(), topic.clone(), run.clone());
        tasks.spawn(async move {
            let argument = "x".repeat(size as usize);
            while let Some(due) = run.next().await {
                let stamp = u64::try_from((due - run.begin).as_nanos()).unwrap_or(u64::MAX);
                client.publish(&topic).args((stamp, &argument)).acknowledge().await?;
            }
            Ok(())
        });
    }
    all(tasks).await?;
    client.publish(&topic).acknowledge().await?;
    Ok(())
}

/// Takes events until all publishers have ended.
async fn receive(
    mut events: Subscription,
    publishers: u32,
    run: Arc<Run>,
    lost: Arc<AtomicU64>,
) -> Result<(), Failure> {
    let mut left = publishers;
    while left > 0 {
        let event = tokio::time::timeout_at(run.end + LAST, events.next()).await;
        let event = event.map_err(|_| Failure::new(Code::Timeout, "the last events did not come"))?;
        let event = event.ok_or_else(|| Failure::new(Code::Lost, "the router ended the subscription"))?;
        lost.fetch_add(event.missed, Ordering::Relaxed);
        if event.payload.is_empty() {
            left -= 1;
        } else if let Ok((stamp, _)) = event.args::<(u64, String)>() {
            run.arrived(run.begin + Duration::from_nanos(stamp));
        }
    }
    Ok(())
}
