//! Points in time as text (RFC 3339), for what the meta API tells. Microseconds since 1970 in UTC, without leap seconds.

/// Microseconds since 1970 as the meta API tells of times (RFC 3339, UTC): `2026-11-22T23:12:51.123456Z`.
pub fn format(micros: u64) -> String {
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// `None` for what is no date and time of RFC 3339; what is before 1970 counts as its beginning.
pub(super) fn parse(text: &str) -> Option<u64> {
    let (date, time) = text.split_at_checked(10)?;
    let (year, month, day) = fields(date, '-', [4, 2, 2])?;
    let time = time.strip_prefix(['T', 't', ' '])?;
    let (time, rest) = time.split_at_checked(8)?;
    let (hour, minute, second) = fields(time, ':', [2, 2, 2])?;
    let in_range =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let (micros, zone) = fraction(rest)?;
    let offset = offset(zone).filter(|_| in_range)?;
    let clock = hour.checked_mul(3_600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)?;
    let seconds = days(year, month, day)?.checked_mul(86_400)?.checked_add(clock)?.checked_sub(offset)?;
    let micros = seconds.checked_mul(1_000_000)?.checked_add(micros)?;
    Some(u64::try_from(micros).unwrap_or(0))
}

/// Three numbers of so many digits.
fn fields(text: &str, separator: char, digits: [usize; 3]) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(separator).zip(digits).map(|(part, digits)| number(part, digits));
    let fields = (parts.next()??, parts.next()??, parts.next()??);
    (text.split(separator).count() == 3).then_some(fields)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let valid = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| valid)
}

/// The fraction of a second in microseconds, and what is behind it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(text) = text.strip_prefix('.') else { return Some((0, text)) };
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(length).filter(|(digits, _)| !digits.is_empty())?;
    let micros = digits.chars().chain("000000".chars()).take(6).collect::<String>();
    Some((number(&micros, 6)?, rest))
}

/// How many seconds a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let ahead = match zone.chars().next()? {
        '+' => 1_i64,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let seconds = hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?;
    seconds.checked_mul(ahead).filter(|_| hours < 24 && minutes < 60)
}

/// The date of a day since 1970, in the Gregorian calendar. A year begins in March here, so that a leap day is the last.
#[allow(clippy::arithmetic_side_effects, reason = "2^64 microseconds are fewer than 600,000 years")]
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (year + era * 400 + u64::from(month <= 2), month, day)
}

/// The day since 1970 of a date.
#[allow(clippy::arithmetic_side_effects, reason = "a year has four digits, a month and a day two")]
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    // A year begins in March.
    let year = year - i64::from(month <= 2);
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + 365 * year + year / 4 - year / 100 + in_year - 719_468;
    (day <= length).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_78_there_and_back() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (1_795_389_171_123_456, "2026-11-22T23:12:51.123456Z"),
            (4_107_542_399_000_000, "2100-02-28T23:59:59.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(format(micros), text);
            assert_eq!(parse(text), Some(micros));
        }
        for day in 0..200_000 {
            let (year, month, date) = civil(day);
            assert_eq!(days(year as i64, month as i64, date as i64), Some(day as i64));
        }
    }

    #[test]
    fn p_76_forms_of_rfc_3339() {
        let noon = parse("2026-11-22T12:00:00Z").unwrap();
        for same in ["2026-11-22t12:00:00z", "2026-11-22 13:30:00+01:30", "2026-11-22T11:00:00.0-01:00"] {
            assert_eq!(parse(same), Some(noon), "{same}");
        }
        assert_eq!(parse("2026-11-22T12:00:00.1234567Z"), Some(noon + 123_456));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(0));
        for bad in [
            "",
            "2026-11-22",
            "2026-11-22T12:00:00",
            "2026-11-22T12:00:00.Z",
            "2026-02-29T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T12:00:00+1:00",
            "2026-11-22T12:00:00+25:00",
            "+026-11-22T12:00:00Z",
            "2026-11-22T12:0ö:00Z",
            "yesterday",
            "2026-11-2ö",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
