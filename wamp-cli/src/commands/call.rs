//! `wamp call`.

use std::{convert::Infallible, future::pending, time::Duration};

use futures_util::{StreamExt as _, stream};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    time::Instant,
};
use wamp_tokio::{
    Call, Client, Error,
    proto::{Match, Payload, uri::uris},
};

use crate::{
    args,
    exit::{Code, Failure},
    session::{Context, check_uri},
    value,
};

/// Calls a procedure and prints its result, as often as it is told to.
pub(crate) async fn run(context: &Context, arguments: args::Call) -> Result<(), Failure> {
    check_uri(&arguments.uri, Match::Exact)?;
    let payload = value::payload(&arguments.payload)?;
    if arguments.stdin_progress {
        return context
            .run(async |context, client| in_parts(context, client, &arguments, payload).await)
            .await;
    }
    context
        .run(async |context, client| {
            let calls = stream::iter(0..arguments.repeat)
                .map(|_| retried(context, client, &arguments, &payload))
                .buffer_unordered(arguments.concurrency.into());
            let mut calls = std::pin::pin!(calls);
            while let Some(ended) = calls.next().await {
                ended?;
            }
            Ok(())
        })
        .await
}

/// One call, with an argument for each line of stdin.
async fn in_parts(
    context: &Context,
    client: &Client,
    arguments: &args::Call,
    payload: Payload,
) -> Result<(), Failure> {
    let (mut sink, mut results) = call(context, client, arguments, payload).streaming().await?;
    let send = async {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let unreadable = |error| Failure::usage(format!("cannot read stdin: {error}"));
        while let Some(line) = lines.next_line().await.map_err(unreadable)? {
            sink.send([value::line(&arguments.payload, &line)?]).await?;
        }
        sink.finish(()).await?;
        // The results end it.
        pending::<Result<Infallible, Failure>>().await
    };
    let print = async {
        let mut last = None;
        while let Some(result) = results.next().await {
            let result = result?;
            if arguments.progress || !result.details.progress {
                context.printer.result(&result.payload)?;
            }
            last = Some(result.details.progress);
        }
        match last {
            Some(false) => Ok(()),
            _ => Err(Failure::new(Code::Lost, "the call has no result")),
        }
    };
    tokio::select! {
        // An answer before the last part is an answer, and what is sent then fails.
        biased;
        printed = print => printed,
        sent = send => sent.map(|never| match never {}),
    }
}

/// One call, made again while nobody has registered the procedure.
async fn retried(
    context: &Context,
    client: &Client,
    arguments: &args::Call,
    payload: &Payload,
) -> Result<(), Failure> {
    let until = arguments.retry_until_registered.map(|patience| Instant::now() + patience);
    loop {
        let call = call(context, client, arguments, payload.clone());
        let ended =
            if arguments.progress { progress(context, call).await } else { last(context, call).await };
        match ended {
            Err(Stop::Call(Error::Remote(error)))
                if error.error == uris::error::NO_SUCH_PROCEDURE
                    && until.is_some_and(|until| Instant::now() + AGAIN < until) =>
            {
                tokio::time::sleep(AGAIN).await;
            }
            Err(Stop::Call(error)) => return Err(error.into()),
            Err(Stop::Print(failure)) => return Err(failure),
            Ok(()) => return Ok(()),
        }
    }
}

/// The time between two tries.
const AGAIN: Duration = Duration::from_millis(100);

fn call(context: &Context, client: &Client, arguments: &args::Call, payload: Payload) -> Call {
    let call = client.call(&arguments.uri).payload(payload);
    let call = if arguments.disclose { call.disclose_me() } else { call };
    // The router and the callee keep it too.
    context.globals.timeout.into_iter().fold(call, Call::timeout)
}

/// What a call ends with that has no result to be printed.
enum Stop {
    Call(Error),
    Print(Failure),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Print(failure)
    }
}

async fn last(context: &Context, call: Call) -> Result<(), Stop> {
    Ok(context.printer.result(&call.await?.payload)?)
}

async fn progress(context: &Context, call: Call) -> Result<(), Stop> {
    let mut results = call.progressive().await?;
    while let Some(result) = results.next().await {
        context.printer.result(&result?.payload)?;
    }
    Ok(())
}
