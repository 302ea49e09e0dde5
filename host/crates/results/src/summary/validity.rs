//! The bounds that a run was judged by.

use bench_model::ValidityBounds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Outside of these a run is invalid. From its record; those of a record that has none are the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ValiditySummary {
    /// Part of a queue's due operations that must leave, from 0 to 1.
    pub delivered: f64,
    /// The p99 lag of a paced queue may be the larger of this, in ns, …
    pub lag_ns: u64,
    /// … and this part of its p50 response, from 0 to 1.
    pub lag_response_share: f64,
    /// Gaps in which measurements may lose observations.
    pub lost_observations: u64,
    /// Part of a queue's operations that may be refused with 429, from 0 to 1.
    pub too_many_requests: f64,
}

impl From<ValidityBounds> for ValiditySummary {
    fn from(bounds: ValidityBounds) -> Self {
        Self {
            delivered: bounds.delivered.part(),
            lag_ns: bounds.lag.time_ns,
            lag_response_share: bounds.lag.response_share.part(),
            lost_observations: bounds.lost_observations,
            too_many_requests: bounds.too_many_requests.part(),
        }
    }
}

impl Default for ValiditySummary {
    fn default() -> Self {
        ValidityBounds::default().into()
    }
}
