//! Where the run took place, how its numbers came about, and how to repeat it.

use bench_results::{ClusterFacts, EnvironmentSummary, HostFacts, NodeShape, RunHistory, Summary};
use serde::Serialize;

use super::number::Number;
use crate::{format, sanitize::sanitize, view::ViewContext};

/// Names of one kind that are shown.
const MAX_NAMES: usize = 20;

/// A name with a value.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Fact {
    name: String,
    text: String,
    /// Whether every character counts.
    mono: bool,
    number: Option<Number>,
}

impl Fact {
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self { name: sanitize(name), text: sanitize(text), mono: false, number: None }
    }

    pub(super) fn mono(name: &str, text: &str) -> Self {
        Self { mono: true, ..Self::new(name, text) }
    }

    pub(super) fn number(name: &str, number: Number) -> Self {
        Self { number: Some(number), ..Self::new(name, "") }
    }
}

/// Facts about one thing.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Group {
    name: &'static str,
    facts: Vec<Fact>,
}

/// How to run it again.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Repeat {
    lead: String,
    command: String,
    scenario: String,
}

/// What is known of cluster, plugins, program and machine; empty facts are left out.
pub(super) fn environment(summary: &Summary, history: &RunHistory) -> Vec<Group> {
    let header = &history.header;
    let (cluster, host) = (&header.cluster, &header.host);
    let of_cluster = of_cluster(cluster);
    let of_plugins = header
        .plugins
        .iter()
        .flat_map(|plugin| {
            let from = format!("{} {}", plugin.from, plugin.version);
            [Fact::new(plugin.name.as_str(), &from), Fact::mono("", &plugin.digest.to_string())]
        })
        .collect();
    let mut of_program = vec![
        Fact::new("bench", &header.bench.version),
        Fact::new("Scenario", &header.scenario.name),
        Fact::mono("Digest", &header.scenario.digest),
        Fact::new("Seed", &header.seed.to_string()),
        Fact::new(
            "Live view",
            if header.bench.live_view { "shown: it watched pods besides the load" } else { "" },
        ),
    ];
    of_program.extend(of_host(host, &summary.environment));
    let groups = [("Cluster", of_cluster), ("Plugins", of_plugins), ("Load generator", of_program)];
    groups
        .into_iter()
        .map(|(name, facts)| Group {
            name,
            facts: facts.into_iter().filter(|fact| !fact.text.is_empty()).collect(),
        })
        .filter(|group: &Group| !group.facts.is_empty())
        .collect()
}

fn of_cluster(cluster: &ClusterFacts) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new("Kind", if cluster.simulated { "simulated, inside bench" } else { "real" }),
        Fact::mono("API server", &cluster.server),
        Fact::new("Version", &cluster.version),
    ];
    facts.extend(cluster.build.iter().map(|(name, text)| Fact::new(name, text)));
    let servers = cluster.api_servers.len() as u64;
    if servers > 0 {
        let names = some_of(&cluster.api_servers);
        let text = format!("{} by {}: {names}", format::count(servers), cluster.api_servers_found_by);
        facts.push(Fact::new("API servers", &text));
    }
    facts.push(Fact::new("Nodes", &cluster.nodes.map(format::count).unwrap_or_default()));
    facts.extend(
        cluster.node_shapes.iter().take(MAX_NAMES).map(|shape| Fact::new("Nodes alike", &shape_text(shape))),
    );
    facts.push(Fact::mono("UID of kube-system", &cluster.uid));
    if let Some(admission) = &cluster.admission {
        let names = if admission.is_empty() { "none".to_owned() } else { some_of(admission) };
        facts.push(Fact::new("Admission webhooks and policies", &names));
    }
    let on = cluster.feature_gates.values().filter(|on| **on).count() as u64;
    let all = cluster.feature_gates.len() as u64;
    if all > 0 {
        let text = format!("{} on, {} off", format::count(on), format::count(all - on));
        facts.push(Fact::new("Feature gates", &text));
    }
    facts.extend(cluster.facts.iter().map(|(name, text)| Fact::new(name, text)));
    facts
}

