//! `wamp call`.

use wamp_tokio::proto::Match;

use crate::{
    args::Call,
    exit::Failure,
    session::{Context, check_uri},
    value,
};

/// Calls a procedure and prints its result.
pub(crate) async fn run(context: &Context, arguments: Call) -> Result<(), Failure> {
    check_uri(&arguments.uri, Match::Exact)?;
    let payload = value::payload(&arguments.payload)?;
    context
        .run(async |context, client| {
            let result = client.call(&arguments.uri).payload(payload).await?;
            context.printer.result(&result.payload)
        })
        .await
}
