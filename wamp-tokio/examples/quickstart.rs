//! A router, a service, a call, an event and an error, in one process over real sockets:
//! `cargo run -p wamp-tokio --example quickstart`.

use std::error::Error;

use serde::{Deserialize, Serialize};
use wamp_tokio::{ErrorReply, Router};

#[derive(Serialize, Deserialize)]
struct Reading {
    celsius: f64,
    room: String,
}

/// What comes with `com.example.error.negative`.
#[derive(Deserialize)]
struct Negative {
    number: i64,
}

/// The procedure of a `BinaryNumberService`.
async fn get_binary_number(number: i64) -> Result<String, ErrorReply> {
    if number < 0 {
        return Err(ErrorReply::new("com.example.error.negative")
            .arg("there are no negative ones")
            .kwarg("number", number));
    }
    Ok(format!("0b{number:b}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Router: WebSocket and RawSocket on one free port of this machine.
    let router = Router::builder().realm("realm1").listen("ws://127.0.0.1:0").await?;
    let url = router.url().ok_or("the router listens nowhere")?;
    println!("router      {url}");

    // Service: any async function or closure can be a procedure.
    let service = wamp_tokio::connect(&url).await?;
    service.register("get_binary_number", get_binary_number).await?;
    println!("service     session {} offers get_binary_number", service.session());

    // Call: the result is typed by what it is assigned to.
    let client = wamp_tokio::connect(&url).await?;
    let binary: String = client.call("get_binary_number").args((100,)).value().await?;
    println!("call        get_binary_number(100) = {binary}");

    // Error: told apart by its URI, with what the callee said.
    match client.call("get_binary_number").args((-1,)).value::<String>().await {
        Err(wamp_tokio::Error::Remote(error)) if error.error == "com.example.error.negative" => {
            let Negative { number } = error.payload.kwargs()?;
            println!("error       {error} (it was {number})");
        }
        other => println!("unexpected  {other:?}"),
    }

    // Event: what the publisher sent, and apart from it what the router says about it.
    let mut events = client.subscribe("foo").await?;
    service.publish("foo").kwargs(Reading { celsius: 21.5, room: "lab".to_owned() }).acknowledge().await?;
    let event = events.next().await.ok_or("the session has ended")?;
    let Reading { celsius, room } = event.kwargs()?;
    println!("event       {celsius} degrees in the {room}");
    println!(
        "about it    topic {}, subscription {}, publication {}",
        event.topic, event.subscription, event.publication
    );

    client.close().await;
    router.shutdown().await;
    println!("closed");
    Ok(())
}
