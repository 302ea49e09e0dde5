//! Which API servers answer: their build, how many there are, their feature gates.
//!
//! A server is believed as little as a plugin: what it says is cut to [`MAX_TEXT`] characters and counted.

use std::collections::BTreeMap;

use bench_cluster::{Cluster, ListQuery, ProxyTarget};
use bench_model::ResourceRef;
use bench_prometheus::parse_exposition;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Metadata, capped};

/// What `/version` says about the build.
const BUILD: [&str; 6] = ["gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"];
const MAX_VERSION_BYTES: u64 = 64 << 10;
const GATE_METRIC: &str = "kubernetes_feature_enabled";
const MAX_SERVERS: usize = 100;
const MAX_GATES: usize = 2000;
const MAX_GATE_LENGTH: usize = 100;
/// Gates that are named in one text.
const MAX_UNUSUAL: usize = 50;
/// An API server renews its lease every 10 s and keeps it for an hour after it is gone.
const LEASE_AGE: SignedDuration = SignedDuration::from_secs(60);

/// API servers, and how they were found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ApiServers {
    /// What identifies them, sorted.
    pub names: Vec<String>,
    /// Where the names are from; empty when there are none.
    pub found_by: &'static str,
}

/// Feature gates, and those that are not as the stage of their feature has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FeatureGates {
    /// Whether each is on.
    pub gates: BTreeMap<String, bool>,
    /// `alpha on` → names, `beta off` → names.
    pub unusual: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Lease {
    metadata: Metadata,
    spec: LeaseSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct LeaseSpec {
    renew_time: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EndpointSlice {
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Endpoint {
    addresses: Vec<String>,
    conditions: Conditions,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Conditions {
    ready: Option<bool>,
}

/// `gitCommit`, `goVersion`, `platform`, … as far as the server says.
pub async fn build(cluster: &Cluster) -> BTreeMap<String, String> {
    let body = body(cluster, "/version", MAX_VERSION_BYTES).await;
    body.map(|body| build_of(&String::from_utf8_lossy(&body))).unwrap_or_default()
}

fn build_of(text: &str) -> BTreeMap<String, String> {
    let version: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let facts =
        BUILD.into_iter().filter_map(|key| Some((key.to_owned(), capped(version.get(key)?.as_str()?))));
    facts.filter(|(_, value)| !value.is_empty()).collect()
}

/// By the leases that API servers hold; where these may not be read, by the addresses behind the service
/// `kubernetes`, which may be those of a load balancer.
pub async fn api_servers(cluster: &Cluster) -> ApiServers {
    let selector = "apiserver.kubernetes.io/identity=kube-apiserver";
    let leases: Vec<Lease> = list(cluster, ("coordination.k8s.io", "leases", "kube-system"), selector).await;
    let names = holders(&leases);
    if !names.is_empty() {
        return ApiServers { names, found_by: "leases in kube-system" };
    }
    let selector = "kubernetes.io/service-name=kubernetes";
    let names = addresses(list(cluster, ("discovery.k8s.io", "endpointslices", "default"), selector).await);
    let found_by = if names.is_empty() { "" } else { "endpoints of the service kubernetes" };
    ApiServers { names, found_by }
}

/// Those whose lease was renewed about when the last one was.
fn holders(leases: &[Lease]) -> Vec<String> {
    let renewed = |lease: &Lease| lease.spec.renew_time.parse::<Timestamp>().ok();
    let Some(last) = leases.iter().filter_map(renewed).max() else { return Vec::new() };
    let is_alive = |lease: &&Lease| renewed(lease).is_some_and(|at| last.duration_since(at) <= LEASE_AGE);
    sorted(leases.iter().filter(is_alive).map(|lease| capped(&lease.metadata.name)))
}

fn addresses(slices: Vec<EndpointSlice>) -> Vec<String> {
    let endpoints = slices.into_iter().flat_map(|slice| slice.endpoints);
    let ready = endpoints.filter(|endpoint| endpoint.conditions.ready != Some(false));
    sorted(ready.filter_map(|endpoint| endpoint.addresses.first().map(|address| capped(address))))
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.take(MAX_SERVERS).collect();
    names.sort();
    names.dedup();
    names
}

/// As the server that answers says on `/metrics`; empty when that is closed to this user.
pub async fn feature_gates(cluster: &Cluster) -> FeatureGates {
    let reply = cluster.server_lines("/metrics", GATE_METRIC).await.ok();
    let lines = reply.filter(|reply| reply.http_status == 200).map(|reply| reply.body);
    lines.map(|lines| gates_of(&String::from_utf8_lossy(&lines))).unwrap_or_default()
}

fn gates_of(text: &str) -> FeatureGates {
    let mut found = FeatureGates::default();
    let mut unusual: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let samples = parse_exposition(text, &[GATE_METRIC.to_owned()]);
    for sample in samples.into_iter().take(MAX_GATES) {
        let label = |name: &str| sample.labels.iter().find(|label| label.name == name);
        let Some(name) = label("name").map(|label| label.value.clone()).filter(|name| is_gate(name)) else {
            continue;
        };
        let is_on = sample.value == 1.0;
        let stage = label("stage").map(|label| label.value.as_str()).unwrap_or_default();
        // A stable feature has no stage; what is alpha or about to go is off unless somebody wanted it.
        let (stage, usual) = match stage {
            "ALPHA" => ("alpha", false),
            "DEPRECATED" => ("deprecated", false),
            "BETA" => ("beta", true),
            _ => ("stable", true),
        };
        if is_on != usual {
            unusual
                .entry(format!("{stage} {}", if is_on { "on" } else { "off" }))
                .or_default()
                .push(name.clone());
        }
        found.gates.insert(name, is_on);
    }
    found.unusual = unusual.into_iter().map(|(what, names)| (what, list_of(&names))).collect();
    found
}

fn is_gate(name: &str) -> bool {
    name.len() <= MAX_GATE_LENGTH && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The first names, and how many more there are.
fn list_of(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_UNUSUAL).map(String::as_str).collect();
    let more = names.len().saturating_sub(MAX_UNUSUAL);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

async fn body(cluster: &Cluster, path: &str, max_bytes: u64) -> Option<bytes::Bytes> {
    let target: ProxyTarget = "apiserver".parse().ok()?;
    let reply = cluster.proxy_get(&target, path, max_bytes).await.ok()?;
    (reply.http_status == 200).then_some(reply.body)
}

/// The first page of a resource in a namespace; empty when it may not be listed.
async fn list<T: serde::de::DeserializeOwned>(
    cluster: &Cluster,
    (group, plural, namespace): (&str, &str, &str),
    label_selector: &str,
) -> Vec<T> {
    let target = ResourceRef {
        group: group.to_owned(),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        namespace: namespace.to_owned(),
    };
    let query = ListQuery { label_selector, limit: 500, ..ListQuery::default() };
    let page = cluster.list_page(&target, query).await.map(|page| page.items).unwrap_or_default();
    page.iter().filter_map(|item| serde_json::from_str(item).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(name: &str, renewed: &str) -> Lease {
        let json = serde_json::json!({ "metadata": { "name": name }, "spec": { "renewTime": renewed } });
        serde_json::from_value(json).expect("a lease")
    }

    #[test]
    fn a_server_that_is_gone_is_not_counted_while_its_lease_lasts() {
        let leases = [
            lease("apiserver-b", "2026-11-22T08:00:09.000001Z"),
            lease("apiserver-a", "2026-11-22T08:00:00.5Z"),
            lease("apiserver-gone", "2026-11-22T07:30:00Z"),
            lease("apiserver-odd", "yesterday"),
        ];
        assert_eq!(holders(&leases), ["apiserver-a", "apiserver-b"]);
        assert_eq!(holders(&[]), [""; 0]);
    }

    #[test]
    fn addresses_that_are_not_ready_are_not_counted() {
        let slice = r#"{"endpoints":[{"addresses":["10.0.0.2"],"conditions":{"ready":true}},
            {"addresses":["10.0.0.1"]},{"addresses":["10.0.0.3"],"conditions":{"ready":false}},{}]}"#;
        let slice: EndpointSlice = serde_json::from_str(slice).expect("a slice");
        assert_eq!(addresses(vec![slice]), ["10.0.0.1", "10.0.0.2"]);
    }

    #[test]
    fn gates_against_the_custom_of_their_stage_are_named() {
        let text = "kubernetes_feature_enabled{name=\"A\",stage=\"ALPHA\"} 1\n\
                    kubernetes_feature_enabled{name=\"B\",stage=\"BETA\"} 0\n\
                    kubernetes_feature_enabled{name=\"C\",stage=\"BETA\"} 1\n\
                    kubernetes_feature_enabled{name=\"D\",stage=\"\"} 1\n\
                    apiserver_request_total{code=\"200\"} 7\n";
        let found = gates_of(text);
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(found.unusual, of(&[("alpha on", "A"), ("beta off", "B")]));
        assert_eq!(found.gates.values().copied().collect::<Vec<_>>(), [true, false, true, true]);
        assert_eq!(gates_of("<html>403</html>"), FeatureGates::default());
    }

    #[test]
    fn a_build_is_what_the_server_says_and_no_more() {
        let long = "x".repeat(100_000);
        let text = serde_json::json!({ "gitCommit": long, "goVersion": "go1.25\u{1b}[2J", "platform": 7, "compiler": "", "evil": "x" });
        let build = build_of(&text.to_string());
        assert_eq!(build.get("goVersion").map(String::as_str), Some("go1.25[2J"));
        assert_eq!(build.get("gitCommit").map(String::len), Some(super::super::MAX_TEXT));
        assert_eq!(build.len(), 2);
        assert!(build_of("[]").is_empty() && build_of("").is_empty());
    }
}
