//! What the record says about the run before anything happened: versions, cluster, machine, plugins.

use std::collections::{BTreeMap, BTreeSet};

use bench_limiter::RunClock;
use bench_model::RunId;
use bench_results::{BenchFacts, ClusterFacts, PluginFacts, RunHeader, ScenarioFacts};
use sha2::{Digest, Sha256};

use super::fingerprint;
use crate::commands::{connect::Connected, load::Loaded};

/// Collects it.
pub async fn header(
    loaded: &Loaded,
    connected: &Connected,
    run_id: RunId,
    clock: RunClock,
    live_view: bool,
) -> RunHeader {
    let scenario = &loaded.scenario;
    RunHeader {
        scenario: ScenarioFacts {
            name: scenario.name.clone(),
            file: loaded.file.clone(),
            digest: sha256(&loaded.text),
            load_digest: load_digest(loaded),
        },
        bench: BenchFacts {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: std::env::args().collect(),
            digest: fingerprint::own_digest(),
            live_view,
        },
        cluster: cluster_facts(connected).await,
        host: fingerprint::host(),
        plugins: plugin_facts(loaded),
        jobs: scenario.jobs.iter().map(|job| job.name.clone()).collect(),
        thresholds: scenario.thresholds.iter().map(|threshold| threshold.text.clone()).collect(),
        validity: scenario.validity,
        ..RunHeader::new(run_id, clock.started_at(), scenario.seed)
    }
}

fn sha256(text: &str) -> String {
    bench_model::Digest::sha256(Sha256::digest(text.as_bytes()).into()).to_string()
}

/// Equal for runs that make the same load, whatever their gates and however their files are written.
fn load_digest(loaded: &Loaded) -> String {
    let resolved = serde_json::to_value(&loaded.scenario).unwrap_or_default();
    let part = |name: &str| resolved.get(name).cloned().unwrap_or_default();
    // Where a real cluster is says the comparison by itself.
    let simulated = resolved.pointer("/cluster/simulated").cloned().unwrap_or_default();
    let plan = &loaded.plan;
    let configs =
        plan.jobs.iter().map(|job| &job.config).chain(plan.measurements.iter().map(|one| &one.config));
    let load = serde_json::json!({
        "cluster": simulated,
        "limits": part("limits"),
        "jobs": part("jobs"),
        "measurements": part("measurements"),
        // With defaults, variables and templates filled in.
        "configs": configs.collect::<Vec<_>>(),
    });
    sha256(&load.to_string())
}

async fn cluster_facts(connected: &Connected) -> ClusterFacts {
    let facts = connected.cluster.facts();
    let servers = fingerprint::api_servers(&connected.cluster).await;
    let features = fingerprint::feature_gates(&connected.cluster).await;
    let mut more = BTreeMap::from([
        ("protocol".to_owned(), format!("{:?}", facts.protocol)),
        ("connections".to_owned(), facts.connections.to_string()),
    ]);
    more.extend(features.unusual.into_iter().map(|(what, names)| (format!("feature gates, {what}"), names)));
    ClusterFacts {
        server: facts.server.clone(),
        version: facts.git_version.clone(),
        uid: facts.kube_system_uid.clone().unwrap_or_default(),
        simulated: connected.simulated.is_some(),
        nodes: connected.nodes,
        build: fingerprint::build(&connected.cluster).await,
        api_servers: servers.names,
        api_servers_found_by: servers.found_by.to_owned(),
        feature_gates: features.gates,
        facts: more,
        node_shapes: fingerprint::nodes(&connected.cluster).await,
        objects: fingerprint::objects(&connected.cluster).await,
        admission: fingerprint::admission(&connected.cluster).await,
    }
}

fn plugin_facts(loaded: &Loaded) -> Vec<PluginFacts> {
    let plan = &loaded.plan;
    let used = plan.measurements.iter().map(|one| &one.plugin).chain(plan.jobs.iter().map(|job| &job.plugin));
    let mut seen = BTreeSet::new();
    used.filter(|plugin| seen.insert(plugin.name.clone()))
        .map(|plugin| PluginFacts {
            name: plugin.name.clone(),
            from: loaded
                .scenario
                .plugins
                .get(&plugin.name)
                .map(|usage| usage.from.to_string())
                .unwrap_or_default(),
            digest: plugin.loaded.digest.clone(),
            version: plugin.loaded.manifest.version.clone(),
            grants: plugin.grants.effective(),
        })
        .collect()
}
