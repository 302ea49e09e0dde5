//! `status.conditions`, as the controllers of different kinds write them.

use serde_json::{Map, Value, json};

/// A condition to be set; fields that are `None` are left out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
    pub(crate) observed_generation: Option<i64>,
}

/// Which times a kind's conditions have besides `lastTransitionTime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// None: volumes, namespaces, custom resources.
    TransitionOnly,
    /// `lastProbeTime: null`: pods.
    ProbeNull,
    /// `lastProbeTime`: jobs.
    Probe,
    /// `lastUpdateTime`: deployments.
    Update,
    /// `lastHeartbeatTime`: nodes.
    Heartbeat,
}

/// Sets a condition in a status, keeping its transition time unless the status changes.
pub(crate) fn set(status: &mut Map<String, Value>, times: Times, condition: Condition<'_>, now: &str) {
    let list = status.entry("conditions").or_insert_with(|| json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    let Some(list) = list.as_array_mut() else { return };
    let place =
        list.iter().position(|present| present.get("type").and_then(Value::as_str) == Some(condition.kind));
    let present = place.and_then(|place| list.get(place));
    let same_status = present.is_some_and(|present| present.get("status") == Some(&condition.status.into()));
    let kept = |field: &str| {
        present
            .filter(|_| same_status)
            .and_then(|present| present.get(field))
            .cloned()
            .unwrap_or_else(|| now.into())
    };
    let mut made = Map::new();
    made.insert("type".into(), condition.kind.into());
    made.insert("status".into(), condition.status.into());
    match times {
        Times::TransitionOnly => {}
        Times::ProbeNull => drop(made.insert("lastProbeTime".into(), Value::Null)),
        Times::Probe => drop(made.insert("lastProbeTime".into(), kept("lastProbeTime"))),
        Times::Update => {
            let same = same_status
                && present.and_then(|present| present.get("reason")).and_then(Value::as_str)
                    == condition.reason
                && present.and_then(|present| present.get("message")).and_then(Value::as_str)
                    == condition.message;
            let at = if same { kept("lastUpdateTime") } else { now.into() };
            made.insert("lastUpdateTime".into(), at);
        }
        Times::Heartbeat => drop(made.insert("lastHeartbeatTime".into(), now.into())),
    }
    made.insert("lastTransitionTime".into(), kept("lastTransitionTime"));
    if let Some(reason) = condition.reason {
        made.insert("reason".into(), reason.into());
    }
    if let Some(message) = condition.message {
        made.insert("message".into(), message.into());
    }
    if let Some(generation) = condition.observed_generation {
        made.insert("observedGeneration".into(), generation.into());
    }
    match place.and_then(|place| list.get_mut(place)) {
        Some(present) => *present = made.into(),
        None => list.push(made.into()),
    }
}

/// Returns a condition's `status` and `reason`.
pub(crate) fn get<'a>(status: &'a Value, kind: &str) -> Option<(&'a str, &'a str)> {
    let list = status.get("conditions")?.as_array()?;
    let found = list.iter().find(|present| present.get("type").and_then(Value::as_str) == Some(kind))?;
    let text = |field| found.get(field).and_then(Value::as_str).unwrap_or_default();
    Some((text("status"), text("reason")))
}

/// Whether a condition is `True`.
pub(crate) fn is_true(status: &Value, kind: &str) -> bool {
    get(status, kind).is_some_and(|(status, _)| status == "True")
}

/// Returns the `status` of an object as a map, made when absent.
pub(crate) fn status_of(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let fields = object.as_object_mut()?;
    let status = fields.entry("status").or_insert_with(|| json!({}));
    if !status.is_object() {
        *status = json!({});
    }
    status.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(statuses: &[(&str, &str)], times: Times) -> Value {
        let mut status = Map::new();
        for (value, now) in statuses {
            let condition = Condition { kind: "Ready", status: value, ..Condition::default() };
            set(&mut status, times, condition, now);
        }
        Value::from(status)
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let status = after(&[("False", "t1"), ("False", "t2")], Times::ProbeNull);
        assert_eq!(
            status,
            json!({"conditions": [{"type": "Ready", "status": "False", "lastProbeTime": null, "lastTransitionTime": "t1"}]})
        );
        let status = after(&[("False", "t1"), ("True", "t2")], Times::TransitionOnly);
        assert_eq!(
            status,
            json!({"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "t2"}]})
        );
    }

    #[test]
    fn a_heartbeat_moves_always() {
        let status = after(&[("True", "t1"), ("True", "t2")], Times::Heartbeat);
        assert_eq!(status["conditions"][0]["lastHeartbeatTime"], "t2");
        assert_eq!(status["conditions"][0]["lastTransitionTime"], "t1");
    }
}
