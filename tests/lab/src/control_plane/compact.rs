//! Compaction of etcd, by its JSON gateway.

use serde_json::{Value, json};

use super::error::StartError;
use crate::component::{Component, Setup};

pub(super) fn compact(setup: &Setup) -> Result<(), StartError> {
    // A write of our own (`lab`, outside of what Kubernetes reads): now all that was ever watched is older.
    let answer = post(setup, "/v3/kv/put", &json!({ "key": "bGFi", "value": "" }))?;
    let revision = answer.pointer("/header/revision").cloned().unwrap_or_default();
    post(setup, "/v3/kv/compaction", &json!({ "revision": revision, "physical": true })).map(drop)
}

fn post(setup: &Setup, path: &str, body: &Value) -> Result<Value, StartError> {
    let address = setup.address(Component::Etcd);
    let answer = setup.client.post(address, path, &body.to_string()).map_err(StartError::Client)?;
    if answer.status != 200 {
        return Err(StartError::Refused {
            path: path.to_owned(),
            status: answer.status,
            answer: answer.body,
        });
    }
    Ok(serde_json::from_str(&answer.body).unwrap_or_default())
}
