//! A scenario whose every value is legal.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use bench_model::{JobName, PluginName, QueueName, QueueSpec, Rate, Rule, Threshold, ValidityBounds};
use serde::{Serialize, Serializer};

use crate::{ConfigBlock, Mistake, Problem, ScenarioFile};

/// What a scenario file says, checked. Made by [`crate::validate`] alone.
///
/// Serialized for records and tests; the file itself with all variables put in is [`ScenarioFile::to_json`].
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scenario {
    /// `metadata.name`, an RFC 1123 label.
    pub name: String,
    /// `metadata.description`, or empty.
    pub description: String,
    /// Every random number of the run comes from it; 1 unless written.
    pub seed: u64,
    /// Text, numbers and booleans, `--set` applied.
    pub variables: BTreeMap<String, serde_json::Value>,
    /// Which cluster.
    pub cluster: ClusterSource,
    /// The scenario is run so many times, from 1 to 1000; once unless written.
    pub repeat: u32,
    /// Caps that hold for all plugins together.
    pub limits: Limits,
    /// By name, in the order of the file.
    pub prometheus: Vec<PrometheusEndpoint>,
    /// Plugins by the name under which jobs and measurements use them.
    pub plugins: BTreeMap<PluginName, PluginUse>,
    /// In the order of the file; names are unique among them and the jobs.
    pub measurements: Vec<MeasurementUse>,
    /// At least one, run in this order.
    pub jobs: Vec<Job>,
    /// Each on a job or a measurement that exists. Metrics of measurements are not checked yet: see
    /// [`Scenario::unknown_metrics`].
    #[serde(serialize_with = "as_texts")]
    pub thresholds: Vec<Threshold>,
    /// Outside of these the run is invalid.
    pub validity: ValidityBounds,
    /// The whole run must end within; 1 h unless written.
    #[serde(serialize_with = "as_duration")]
    pub deadline: Duration,
    /// The file, for problems that later steps find.
    #[serde(skip)]
    pub file: Arc<ScenarioFile>,
}

impl Scenario {
    /// Operations that may be on their way at the same time: those of the job with the most.
    pub fn in_flight(&self) -> usize {
        let of = |job: &Job| job.queues.values().map(|queue| queue.in_flight.get() as usize).sum();
        self.jobs.iter().map(of).max().unwrap_or_default()
    }
}

/// Where the cluster is.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClusterSource {
    /// Started for the run; the settings are those of the simulated cluster and not checked here.
    Simulated(ConfigBlock),
    /// As kubectl finds it.
    Kubeconfig {
        /// Relative to the scenario's folder unless absolute; none: `$KUBECONFIG`, then `~/.kube/config`.
        path: Option<PathBuf>,
        /// None: the current one.
        context: Option<String>,
    },
}

/// Caps that hold for all plugins together; none is no cap.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Objects that the run may create.
    pub objects: Option<u64>,
    /// Requests of the run-wide limiter.
    pub requests_per_second: Option<Rate>,
    /// Namespaces that the run may create.
    pub namespaces: Option<u64>,
}

/// A Prometheus server that plugins may query by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PrometheusEndpoint {
    /// Unique.
    pub name: String,
    /// `http://` or `https://`.
    pub url: String,
    /// How to log in.
    pub auth: PrometheusAuth,
    /// PEM file; none: the system's authorities.
    pub ca_file: Option<PathBuf>,
}

/// How to log in at a Prometheus server. Secrets stand in files and never in the scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PrometheusAuth {
    /// Not at all.
    None,
    /// `Authorization: Bearer` with the file's text.
    BearerTokenFile(PathBuf),
    /// Basic authentication.
    #[serde(rename_all = "camelCase")]
    Basic {
        /// User name.
        username: String,
        /// File with the password.
        password_file: PathBuf,
    },
    /// TLS client certificate.
    #[serde(rename_all = "camelCase")]
    ClientCertificate {
        /// PEM file.
        certificate_file: PathBuf,
        /// PEM file.
        key_file: PathBuf,
    },
}

/// A plugin that the scenario uses.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginUse {
    /// Where its bytes are.
    pub from: PluginSource,
    /// What it may do. A built-in plugin gets what it asks for unless `allow` is written, any other nothing.
    pub allow: Grants,
    /// Caps of one instance.
    pub limits: PluginLimits,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PluginSource {
    /// `builtin:NAME`; whether there is one of the name is not checked here.
    Builtin(String),
    /// Relative to the scenario's folder unless absolute.
    File(PathBuf),
}

impl fmt::Display for PluginSource {
    /// As a reference: `builtin:objects`, `file:./plugin.wasm`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => write!(f, "builtin:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Rights that the scenario gives; what counts is their intersection with what the manifest asks for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grants {
    /// On the cluster's API.
    pub kubernetes: KubernetesGrant,
    /// Queries to Prometheus.
    pub prometheus: bool,
    /// Whole objects in watch events.
    pub raw: bool,
    /// Proxy targets.
    pub proxy: ProxyGrant,
}

