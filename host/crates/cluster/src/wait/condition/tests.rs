use bench_limiter::RunClock;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::projection::Projector;

fn target(group: &str, plural: &str) -> ResourceRef {
    ResourceRef {
        group: group.to_owned(),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        namespace: String::new(),
    }
}

fn check(group: &str, plural: &str, condition: &str, object: &Value, missing: &str) {
    let condition = Condition::parse(condition).expect("a condition");
    let judge = Judge::new(&condition, &target(group, plural));
    let projector = Projector::compile(&judge.projections()).expect("paths");
    let text = object.to_string();
    let clock = RunClock::start_at(std::time::UNIX_EPOCH);
    let row = projector.object(text.as_bytes(), &clock).expect("JSON");
    assert_eq!(judge.judge(&row.cells), unless(missing), "{object}");
}

fn conditions(list: &Value) -> Value {
    json!({"status": {"phase": "Pending", "conditions": list}})
}

#[test]
fn a_pod_says_what_it_waits_for() {
    check("", "pods", "ready", &conditions(&json!([{"type": "Ready", "status": "True"}])), "");
    let message = "0/1 nodes are available: 1 Too many pods";
    let unschedulable =
        json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]);
    check(
        "",
        "pods",
        "ready",
        &conditions(&unschedulable),
        "Unschedulable: 0/1 nodes are available: 1 Too many pods",
    );
    let waiting =
        json!({"status": {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}});
    check("", "pods", "ready", &waiting, "ImagePullBackOff");
    check("", "pods", "ready", &json!({}), "Pending");
}

#[test]
fn a_rollout_is_complete_when_all_replicas_are_new_and_available() {
    let deployment = |observed: u32, updated: u32, all: u32, available: u32| {
        json!({"metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": {
            "observedGeneration": observed, "updatedReplicas": updated, "replicas": all, "availableReplicas": available}})
    };
    check("apps", "deployments", "ready", &deployment(2, 3, 3, 3), "");
    check("apps", "deployments", "ready", &deployment(1, 3, 3, 3), "its controller has not seen it yet");
    check("apps", "deployments", "ready", &deployment(2, 1, 3, 3), "1 of 3 replicas are updated");
    check("apps", "deployments", "ready", &deployment(2, 3, 4, 3), "1 old replicas are left");
    check("apps", "deployments", "ready", &deployment(2, 3, 3, 2), "2 of 3 replicas are available");
    check(
        "apps",
        "daemonsets",
        "ready",
        &json!({"metadata": {"generation": 1}}),
        "its controller has not seen it yet",
    );
}

#[test]
fn other_kinds_are_ready_by_their_phase_condition_or_existence() {
    check(
        "",
        "persistentvolumeclaims",
        "ready",
        &json!({"status": {"phase": "Pending"}}),
        "phase is Pending",
    );
    check("", "configmaps", "ready", &json!({"data": {}}), "");
    check(
        "x.io",
        "things",
        "ready",
        &conditions(&json!([{"type": "Ready", "status": "False", "reason": "R", "message": "m"}])),
        "R: m",
    );
    check("", "nodes", "ready", &json!({}), "its condition is not set");
    let failed = json!([{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]);
    check("batch", "jobs", "ready", &conditions(&failed), "failed: BackoffLimitExceeded");
}

#[test]
fn conditions_of_kubectl_are_read() {
    let bound = json!({"status": {"phase": "Bound"}});
    check("", "x", "jsonpath={.status.phase}=Bound", &bound, "");
    check("", "x", "jsonpath='{.status.phase}'=Lost", &bound, "status.phase is Bound");
    check("", "x", "jsonpath={.status.phase}", &bound, "");
    check("", "x", "jsonpath={.spec.x}", &bound, "spec.x is not set");
    let ready = conditions(&json!([{"type": "Ready", "status": "False"}]));
    check("", "x", r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}=False"#, &ready, "");
    check("", "x", "condition=Ready=false", &ready, "");
    check("", "x", "condition=Ready", &ready, "condition Ready is False");
    for wrong in ["", "exists", "condition=", "jsonpath={.a", "jsonpath={.a[0]}=1", "condition=a]b"] {
        assert!(Condition::parse(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_the_parser_panic(text in r"(condition=|jsonpath=)?[{}.'a-z\[\]=?@()]{0,30}|.{0,30}") {
        let _ = Condition::parse(&text);
    }
}
