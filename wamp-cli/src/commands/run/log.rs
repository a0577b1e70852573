//! The messages of all sessions, as they pass the router.

use std::future::pending;

use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream, SelectAll},
};
use wamp_tokio::{
    Client, Error, Router, Subscription,
    meta::{MetaEvent, Side, Tapped},
    proto::{Dict, Encoding, Value, codec, id::SessionId, message::MessageKind},
};

use crate::{exit::Failure, output::print, session::Context};

/// A client within the router's process that looks at every other session of the realm.
pub(super) struct Log {
    client: Client,
    joins: Subscription,
    taps: SelectAll<BoxStream<'static, (SessionId, Result<Tapped, Error>)>>,
    payload: bool,
}

impl Log {
    /// Sees all sessions that join from now on.
    pub(super) async fn start(context: &Context, router: &Router, payload: bool) -> Result<Self, Failure> {
        let realm = context.globals.realm.first().map_or("realm1", String::as_str);
        let client = router.connect().realm(realm).await?;
        let joins = client.meta().events().await?;
        Ok(Self { client, joins, taps: SelectAll::new(), payload })
    }

    /// Prints messages; ends only with a failure.
    async fn run(mut self, context: &Context) -> Failure {
        loop {
            let printed = tokio::select! {
                Some(event) = self.joins.next() => {
                    if let Ok(MetaEvent::SessionJoined(session)) = MetaEvent::try_from(&event) {
                        self.tap(session.session);
                    }
                    Ok(())
                }
                Some((session, tapped)) = self.taps.next() => match tapped {
                    Ok(tapped) => show(context, session, &tapped),
                    // It may be gone before it is tapped.
                    Err(error) => {
                        tracing::debug!(%session, %error, "not tapped any more");
                        Ok(())
                    }
                },
                closed = self.client.closed() => return Error::Closed(closed).into(),
            };
            if let Err(failure) = printed {
                return failure;
            }
        }
    }

    fn tap(&mut self, session: SessionId) {
        let tap = self.client.meta().sessions().tap(session);
        let tap = if self.payload { tap.with_payloads() } else { tap };
        let messages = stream::once(tap.into_future()).flat_map(|tap| match tap {
            Ok(messages) => messages.boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        });
        self.taps.push(messages.map(move |tapped| (session, tapped)).boxed());
    }
}

/// Prints messages, if anybody wants to see them.
pub(super) async fn watched(context: &Context, log: Option<Log>) -> Failure {
    match log {
        Some(log) => log.run(context).await,
        None => pending().await,
    }
}

fn show(context: &Context, session: SessionId, tapped: &Tapped) -> Result<(), Failure> {
    if context.printer.is_for_people() {
        return print(for_people(session, tapped).as_bytes(), true);
    }
    let from = if tapped.sender == Side::Client { "client" } else { "router" };
    let mut line = Dict::from_iter([
        ("time", Value::from(tapped.timestamp.as_str())),
        ("session", Value::from(session.get())),
        ("from", Value::from(from)),
    ]);
    if let Some(kind) = kind(&tapped.message) {
        line.insert("type", kind);
    }
    let message = codec::from_slice(Encoding::Json, tapped.message.as_bytes());
    line.insert("message", message.unwrap_or_else(|_| Value::from(tapped.message.as_str())));
    line.insert("cut", tapped.cut);
    context.printer.json().value(Value::Dict(line))
}

/// `12:34:56.789 4711 -> CALL [48,1,{},"com.example.add"]`: from or to the session.
fn for_people(session: SessionId, tapped: &Tapped) -> String {
    let time = tapped.timestamp.split(['T', 'Z']).nth(1).unwrap_or(&tapped.timestamp);
    let arrow = if tapped.sender == Side::Client { "->" } else { "<-" };
    let kind = kind(&tapped.message).unwrap_or("?");
    let more = if tapped.cut { " .." } else { "" };
    format!("{time} {session} {arrow} {kind} {}{more}", tapped.message)
}

/// Which message it is, by the number it begins with.
fn kind(message: &str) -> Option<&'static str> {
    let code = message.strip_prefix('[')?.split([',', ']']).next()?.trim().parse().ok()?;
    MessageKind::from_code(code).map(MessageKind::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        assert_eq!(kind(r#"[48,1,{},"com.example.add"]"#), Some("CALL"));
        assert_eq!(kind("[99]"), None);
        assert_eq!(kind("x"), None);
    }
}