/// Rights on the cluster's API.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum KubernetesGrant {
    /// None.
    Nothing,
    /// Whatever the manifest asks for.
    AsAsked,
    /// These rules.
    Rules(Vec<Rule>),
}

/// Rights on proxy targets.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ProxyGrant {
    /// None.
    Nothing,
    /// Whatever the manifest asks for.
    AsAsked,
    /// These names; `*` at the end matches the rest.
    Targets(Vec<String>),
}

impl Grants {
    /// No right at all.
    pub fn nothing() -> Self {
        Self {
            kubernetes: KubernetesGrant::Nothing,
            prometheus: false,
            raw: false,
            proxy: ProxyGrant::Nothing,
        }
    }

    /// Everything that the manifest asks for.
    pub fn as_asked() -> Self {
        Self { kubernetes: KubernetesGrant::AsAsked, prometheus: true, raw: true, proxy: ProxyGrant::AsAsked }
    }
}

/// Caps of one plugin instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginLimits {
    /// Linear memory; 64 MiB unless written.
    pub memory_bytes: u64,
    /// Time of the guest's own code in one call; 1 s unless written.
    pub call_millis: u64,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self { memory_bytes: 64 << 20, call_millis: 1000 }
    }
}

/// A measurement.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeasurementUse {
    /// The plugin's name unless written.
    pub name: PluginName,
    /// Which plugin.
    pub plugin: PluginName,
    /// Its `with:`.
    pub config: ConfigBlock,
}

/// A job.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Unique.
    pub name: JobName,
    /// Which plugin.
    pub plugin: PluginName,
    /// At least one; `queue:` in the file is the queue named `main`.
    pub queues: BTreeMap<QueueName, QueueSpec>,
    /// Load before measuring.
    #[serde(serialize_with = "as_optional_duration")]
    pub warmup: Option<Duration>,
    /// Watching after the load.
    #[serde(serialize_with = "as_optional_duration")]
    pub settle: Option<Duration>,
    /// Its `with:`.
    pub config: ConfigBlock,
}

impl Scenario {
    /// A problem that a later step found, at the JSON pointer of a value in the file (`/jobs/0/plugin`).
    /// Where nothing stands there, its nearest parent is shown.
    pub fn problem(&self, pointer: &str, message: &str, label: &str, help: Option<&str>) -> Problem {
        let mut pointer = pointer;
        let span = loop {
            match (self.file.root.at(pointer), pointer.rsplit_once('/')) {
                (Some((_, node)), _) => break node.span.clone(),
                (None, Some((parent, _))) => pointer = parent,
                (None, None) => break 0..0,
            }
        };
        let (message, label, help) = (message.to_owned(), label.to_owned(), help.map(str::to_owned));
        Problem::new(&self.file.sources, &span, Mistake::Rejected { message, label, help })
    }

    /// Thresholds on metrics that a measurement does not declare. `declared` gives the metrics of a
    /// plugin; none where they are not known.
    pub fn unknown_metrics(&self, declared: impl Fn(&PluginName) -> Option<Vec<String>>) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (index, threshold) in self.thresholds.iter().enumerate() {
            let source = &threshold.metric.source;
            let measurement =
                self.measurements.iter().find(|measurement| measurement.name.as_str() == source);
            let Some(known) = measurement.and_then(|measurement| declared(&measurement.plugin)) else {
                continue;
            };
            let metric = &threshold.metric.metric;
            if known.contains(metric) || metric == bench_model::WATCH_LAG {
                continue;
            }
            let span = self
                .file
                .root
                .at(&format!("/thresholds/{index}"))
                .map_or(0..0, |(_, node)| node.span.clone());
            let mistake =
                Mistake::UnknownMetric { source_name: source.clone(), metric: metric.clone(), known };
            problems.push(Problem::new(&self.file.sources, &span, mistake));
        }
        problems
    }
}

fn as_texts<S: Serializer>(thresholds: &[Threshold], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(thresholds.iter().map(|threshold| &threshold.text))
}

/// Exact and readable by `parse_duration`.
fn duration_text(duration: &Duration) -> String {
    match duration.as_nanos() {
        ns if ns.is_multiple_of(1_000_000_000) => format!("{}s", ns / 1_000_000_000),
        ns if ns.is_multiple_of(1_000_000) => format!("{}ms", ns / 1_000_000),
        ns => format!("{ns}ns"),
    }
}

fn as_duration<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&duration_text(duration))
}

fn as_optional_duration<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_some(&duration_text(duration)),
        None => serializer.serialize_none(),
    }
}
