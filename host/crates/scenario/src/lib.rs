//! From a scenario file to a [`Scenario`], or to every mistake in it at once.
//!
//! [`parse`] reads the YAML, applies `--set` and puts variables in; [`validate`] makes a scenario of it that
//! holds no illegal value; [`check_config`] later holds a `with:` block against the JSON Schema of its
//! plugin. Every mistake is a [`Problem`] with its place in the file and what would be right there.
//!
//! Pure: no files but through the `read` closures, no network, no plugin bytes. Does not decide in which
//! order anything happens; that is `engine`.

mod config;
mod fields;
mod parse;
mod problem;
mod quantity;
mod scenario;
mod schema;
mod set;
mod source;
mod validate;
mod value;
mod variables;

pub use config::{CheckedConfig, ConfigBlock, ManifestUse, check_config};
pub use parse::{API_VERSION, KIND, ScenarioFile, parse};
pub use problem::{Mistake, Problem, Problems};
pub use quantity::{QuantityError, parse_bytes};
pub use scenario::{
    ClusterSource, Grants, Job, KubernetesGrant, Limits, MeasurementUse, PluginLimits, PluginSource,
    PluginUse, PrometheusAuth, PrometheusEndpoint, ProxyGrant, Scenario,
};
pub use schema::schema;
pub use source::Sources;
pub use validate::validate;
