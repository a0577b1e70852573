//! What the environment says about connections that nobody has made settings for.

use std::time::Duration;

use wamp_proto::transport::heartbeat;

#[cfg(feature = "cra")]
use crate::auth::Cra;
#[cfg(feature = "cryptosign")]
use crate::auth::Cryptosign;
#[cfg(feature = "scram")]
use crate::auth::Scram;
use crate::{
    ConnectError,
    auth::{Auth, Secret, Ticket},
    parse_duration,
};

/// How long a router may be silent before it is asked for a sign of life.
const HEARTBEAT: &str = "WAMP_HEARTBEAT";

/// How long it may take to give one.
const HEARTBEAT_TIMEOUT: &str = "WAMP_HEARTBEAT_TIMEOUT";

/// The heartbeat as `variable` has it; what is not set stays.
pub(super) fn heartbeat(
    mut config: heartbeat::Config,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<heartbeat::Config, ConnectError> {
    for (name, setting) in [(HEARTBEAT, &mut config.interval), (HEARTBEAT_TIMEOUT, &mut config.timeout)] {
        if let Some(text) = variable(name) {
            *setting = duration(&text).ok_or(ConnectError::Environment { name, text })?;
        }
    }
    Ok(config)
}

/// The ways to prove who one is that `variable` has secrets for, the strongest first.
pub(super) fn login(variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Auth>, ConnectError> {
    let secret = |name: &'static str| variable(name).map(|_| Secret::env(name));
    let authid = variable("WAMP_AUTHID");
    let mut ways = Vec::new();
    #[cfg(feature = "cryptosign")]
    if let Some(key) = secret("WAMP_PRIVATE_KEY") {
        ways.push(authid.iter().fold(Cryptosign::new(key), Cryptosign::authid).into());
    }
    let named = || authid.clone().ok_or_else(nobody);
    #[cfg(feature = "scram")]
    if let Some(password) = secret("WAMP_PASSWORD") {
        ways.push(Scram::new(named()?, password).into());
    }
    #[cfg(feature = "cra")]
    if variable("WAMP_SECRET").or_else(|| variable("WAMPYSECRET")).is_some() {
        ways.push(Cra::new(named()?, Secret::from_env()).into());
    }
    if let Some(ticket) = secret("WAMP_TICKET") {
        ways.push(Ticket::new(named()?, ticket).into());
    }
    Ok(ways)
}

/// A secret without a name.
fn nobody() -> ConnectError {
    let why = "it does not say who you are, though there is a secret".to_owned();
    ConnectError::Secret { from: "the environment variable WAMP_AUTHID".to_owned(), why }
}

/// A duration; `off` and `0` are none at all.
fn duration(text: &str) -> Option<Duration> {
    match text.trim() {
        "off" | "0" => Some(Duration::ZERO),
        text => parse_duration(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("20", 20_000),
            ("20s", 20_000),
            (" 500ms ", 500),
            ("1.5", 1_500),
            ("2m", 120_000),
            ("0", 0),
            ("off", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1", "1d", "fast", "1e999", "NaN"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn whom_it_joins_as() {
        let methods = |set: &[(&str, &str)]| {
            let variable =
                |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, v)| (*v).to_owned());
            login(variable).map(|ways| format!("{ways:?}"))
        };
        assert_eq!(methods(&[("WAMP_AUTHID", "joe")]).unwrap(), "[]");
        let error = methods(&[("WAMP_TICKET", "s3cret")]).unwrap_err().to_string();
        assert!(error.contains("WAMP_AUTHID") && !error.contains("s3cret"), "{error}");
        let one = methods(&[("WAMP_AUTHID", "joe"), ("WAMP_TICKET", "s3cret")]).unwrap();
        assert!(one.contains("joe") && !one.contains("s3cret"), "{one}");
    }

    #[test]
    fn what_is_set_counts_and_what_is_wrong_is_said() {
        let set = |name: &str| (name == HEARTBEAT).then(|| "3s".to_owned());
        let config = heartbeat(heartbeat::Config::CLIENT, set).unwrap();
        assert_eq!((config.interval.as_secs(), config.timeout.as_secs()), (3, 10));
        let error =
            heartbeat(heartbeat::Config::CLIENT, |_| Some("soon".to_owned())).unwrap_err().to_string();
        assert!(error.contains("WAMP_HEARTBEAT") && error.contains("soon"), "{error}");
    }
}
