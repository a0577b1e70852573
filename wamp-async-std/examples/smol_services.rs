//! Four small services, each a session of its own, and a client that uses them: the same program in every adapter.
//!
//! `cargo run -p wamp-async-std --example smol_services`

use std::{
    error::Error,
    sync::{Arc, Mutex},
};

use wamp_async_std::{Client, Connect, ErrorReply, Event, Invocation, Reply, Router};

/// Tells the date.
async fn date_service(connect: Connect) -> Result<Client, Box<dyn Error>> {
    let client = connect.await?;
    client.register("get_todays_date", || async { Ok(jiff::Zoned::now().date().to_string()) }).await?;
    Ok(client)
}

/// Counts the events of a topic.
async fn subscribing_service(connect: Connect) -> Result<Client, Box<dyn Error>> {
    let client = connect.await?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (keep, tell) = (seen.clone(), seen);
    let handler = move |event: Event| {
        let message = event.args::<(String,)>().map_or_else(|error| error.to_string(), |(message,)| message);
        keep.lock().unwrap().push(message);
        async {}
    };
    client.subscribe("foo").handle(handler).await?;
    let seen = move || {
        let seen = tell.lock().unwrap().clone();
        async { Ok(seen) }
    };
    client.register("get_seen", seen).await?;
    Ok(client)
}

/// Converts numbers.
async fn binary_number_service(connect: Connect) -> Result<Client, Box<dyn Error>> {
    let client = connect.await?;
    client.register("get_binary_number", |number: u64| async move { Ok(format!("0b{number:b}")) }).await?;
    Ok(client)
}

/// Shows positional and keyword arguments, and an error of its own.
async fn foo_service(connect: Connect) -> Result<Client, Box<dyn Error>> {
    async fn get_foo(call: Invocation) -> Result<Reply, ErrorReply> {
        match call.args::<Vec<String>>()?.first() {
            Some(name) => call.reply((format!("foo {name}"),), ()),
            None => Err(ErrorReply::new("com.example.error.no_name").arg("foo what?")),
        }
    }
    let client = connect.await?;
    client.register("get_foo", get_foo).await?;
    Ok(client)
}

fn main() -> Result<(), Box<dyn Error>> {
    async_io::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let router = Router::builder().listen("ws://127.0.0.1:0").listen("tcp://127.0.0.1:0").await?;
    let [ws, tcp] = router.endpoints() else { return Err("two listeners were asked for".into()) };
    let (ws, tcp) = (ws.to_string(), tcp.to_string());

    // One over WebSocket, one over RawSocket, two in this process.
    let _date = date_service(wamp_async_std::connect(&ws)).await?;
    let _subscribing = subscribing_service(wamp_async_std::connect(&tcp)).await?;
    let _binary = binary_number_service(router.connect()).await?;
    let _foo = foo_service(router.connect()).await?;

    let client = wamp_async_std::connect(&ws).await?;
    println!("today       {}", client.call("get_todays_date").value::<String>().await?);
    println!("binary      {}", client.call("get_binary_number").args((100,)).value::<String>().await?);
    println!("foo         {}", client.call("get_foo").args(("bar",)).value::<String>().await?);
    if let Err(error) = client.call("get_foo").await {
        println!("no foo      {error}");
    }
    for message in ["one", "two"] {
        client.publish("foo").args((message,)).acknowledge().await?;
    }
    // Events and calls are handled side by side.
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < 2 {
        seen = client.call("get_seen").value().await?;
    }
    println!("events      {seen:?}");

    client.close().await;
    router.shutdown().await;
    Ok(())
}
