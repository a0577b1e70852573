//! What the environment says about connections that nobody has made settings for.

use std::time::Duration;

use wamp_proto::transport::heartbeat;

use crate::ConnectError;

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

/// `20`, `20s`, `500ms`, `2m`; `off` and `0` are zero.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text == "off" {
        return Some(Duration::ZERO);
    }
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.trim_end().parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("20", 20_000),
            ("20s", 20_000),
            (" 500 ms ", 500),
            ("1.5", 1_500),
            ("2m", 120_000),
            ("0", 0),
            ("off", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1", "1h", "fast", "1e999", "NaN"] {
            assert_eq!(duration(text), None, "{text}");
        }
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
