//! Distributions as a summary keeps them: quantiles between bounds, with intervals and estimates.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ConfidenceMethod {
    /// Ranks of the exact binomial distribution; holds for values that do not depend on one another.
    OrderStatistics,
    /// Spread of the share at or below the quantile over 30 batches in order of time; holds also when
    /// values that are near in time are alike.
    BatchMeans,
}

/// Between which values a quantile lies with confidence `level`. Where values are known between bounds it
/// reaches from the lower end of the lower bounds to the upper end of the upper ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Confidence {
    /// Lower end; `null` when even that never came.
    pub low: Option<u64>,
    /// Upper end; `null` when it never came, or cannot be known from so many values.
    pub high: Option<u64>,
    /// `0.95`
    pub level: f64,
    /// How it was made.
    pub method: ConfidenceMethod,
}

/// How an estimate was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EstimateMethod {
    /// Nonparametric maximum likelihood from values between bounds (Turnbull 1976).
    Turnbull,
}

/// Most likely value of a quantile of which only bounds are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// The value; `null` when it most likely never came.
    pub value: Option<u64>,
    /// How it was made.
    pub method: EstimateMethod,
}

/// A quantile between its bounds; `null` is a value that never came, above every number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuantileBounds {
    /// From 0 to 1.
    pub q: f64,
    /// Lower bound.
    pub low: Option<u64>,
    /// Upper bound; the same when the value is exact.
    pub high: Option<u64>,
    /// Whether there are enough samples for it: p50 6, p90 36, p95 72, p99 368, p99.9 3688.
    pub enough: bool,
    /// How many it needs.
    #[serde(default)]
    pub needed: u64,
    /// With 95 % confidence; absent when there are too few values.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// Most likely value, when only bounds are known and enough of them.
    #[serde(default)]
    pub estimate: Option<Estimate>,
}

/// A distribution, what never came included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Distribution {
    /// UCUM.
    pub unit: String,
    /// All values, missing ones included.
    pub n: u64,
    /// Never came, or stand for a failure; rank above every number.
    pub missing: u64,
    /// Whether some values are known only between bounds.
    pub bounded: bool,
    /// Smallest value that came, lower bound.
    pub min: Option<u64>,
    /// Mean of what came.
    pub mean: Option<f64>,
    /// Largest value, upper bound; absent when one is missing.
    pub max: Option<u64>,
    /// p50, p90, p95, p99, p99.9; empty when there is no value.
    pub quantiles: Vec<QuantileBounds>,
}

impl Distribution {
    /// One of the quantiles that are kept.
    pub fn quantile(&self, q: f64) -> Option<&QuantileBounds> {
        self.quantiles.iter().find(|quantile| quantile.q == q)
    }
}
