#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod arguments;
pub mod auth;
mod authenticator;
mod authorizer;
mod call;
mod cipher;
mod client;
#[cfg(feature = "config")]
pub mod config;
mod connect;
mod duration;
mod endpoint;
mod envelope;
pub mod environment;
mod error;
mod extract;
mod handler;
mod insider;
mod invocation;
mod ip;
mod lifecycle;
mod machine;
mod memory;
pub mod meta;
pub mod net;
mod patience;
mod pending;
mod procedure;
mod progress;
mod progressive;
mod publish;
mod queue;
mod register;
mod reply;
mod room;
mod router;
mod runner;
mod runtime;
mod service;
mod shared;
mod shutdown;
mod snapshot;
mod subscribe;
mod supervise;
mod tap;
#[cfg(feature = "tower")]
pub mod tower;
mod wakers;

pub use authenticator::Authenticator;
pub use authorizer::Authorizer;
pub use call::{Call, CallFuture, CallResult, ValueCall};
pub use cipher::{Cipher, CipherError, Wrapping};
pub use client::{Client, CloseFuture, IdleFuture, JoinedFuture};
pub use connect::{ClientOptions, JoinFuture, Joined};
pub use duration::parse as parse_duration;
pub use endpoint::{Address, Endpoint, InvalidEndpoint, SocketAddress};
pub use envelope::{Envelope, Enveloped, WampyMeta};
pub use error::{ConnectError, Error, Fault, Tried};
pub use extract::{
    Args, Caller, Delivery, Details, EventDetails, Extract, Extraction, Kwargs, Occasion, State,
};
pub use handler::{
    BlockingEventHandler, BlockingHandler, EventHandler, Handler, Typed, WithState, typed, with_state,
};
pub use invocation::{Invocation, NextPart, Part, Parts, ProgressFuture};
pub use ip::IpVersion;
pub use lifecycle::{Intent, Lifecycle, LifecycleStream, NextChange, OnChange};
pub use machine::{ClientMachine, Flow, Machine, WeakWriter};
pub use memory::link;
pub use meta::{
    ByMatch, HistoryFuture, HistoryQuery, KillReason, Meta, MetaEvent, PastEvent, RegistrationInfo,
    Registrations, SessionInfo, Sessions, SubscriptionInfo, Subscriptions,
};
pub use progress::{Progress, ReportingCall};
pub use progressive::{
    CallSink, CallStream, LastResult, NextResult, ProgressiveCall, SendPart, StreamingCall,
};
pub use publish::{Publish, PublishFuture};
pub use queue::Event;
pub use register::{Register, RegisterFuture, Registration, UnregisterFuture};
pub use reply::{ErrorReply, IntoReply, Reply, WampError};
pub use router::{Idle, RouterConnection, RouterHandle};
pub use runner::{Finished, RunError, RunFuture, Runner};
pub use runtime::{BoxFuture, Job, Runtime};
pub use service::{Routes, Serve, ServeError, Service, Serving, StopFuture};
pub use shutdown::{ShutdownCause, ShutdownHandle, Signal, Signals};
pub use snapshot::{Pending, RegistrationStatus, SubscriptionStatus};
pub use subscribe::{HandleFuture, Next, Subscribe, SubscribeFuture, Subscription, UnsubscribeFuture};

pub use tap::{Observed, Recording, Side, Tap};

pub use wamp_proto as proto;
pub use wamp_proto::channel::{Channel, ClientCertificate, Cookie};
pub use wamp_proto::message::{CancelMode, InvocationPolicy, WelcomeDetails};
pub use wamp_proto::reconnect::{
    Kind as FailureKind, Policy as ReconnectPolicy, Verdict as ReconnectVerdict,
};
pub use wamp_proto::router::{Authentication, Grant, Principal, Question, Verdict};

#[cfg(test)]
mod tests;
