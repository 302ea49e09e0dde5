//! Whole life cycles: store and controllers without HTTP, in paused time.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pods::Pod;
use crate::clock::Clock;
use crate::store::{HistoryLimits, Object, Store};

/// A pod as a controller sees it, from its parts.
pub(super) fn pod(mut object: Value) -> Pod {
    object["metadata"] = json!({ "name": "p", "namespace": "default", "uid": "u" });
    let clock = Clock::starting_at(jiff::Timestamp::UNIX_EPOCH);
    let store = Store::new(clock, 1, HistoryLimits { changes: 10, bytes: 1000 });
    let kind = store.kind("", "pods").expect("a built-in kind");
    Pod::read(&Arc::new(Object::new(&kind, &object, 1))).expect("a pod")
}
