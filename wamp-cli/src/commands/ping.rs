//! `wamp ping`.

use tokio::time::Instant;
use wamp_tokio::{
    Client, Error,
    proto::{Dict, Value},
};

use crate::{
    args::Ping,
    exit::Failure,
    latency::{Latencies, milliseconds},
    session::Context,
};

/// Joins, makes round trips and prints how long they took.
pub(crate) async fn run(context: &Context, arguments: Ping) -> Result<(), Failure> {
    let begin = Instant::now();
    context.run(async |context, client| ping(context, client, &arguments, begin).await).await
}

async fn ping(context: &Context, client: &Client, arguments: &Ping, begin: Instant) -> Result<(), Failure> {
    let joined = begin.elapsed();
    let mut latencies = Latencies::new()?;
    let mut answer = None;
    for number in 1..=arguments.count {
        if number > 1 {
            tokio::time::sleep(arguments.interval).await;
        }
        let sent = Instant::now();
        answer = round_trip(client).await?;
        let took = sent.elapsed();
        latencies.record(took);
        context.say(format_args!("round trip {number}: {:.3} ms", took.as_secs_f64() * 1e3));
    }
    context.printer.value(Value::Dict(Dict::from_iter([
        ("url", Value::from(context.globals.url())),
        ("agent", client.welcome().agent.map_or(Value::Null, Value::from)),
        ("serializer", Value::from(client.encoding().to_string())),
        ("joined_ms", milliseconds(joined)),
        ("round_trips", Value::from(latencies.len())),
        ("min_ms", milliseconds(latencies.percentile(0.0))),
        ("median_ms", milliseconds(latencies.percentile(50.0))),
        ("p99_ms", milliseconds(latencies.percentile(99.0))),
        ("error", answer.map_or(Value::Null, Value::from)),
    ])))
}

/// Asks the router something that costs it nothing. A router that says no has answered as well.
pub(super) async fn round_trip(client: &Client) -> Result<Option<String>, Failure> {
    match client.call(SESSION_COUNT).await {
        Ok(_) => Ok(None),
        Err(Error::Remote(error)) => Ok(Some(error.error.as_str().to_owned())),
        Err(error) => Err(error.into()),
    }
}

const SESSION_COUNT: &str = "wamp.session.count";
