//! Cells that need more than a path.

mod network;
mod workload;

use jiff::Timestamp;
use serde_json::Value;

pub(super) use self::network::{endpoints, ingress_hosts, service_ports, slice_endpoints, slice_ports};
pub(super) use self::workload::{
    active_jobs, containers, images, job_completions, job_duration, job_status, pod_ready, pod_restarts,
    pod_status, replicas_ready,
};
use crate::selector::LabelSelector;

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, path: &str) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or(0)
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn n_items(value: &Value, path: &str) -> usize {
    list(value, path).count()
}

/// `a,b`, or `<none>`.
fn joined(items: Vec<String>) -> Value {
    if items.is_empty() { "<none>".into() } else { items.join(",").into() }
}

/// The time since a moment, as `duration.HumanDuration`.
pub(super) fn since(at: Option<&Value>, now: Timestamp, never: &str) -> String {
    let at = at.and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
    at.map_or_else(|| never.to_owned(), |at| human(now.as_second() - at.as_second()))
}

/// `5m30s`, `3h`, `2d4h`: two units where the first is small.
fn human(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let two = |first: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{first}{unit}") } else { format!("{first}{unit}{rest}{small}") }
    };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(hours / 24, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{}d", hours / 24),
        63_072_000..252_288_000 => two(hours / 8760, "y", hours / 24 % 365, "d"),
        _ => format!("{}y", hours / 8760),
    }
}

pub(super) fn selector(object: &Value, _: Timestamp) -> Value {
    let selector = object.pointer("/spec/selector").and_then(LabelSelector::from_value);
    match selector {
        Some(selector) if !selector.is_empty() => selector.to_string().into(),
        Some(_) | None => "<none>".into(),
    }
}

pub(super) fn policy_selector(object: &Value, _: Timestamp) -> Value {
    let selector = object.pointer("/spec/podSelector").and_then(LabelSelector::from_value);
    match selector {
        Some(selector) if !selector.is_empty() => selector.to_string().into(),
        Some(_) | None => "<none>".into(),
    }
}

pub(super) fn node_selector(object: &Value, _: Timestamp) -> Value {
    let selector = object.pointer("/spec/template/spec/nodeSelector").and_then(Value::as_object);
    let pairs = selector.into_iter().flatten();
    joined(pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect())
}

pub(super) fn node_status(node: &Value, _: Timestamp) -> Value {
    let ready = list(node, "/status/conditions").find(|condition| text(condition, "/type") == "Ready");
    let mut words = vec![match ready.map(|condition| text(condition, "/status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }];
    if node.pointer("/spec/unschedulable").and_then(Value::as_bool) == Some(true) {
        words.push("SchedulingDisabled");
    }
    words.join(",").into()
}

pub(super) fn node_roles(node: &Value, _: Timestamp) -> Value {
    let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
    let mut roles: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .map(str::to_owned)
        .collect();
    roles.sort();
    joined(roles)
}

fn node_address(node: &Value, ty: &str) -> Value {
    let found = list(node, "/status/addresses").find(|address| text(address, "/type") == ty);
    found.map_or("<none>", |address| text(address, "/address")).into()
}

pub(super) fn node_internal_ip(node: &Value, _: Timestamp) -> Value {
    node_address(node, "InternalIP")
}

pub(super) fn node_external_ip(node: &Value, _: Timestamp) -> Value {
    node_address(node, "ExternalIP")
}

pub(super) fn event_last_seen(event: &Value, now: Timestamp) -> Value {
    let path = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp"];
    let at = path.into_iter().filter_map(|path| event.pointer(path)).find(|at| at.is_string());
    since(at, now, "<unknown>").into()
}

pub(super) fn event_first_seen(event: &Value, now: Timestamp) -> Value {
    let path = ["/firstTimestamp", "/eventTime"];
    let at = path.into_iter().filter_map(|path| event.pointer(path)).find(|at| at.is_string());
    since(at, now, "<unknown>").into()
}

pub(super) fn event_object(event: &Value, _: Timestamp) -> Value {
    let kind = text(event, "/involvedObject/kind").to_lowercase();
    format!("{kind}/{}", text(event, "/involvedObject/name")).into()
}

pub(super) fn event_source(event: &Value, _: Timestamp) -> Value {
    let component = match text(event, "/source/component") {
        "" => text(event, "/reportingComponent"),
        component => component,
    };
    match text(event, "/source/host") {
        "" => component.into(),
        host => format!("{component}, {host}").into(),
    }
}

pub(super) fn event_count(event: &Value, _: Timestamp) -> Value {
    let series = event.pointer("/series/count").and_then(Value::as_i64);
    series.unwrap_or_else(|| number(event, "/count").max(1)).to_string().into()
}

pub(super) fn data(object: &Value, _: Timestamp) -> Value {
    let size = |key: &str| object.get(key).and_then(Value::as_object).map_or(0, serde_json::Map::len);
    (size("data") + size("binaryData")).into()
}

fn modes(object: &Value, path: &str) -> Value {
    let short = list(object, path).filter_map(Value::as_str).map(|mode| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        other => other,
    });
    short.collect::<Vec<_>>().join(",").into()
}

pub(super) fn access_modes(volume: &Value, _: Timestamp) -> Value {
    modes(volume, "/spec/accessModes")
}

pub(super) fn claim_access_modes(claim: &Value, _: Timestamp) -> Value {
    modes(claim, "/status/accessModes")
}

pub(super) fn volume_status(volume: &Value, _: Timestamp) -> Value {
    if volume.pointer("/metadata/deletionTimestamp").is_some() {
        return "Terminating".into();
    }
    text(volume, "/status/phase").into()
}

pub(super) fn volume_claim(volume: &Value, _: Timestamp) -> Value {
    match volume.pointer("/spec/claimRef") {
        Some(claim) => format!("{}/{}", text(claim, "/namespace"), text(claim, "/name")).into(),
        None => "".into(),
    }
}

pub(super) fn storage_class_name(class: &Value, _: Timestamp) -> Value {
    let default = "/metadata/annotations/storageclass.kubernetes.io~1is-default-class";
    let mark = if text(class, default) == "true" { " (default)" } else { "" };
    format!("{}{mark}", text(class, "/metadata/name")).into()
}

pub(super) fn controller(object: &Value, _: Timestamp) -> Value {
    let owner = list(object, "/metadata/ownerReferences")
        .find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true));
    match owner {
        Some(owner) => format!("{}/{}", text(owner, "/kind").to_lowercase(), text(owner, "/name")).into(),
        None => "<none>".into(),
    }
}

pub(super) fn role(binding: &Value, _: Timestamp) -> Value {
    format!("{}/{}", text(binding, "/roleRef/kind"), text(binding, "/roleRef/name")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_as_short_as_upstreams() {
        let cases = [
            (0, "0s"),
            (119, "119s"),
            (125, "2m5s"),
            (600, "10m"),
            (7200, "120m"),
            (3 * 3600, "3h"),
            (3 * 3600 + 300, "3h5m"),
            (30 * 3600, "30h"),
            (50 * 3600, "2d2h"),
            (9 * 86_400, "9d"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(human(seconds), expected);
        }
    }
}
