//! Durations as Kubernetes and Go write them: `1m30s`, `250ms`, `1.5h`.

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number alone: 5 of what?
    #[error("`{text}` has no unit, write for example `{text}s` or `{text}ms`")]
    NoUnit {
        /// The text found.
        text: String,
    },
    /// A unit that does not exist.
    #[error("`{unit}` is not a unit of time, use ns, us, ms, s, m or h")]
    UnknownUnit {
        /// The unit found.
        unit: String,
    },
    /// Not of the form number-unit.
    #[error("`{text}` is not a duration, write for example `1m30s`")]
    Form {
        /// The text found.
        text: String,
    },
    /// More than 290 years.
    #[error("`{text}` is too long for a duration")]
    TooLong {
        /// The text found.
        text: String,
    },
}

fn unit_ns(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return None,
    })
}

/// Parses a duration with a unit; several parts add up. `0` alone needs no unit.
///
/// # Errors
/// When the unit is missing or unknown, the form is wrong, or it is longer than an `i64` of nanoseconds.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let form = || DurationError::Form { text: text.to_owned() };
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(form());
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| form())?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        if unit.is_empty() {
            return Err(DurationError::NoUnit { text: text.to_owned() });
        }
        let factor = unit_ns(unit).ok_or_else(|| DurationError::UnknownUnit { unit: unit.to_owned() })?;
        total += number * factor;
        rest = tail;
    }
    if total > i64::MAX as f64 {
        return Err(DurationError::TooLong { text: text.to_owned() });
    }
    Ok(Duration::from_nanos(total.round() as u64))
}

/// Writes a duration for people, three significant digits: `1.23s`, `45.6ms`, `2m05s`, `1h02m`.
pub fn format_duration(duration: Duration) -> String {
    let ns = duration.as_nanos() as f64;
    let three = |value: f64, unit: &str| {
        let decimals = if value >= 99.95 {
            0
        } else if value >= 9.995 {
            1
        } else {
            2
        };
        let text = format!("{value:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        format!("{text}{unit}")
    };
    let seconds = duration.as_secs_f64().round() as u64;
    match ns {
        _ if ns == 0.0 => "0s".to_owned(),
        _ if ns < 999.5 => format!("{ns:.0}ns"),
        _ if ns < 999.5e3 => three(ns / 1e3, "µs"),
        _ if ns < 999.5e6 => three(ns / 1e6, "ms"),
        _ if ns < 99.95e9 => three(ns / 1e9, "s"),
        _ if seconds < 3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(parse_duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("0"), Ok(Duration::ZERO));
        assert_eq!(parse_duration("5"), Err(DurationError::NoUnit { text: "5".to_owned() }));
        assert_eq!(parse_duration("5 s"), Err(DurationError::UnknownUnit { unit: " s".to_owned() }));
        assert_eq!(parse_duration("5d"), Err(DurationError::UnknownUnit { unit: "d".to_owned() }));
        assert!(matches!(parse_duration("-5s"), Err(DurationError::Form { .. })));
        assert!(matches!(parse_duration("999999999h"), Err(DurationError::TooLong { .. })));
    }

    #[test]
    fn durations_are_written_with_three_digits() {
        let of = |ns| format_duration(Duration::from_nanos(ns));
        assert_eq!(of(0), "0s");
        assert_eq!(of(17), "17ns");
        assert_eq!(of(45_600_000), "45.6ms");
        assert_eq!(of(1_000_000_000), "1s");
        assert_eq!(of(1_234_000_000), "1.23s");
        assert_eq!(of(125_000_000_000), "2m05s");
        assert_eq!(of(3_720_000_000_000), "1h02m");
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(text in ".{0,40}") {
            let _ = parse_duration(&text);
        }

        #[test]
        fn whole_nanoseconds_survive(ns in 0_u64..1_000_000_000_000) {
            prop_assert_eq!(parse_duration(&format!("{ns}ns")), Ok(Duration::from_nanos(ns)));
        }
    }
}
