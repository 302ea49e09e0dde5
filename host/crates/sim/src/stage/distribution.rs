//! How long a step of a life cycle takes.
//!
//! Every distribution can be drawn from and knows its quantiles, so that a test may compare what was injected
//! with what was measured. Results are never negative; a normal distribution is cut off at zero.

use std::time::Duration;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::duration;

/// Longest duration that is ever drawn: ten years. Keeps timers far from overflow.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A distribution of durations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Distribution {
    /// Always the same.
    Constant(#[serde(with = "duration")] Duration),
    /// Evenly between two durations.
    Uniform {
        /// Shortest.
        #[serde(with = "duration")]
        min: Duration,
        /// Longest.
        #[serde(with = "duration")]
        max: Duration,
    },
    /// Bell-shaped, cut off at zero.
    Normal {
        /// Mean before the cut.
        #[serde(with = "duration")]
        mean: Duration,
        /// Standard deviation before the cut.
        #[serde(with = "duration")]
        standard_deviation: Duration,
    },
    /// The logarithm is bell-shaped; the usual form of latencies.
    Lognormal {
        /// Half of all are shorter.
        #[serde(with = "duration")]
        median: Duration,
        /// Standard deviation of the logarithm; 0 is constant, 0.5 has p99 at 3.2 times the median.
        sigma: f64,
    },
    /// Memoryless.
    Exponential {
        /// Mean.
        #[serde(with = "duration")]
        mean: Duration,
    },
    /// One of two distributions.
    Bimodal {
        /// What most get.
        fast: Box<Distribution>,
        /// What the others get.
        slow: Box<Distribution>,
        /// Share of the others, 0 to 1.
        slow_share: f64,
    },
}

impl Distribution {
    /// No time at all.
    pub const ZERO: Self = Self::Constant(Duration::ZERO);

    /// A constant in milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self::Constant(Duration::from_millis(millis))
    }

    /// Draws one duration.
    pub fn draw(&self, random: &mut impl Rng) -> Duration {
        match self {
            Self::Constant(duration) => *duration,
            Self::Bimodal { fast, slow, slow_share } => {
                let side = if random.random::<f64>() < *slow_share { slow } else { fast };
                side.draw(random)
            }
            Self::Uniform { .. }
            | Self::Normal { .. }
            | Self::Lognormal { .. }
            | Self::Exponential { .. } => self.at(random.random::<f64>()),
        }
    }

    /// Returns the duration that a share `q` of all drawings does not exceed.
    ///
    /// `q` outside 0 to 1 is taken as the nearer end; the upper end of an unbounded distribution is cut off
    /// at its 1 − 1e−12 quantile.
    pub fn quantile(&self, q: f64) -> Duration {
        match self {
            Self::Bimodal { fast, slow, slow_share } => mixture_quantile(fast, slow, *slow_share, q),
            Self::Constant(_)
            | Self::Uniform { .. }
            | Self::Normal { .. }
            | Self::Lognormal { .. }
            | Self::Exponential { .. } => self.at(q),
        }
    }

    /// The inverse of the distribution function; by it all but mixtures are drawn.
    fn at(&self, q: f64) -> Duration {
        let q = if q.is_nan() { 0.5 } else { q.clamp(0.0, 1.0 - 1e-12) };
        let seconds = match self {
            Self::Constant(duration) => return *duration,
            Self::Uniform { min, max } => {
                let (min, max) = (min.as_secs_f64(), max.as_secs_f64());
                min + q * (max - min).max(0.0)
            }
            Self::Normal { mean, standard_deviation } => {
                mean.as_secs_f64() + standard_deviation.as_secs_f64() * normal_quantile(q)
            }
            Self::Lognormal { median, sigma } => median.as_secs_f64() * (sigma * normal_quantile(q)).exp(),
            Self::Exponential { mean } => -mean.as_secs_f64() * (1.0 - q).ln(),
            Self::Bimodal { fast, slow, slow_share } => return mixture_quantile(fast, slow, *slow_share, q),
        };
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LONGEST).min(LONGEST)
    }

    /// Returns what is wrong with the numbers, if anything.
    ///
    /// # Errors
    /// When a share is outside 0 to 1, a sigma is negative or not finite, or a range is upside down.
    pub fn validate(&self) -> Result<(), String> {
        match self {
            Self::Uniform { min, max } if min > max => Err(format!(
                "uniform `min` {} is longer than `max` {}",
                duration::format(*min),
                duration::format(*max)
            )),
            Self::Lognormal { sigma, .. } if !sigma.is_finite() || *sigma < 0.0 => {
                Err(format!("lognormal `sigma` is {sigma}; it must be a number from 0"))
            }
            Self::Bimodal { slow_share, .. } if !(0.0..=1.0).contains(slow_share) => {
                Err(format!("bimodal `slowShare` is {slow_share}; it must be within 0 and 1"))
            }
            Self::Bimodal { fast, slow, .. } => fast.validate().and_then(|()| slow.validate()),
            Self::Constant(_)
            | Self::Uniform { .. }
            | Self::Normal { .. }
            | Self::Lognormal { .. }
            | Self::Exponential { .. } => Ok(()),
        }
    }

    /// Returns the share of drawings that are not longer than `at`.
    fn share_within(&self, at: Duration) -> f64 {
        let seconds = at.as_secs_f64();
        match self {
            Self::Constant(duration) => f64::from(u8::from(at >= *duration)),
            Self::Bimodal { fast, slow, slow_share } => {
                fast.share_within(at) * (1.0 - slow_share) + slow.share_within(at) * slow_share
            }
            Self::Exponential { mean } if mean.is_zero() => 1.0,
            Self::Exponential { mean } => 1.0 - (-seconds / mean.as_secs_f64()).exp(),
            Self::Uniform { .. } | Self::Normal { .. } | Self::Lognormal { .. } => {
                bisect(0.0, 1.0, |q| self.at(q) > at)
            }
        }
    }
}

