//! Where a run was made, as far as it can be read: what must be equal before two runs are compared.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nodes that are alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeShape {
    /// `v1.36.0`
    pub kubelet: String,
    /// `containerd://2.1.4`
    pub runtime: String,
    /// `6.8.0-45-generic`
    pub kernel: String,
    /// `Ubuntu 24.04.3 LTS`
    pub os: String,
    /// `amd64`
    pub architecture: String,
    /// Label `node.kubernetes.io/instance-type`; empty when there is none.
    pub instance_type: String,
    /// How many.
    pub count: u64,
}

/// One of several runs that were made together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct GroupFacts {
    /// The same in all of them.
    pub id: String,
    /// Which one, from 1.
    pub index: u32,
    /// How many were asked for.
    pub of: u32,
}

/// What the numbers of a run depend on besides its scenario.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvironmentSummary {
    /// UID of the namespace `kube-system`; absent when it may not be read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster_uid: String,
    /// `gitCommit`, `goVersion`, `platform`, … of the API server, as far as it tells.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub server_build: BTreeMap<String, String>,
    /// API servers, by what identifies them; absent when that cannot be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_servers: Vec<String>,
    /// Where these are from: leases name the servers, the endpoints of the service `kubernetes` may be those of a
    /// load balancer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_servers_found_by: String,
    /// Nodes by shape; absent when they may not be listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeShape>,
    /// Objects by resource before the run; resources that may not be listed are absent.
    pub objects_before: BTreeMap<String, u64>,
    /// The same after cleaning up.
    pub objects_after: BTreeMap<String, u64>,
    /// Admission webhooks and policies, as `validating/NAME`; absent when they may not be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission: Option<Vec<String>>,
    /// Feature gates of the API server; absent when its `/metrics` is closed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub feature_gates: BTreeMap<String, bool>,
    /// `build-id:…` of the program.
    pub bench_digest: String,
    /// Whether the live view was shown, which watches pods besides what the scenario asks for.
    pub live_view: bool,
    /// Processors of the machine that made the load.
    pub host_cpus: u32,
    /// Their model; absent when unknown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host_cpu_model: String,
    /// Cores without their threads; absent when unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_cores: Option<u32>,
    /// Thousandths of a processor that `bench` might use; absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_cpu_limit_millis: Option<u32>,
    /// Its memory.
    pub host_memory_bytes: u64,
    /// Its kernel and architecture.
    pub host_system: String,
    /// Periods in which the control group of `bench` was held back during the run; absent when there is
    /// no such count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_throttled_periods: Option<u64>,
}
