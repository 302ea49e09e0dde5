//! What a Deployment and its ReplicaSets say, as far as the controller reads it.

use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::HASH_LABEL;
use super::rolling::SetSize;
use crate::controllers::spec_cache::SpecCache;
use crate::store::Object;

/// What the metadata of deployments and their sets say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub(super) creation_timestamp: String,
    pub(super) annotations: serde_json::Map<String, Value>,
}

/// `spec` of a Deployment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    #[serde(default = "one")]
    pub(super) replicas: i64,
    #[serde(default)]
    pub(super) min_ready_seconds: i64,
    #[serde(default)]
    pub(super) selector: Value,
    #[serde(default)]
    pub(super) template: Value,
    #[serde(default)]
    pub(super) strategy: Strategy,
    #[serde(default)]
    pub(super) paused: bool,
    #[serde(default = "ten")]
    pub(super) revision_history_limit: usize,
    #[serde(default = "ten_minutes")]
    pub(super) progress_deadline_seconds: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Strategy {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) rolling_update: Option<Value>,
}

fn one() -> i64 {
    1
}

fn ten() -> usize {
    10
}

fn ten_minutes() -> u64 {
    600
}

/// `spec` of a ReplicaSet.
#[derive(Debug, Deserialize)]
pub(super) struct SetSpec {
    #[serde(default = "one")]
    replicas: i64,
    /// The template without the hash, as it stands in the deployment.
    #[serde(default, deserialize_with = "without_hash")]
    pub(super) template: Value,
}

/// A ReplicaSet of a deployment.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub(super) object: Arc<Object>,
    pub(super) spec: Arc<SetSpec>,
    pub(super) wished: i64,
    metadata: Metadata,
    status: Value,
}

impl Set {
    /// Reads a set.
    ///
    /// # Errors
    /// When it has not the shape of one.
    pub(super) fn read(
        object: Arc<Object>,
        specs: &mut SpecCache<SetSpec>,
    ) -> Result<Self, serde_json::Error> {
        let spec = specs.read(&object)?;
        let metadata = object.decode_member("metadata")?;
        Ok(Self { wished: spec.replicas, spec, metadata, status: object.member_value("status"), object })
    }

    pub(super) fn status(&self, field: &str) -> i64 {
        self.status.get(field).and_then(Value::as_i64).unwrap_or(0)
    }

    /// The size for the arithmetic. Replicas that the set was told to give up do not count as available, even while
    /// its status still does.
    pub(super) fn size(&self) -> SetSize {
        let available = self.status("availableReplicas").min(self.wished);
        SetSize { wished: self.wished, available }
    }

    pub(super) fn annotation(&self, key: &str) -> Option<i64> {
        self.metadata.annotations.get(key)?.as_str()?.parse().ok()
    }

    pub(super) fn created(&self) -> &str {
        &self.metadata.creation_timestamp
    }
}

fn without_hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let mut template = Value::deserialize(deserializer)?;
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH_LABEL);
    }
    Ok(template)
}
