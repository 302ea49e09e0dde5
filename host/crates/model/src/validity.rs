//! Within which bounds the numbers of a run can be trusted.
//!
//! A scenario may write them, the record of a run keeps them, and a summary is judged by them: a report of the
//! record alone comes to the same verdict. What invalidates a run whatever a scenario says (a plugin that
//! broke, a record without an end) has no bound here.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not a share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// A number alone.
    #[error("`{text}` has no unit, write for example `99%`")]
    NoUnit {
        /// The text found.
        text: String,
    },
    /// Not of the form number%.
    #[error("`{text}` is not a share, write for example `99%` or `0.5%`")]
    Form {
        /// The text found.
        text: String,
    },
    /// Below nothing or above all.
    #[error("a share must be from 0% to 100%, found `{text}`")]
    Range {
        /// The text found.
        text: String,
    },
}

/// A part of a whole, from 0 to 1; a plain number in JSON.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Share(f64);

impl Share {
    /// Nothing of it.
    pub const NONE: Self = Self(0.0);

    /// Makes a share from a part of 1.
    ///
    /// # Errors
    /// When it is not from 0 to 1.
    pub fn try_new(part: f64) -> Result<Self, ShareError> {
        if (0.0..=1.0).contains(&part) {
            return Ok(Self(part));
        }
        Err(ShareError::Range { text: format!("{part}") })
    }

    /// Parses `99%` or `0.5 %`, to eight decimals of a part of 1.
    ///
    /// # Errors
    /// When there is no `%`, or the number is not from 0 to 100. `0` alone is fine.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        let text = text.trim();
        let form = || ShareError::Form { text: text.to_owned() };
        let is_plain = |number: &str| number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
        let Some(number) = text.strip_suffix('%').map(str::trim_end) else {
            return match text.parse::<f64>() {
                Ok(0.0) => Ok(Self::NONE),
                Ok(_) => Err(ShareError::NoUnit { text: text.to_owned() }),
                Err(_) => Err(form()),
            };
        };
        let percent: f64 = number.parse().ok().filter(|_| is_plain(number)).ok_or_else(form)?;
        // Two steps keep 99.9% at exactly 0.999.
        Self::try_new((percent * 1e6).round() / 1e8).map_err(|_| ShareError::Range { text: text.to_owned() })
    }

    /// From 0 to 1.
    pub fn part(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 1e8).round() / 1e6)
    }
}

impl TryFrom<f64> for Share {
    type Error = ShareError;
    fn try_from(part: f64) -> Result<Self, ShareError> {
        Self::try_new(part)
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> Self {
        share.0
    }
}

/// What a run must keep to; outside of it the run is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValidityBounds {
    /// Of a queue's due operations at least this part must leave; 99 % unless written.
    pub delivered: Share,
    /// How late the load of a paced queue may leave.
    pub lag: LagBound,
    /// Gaps in which a measurement may lose observations; 0 unless written.
    pub lost_observations: u64,
    /// Part of a queue's operations that the server may refuse with 429; none unless written. Queues that
    /// expect them ([`crate::OnTooManyRequests::Backoff`]) have no such bound.
    pub too_many_requests: Share,
}

/// The p99 lag may be the larger of both.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LagBound {
    /// Lag that is never too much, in ns; 1 ms unless written.
    pub time_ns: u64,
    /// Part of the queue's p50 response; 5 % unless written.
    pub response_share: Share,
}

impl Default for ValidityBounds {
    fn default() -> Self {
        Self {
            delivered: Share(0.99),
            lag: LagBound::default(),
            lost_observations: 0,
            too_many_requests: Share::NONE,
        }
    }
}

impl Default for LagBound {
    fn default() -> Self {
        Self { time_ns: 1_000_000, response_share: Share(0.05) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<f64, ShareError>) {
        assert_eq!(Share::parse(text).map(Share::part), expected, "{text}");
    }

    #[test]
    fn a_share_is_written_in_percent() {
        let text = str::to_owned;
        check("99%", Ok(0.99));
        check("99.9 %", Ok(0.999));
        check("100%", Ok(1.0));
        check("0", Ok(0.0));
        check("0.99", Err(ShareError::NoUnit { text: text("0.99") }));
        check("all%", Err(ShareError::Form { text: text("all%") }));
        check("1e1%", Err(ShareError::Form { text: text("1e1%") }));
        check("NaN%", Err(ShareError::Form { text: text("NaN%") }));
        check("", Err(ShareError::Form { text: String::new() }));
        check("101%", Err(ShareError::Range { text: text("101%") }));
        check("-1%", Err(ShareError::Range { text: text("-1%") }));
    }

    #[test]
    fn what_a_record_does_not_say_is_the_default() {
        assert_eq!(serde_json::from_str::<ValidityBounds>("{}").expect("bounds"), ValidityBounds::default());
        assert!(serde_json::from_str::<ValidityBounds>(r#"{"delivered":7}"#).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(text in ".{0,20}") {
            let _ = Share::parse(&text);
        }

        #[test]
        fn a_share_that_is_shown_is_read_again(millionths in 0_u32..=1_000_000) {
            let share = Share::try_new(f64::from(millionths) / 1e6).expect("a share");
            prop_assert_eq!(Share::parse(&share.to_string()), Ok(share));
        }
    }
}
