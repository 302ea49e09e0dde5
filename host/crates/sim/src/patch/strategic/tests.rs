use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::schema::builtin;

fn check(object: Value, patch: Value, expected: Value) {
    let ty = builtin("", "Pod").expect("pods are built in");
    let mut found = object;
    strategic_merge(&mut found, &patch, Some(&ty)).expect("a patch that fits");
    assert_eq!(found, expected);
}

fn containers(list: Value) -> Value {
    json!({"spec": {"containers": list}})
}

#[test]
fn keyed_lists_merge_by_their_key() {
    check(
        containers(json!([{"name": "a", "image": "1"}, {"name": "b", "image": "1"}])),
        containers(json!([{"name": "b", "image": "2"}, {"name": "c", "image": "3"}])),
        containers(
            json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c", "image": "3"}]),
        ),
    );
}

#[test]
fn an_item_can_be_deleted_and_a_list_replaced() {
    check(
        containers(json!([{"name": "a"}, {"name": "b"}])),
        containers(json!([{"name": "a", "$patch": "delete"}])),
        containers(json!([{"name": "b"}])),
    );
    check(
        containers(json!([{"name": "a"}, {"name": "b"}])),
        containers(json!([{"$patch": "replace"}, {"name": "c"}])),
        containers(json!([{"name": "c"}])),
    );
}

#[test]
fn maps_obey_directives() {
    check(
        json!({"metadata": {"labels": {"a": "1", "b": "2"}}}),
        json!({"metadata": {"labels": {"$patch": "replace", "c": "3"}}}),
        json!({"metadata": {"labels": {"c": "3"}}}),
    );
    check(
        json!({"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}),
        json!({"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/"}}]}}),
        json!({"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}}),
    );
}

#[test]
fn scalar_lists_merge_where_the_type_says_so() {
    check(
        json!({"metadata": {"finalizers": ["a"]}}),
        json!({"metadata": {"finalizers": ["b", "a"]}}),
        json!({"metadata": {"finalizers": ["a", "b"]}}),
    );
    check(
        json!({"metadata": {"finalizers": ["a", "b"]}}),
        json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}),
        json!({"metadata": {"finalizers": ["b"]}}),
    );
    check(
        json!({"spec": {"containers": [{"name": "a", "command": ["x", "y"]}]}}),
        json!({"spec": {"containers": [{"name": "a", "command": ["z"]}]}}),
        json!({"spec": {"containers": [{"name": "a", "command": ["z"]}]}}),
    );
}

#[test]
fn the_order_of_items_can_be_set() {
    check(
        containers(json!([{"name": "a"}, {"name": "b"}, {"name": "s"}])),
        json!({"spec": {
            "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}, {"name": "a"}],
            "containers": [{"name": "c"}],
        }}),
        containers(json!([{"name": "b"}, {"name": "c"}, {"name": "a"}, {"name": "s"}])),
    );
}

#[test]
fn an_item_without_its_key_is_refused() {
    let ty = builtin("", "Pod").expect("pods are built in");
    let mut object = containers(json!([{"name": "a"}]));
    let error = strategic_merge(&mut object, &containers(json!([{"image": "x"}])), Some(&ty));
    assert_eq!(
        error.expect_err("no merge key").to_string(),
        "map: {\"image\":\"x\"} does not contain declared merge key: name"
    );
}

proptest! {
    #[test]
    fn no_patch_panics(text in "[\\[\\]{}:,\"a-c$]{0,30}") {
        if let Ok(patch) = serde_json::from_str::<Value>(&text) {
            let ty = builtin("", "Pod").expect("pods are built in");
            let _ = strategic_merge(&mut containers(json!([{"name": "a"}])), &patch, Some(&ty));
        }
    }
}
