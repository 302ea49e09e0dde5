use bench_sdk::serde_json::{self, Value, json};

use super::*;

fn full() -> Value {
    json!({
        "create": {
            "iterations": 500,
            "namespaces": { "prefix": "churn", "iterationsPerNamespace": 100, "labels": { "team": "a" } },
            "objects": [{
                "template": "kind: Pod", "replicas": 2, "queue": "pods", "wait": false,
                "variables": { "image": "pause", "cpu": 3 },
            }],
        },
        "waitFor": { "condition": "ready", "timeout": "5m", "stuckAfter": "10s" },
        "delete": {
            "queue": "main", "propagationPolicy": "Foreground", "gracePeriodSeconds": 0,
            "waitUntilGone": false, "timeout": "1m30s",
        },
    })
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema")
}

fn check_refused(pointer: &str, value: Value) {
    let mut config = full();
    *config.pointer_mut(pointer).expect("a place in the block") = value.clone();
    assert!(!validator().is_valid(&config), "{pointer}: {value} is accepted");
}

#[test]
fn what_the_schema_accepts_can_be_read() {
    let config = full();
    assert!(validator().is_valid(&config));
    let config: Config = serde_json::from_value(config).expect("fits the type");
    assert_eq!(config.create.objects[0].variables["cpu"], Variable::Int(3));
    assert_eq!(config.delete.expect("there").timeout, Span { ns: 90_000_000_000 });
}

#[test]
fn the_shortest_block_is_one_template() {
    let config = json!({ "create": { "objects": [{ "template": "kind: Pod" }] } });
    assert!(validator().is_valid(&config));
    let config: Config = serde_json::from_value(config).expect("fits the type");
    assert_eq!((config.create.iterations, config.create.objects[0].replicas), (1, 1));
    assert_eq!((config.create.objects[0].queue.as_str(), config.create.objects[0].wait), ("main", true));
}

#[test]
fn defaults_of_the_schema_are_defaults_of_the_type() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let of = |pointer: &str| schema.pointer(pointer).cloned().unwrap_or_default();
    let block = json!({ "create": { "objects": [{ "template": "" }] }, "waitFor": {}, "delete": {} });
    let config: Config = serde_json::from_value(block).expect("fits the type");
    let object = "/properties/create/properties/objects/items/properties";
    assert_eq!(of("/properties/create/properties/iterations/default"), json!(config.create.iterations));
    assert_eq!(of(&format!("{object}/replicas/default")), json!(config.create.objects[0].replicas));
    assert_eq!(of(&format!("{object}/queue/default")), json!(config.create.objects[0].queue));
    assert_eq!(of(&format!("{object}/wait/default")), json!(config.create.objects[0].wait));
    let (wait, delete) = (config.wait_for.expect("there"), config.delete.expect("there"));
    assert_eq!(of("/properties/waitFor/properties/condition/default"), json!(wait.condition));
    assert_eq!((wait.timeout, delete.timeout), (Span { ns: 300_000_000_000 }, Span { ns: 300_000_000_000 }));
    assert_eq!(of("/properties/waitFor/properties/timeout/default"), json!("5m"));
    assert_eq!(of("/properties/delete/properties/timeout/default"), json!("5m"));
    assert_eq!(of("/properties/delete/properties/queue/default"), json!(delete.queue));
    assert_eq!(of("/properties/delete/properties/waitUntilGone/default"), json!(delete.wait_until_gone));
}

#[test]
fn what_makes_no_sense_is_refused_by_the_schema() {
    check_refused("/create/iterations", json!(0));
    check_refused("/create/objects", json!([]));
    check_refused("/create/objects/0/replicas", json!(0));
    check_refused("/create/objects/0/variables", json!({ "a": true }));
    check_refused("/create/objects/0/variables", json!({ "a-b": "x" }));
    check_refused("/create/namespaces", json!({ "prefix": "Churn" }));
    check_refused("/create/namespaces", json!({ "labels": { "a": "{{ x }}" } }));
    check_refused("/create/namespaces", json!({ "iterationPerNamespace": 1 }));
    check_refused("/waitFor/timeout", json!("5"));
    check_refused("/delete/propagationPolicy", json!("background"));
}
