//! `wamp call`.

use wamp_tokio::{Call, proto::Match};

use crate::{
    args,
    exit::Failure,
    session::{Context, check_uri},
    value,
};

/// Calls a procedure and prints its result.
pub(crate) async fn run(context: &Context, arguments: args::Call) -> Result<(), Failure> {
    check_uri(&arguments.uri, Match::Exact)?;
    let payload = value::payload(&arguments.payload)?;
    context
        .run(async |context, client| {
            let mut call = client.call(&arguments.uri).payload(payload);
            // The router and the callee keep it too.
            if let Some(timeout) = context.globals.timeout {
                call = call.timeout(timeout);
            }
            if arguments.disclose {
                call = call.disclose_me();
            }
            if arguments.progress { progress(context, call).await } else { last(context, call).await }
        })
        .await
}

async fn last(context: &Context, call: Call) -> Result<(), Failure> {
    context.printer.result(&call.await?.payload)
}

async fn progress(context: &Context, call: Call) -> Result<(), Failure> {
    let mut results = call.progressive().await?;
    while let Some(result) = results.next().await {
        context.printer.result(&result?.payload)?;
    }
    Ok(())
}
