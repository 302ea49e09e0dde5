//! What measurements left: metrics, reports, tables, the slowest objects.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Distribution;

/// A metric of a plugin with one label set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricSummary {
    /// Name of the measurement or job.
    pub source: String,
    /// As the plugin declared.
    pub name: String,
    /// Label values by name.
    pub labels: BTreeMap<String, String>,
    /// UCUM.
    pub unit: String,
    /// Of a histogram.
    pub distribution: Option<Distribution>,
    /// Total of a counter, last value of a gauge.
    pub value: Option<f64>,
}

/// What a measurement returned at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportSummary {
    /// Name of the measurement.
    pub source: String,
    /// Any JSON.
    pub report: serde_json::Value,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableSummary {
    /// Name of the measurement or job.
    pub source: String,
    /// As the plugin declared.
    pub name: String,
    /// Below the run directory; one JSON object a line.
    pub file: String,
    /// How many.
    pub rows: u64,
}

/// A step on an object's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The column.
    pub name: String,
    /// Time since the step before; absent when it never came.
    pub took_ns: Option<u64>,
}

/// One of the slowest objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SlowObject {
    /// Name of the measurement or job.
    pub source: String,
    /// `namespace/name`, as far as the table tells.
    pub object: String,
    /// Where it ran, when the table tells.
    pub node: Option<String>,
    /// The column that ranks.
    pub metric: String,
    /// Its value; absent when it never came.
    pub value_ns: Option<u64>,
    /// The step that took longest, or the first that never came.
    pub longest: Option<Step>,
    /// The table's own word, from a column `reason`.
    pub reason: Option<String>,
}
