//! `wamp publish`.

use wamp_tokio::{
    Publish,
    proto::{Match, Value},
};

use crate::{
    args::{self, Audience},
    exit::Failure,
    session::{Context, check_uri},
    value,
};

/// Publishes an event; with `--ack`, prints the publication's id.
pub(crate) async fn run(context: &Context, arguments: args::Publish) -> Result<(), Failure> {
    check_uri(&arguments.uri, Match::Exact)?;
    let payload = value::payload(&arguments.payload)?;
    context
        .run(async |context, client| {
            let publish = client.publish(&arguments.uri).payload(payload);
            let mut publish = to(publish, arguments.audience);
            if arguments.ack {
                publish = publish.acknowledge();
            }
            if arguments.retain {
                publish = publish.retain();
            }
            if arguments.disclose {
                publish = publish.disclose_me();
            }
            match publish.await? {
                Some(publication) => context.printer.value(Value::from(publication.get())),
                None => Ok(()),
            }
        })
        .await
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
