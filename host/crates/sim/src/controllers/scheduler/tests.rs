use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::filter::{self, Refusal};
use super::node_info::{Load, NodeInfo, Share};
use super::wishes::Wishes;
use super::{feasible_nodes_to_find, score};
use crate::controllers::pods::{HostPort, Requests};
use crate::controllers::tests::empty_store;
use crate::store::Object;

fn node(name: &str, spec: Value, load: Load) -> NodeInfo {
    let store = empty_store();
    let kind = store.kind("", "nodes").expect("a built-in kind");
    let object = json!({
        "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name, "size": "7" } },
        "spec": spec,
        "status": { "allocatable": { "cpu": "4", "memory": "8Gi", "pods": "10" } },
    });
    NodeInfo::read(&Arc::new(Object::new(&kind, &object, 1)), load).expect("a node")
}

fn share(milli_cpu: i64) -> Share {
    let requests = Requests { milli_cpu, ..Requests::default() };
    Share { requests, host_ports: Box::default(), owner: None }
}

fn load(shares: &[Share]) -> Load {
    let mut load = Load::default();
    shares.iter().for_each(|share| load.add(share));
    load
}

fn wishes(spec: Value) -> Wishes {
    serde_json::from_value(spec).expect("wishes")
}

fn check(node_spec: Value, pod_spec: Value, share: &Share, load: Load, expected: &[&str]) {
    let refused = filter::check(&node("n", node_spec, load), &wishes(pod_spec), share, &[]);
    let reasons = refused.err().map(|refusal| refusal.reasons).unwrap_or_default();
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn a_free_node_takes_a_pod() {
    check(json!({}), json!({}), &share(4000), Load::default(), &[]);
}

#[tokio::test]
async fn all_resources_that_are_short_are_named() {
    let full = load(&vec![share(400); 10]);
    check(json!({}), json!({}), &share(1), full, &["Too many pods", "Insufficient cpu"]);
}

#[tokio::test]
async fn taints_need_tolerations_and_soft_ones_do_not() {
    let tainted = |effect: &str| json!({ "taints": [{ "key": "k", "value": "v", "effect": effect }] });
    let refused = &["node(s) had untolerated taint(s)"];
    check(tainted("NoSchedule"), json!({}), &share(0), Load::default(), refused);
    check(tainted("PreferNoSchedule"), json!({}), &share(0), Load::default(), &[]);
    for (toleration, expected) in [
        (json!({ "operator": "Exists" }), &[][..]),
        (json!({ "key": "k", "value": "v" }), &[]),
        (json!({ "key": "k", "value": "w" }), refused),
        (json!({ "key": "k", "value": "v", "effect": "NoExecute" }), refused),
    ] {
        check(
            tainted("NoSchedule"),
            json!({ "tolerations": [toleration] }),
            &share(0),
            Load::default(),
            expected,
        );
    }
}

#[tokio::test]
async fn required_affinity_is_one_of_several_terms() {
    let spec = |terms: Value| {
        json!({ "affinity": { "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms },
        } } })
    };
    let refused = &["node(s) didn't match Pod's node affinity/selector"];
    let large = json!({ "matchExpressions": [{ "key": "size", "operator": "Gt", "values": ["8"] }] });
    let named = json!({ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["n"] }] });
    check(json!({}), spec(json!([large])), &share(0), Load::default(), refused);
    check(json!({}), spec(json!([large, named])), &share(0), Load::default(), &[]);
    check(json!({}), spec(json!([{}])), &share(0), Load::default(), refused);
}

#[tokio::test]
async fn a_port_of_the_node_is_given_once_for_each_address() {
    let port = |address: &str| HostPort { port: 80, protocol: "TCP".into(), address: address.into() };
    let with = |address: &str| Share { host_ports: Box::new([port(address)]), ..share(0) };
    let refused = &["node(s) didn't have free ports for the requested pod ports"];
    check(json!({}), json!({}), &with("10.0.0.1"), load(&[with("10.0.0.2")]), &[]);
    check(json!({}), json!({}), &with("10.0.0.1"), load(&[with("")]), refused);
}

#[test]
fn reasons_are_counted_and_sorted_as_text() {
    let refusal =
        |reasons: &[&'static str], others| Refusal { reasons: reasons.to_vec(), others_in_the_way: others };
    let refusals = [
        refusal(&["Too many pods"], true),
        refusal(&["Insufficient cpu", "Too many pods"], false),
        refusal(&["Too many pods"], true),
    ];
    assert_eq!(
        filter::message(&refusals),
        "0/3 nodes are available: 1 Insufficient cpu, 3 Too many pods. no new claims to deallocate, preemption: 0/3 nodes are available: 1 \
         Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod."
    );
}

#[tokio::test]
async fn the_emptier_node_is_better() {
    let busy = node("busy", json!({}), load(&[share(2000)]));
    let idle = node("idle", json!({}), Load::default());
    assert_eq!(score::best(&[&busy, &idle], &Wishes::default(), &share(100)), [1]);
}

#[tokio::test]
async fn a_preference_beats_a_little_more_room() {
    let plain = node("plain", json!({}), Load::default());
    let wished = node("wished", json!({}), load(&[share(500)]));
    let preferred = wishes(json!({ "affinity": { "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 1,
            "preference": { "matchExpressions": [
                { "key": "kubernetes.io/hostname", "operator": "In", "values": ["wished"] },
            ] },
        }],
    } } }));
    assert_eq!(score::best(&[&plain, &wished], &preferred, &share(100)), [1]);
}

#[test]
fn many_nodes_are_not_all_asked() {
    for (n_nodes, expected) in [(0, 1), (99, 99), (100, 100), (1000, 420), (5000, 500), (10_000, 500)] {
        assert_eq!(feasible_nodes_to_find(n_nodes), expected, "{n_nodes} nodes");
    }
}

proptest! {
    #[test]
    fn a_load_forgets_what_is_taken_away(cpus in proptest::collection::vec(0i64..1000, 1..20)) {
        let shares: Vec<Share> = cpus.iter().map(|cpu| share(*cpu)).collect();
        let mut load = load(&shares);
        shares.iter().for_each(|share| load.remove(share));
        prop_assert_eq!(load.requests, Requests::default());
        prop_assert_eq!(load.pods, 0);
    }
}
