//! `wamp ping`.

use std::time::Duration;

use tokio::time::Instant;
use wamp_tokio::{
    Client, Error,
    proto::{Dict, Value, error::RemoteError},
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
    let mut answers = Answers { good: Latencies::new()?, errors: 0, last: None };
    for number in 1..=arguments.count {
        if number > 1 {
            tokio::time::sleep(arguments.interval).await;
        }
        let sent = Instant::now();
        let error = round_trip(client).await?;
        let took = sent.elapsed();
        let what = error.as_ref().map_or(String::new(), |error| format!(", {}", error.error));
        context.say(format_args!("round trip {number}: {:.3} ms{what}", took.as_secs_f64() * 1e3));
        answers.take(took, error);
    }
    context.printer.value(answers.printed(context, client, joined))?;
    answers.last.map_or(Ok(()), |error| Err(unwell(answers.errors, arguments.count, error)))
}

/// What the router has answered.
struct Answers {
    /// How long those took that are no errors.
    good: Latencies,
    errors: u64,
    last: Option<RemoteError>,
}

impl Answers {
    fn take(&mut self, took: Duration, error: Option<RemoteError>) {
        match error {
            None => self.good.record(took),
            Some(error) => {
                self.errors += 1;
                self.last = Some(error);
            }
        }
    }

    fn printed(&self, context: &Context, client: &Client, joined: Duration) -> Value {
        let error = self.last.as_ref().map(|error| Value::from(error.error.as_str()));
        Value::Dict(Dict::from_iter([
            ("url", Value::from(context.globals.url())),
            ("agent", client.welcome().agent.map_or(Value::Null, Value::from)),
            ("serializer", Value::from(client.encoding().to_string())),
            ("joined_ms", milliseconds(joined)),
            ("round_trips", Value::from(self.good.len())),
            ("min_ms", figure(&self.good, 0.0)),
            ("median_ms", figure(&self.good, 50.0)),
            ("p99_ms", figure(&self.good, 99.0)),
            ("errors", Value::from(self.errors)),
            ("error", error.unwrap_or(Value::Null)),
        ]))
    }
}

/// A latency that so many percent were at most, if there are any.
fn figure(latencies: &Latencies, percent: f64) -> Value {
    if latencies.len() == 0 { Value::Null } else { milliseconds(latencies.percentile(percent)) }
}

/// Asks the router something that costs it nothing; it may say no.
pub(super) async fn round_trip(client: &Client) -> Result<Option<RemoteError>, Failure> {
    match client.call(SESSION_COUNT).await {
        Ok(_) => Ok(None),
        Err(Error::Remote(error)) => Ok(Some(error)),
        Err(error) => Err(error.into()),
    }
}

/// A router that answers with errors: the exit code is that of the last one, which is on stdout already.
fn unwell(errors: u64, count: u64, error: RemoteError) -> Failure {
    let failure = Failure::from(Error::Remote(error));
    let message = format!("{errors} of {count} answers to {SESSION_COUNT} were errors: {}", failure.message);
    Failure::new(failure.code, message)
}

const SESSION_COUNT: &str = "wamp.session.count";
