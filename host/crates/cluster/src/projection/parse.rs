//! Scalars of JSON, and what they mean: integers, times, quantities.

use std::{borrow::Cow, fmt};

use bench_limiter::RunClock;
use bench_model::TimeNs;

use super::quantity;

/// A scalar as it stands in JSON; [`Scalar::Text`] is also the JSON of a `raw` column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Int(i64),
    /// Above [`i64::MAX`].
    Large(u64),
    Float(f64),
    Bool(bool),
}

impl fmt::Display for Scalar<'_> {
    /// Numbers and booleans as JSON writes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int(value) => write!(f, "{value}"),
            Self::Large(value) => write!(f, "{value}"),
            Self::Float(value) => match serde_json::Number::from_f64(*value) {
                Some(number) => write!(f, "{number}"),
                None => Ok(()),
            },
            Self::Bool(value) => write!(f, "{value}"),
        }
    }
}

impl<'a> Scalar<'a> {
    pub(super) fn number(number: &serde_json::Number) -> Self {
        let whole = number.as_i64().map(Self::Int).or_else(|| number.as_u64().map(Self::Large));
        whole.unwrap_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN)))
    }

    pub(super) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            other @ (Self::Int(_) | Self::Large(_) | Self::Float(_) | Self::Bool(_)) => {
                Cow::Owned(other.to_string())
            }
        }
    }

    /// Whether it is this text, or a number or boolean written so.
    pub(super) fn is_text(&self, wanted: &str) -> bool {
        match self {
            Self::Text(text) => text == wanted,
            Self::Bool(value) => wanted == if *value { "true" } else { "false" },
            Self::Int(_) | Self::Large(_) | Self::Float(_) => self.to_string() == wanted,
        }
    }

    /// Whole numbers, also as text: annotations have nothing else.
    pub(super) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Int(value) => Some(*value),
            Self::Large(_) | Self::Float(_) | Self::Bool(_) => None,
        }
        .filter(|value| *value != i64::MIN)
    }

    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            Self::Int(value) => Some(*value as f64),
            Self::Large(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Bool(_) => None,
        }
        .filter(|value| !value.is_nan())
    }

    /// Booleans, also as text, and as the status of a condition: `True`, `False`.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Text(text) => match text.as_ref() {
                "true" | "True" => Some(true),
                "false" | "False" => Some(false),
                _ => None,
            },
            Self::Int(_) | Self::Large(_) | Self::Float(_) => None,
        }
    }

    pub(super) fn as_time(&self, clock: &RunClock) -> Option<TimeNs> {
        match self {
            Self::Text(text) => rfc3339(text).map(|unix_ns| clock.from_unix_ns(unix_ns)),
            Self::Int(_) | Self::Large(_) | Self::Float(_) | Self::Bool(_) => None,
        }
    }

    pub(super) fn as_quantity(&self, is_cpu: bool) -> Option<i64> {
        match self {
            Self::Text(text) => quantity::parse(text, is_cpu),
            Self::Int(_) | Self::Large(_) | Self::Float(_) => quantity::parse(&self.to_string(), is_cpu),
            Self::Bool(_) => None,
        }
    }
}

/// Unix time in ns of `2006-01-02T15:04:05.999999999Z` or with an offset such as `+02:00`.
fn rfc3339(text: &str) -> Option<i128> {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| -> Option<i64> {
        let part = bytes.get(from..to)?;
        part.iter()
            .try_fold(0_i64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    };
    let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
    let separated = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    if !separated {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction_ns, zone) = fraction(text.get(19..)?)?;
    let offset = zone_seconds(zone)?;
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Some(i128::from(seconds) * 1_000_000_000 + i128::from(fraction_ns))
}

fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, zone) = rest.split_at(end);
    // Digits past the ninth are cut off.
    let digits = digits.get(..digits.len().min(9)).filter(|digits| !digits.is_empty())?;
    let scale = 10_i64.pow(9 - u32::try_from(digits.len()).ok()?);
    Some((digits.parse::<i64>().ok()? * scale, zone))
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match zone.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, zone.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let two =
        |text: &str| text.parse::<i64>().ok().filter(|_| text.len() == 2 && !text.starts_with(['+', '-']));
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1970-01-01 in the Gregorian calendar.
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_of_the_api_are_read() {
        assert_eq!(rfc3339("1970-01-01T00:00:01Z"), Some(1_000_000_000));
        assert_eq!(rfc3339("2024-02-29T12:00:00.25Z"), Some(1_709_208_000_250_000_000));
        assert_eq!(rfc3339("2024-02-29T14:00:00.250000+02:00"), Some(1_709_208_000_250_000_000));
        for wrong in [
            "",
            "2024-02-29",
            "2024-02-29T12:00:00",
            "2024-13-01T00:00:00Z",
            "2024-02-29T12:00:00.Z",
            "é024-02-29T12:00:00Z",
        ] {
            assert_eq!(rfc3339(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn times_agree_with_jiff(unix in -62_000_000_000_i64..250_000_000_000, nanos in 0_i32..1_000_000_000) {
            let time = jiff::Timestamp::new(unix, 0).expect("in range") + jiff::SignedDuration::from_nanos(i64::from(nanos));
            prop_assert_eq!(rfc3339(&time.to_string()), Some(time.as_nanosecond()));
        }

        #[test]
        fn nothing_makes_it_panic(text in r"[0-9TZ:+.\-]{0,35}|.{0,35}") {
            let _ = rfc3339(&text);
        }
    }
}
