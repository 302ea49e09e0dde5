//! Durations in settings: `50ms`, `1.5s`, `2m30s`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// Reads a duration with unit; a bare number is refused.
///
/// # Errors
/// When the text is no duration or is negative.
pub fn parse(text: &str) -> Result<Duration, String> {
    let signed: jiff::SignedDuration =
        text.trim().parse().map_err(|error| format!("`{text}` is not a duration like `50ms`: {error}"))?;
    Duration::try_from(signed).map_err(|_| format!("duration `{text}` is negative"))
}

/// Writes a duration in the form that `parse` reads.
pub fn format(duration: Duration) -> String {
    match jiff::SignedDuration::try_from(duration) {
        Ok(signed) => format!("{signed:#}"),
        Err(_) => format!("{}s", duration.as_secs()),
    }
}

/// For `#[serde(with = "duration")]`.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For `#[serde(with = "duration")]`.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    parse(&text).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<Duration, &str>) {
        match (parse(text), expected) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{text}"),
            (Err(found), Err(wanted)) => assert!(found.contains(wanted), "{text}: {found}"),
            (found, wanted) => panic!("{text}: {found:?} instead of {wanted:?}"),
        }
    }

    #[test]
    fn durations_carry_units() {
        check("50ms", Ok(Duration::from_millis(50)));
        check("2m30s", Ok(Duration::from_secs(150)));
        check("0s", Ok(Duration::ZERO));
    }

    #[test]
    fn a_bare_number_is_refused() {
        check("50", Err("not a duration"));
    }

    #[test]
    fn a_negative_duration_is_refused() {
        check("-1s", Err("negative"));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for millis in [0, 1, 999, 1000, 61_001, 3_600_000] {
            let duration = Duration::from_millis(millis);
            check(&format(duration), Ok(duration));
        }
    }
}
