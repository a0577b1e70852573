//! Checks this client against a router that somebody else wrote: two sessions, calls, errors, events, payload sizes.
//! `cargo run -p wamp-tokio --example peer_check -- URL json|msgpack|cbor`, as `scripts/interop` does.

use std::{collections::BTreeMap, error::Error, time::Duration};

use serde::{Deserialize, Serialize};
use wamp_tokio::{Client, ErrorReply, Invocation, Reply, proto::Encoding};

type Checked = Result<(), Box<dyn Error>>;

/// Sizes around every boundary of WebSocket and MessagePack lengths.
const SIZES: [usize; 10] = [0, 125, 126, 127, 128, 32_767, 32_768, 65_535, 65_536, 1_000_000];

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    celsius: f64,
    room: String,
}

#[tokio::main]
async fn main() -> Checked {
    let mut arguments = std::env::args().skip(1);
    let (url, serializer) = (arguments.next().ok_or("URL?")?, arguments.next().ok_or("serializer?")?);
    let encoding =
        Encoding::ALL.into_iter().find(|e| e.name() == serializer).ok_or("json, msgpack or cbor")?;
    let connect = || wamp_tokio::connect(&url).serializers([encoding]);
    let (service, client) = (connect().await?, connect().await?);
    let checks = async {
        calls(&service, &client).await?;
        payloads(&service, &client).await?;
        events(&service, &client).await
    };
    tokio::time::timeout(Duration::from_secs(60), checks).await??;
    for client in [service, client] {
        let why = client.close().await;
        ensure(why.to_string() == "closed by us", &format!("the end: {why}"))?;
    }
    println!("{url} {serializer}: all checks passed");
    Ok(())
}

async fn calls(service: &Client, client: &Client) -> Checked {
    let add = service.register("com.example.add", |a: i64, b: i64| async move { Ok(a + b) }).await?;
    service
        .register("com.example.fail", |text: String| async move {
            Err::<(), _>(ErrorReply::new("com.example.error").arg(text).kwarg("detail", (1, "ü")))
        })
        .await?;
    service
        .register(
            "com.example.any.",
            |call: Invocation| async move { call.reply((&call.details.procedure,), ()) },
        )
        .prefix()
        .await?;
    let sum: i64 = client.call("com.example.add").args((2, 3)).value().await?;
    ensure(sum == 5, "a result")?;
    let called: String = client.call("com.example.any.thing").value().await?;
    ensure(called == "com.example.any.thing", "the procedure of a prefix registration")?;
    let error = client.call("com.example.fail").args(("boom",)).await.err().ok_or("an error")?;
    let remote = error.remote().ok_or("an error of the callee")?;
    ensure(remote.error == "com.example.error", "the URI of an error")?;
    ensure(remote.payload.args::<(String,)>()?.0 == "boom", "the arguments of an error")?;
    ensure(remote.payload.dict()?.get("detail").is_some(), "the keyword arguments of an error")?;
    refused(client.call("com.example.nobody").await, "wamp.error.no_such_procedure")?;
    refused(
        client.register("com.example.add", || async { Ok(()) }).await,
        "wamp.error.procedure_already_exists",
    )?;
    let many = futures_util::future::try_join_all(
        (0..500).map(|n: i64| client.call("com.example.add").args((n, n)).value::<i64>()),
    );
    ensure(many.await?.iter().enumerate().all(|(n, sum)| *sum == 2 * n as i64), "500 calls in flight")?;
    add.unregister().await?;
    refused(client.call("com.example.add").args((2, 3)).await, "wamp.error.no_such_procedure")
}

async fn payloads(service: &Client, client: &Client) -> Checked {
    service
        .register("com.example.echo", |call: Invocation| async move { Ok(Reply::from(call.payload)) })
        .await?;
    for size in SIZES {
        let text = "x".repeat(size);
        let echo: String = client.call("com.example.echo").args((&text,)).value().await?;
        ensure(echo == text, &format!("a text of {size} bytes"))?;
    }
    let unicode = "ü € 𝄞 \u{2028} \" \\".to_owned();
    let echo: String = client.call("com.example.echo").args((&unicode,)).value().await?;
    ensure(echo == unicode, "a text beyond ASCII")?;
    let named = BTreeMap::from([("a", vec![1, -1, i64::MAX]), ("b", vec![])]);
    let echo = client.call("com.example.echo").kwargs(&named).await?;
    ensure(echo.kwargs::<BTreeMap<String, Vec<i64>>>()?.len() == 2, "keyword arguments")
}

async fn events(publisher: &Client, subscriber: &Client) -> Checked {
    let mut exact = subscriber.subscribe("com.example.topic").await?;
    let mut prefix = subscriber.subscribe("com.example.").prefix().await?;
    for celsius in 0..100 {
        let reading = Reading { celsius: f64::from(celsius), room: "lab".to_owned() };
        publisher.publish("com.example.topic").args((celsius,)).kwargs(reading).await?;
    }
    let last = publisher.publish("com.example.other").acknowledge().await?;
    ensure(last.is_some(), "an acknowledged publication")?;
    for celsius in 0..100 {
        let event = exact.next().await.ok_or("an event")?;
        ensure(event.args::<(i32,)>()?.0 == celsius, "events in order")?;
        ensure(event.kwargs::<Reading>()?.room == "lab", "the keyword arguments of an event")?;
        let event = prefix.next().await.ok_or("an event")?;
        ensure(event.topic == "com.example.topic", "the topic of a pattern's event")?;
    }
    ensure(prefix.next().await.ok_or("an event")?.topic == "com.example.other", "the last event")?;
    exact.unsubscribe().await?;
    subscriber.publish("com.example.mine").acknowledge().await?;
    subscriber.publish("com.example.mine").args((2,)).exclude_me(false).acknowledge().await?;
    let mine = prefix.next().await.ok_or("an event")?;
    ensure(mine.args::<(u8,)>()?.0 == 2, "own events only when asked for")
}

fn refused<T>(result: Result<T, wamp_tokio::Error>, uri: &str) -> Checked {
    match result {
        Err(error) if error.uri().is_some_and(|found| found == uri) => Ok(()),
        Err(error) => Err(format!("expected {uri}, got {error}").into()),
        Ok(_) => Err(format!("expected {uri}, got a result").into()),
    }
}

fn ensure(condition: bool, what: &str) -> Checked {
    if condition { Ok(()) } else { Err(format!("not as it should be: {what}").into()) }
}
