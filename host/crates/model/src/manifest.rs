//! What a plugin says about itself: the JSON that its function `manifest` returns.

use serde::{Deserialize, Serialize};

use crate::{InstrumentKind, MetricName, Permissions};

/// What a plugin can be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PluginKind {
    /// Makes load.
    Workload,
    /// Turns observations into samples.
    Measurement,
}

/// An instrument that a plugin may open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricDeclaration {
    /// Unique in the manifest.
    pub name: MetricName,
    /// Histogram, counter or gauge.
    pub kind: InstrumentKind,
    /// UCUM: `ns`, `By`, `1`.
    pub unit: String,
    /// One sentence for reports.
    #[serde(default)]
    pub description: String,
    /// Names of labels that it may carry.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnDeclaration {
    /// Unique in its table.
    pub name: String,
    /// UCUM unit of a number; `text` for text.
    pub unit: String,
}

/// A table that a plugin may open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableDeclaration {
    /// Unique in the manifest.
    pub name: MetricName,
    /// In the order of `append`.
    pub columns: Vec<ColumnDeclaration>,
}

/// The manifest; unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The plugin's own name.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// What it exports.
    pub kinds: Vec<PluginKind>,
    /// What it asks for.
    #[serde(default)]
    pub permissions: Permissions,
    /// Instruments.
    #[serde(default)]
    pub metrics: Vec<MetricDeclaration>,
    /// Tables.
    #[serde(default)]
    pub tables: Vec<TableDeclaration>,
}
