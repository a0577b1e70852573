#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod arguments;
mod call;
mod client;
mod connect;
mod endpoint;
mod error;
mod handler;
mod machine;
mod memory;
pub mod net;
mod pending;
mod publish;
mod queue;
mod register;
mod router;
mod runtime;
mod shared;
mod subscribe;
mod wakers;

pub use call::{Call, CallFuture, CallResult, ValueCall};
pub use client::{Client, CloseFuture, IdleFuture};
pub use connect::{ClientOptions, JoinFuture, Joined};
pub use endpoint::{Address, Endpoint, InvalidEndpoint, SocketAddress};
pub use error::{ConnectError, Error};
pub use handler::{BlockingHandler, ErrorReply, Handler, Invocation, Reply};
pub use machine::{ClientMachine, Flow, Machine};
pub use memory::link;
pub use publish::{Publish, PublishFuture};
pub use queue::Event;
pub use register::{Register, RegisterFuture, Registration, UnregisterFuture};
pub use router::{Idle, RouterConnection, RouterHandle};
pub use runtime::{BoxFuture, Job, Runtime};
pub use subscribe::{HandleFuture, Next, Subscribe, SubscribeFuture, Subscription, UnsubscribeFuture};

pub use wamp_proto as proto;
pub use wamp_proto::message::WelcomeDetails;

#[cfg(test)]
mod tests;
