//! `wamp publish`.

use wamp_tokio::proto::{Match, Value};

use crate::{
    args::Publish,
    exit::Failure,
    session::{Context, check_uri},
    value,
};

/// Publishes an event; with `--ack`, prints the publication's id.
pub(crate) async fn run(context: &Context, arguments: Publish) -> Result<(), Failure> {
    check_uri(&arguments.uri, Match::Exact)?;
    let payload = value::payload(&arguments.payload)?;
    context
        .run(async |context, client| {
            let mut publish = client.publish(&arguments.uri).payload(payload);
            if arguments.ack {
                publish = publish.acknowledge();
            }
            match publish.await? {
                Some(publication) => context.printer.value(Value::from(publication.get())),
                None => Ok(()),
            }
        })
        .await
}
