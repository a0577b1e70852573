//! The flags of `wamp publish`.

use clap::{ArgAction, Args};
use wamp_tokio::proto::id::SessionId;

use super::Payload;

/// `wamp publish`.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The topic.
    pub(crate) uri: String,
    /// The event.
    #[command(flatten)]
    pub(crate) payload: Payload,
    /// Wait until the router has accepted each event, and print the ids of the publications. Without this, only the last
    /// one is waited for, and with --lines none: the router does not tell then when it refuses an event.
    #[arg(long)]
    pub(crate) ack: bool,
    /// Ask the router to keep the event for those who subscribe later.
    #[arg(long)]
    pub(crate) retain: bool,
    /// Ask the router to tell the subscribers who publishes.
    #[arg(long)]
    pub(crate) disclose: bool,
    /// Publish an event for each line of stdin, which is its argument.
    #[arg(long, conflicts_with_all = ["arguments", "args", "payload", "repeat"])]
    pub(crate) lines: bool,
    /// Publish this many times.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) repeat: u64,
    /// Publish this many in a second at most, such as 10/s.
    #[arg(long, value_name = "N/s", value_parser = super::bench::rate)]
    pub(crate) rate: Option<f64>,
    /// Who gets the event.
    #[command(flatten)]
    pub(crate) audience: Audience,
}

/// Who gets an event: each list may be given several times, or with commas.
#[derive(Clone, Debug, Args)]
pub(crate) struct Audience {
    /// Keep the event from this session itself, were it subscribed.
    #[arg(long, value_name = "BOOL", default_value = "true", action = ArgAction::Set)]
    pub(crate) exclude_me: bool,
    /// Keep the event from these sessions.
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = super::id::<SessionId>)]
    pub(crate) exclude: Vec<SessionId>,
    /// Keep the event from these authids.
    #[arg(long, value_name = "AUTHID", value_delimiter = ',')]
    pub(crate) exclude_authid: Vec<String>,
    /// Keep the event from these authroles.
    #[arg(long, value_name = "AUTHROLE", value_delimiter = ',')]
    pub(crate) exclude_authrole: Vec<String>,
    /// Deliver the event to these sessions only.
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = super::id::<SessionId>)]
    pub(crate) eligible: Vec<SessionId>,
    /// Deliver the event to these authids only.
    #[arg(long, value_name = "AUTHID", value_delimiter = ',')]
    pub(crate) eligible_authid: Vec<String>,
    /// Deliver the event to these authroles only.
    #[arg(long, value_name = "AUTHROLE", value_delimiter = ',')]
    pub(crate) eligible_authrole: Vec<String>,
}
