//! WAMP in a web server of [axum](https://docs.rs/axum): a route for the router, and handlers that call.
//!
//! ```no_run
//! use std::{net::SocketAddr, time::Duration};
//!
//! use axum::{middleware::map_request, routing::get};
//! use wamp_tokio::{Router, axum::{Failure, Wamp, deadline, websocket}};
//!
//! async fn greet(wamp: Wamp) -> Result<String, Failure> {
//!     Ok(wamp.call("com.example.greet").args(("Ada",)).value().await?)
//! }
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // A router that listens nowhere itself, and one client for all requests.
//! let router = Router::builder().await?;
//! let client = router.connect().await?;
//! client.register("com.example.greet", |name: String| async move { Ok(format!("Hello, {name}")) }).await?;
//! let app = axum::Router::new()
//!     .route("/greeting", get(greet))
//!     .layer(map_request(deadline(Duration::from_secs(2))))
//!     .route("/ws", websocket(&router, "web"))
//!     .with_state(client)
//!     .into_make_service_with_connect_info::<SocketAddr>();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! let stop = async { /* until a signal comes */ };
//! axum::serve(listener, app).with_graceful_shutdown(stop).await?;
//! // All requests are answered. Those at `/ws` get GOODBYE, and are gone after a second at most.
//! router.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod deadline;
mod failure;
mod upgrade;
mod wamp;

pub use deadline::{Deadline, deadline};
pub use failure::Failure;
pub use upgrade::websocket;
pub use wamp::Wamp;
