//! A client that outlives its router: a router is stopped and started again, and the client goes on.
//!
//! `cargo run -p wamp-tokio --example reconnect`

use std::{error::Error, time::Duration};

use wamp_tokio::{Lifecycle, LifecycleStream, ReconnectPolicy, Router};

/// Prints what happens to the client, until it has back what it had.
async fn watch_until_restored(changes: &mut LifecycleStream) {
    while let Some(change) = changes.next().await {
        println!("lifecycle   {change:?}");
        if matches!(change, Lifecycle::Restored { .. }) {
            break;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let router = Router::builder().listen("tcp://127.0.0.1:0").await?;
    let url = router.url().ok_or("the router listens nowhere")?;

    let policy = ReconnectPolicy::default().initial(Duration::from_millis(50)).cap(Duration::from_secs(1));
    let client = wamp_tokio::connect(&url).reconnect(policy).await?;
    let mut changes = client.lifecycle();
    client.register("com.example.add", |a: i64, b: i64| async move { Ok(a + b) }).await?;
    let mut news = client.subscribe("com.example.news").await?;

    router.shutdown().await;
    println!("router      is gone");
    let router = Router::builder().listen(&url).await?;
    println!("router      is back");
    watch_until_restored(&mut changes).await;

    // The same handles, another session.
    println!("call        2 + 3 = {}", client.call("com.example.add").args((2, 3)).value::<i64>().await?);
    client.publish("com.example.news").args(("hello again",)).exclude_me(false).await?;
    if let Some(event) = news.next().await {
        println!("event       {}, after a gap: {}", event.value::<String>()?, event.gap);
    }
    println!("closed      {}", client.close().await);
    router.shutdown().await;
    Ok(())
}
