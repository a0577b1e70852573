//! Durations on the command line.

pub(crate) use wamp_tokio::parse_duration as parse;
