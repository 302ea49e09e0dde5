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
            let [a, b] = &sides;
            (distinct.len() > 1).then(|| Difference {
                key: key.to_owned(),
                hard,
                a: text(a, key),
                b: text(b, key),
            })
        })
        .collect();
    differences.sort_by_key(|difference| !difference.hard);
    differences
}

fn text(side: &[Conditions], key: &str) -> String {
    let values: BTreeSet<&str> =
        side.iter().filter_map(|run| run.get(key)).map(|(_, value)| value.as_str()).collect();
    values.into_iter().collect::<Vec<_>>().join(" or ")
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
    add(
        "bench",
        false,
        format!("{} {}", run.bench_version, short(&environment.bench_digest)).trim().to_owned(),
    );
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
