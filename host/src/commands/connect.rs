//! Reaches the cluster of a scenario, and refuses one that nobody allowed.
//!
//! A cluster is known by the UID of its namespace `kube-system`. Simulated ones and those on loopback are
//! allowed; any other must be named, by `--cluster-uid` or in the file of allowed clusters, so that load never
//! hits a cluster because a context was left selected.

use std::path::{Path, PathBuf};

use bench_cluster::{Cluster, ConnectError, ConnectOptions, KubeconfigSource};
use bench_limiter::{Limiter, RunClock};
use bench_model::Burst;
use bench_scenario::{ClusterSource, Problems, Scenario};
use bench_sim::SimConfig;

use crate::{
    cli::ClusterArgs,
    diagnostics::{Failure, Message},
    exit_code::Exit,
    simulated::Simulated,
};

/// A cluster and what keeps it alive.
pub struct Connected {
    /// The cluster.
    pub cluster: Cluster,
    /// The cap of the scenario, for whatever else sends requests.
    pub limiter: Limiter,
    /// Whether it runs inside this program.
    pub simulated: Option<Simulated>,
    /// Nodes of the simulated cluster.
    pub nodes: Option<u64>,
}

/// Connects to the cluster of a scenario, starting a simulated one if it says so; flags go before the file.
pub async fn connect(
    scenario: &Scenario,
    folder: &Path,
    args: &ClusterArgs,
    clock: RunClock,
) -> Result<Connected, Failure> {
    let limiter = limiter(scenario);
    let from_flags = args.kubeconfig.is_some() || args.context.is_some();
    if let (ClusterSource::Simulated(block), false) = (&scenario.cluster, from_flags) {
        let config = sim_config(scenario, block)?;
        let nodes = Some(u64::from(config.nodes));
        let simulated = Simulated::start(config)?;
        let in_flight = scenario.in_flight();
        let options = ConnectOptions { in_flight, ..ConnectOptions::inline(simulated.kubeconfig()) };
        let cluster = Cluster::connect(options, limiter.clone(), clock).await.map_err(unreachable)?;
        return Ok(Connected { cluster, limiter, simulated: Some(simulated), nodes });
    }
    let options =
        ConnectOptions { in_flight: scenario.in_flight(), ..options(args, &scenario.cluster, folder) };
    let cluster = Cluster::connect(options, limiter.clone(), clock).await.map_err(unreachable)?;
    refuse_unknown(&cluster, args)?;
    Ok(Connected { cluster, limiter, simulated: None, nodes: None })
}

/// Connects to the cluster that the flags name, without a scenario.
pub async fn connect_by_flags(args: &ClusterArgs, clock: RunClock) -> Result<Cluster, Failure> {
    let none = ClusterSource::Kubeconfig { path: None, context: None };
    let options = options(args, &none, Path::new("."));
    Cluster::connect(options, Limiter::unlimited(), clock).await.map_err(unreachable)
}

/// Connects to the cluster of a scenario or of the flags to read from it; any may be read.
pub async fn connect_to_read(
    scenario: &Scenario,
    folder: &Path,
    args: &ClusterArgs,
) -> Result<Cluster, Failure> {
    let options = options(args, &scenario.cluster, folder);
    let cluster =
        Cluster::connect(options, limiter(scenario), RunClock::start()).await.map_err(unreachable)?;
    refuse_another(&cluster, args)?;
    Ok(cluster)
}

fn limiter(scenario: &Scenario) -> Limiter {
    match scenario.limits.requests_per_second {
        None => Limiter::unlimited(),
        // A tenth of a second of requests at once: enough not to hold back a burst of the same rate.
        Some(rate) => {
            let burst = Burst::new((rate.per_second() / 10.0).ceil() as u32).unwrap_or(Burst::MIN);
            Limiter::new(Some(rate), burst)
        }
    }
}

