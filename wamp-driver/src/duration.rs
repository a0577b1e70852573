//! Durations as people write them.

use std::time::Duration;

/// Reads a duration such as `500ms`, `10s`, `2m`, `1h`, `1.5s`, or a number of seconds; more than nothing, and a year at most.
///
/// # Errors
///
/// A sentence that says what a duration looks like.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as 500ms, 10s, 2m or 1h");
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
    // The clock's limits are far away, and nobody means a century.
    if duration.is_zero() || duration > MAX {
        return Err(format!("`{text}` must be more than nothing and at most a year"));
    }
    Ok(duration)
}

/// A year.
const MAX: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("3", 3_000),
            ("1.5s", 1_500),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration() {
        for text in ["", "s", "10x", "-1s", "1 s", "0", "0ms", "1..2", "99999999999h", "nan", "10S"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
