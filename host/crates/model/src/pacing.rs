//! How fast a queue sends: rate, burst, arrival process, in-flight window.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RateError {
    /// A number alone.
    #[error("`{text}` has no unit, write for example `{text}/s` or `{text}/m`")]
    NoUnit {
        /// The text found.
        text: String,
    },
    /// Zero, negative, infinite or not a number.
    #[error("a rate must be more than 0 and at most 1000000/s, found `{text}`")]
    Range {
        /// The text found.
        text: String,
    },
    /// Not of the form number/unit.
    #[error("`{text}` is not a rate, write for example `50/s`, `30/m` or `100/h`")]
    Form {
        /// The text found.
        text: String,
    },
}

/// Operations per second: above 0, at most a million.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(f64);

impl Rate {
    /// Makes a rate from operations per second.
    ///
    /// # Errors
    /// When it is not above 0 and at most 1,000,000.
    pub fn try_new(per_second: f64) -> Result<Self, RateError> {
        if per_second > 0.0 && per_second <= 1e6 {
            return Ok(Self(per_second));
        }
        Err(RateError::Range { text: format!("{per_second}/s") })
    }

    /// Parses `50/s`, `30/m`, `100/h`.
    ///
    /// # Errors
    /// When the unit is missing or the number is out of range.
    pub fn parse(text: &str) -> Result<Self, RateError> {
        let form = || RateError::Form { text: text.to_owned() };
        let Some((number, unit)) = text.split_once('/') else {
            let is_number = text.trim().parse::<f64>().is_ok();
            return Err(if is_number { RateError::NoUnit { text: text.trim().to_owned() } } else { form() });
        };
        let number: f64 = number.trim().parse().map_err(|_| form())?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(form()),
        };
        Self::try_new(number / seconds).map_err(|_| RateError::Range { text: text.to_owned() })
    }

    /// Operations per second.
    pub fn per_second(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl TryFrom<String> for Rate {
    type Error = RateError;
    fn try_from(text: String) -> Result<Self, RateError> {
        Self::parse(&text)
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

/// How many operations may be due at once at the start.
pub type Burst = NonZeroU32;

/// How many requests a queue may have in flight.
pub type InFlight = NonZeroU32;

/// How due times are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Arrival {
    /// Evenly: operation `i` is due at `max(0, (i + 1 - burst) / rate)`.
    #[default]
    Constant,
    /// Exponential gaps of mean `1 / rate` after the burst, drawn from the seed.
    Poisson,
}

/// What an HTTP 429 means to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnTooManyRequests {
    /// A result as any other.
    #[default]
    Record,
    /// Wait for Retry-After and send again; the due time stays.
    Backoff,
}

/// One queue of a job.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueSpec {
    /// None: as fast as the in-flight window allows (closed loop).
    pub rate: Option<Rate>,
    /// At least 1.
    pub burst: Burst,
    /// How due times are spread.
    pub arrival: Arrival,
    /// At least 1.
    pub in_flight: InFlight,
    /// What an HTTP 429 means.
    pub on_too_many_requests: OnTooManyRequests,
}

impl QueueSpec {
    /// No pacing, 64 in flight: the queue named `setup`.
    pub fn setup() -> Self {
        Self {
            rate: None,
            burst: Burst::MIN,
            arrival: Arrival::Constant,
            in_flight: InFlight::MIN.saturating_add(63),
            on_too_many_requests: OnTooManyRequests::Backoff,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_needs_a_unit_and_is_above_zero() {
        assert_eq!(Rate::parse("50/s").map(Rate::per_second), Ok(50.0));
        assert_eq!(Rate::parse("30/m").map(Rate::per_second), Ok(0.5));
        assert_eq!(Rate::parse("50"), Err(RateError::NoUnit { text: "50".to_owned() }));
        for bad in ["0/s", "-1/s", "inf/s", "NaN/s", "1e9/s"] {
            assert_eq!(Rate::parse(bad), Err(RateError::Range { text: bad.to_owned() }));
        }
        for bad in ["", "fast", "5/d", "/s"] {
            assert_eq!(Rate::parse(bad), Err(RateError::Form { text: bad.to_owned() }));
        }
    }

    proptest! {
        #[test]
        fn a_displayed_rate_parses_to_itself(per_second in 0.001_f64..1e6) {
            let rate = Rate::try_new(per_second).expect("in range");
            prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
        }
    }
}
