//! `run.json`: what is known of a run when it starts.

use std::{collections::BTreeMap, time::SystemTime};

use bench_model::{Digest, JobName, Permissions, PluginName, RunId, ValidityBounds};
use serde::{Deserialize, Serialize};

use crate::summary::{GroupFacts, NodeShape};

/// Version of the files of a record, but for `summary.json`. Readers refuse newer ones. Since 2 a tag of an interval log
/// is a number that a comment explains.
pub const RUN_SCHEMA_VERSION: u32 = 2;

/// The scenario that was run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScenarioFacts {
    /// `metadata.name`
    pub name: String,
    /// File as it was given.
    pub file: String,
    /// `sha256:…` of its bytes.
    pub digest: String,
    /// `sha256:…` of what makes its load: jobs and measurements with all defaults, variables and templates
    /// filled in, limits, the simulated cluster. Gates and descriptions change it as little as blanks.
    pub load_digest: String,
}

/// The program that ran it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BenchFacts {
    /// Its version.
    pub version: String,
    /// As typed, with secrets left out by the caller.
    pub command: Vec<String>,
    /// `build-id:…` of the program, as its linker wrote it; empty when there is none.
    pub digest: String,
    /// Whether somebody watched the run in the live view, which watches pods besides what the scenario asks for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub live_view: bool,
}

/// The cluster that was run on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterFacts {
    /// URL of the API server.
    pub server: String,
    /// `gitVersion` of `/version`.
    pub version: String,
    /// UID of the namespace `kube-system`.
    pub uid: String,
    /// Whether it was the embedded simulated one.
    pub simulated: bool,
    /// Number of nodes, when known.
    pub nodes: Option<u64>,
    /// What `/version` says besides: `gitCommit`, `goVersion`, `platform`, …
    pub build: BTreeMap<String, String>,
    /// API servers at the start, by what identifies them; empty when that cannot be told.
    pub api_servers: Vec<String>,
    /// Where their names are from.
    pub api_servers_found_by: String,
    /// Nodes by shape; empty when they may not be listed.
    pub node_shapes: Vec<NodeShape>,
    /// Objects by resource before the run.
    pub objects: BTreeMap<String, u64>,
    /// Admission webhooks and policies, as `validating/NAME`; absent when they may not be listed.
    pub admission: Option<Vec<String>>,
    /// Feature gates of the API server, as far as it tells.
    pub feature_gates: BTreeMap<String, bool>,
    /// Anything else that makes it comparable with another.
    pub facts: BTreeMap<String, String>,
}

/// A plugin that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginFacts {
    /// Name in the scenario.
    pub name: PluginName,
    /// Where it came from.
    pub from: String,
    /// Which component.
    pub digest: Digest,
    /// Its own version.
    pub version: String,
    /// What it was granted.
    pub grants: Permissions,
}

/// The machine that made the load.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HostFacts {
    /// `linux`
    pub os: String,
    /// Of the kernel.
    pub kernel: String,
    /// `x86_64`
    pub arch: String,
    /// That may be used.
    pub cpus: u32,
    /// `AMD EPYC 7B13`; empty when unknown.
    pub cpu_model: String,
    /// Without their threads.
    pub cores: Option<u32>,
    /// Thousandths of a processor that the control group may use; none without a limit.
    pub cpu_limit_millis: Option<u32>,
    /// Of the machine.
    pub memory_bytes: u64,
}

/// Content of `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunHeader {
    /// [`RUN_SCHEMA_VERSION`] when written.
    pub schema_version: u32,
    /// Which run.
    pub run_id: RunId,
    /// RFC 3339, UTC: the wall-clock time of the run's time 0.
    pub started_at: String,
    /// All random numbers come from it.
    pub seed: u64,
    /// The scenario.
    #[serde(default)]
    pub scenario: ScenarioFacts,
    /// The program.
    #[serde(default)]
    pub bench: BenchFacts,
    /// The cluster.
    #[serde(default)]
    pub cluster: ClusterFacts,
    /// The machine.
    #[serde(default)]
    pub host: HostFacts,
    /// The plugins.
    #[serde(default)]
    pub plugins: Vec<PluginFacts>,
    /// All jobs of the plan, in order; those that never start are reported as skipped.
    #[serde(default)]
    pub jobs: Vec<JobName>,
    /// Gates as written, see [`bench_model::Threshold`].
    #[serde(default)]
    pub thresholds: Vec<String>,
    /// Outside of these the run is invalid; records without them were judged by the defaults.
    #[serde(default)]
    pub validity: ValidityBounds,
    /// Set when it is one of several runs that are made together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupFacts>,
}

impl RunHeader {
    /// A header with only what every run has; fill in the rest.
    pub fn new(run_id: RunId, started_at: SystemTime, seed: u64) -> Self {
        Self {
            schema_version: RUN_SCHEMA_VERSION,
            run_id,
            started_at: rfc3339(started_at),
            seed,
            scenario: ScenarioFacts::default(),
            bench: BenchFacts::default(),
            cluster: ClusterFacts::default(),
            host: HostFacts::default(),
            plugins: Vec::new(),
            jobs: Vec::new(),
            thresholds: Vec::new(),
            validity: ValidityBounds::default(),
            group: None,
        }
    }

    /// Seconds since the Unix epoch of the run's time 0; 0 when `started_at` is no time.
    pub(crate) fn started_at_unix(&self) -> f64 {
        self.started_at.parse::<jiff::Timestamp>().map_or(0.0, |at| at.as_millisecond() as f64 / 1e3)
    }
}

/// Writes a time as RFC 3339 in UTC with milliseconds.
pub fn rfc3339(at: SystemTime) -> String {
    let at = jiff::Timestamp::try_from(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_are_written_in_utc_with_milliseconds() {
        assert_eq!(
            rfc3339(UNIX_EPOCH + Duration::from_millis(1_700_000_000_123)),
            "2023-11-14T22:13:20.123Z"
        );
        assert_eq!(rfc3339(UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }
}
