//! What a simulated cluster is made of; plain values that come from YAML (camelCase) or code.

use serde::{Deserialize, Serialize};

use crate::controllers::settings::{ControlSettings, NodeSettings};
use crate::stage::Stages;

/// Settings of a simulated cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SimConfig {
    /// Number of nodes.
    pub nodes: u32,
    /// Pods that a node takes.
    pub pods_per_node: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// Serve over TLS with a certificate authority of its own.
    pub tls: bool,
    /// Address and port; port 0 takes a free one.
    pub listen: std::net::SocketAddr,
    /// Users; without any, everyone may do everything.
    pub users: Vec<User>,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// Life cycles of pods and nodes.
    pub stages: Stages,
    /// Controllers and scheduler.
    pub control: ControlSettings,
    /// What nodes are like; their number and their pods are those above.
    pub node: NodeSettings,
    /// Changes of one kind that a watch or a paged list can go back.
    pub history_changes: usize,
    /// Bytes of JSON of one kind that the same window may hold.
    pub history_bytes: usize,
}

impl SimConfig {
    /// Reads settings from YAML; unknown keys are refused.
    ///
    /// # Errors
    /// When the text is no YAML, or not of this shape.
    pub fn from_yaml(text: &str) -> Result<Self, serde_saphyr::Error> {
        serde_saphyr::from_str(text)
    }
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            nodes: 1,
            pods_per_node: 110,
            seed: 1,
            tls: false,
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
            users: Vec::new(),
            faults: Faults::default(),
            stages: Stages::default(),
            control: ControlSettings::default(),
            node: NodeSettings::default(),
            history_changes: 16_384,
            history_bytes: 64 << 20,
        }
    }
}

/// Someone who may do something.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct User {
    /// Name, as in error texts.
    pub name: String,
    /// Bearer token.
    pub token: String,
    /// Groups; `system:masters` may do everything.
    pub groups: Vec<String>,
    /// What the user may do.
    pub rules: Vec<Rule>,
}

/// One permission. `*` stands for everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rule {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verbs: Vec<String>,
    /// API groups; core is the empty text.
    pub api_groups: Vec<String>,
    /// Plural resources, with the subresource after a slash.
    pub resources: Vec<String>,
    /// Namespaces; none means all, and objects outside namespaces.
    pub namespaces: Vec<String>,
}

/// Failures and delays that the server makes on purpose, all drawn from the seed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// Delays; all that fit a request are added up.
    pub latency: Vec<Latency>,
    /// Refusals with 429.
    pub too_many_requests: Vec<Share>,
    /// Failures with 500.
    pub internal_errors: Vec<Share>,
    /// Watches that end without a word.
    pub dropped_watches: Option<DroppedWatches>,
    /// Times at which no request is answered.
    pub stalls: Vec<Stall>,
}

/// Which requests a fault is for. Empty lists fit all requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RequestFilter {
    /// Kubernetes verbs.
    pub verbs: Vec<String>,
    /// Plural resources.
    pub resources: Vec<String>,
}

/// A delay before a request is worked on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Latency {
    /// Which requests; all when absent.
    pub on: RequestFilter,
    /// Share of them that is delayed, 0 to 1; 1 when absent.
    pub share: Option<f64>,
    /// Shape of the delay.
    pub shape: DelayShape,
    /// Milliseconds: the constant, the mean of `exponential` and `normal`, the median of `logNormal`, the lower
    /// bound of `uniform`.
    pub milliseconds: f64,
    /// The standard deviation of `normal`, the sigma of `logNormal`, the upper bound of `uniform`.
    pub spread: f64,
}

/// How delays are distributed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DelayShape {
    /// Always the same.
    #[default]
    Constant,
    /// Between two bounds.
    Uniform,
    /// Exponential with a mean.
    Exponential,
    /// Normal, cut off at zero.
    Normal,
    /// Log-normal with a median.
    LogNormal,
}

/// A share of requests that fail.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Share {
    /// Which requests; all when absent.
    pub on: RequestFilter,
    /// Share of them that fails, 0 to 1.
    pub share: f64,
    /// Seconds in `Retry-After` (429 only); 1 when 0.
    pub retry_after_seconds: u32,
}

/// Watches end without a word.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DroppedWatches {
    /// Share of watches that are dropped, 0 to 1.
    pub share: f64,
    /// Mean number of milliseconds until it happens (exponential).
    pub after_milliseconds: f64,
}

/// A time at which all requests are held.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Stall {
    /// Milliseconds from the start of the cluster.
    pub at_milliseconds: u64,
    /// How long requests are held.
    pub for_milliseconds: u64,
}
