//! Four small services, each a session of its own, and a client that uses them: the same program in every adapter.
//!
//! `cargo run -p wamp-blocking --example blocking_services`

use std::{
    error::Error,
    sync::{Arc, Mutex},
};

use wamp_blocking::{Client, Connect, ErrorReply, Event, Invocation, Reply, Router, Wait as _};

/// Tells the date.
fn date_service(connect: Connect) -> Result<Client, Box<dyn Error>> {
    let client = connect.wait()?;
    client.register("get_todays_date", || Ok(jiff::Zoned::now().date().to_string())).wait()?;
    Ok(client)
}

/// Counts the events of a topic.
fn subscribing_service(connect: Connect) -> Result<Client, Box<dyn Error>> {
    let client = connect.wait()?;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (keep, tell) = (seen.clone(), seen);
    let handler = move |event: Event| {
        let message = event.args::<(String,)>().map_or_else(|error| error.to_string(), |(message,)| message);
        keep.lock().unwrap().push(message);
    };
    client.subscribe("foo").handle_blocking(handler).wait()?;
    client.register("get_seen", move || Ok(tell.lock().unwrap().clone())).wait()?;
    Ok(client)
}

/// Converts numbers.
fn binary_number_service(connect: Connect) -> Result<Client, Box<dyn Error>> {
    let client = connect.wait()?;
    client.register("get_binary_number", |number: u64| Ok(format!("0b{number:b}"))).wait()?;
    Ok(client)
}

/// Shows positional and keyword arguments, and an error of its own.
fn foo_service(connect: Connect) -> Result<Client, Box<dyn Error>> {
    fn get_foo(call: Invocation) -> Result<Reply, ErrorReply> {
        match call.args::<Vec<String>>()?.first() {
            Some(name) => call.reply((format!("foo {name}"),), ()),
            None => Err(ErrorReply::new("com.example.error.no_name").arg("foo what?")),
        }
    }
    let client = connect.wait()?;
    client.register("get_foo", get_foo).wait()?;
    Ok(client)
}

fn main() -> Result<(), Box<dyn Error>> {
    let router = Router::builder().listen("ws://127.0.0.1:0").listen("tcp://127.0.0.1:0").wait()?;
    let [ws, tcp] = router.endpoints() else { return Err("two listeners were asked for".into()) };
    let (ws, tcp) = (ws.to_string(), tcp.to_string());

    // One over WebSocket, one over RawSocket, two in this process.
    let _date = date_service(wamp_blocking::connect(&ws))?;
    let _subscribing = subscribing_service(wamp_blocking::connect(&tcp))?;
    let _binary = binary_number_service(router.connect())?;
    let _foo = foo_service(router.connect())?;

    let client = wamp_blocking::connect(&ws).wait()?;
    println!("today       {}", client.call("get_todays_date").value::<String>().wait()?);
    println!("binary      {}", client.call("get_binary_number").args((100,)).value::<String>().wait()?);
    println!("foo         {}", client.call("get_foo").args(("bar",)).value::<String>().wait()?);
    if let Err(error) = client.call("get_foo").wait() {
        println!("no foo      {error}");
    }
    for message in ["one", "two"] {
        client.publish("foo").args((message,)).acknowledge().wait()?;
    }
    // Events and calls are handled side by side.
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < 2 {
        seen = client.call("get_seen").value().wait()?;
    }
    println!("events      {seen:?}");

    // The sessions are closed when their clients go out of scope, and the router after them.
    Ok(())
}
