//! Conditions of runs: which of them differ, and which of these forbid to compare.
//!
//! Hard keys change numbers by themselves: a difference in them explains any difference in the numbers. On a
//! simulated cluster the machine is one, as it is the cluster too.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::summary::Summary;

/// A condition that is not the same in all runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// As `server-version`.
    pub key: String,
    /// Whether it forbids to compare unless it is allowed by name.
    pub hard: bool,
    /// All that side A has.
    pub a: String,
    /// All that side B has.
    pub b: String,
}

/// Items of a list that are shown even when they are the same in all runs.
const MAX_ITEMS: usize = 8;

/// Key → whether it is hard, and its value.
type Conditions = BTreeMap<&'static str, (bool, String)>;

/// Conditions that differ between any two of the runs, hard ones first.
pub(super) fn differences(a: &[Summary], b: &[Summary]) -> Vec<Difference> {
    let sides = [a, b].map(|runs| runs.iter().map(conditions).collect::<Vec<_>>());
    let keys: BTreeSet<&str> = sides.iter().flatten().flat_map(|run| run.keys().copied()).collect();
    let mut differences: Vec<Difference> = keys
        .into_iter()
        .filter_map(|key| {
            let all = || sides.iter().flatten();
            // What some run could not find out says nothing about the others.
            let values: Vec<_> = all().map(|run| run.get(key)).collect::<Option<_>>()?;
            let hard = values.iter().any(|(hard, _)| *hard);
            let distinct: BTreeSet<&str> = values.iter().map(|(_, value)| value.as_str()).collect();
            let common = common(&distinct.iter().copied().collect::<Vec<_>>());
            let [a, b] = &sides;
            (distinct.len() > 1).then(|| Difference {
                key: key.to_owned(),
                hard,
                a: text(a, key, &common),
                b: text(b, key, &common),
            })
        })
        .collect();
    differences.sort_by_key(|difference| !difference.hard);
    differences
}

/// What a side has; of long lists, such as feature gates, only what some run does not have.
fn text(side: &[Conditions], key: &str, common: &BTreeSet<&str>) -> String {
    let values = side.iter().filter_map(|run| run.get(key)).map(|(_, value)| {
        let items: Vec<&str> = value.split(", ").collect();
        if items.len() <= MAX_ITEMS {
            return value.clone();
        }
        let own: Vec<&str> = items.into_iter().filter(|item| !common.contains(item)).collect();
        if own.is_empty() { "the rest".to_owned() } else { own.join(", ") }
    });
    values.collect::<BTreeSet<String>>().into_iter().collect::<Vec<_>>().join(" or ")
}

/// Items that every value has.
fn common<'v>(values: &[&'v str]) -> BTreeSet<&'v str> {
    let mut lists = values.iter().map(|value| value.split(", ").collect::<BTreeSet<&str>>());
    let first = lists.next().unwrap_or_default();
    lists.fold(first, |common, list| common.intersection(&list).copied().collect())
}

/// What is known; keys that could not be found out are absent.
pub(super) fn conditions(summary: &Summary) -> Conditions {
    let (run, environment) = (&summary.run, &summary.environment);
    let mut conditions = Conditions::new();
    let mut add = |key, hard: bool, value: String| {
        if !value.is_empty() {
            conditions.insert(key, (hard, value));
        }
    };
    let short =
        |digest: &str| digest.strip_prefix("sha256:").unwrap_or(digest).chars().take(12).collect::<String>();
    // The same file with other variables makes another load; with other gates it does not.
    let digest = if run.load_digest.is_empty() { &run.scenario_digest } else { &run.load_digest };
    add("scenario", true, format!("{} ({})", run.scenario, short(digest)));
    add("server-version", true, run.server_version.clone());
    add("cluster-kind", true, if run.simulated { "simulated" } else { "real" }.to_owned());
    let plugins: Vec<String> =
        run.plugins.iter().map(|(name, digest)| format!("{name}@{}", short(digest))).collect();
    add("plugins", true, plugins.join(", "));
    let nodes: Vec<String> = environment
        .nodes
        .iter()
        .map(|shape| {
            let parts =
                [&shape.kubelet, &shape.runtime, &shape.kernel, &shape.architecture, &shape.instance_type];
            let parts: Vec<&str> =
                parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
            format!("{} × {}", shape.count, parts.join(" "))
        })
        .collect();
    add("nodes", true, nodes.join(", "));
    if let Some(admission) = &environment.admission {
        let names = if admission.is_empty() { "none".to_owned() } else { admission.join(", ") };
        add("admission", true, names);
    }
    let host = format!("{} CPUs, {}", environment.host_cpus, environment.host_system);
    add("host", run.simulated, if environment.host_cpus == 0 { String::new() } else { host });
    if !environment.host_cpu_model.is_empty() {
        let cores = environment.host_cores.map_or(String::new(), |cores| format!(", {cores} cores"));
        let limit = environment.host_cpu_limit_millis;
        let limit =
            limit.map_or(String::new(), |millis| format!(", {:.1} CPUs at most", f64::from(millis) / 1e3));
        add("host-processor", run.simulated, format!("{}{cores}{limit}", environment.host_cpu_model));
    }
    // Their number: after an upgrade each of them has another name. Leases tell the servers, endpoints perhaps only
    // load balancers: one is not held against the other.
    let servers = environment.api_servers.len();
    let servers = if servers == 0 { String::new() } else { servers.to_string() };
    let by_leases = environment.api_servers_found_by.contains("leases");
    add(if by_leases { "api-servers" } else { "api-server-endpoints" }, by_leases, servers);
    add(
        "bench",
        false,
        format!("{} {}", run.bench_version, short(&environment.bench_digest)).trim().to_owned(),
    );
    add("live-view", false, if environment.live_view { "shown" } else { "not shown" }.to_owned());
    add("seed", false, run.seed.to_string());
    // A simulated cluster is a new one for each run.
    add("cluster", false, if run.simulated { String::new() } else { environment.cluster_uid.clone() });
    let build: Vec<String> =
        environment.server_build.iter().map(|(key, value)| format!("{key} {value}")).collect();
    add("server-build", false, build.join(", "));
    let gates: Vec<String> =
        environment.feature_gates.iter().map(|(gate, on)| format!("{gate}={on}")).collect();
    add("feature-gates", false, gates.join(", "));
    let bounds = &summary.validity;
    let texts = [
        format!("delivered {}", bounds.delivered),
        format!("lag {} ns or {}", bounds.lag_ns, bounds.lag_response_share),
        format!("lost observations {}", bounds.lost_observations),
        format!("429s {}", bounds.too_many_requests),
    ];
    add("validity", false, texts.join(", "));
    add("objects", false, magnitude(&environment.objects_before));
    conditions
}

/// Counts to one digit: a few objects more or less are no other cluster.
fn magnitude(objects: &BTreeMap<String, u64>) -> String {
    let rounded = |n: u64| {
        let scale = 10_u64.pow(n.max(1).ilog10());
        n.div_ceil(scale) * scale
    };
    let texts: Vec<String> =
        objects.iter().map(|(resource, n)| format!("{resource} ≤ {}", rounded((*n).max(10)))).collect();
    texts.join(", ")
}
