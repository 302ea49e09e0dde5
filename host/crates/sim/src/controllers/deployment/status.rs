//! `status` of a Deployment: counts, `Available`, `Progressing`.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Sync;
use super::set::Set;
use crate::controllers::conditions::{self, Condition, Times};
use crate::controllers::context::{Context, SyncError};

/// Writes the status if it differs. Returns when the progress deadline has to be looked at.
pub(super) fn write(sync: &Sync<'_>, context: &mut Context) -> Result<Option<Instant>, SyncError> {
    let old = sync.deployment.member_value("status");
    let all = || sync.new.iter().chain(&sync.old);
    let total = |field: &str| all().map(|set| set.status(field)).sum::<i64>();
    let (replicas, available) = (total("replicas"), total("availableReplicas"));
    let wished: i64 = all().map(|set| set.wished).sum();
    let updated = sync.new.as_ref().map_or(0, |set| set.status("replicas"));
    let mut status = Map::new();
    status.insert("observedGeneration".into(), sync.deployment.generation.into());
    for (field, count) in [
        ("replicas", replicas),
        ("updatedReplicas", updated),
        ("readyReplicas", total("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (wished - available).max(0)),
    ] {
        if count > 0 {
            status.insert(field.into(), count.into());
        }
    }
    if let Some(conditions) = old.get("conditions") {
        status.insert("conditions".into(), conditions.clone());
    }
    let now = context.clock.seconds();
    write_available(sync, available, &mut status, &now);
    let deadline = write_progress(sync, &old, updated, replicas, available, &mut status, &now, context);
    context.update_status(&sync.deployment, status.into())?;
    Ok(deadline)
}

fn write_available(sync: &Sync<'_>, available: i64, status: &mut Map<String, Value>, now: &str) {
    let desired = sync.spec.replicas;
    let least = desired - sync.limits().unavailable;
    let holds = available >= least;
    let condition = Condition {
        kind: "Available",
        status: if holds { "True" } else { "False" },
        reason: Some(if holds { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" }),
        message: Some(if holds {
            "Deployment has minimum availability."
        } else {
            "Deployment does not have minimum availability."
        }),
        observed_generation: None,
    };
    conditions::set(status, Times::Update, condition, now);
}

#[expect(clippy::too_many_arguments, reason = "all of it is the status being written")]
fn write_progress(
    sync: &Sync<'_>,
    old: &Value,
    updated: i64,
    replicas: i64,
    available: i64,
    status: &mut Map<String, Value>,
    now: &str,
    context: &Context,
) -> Option<Instant> {
    let desired = sync.spec.replicas;
    let name = sync.new.as_ref().map_or("", |set: &Set| &set.object.name);
    let complete = updated == desired && replicas == desired && available == desired;
    let count = |field: &str| old.get(field).and_then(Value::as_i64).unwrap_or(0);
    let moved = updated > count("updatedReplicas")
        || replicas - updated < count("replicas") - count("updatedReplicas")
        || available > count("availableReplicas");
    let before = conditions::get(old, "Progressing").map(|(_, reason)| reason);
    let since = last_update(old).unwrap_or_else(|| context.clock.now());
    let patience = Duration::from_secs(sync.spec.progress_deadline_seconds);
    let deadline = context.clock.instant_at(since) + patience;
    let done = before == Some("NewReplicaSetAvailable") && complete;
    let overdue = !complete && !moved && before.is_some() && deadline <= context.clock.instant();
    let (value, reason, message) = if complete {
        ("True", "NewReplicaSetAvailable", format!("ReplicaSet \"{name}\" has successfully progressed."))
    } else if overdue && before != Some("NewReplicaSetAvailable") {
        ("False", "ProgressDeadlineExceeded", format!("ReplicaSet \"{name}\" has timed out progressing."))
    } else if before.is_none() {
        ("True", "NewReplicaSetCreated", format!("Created new replica set \"{name}\""))
    } else if before == Some("NewReplicaSetAvailable") && updated == desired {
        // A pod that fails later does not make a finished update unfinished.
        return None;
    } else {
        ("True", "ReplicaSetUpdated", format!("ReplicaSet \"{name}\" is progressing."))
    };
    let condition = Condition {
        kind: "Progressing",
        status: value,
        reason: Some(reason),
        message: Some(&message),
        observed_generation: None,
    };
    if moved && !done {
        forget_update(status);
    }
    conditions::set(status, Times::Update, condition, now);
    (!complete && !overdue).then_some(deadline.max(context.clock.instant() + Duration::from_secs(1)))
}

fn last_update(status: &Value) -> Option<Timestamp> {
    let list = status.get("conditions")?.as_array()?;
    let progressing =
        list.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some("Progressing"))?;
    progressing.get("lastUpdateTime")?.as_str()?.parse().ok()
}

/// Progress moves the update time on even if the text stays the same.
fn forget_update(status: &mut Map<String, Value>) {
    let list = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in list.into_iter().flatten().filter_map(Value::as_object_mut) {
        if condition.get("type").and_then(Value::as_str) == Some("Progressing") {
            condition.remove("lastUpdateTime");
        }
    }
}