fn options(args: &ClusterArgs, source: &ClusterSource, folder: &Path) -> ConnectOptions {
    let (path, context) = match source {
        ClusterSource::Kubeconfig { path, context } => {
            (path.as_ref().map(|path| folder.join(path)), context.clone())
        }
        ClusterSource::Simulated(_) => (None, None),
    };
    let kubeconfig =
        args.kubeconfig.clone().or(path).map_or(KubeconfigSource::Default, KubeconfigSource::File);
    ConnectOptions { kubeconfig, context: args.context.clone().or(context), ..ConnectOptions::default() }
}

/// The settings of the simulated cluster of a scenario; `None` for any other cluster.
pub fn simulated(scenario: &Scenario) -> Result<Option<SimConfig>, Failure> {
    match &scenario.cluster {
        ClusterSource::Simulated(block) => sim_config(scenario, block).map(Some),
        ClusterSource::Kubeconfig { .. } => Ok(None),
    }
}

fn sim_config(scenario: &Scenario, block: &bench_scenario::ConfigBlock) -> Result<SimConfig, Failure> {
    let mut json = block.to_json();
    // One seed repeats the whole run, the cluster's part included.
    if let Some(settings) = json.as_object_mut() {
        settings.entry("seed").or_insert_with(|| scenario.seed.into());
    }
    serde_json::from_value(json).map_err(|error| {
        let problem = block.problem(
            "",
            &format!("the settings of the simulated cluster are wrong: {error}"),
            "here",
            None,
        );
        match Problems::new(scenario.file.name(), vec![problem]) {
            Some(problems) => Failure::diagnostic(Exit::InvalidScenario, problems),
            None => Failure::error(Exit::InvalidScenario, error),
        }
    })
}

fn unreachable(error: ConnectError) -> Failure {
    let help = "check the kubeconfig with `kubectl cluster-info`, or choose another with --kubeconfig and --context; \
                `cluster: { simulated: { nodes: 10 } }` in the scenario needs no cluster";
    Failure::with_help(Exit::Unreachable, error, help)
}

/// Refuses a cluster that has another UID than the flags say.
fn refuse_another(cluster: &Cluster, args: &ClusterArgs) -> Result<(), Failure> {
    let facts = cluster.facts();
    let uid = facts.kube_system_uid.as_deref();
    let Some(wanted) = args.cluster_uid.as_deref().filter(|wanted| Some(*wanted) != uid) else {
        return Ok(());
    };
    let found = uid.unwrap_or("unknown");
    let text = format!("the cluster at {} has the UID `{found}`, not `{wanted}`", facts.server);
    Err(Failure::error(Exit::Refused, Message(text)))
}

fn refuse_unknown(cluster: &Cluster, args: &ClusterArgs) -> Result<(), Failure> {
    refuse_another(cluster, args)?;
    let facts = cluster.facts();
    let uid = facts.kube_system_uid.as_deref();
    if facts.is_loopback || args.cluster_uid.is_some() || uid.is_some_and(is_listed) {
        return Ok(());
    }
    let text = format!(
        "the cluster at {} is neither simulated nor on this machine, and nobody allowed load on it",
        facts.server
    );
    let help = match uid {
        Some(uid) => format!(
            "if this is the right one, repeat with `--cluster-uid {uid}`, or add that line to `{}`",
            allowed_file()
                .map_or_else(|| "~/.config/bench/clusters".to_owned(), |path| path.display().to_string()),
        ),
        None => "its UID cannot be read: this user may not get the namespace kube-system".to_owned(),
    };
    Err(Failure::with_help(Exit::Refused, Message(text), help))
}

/// `$XDG_CONFIG_HOME/bench/clusters`: one UID a line, `#` starts a comment.
fn allowed_file() -> Option<PathBuf> {
    let from =
        |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = from("XDG_CONFIG_HOME").or_else(|| from("HOME").map(|home| home.join(".config")));
    config.map(|config| config.join("bench/clusters"))
}

fn is_listed(uid: &str) -> bool {
    let text = allowed_file().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    text.lines().map(|line| line.split('#').next().unwrap_or("").trim()).any(|line| line == uid)
}