/// Finds the quantile of a mixture by halving, for it has no closed form.
fn mixture_quantile(fast: &Distribution, slow: &Distribution, slow_share: f64, q: f64) -> Duration {
    let (low, high) = (fast.quantile(q).min(slow.quantile(q)), fast.quantile(q).max(slow.quantile(q)));
    let within = |at: f64| {
        let at = Duration::try_from_secs_f64(at).unwrap_or(LONGEST);
        fast.share_within(at) * (1.0 - slow_share) + slow.share_within(at) * slow_share
    };
    let seconds = bisect(low.as_secs_f64(), high.as_secs_f64(), |at| within(at) >= q);
    Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST).clamp(low, high)
}

/// Returns the place between `low` and `high` where `beyond` turns true.
fn bisect(mut low: f64, mut high: f64, beyond: impl Fn(f64) -> bool) -> f64 {
    if beyond(low) {
        return low;
    }
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if beyond(middle) { high = middle } else { low = middle }
    }
    high
}

/// The quantile of the standard normal distribution by Acklam's rational approximation (relative error < 1.2e−9).
#[expect(clippy::excessive_precision, reason = "the published coefficients")]
fn normal_quantile(q: f64) -> f64 {
    const EDGE: f64 = 0.02425;
    let q = q.clamp(1e-12, 1.0 - 1e-12);
    if q < EDGE {
        return tail((-2.0 * q.ln()).sqrt());
    }
    if q > 1.0 - EDGE {
        return -tail((-2.0 * (1.0 - q).ln()).sqrt());
    }
    let d = q - 0.5;
    let r = d * d;
    let numerator = ((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02)
        * r
        + 1.383577518672690e+02)
        * r
        - 3.066479806614716e+01)
        * r
        + 2.506628277459239e+00;
    let denominator = ((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02)
        * r
        + 6.680131188771972e+01)
        * r
        - 1.328068155288572e+01)
        * r
        + 1.0;
    numerator * d / denominator
}

/// The lower tail of `normal_quantile`.
fn tail(r: f64) -> f64 {
    let numerator = ((((-7.784894002430293e-03 * r - 3.223964580411365e-01) * r - 2.400758277161838e+00)
        * r
        - 2.549732539343734e+00)
        * r
        + 4.374664141464968e+00)
        * r
        + 2.938163982698783e+00;
    let denominator = (((7.784695709041462e-03 * r + 3.224671290700398e-01) * r + 2.445134137142996e+00) * r
        + 3.754408661907416e+00)
        * r
        + 1.0;
    numerator / denominator
}

#[cfg(test)]
mod tests;