/// `3 × v1.36.0, containerd://2.1.4, …`
fn shape_text(shape: &NodeShape) -> String {
    let parts =
        [&shape.instance_type, &shape.kubelet, &shape.runtime, &shape.kernel, &shape.os, &shape.architecture];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
    format!("{} × {}", format::count(shape.count), parts.join(", "))
}

/// The first names of a list, and how many more there are.
fn some_of(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_NAMES).map(String::as_str).collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), format::count(more as u64)),
    }
}

fn of_host(host: &HostFacts, environment: &EnvironmentSummary) -> Vec<Fact> {
    let known = |number: u64, text: String| if number > 0 { text } else { String::new() };
    let limit =
        host.cpu_limit_millis.map(|millis| format!("{} CPUs", format::plain(f64::from(millis) / 1e3)));
    let held = environment.host_throttled_periods.map(|periods| format::counted(periods, "period"));
    vec![
        Fact::new("Machine", format!("{} {} {}", host.os, host.kernel, host.arch).trim()),
        Fact::new("Processor", &host.cpu_model),
        Fact::new("Cores", &host.cores.map(|cores| cores.to_string()).unwrap_or_default()),
        Fact::new("CPUs", &known(u64::from(host.cpus), host.cpus.to_string())),
        Fact::new("CPU limit", &limit.unwrap_or_default()),
        Fact::new("Held back by a CPU limit", &held.unwrap_or_default()),
        Fact::new("Memory", &known(host.memory_bytes, format::value(host.memory_bytes as f64, "By"))),
    ]
}

/// How each kind of number came about.
pub(super) fn method(history: &RunHistory) -> Vec<Fact> {
    let interval = match history.bin_seconds {
        1 => "Charts have one value a second.".to_owned(),
        n => format!(
            "Charts have one value for each {n} seconds: the histograms of these seconds were merged exactly before \
             quantiles were taken, nothing was averaged. The record itself has every second."
        ),
    };
    let texts = [
        (
            "Response time",
            "From when an operation was due by the schedule until its answer was read. The schedule does not wait for \
          answers, so a slow server lengthens the times instead of lowering the load.",
        ),
        (
            "Service time and lag",
            "Service: from sending until the answer. Lag: from due until sent, the client's own part.",
        ),
        (
            "What never came",
            "Operations that failed or were never answered, and objects that never arrived, rank above every \
          number. A quantile that reaches them reads “never”.",
        ),
        (
            "Bounds",
            "Values taken from timestamps of the API server are known within a second and the bound of its clock; they count \
          with both bounds. A gate passes only if the worse bound passes; charts show the upper one.",
        ),
        (
            "Quantiles",
            "From HDR histograms with three significant digits (0.1 %). p50 needs 6 samples, p90 36, p95 72, p99 368, \
          p99.9 3,688; below, a star marks the number, and a gate on it has no data.",
        ),
        (
            "Clock",
            "One monotonic clock, that of bench, for everything that it sees itself: due, sent, answered, arrival of a watch event.",
        ),
        (
            "What counts",
            "The phases measure and settle. Set-up, warm-up and teardown are drawn with a shade and are in no number.",
        ),
    ];
    let mut facts: Vec<Fact> = texts.into_iter().map(|(name, text)| Fact::new(name, text)).collect();
    facts.push(Fact::new("Resolution of the charts", &interval));
    facts
}

/// The command that makes such a run again.
pub(super) fn repeat(summary: &Summary, history: &RunHistory, context: &ViewContext) -> Repeat {
    let header = &history.header;
    let command = if header.bench.command.is_empty() {
        let file = if header.scenario.file.is_empty() { "scenario.yaml" } else { &header.scenario.file };
        format!("bench run {file}")
    } else {
        header.bench.command.join(" ")
    };
    let lead = format!(
        "The same scenario, seed {} and bench {} give the same objects, names and order. The scenario below is the one that \
         was run; put templates that it names beside it.",
        summary.run.seed, summary.run.bench_version
    );
    let id = if context.run.is_empty() { &summary.run.id } else { &context.run };
    let report = format!("bench report {id} --format html");
    // The scenario keeps its lines.
    let scenario: Vec<String> = history.scenario.lines().map(sanitize).collect();
    Repeat {
        lead,
        command: format!("{}\n{}", sanitize(&command), sanitize(&report)),
        scenario: scenario.join("\n"),
    }
}
