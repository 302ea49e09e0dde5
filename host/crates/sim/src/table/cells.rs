//! Cells that need more than a path.

use jiff::Timestamp;
use serde_json::Value;

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

pub(super) fn pod_ready(pod: &Value, _: Timestamp) -> Value {
    let ready = list(pod, "/status/containerStatuses")
        .filter(|status| status.get("ready").and_then(Value::as_bool) == Some(true))
        .count();
    format!("{ready}/{}", n_items(pod, "/spec/containers")).into()
}

pub(super) fn pod_status(pod: &Value, _: Timestamp) -> Value {
    let phase = text(pod, "/status/phase");
    let mut reason = text(pod, "/status/reason").to_owned();
    if reason.is_empty() {
        reason = phase.to_owned();
    }
    for status in list(pod, "/status/containerStatuses") {
        let waiting = text(status, "/state/waiting/reason");
        let terminated = text(status, "/state/terminated/reason");
        if !waiting.is_empty() {
            reason = waiting.to_owned();
        } else if !terminated.is_empty() {
            reason = terminated.to_owned();
        }
    }
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        let lost = text(pod, "/status/reason") == "NodeLost";
        let over = matches!(phase, "Succeeded" | "Failed");
        if lost {
            reason = "Unknown".to_owned();
        } else if !over {
            reason = "Terminating".to_owned();
        }
    }
    reason.into()
}

pub(super) fn pod_restarts(pod: &Value, _: Timestamp) -> Value {
    let restarts: i64 =
        list(pod, "/status/containerStatuses").map(|status| number(status, "/restartCount")).sum();
    restarts.to_string().into()
}

fn template_containers(object: &Value) -> impl Iterator<Item = &Value> {
    list(object, "/spec/template/spec/containers")
}

pub(super) fn containers(object: &Value, _: Timestamp) -> Value {
    template_containers(object).map(|container| text(container, "/name")).collect::<Vec<_>>().join(",").into()
}

pub(super) fn images(object: &Value, _: Timestamp) -> Value {
    template_containers(object)
        .map(|container| text(container, "/image"))
        .collect::<Vec<_>>()
        .join(",")
        .into()
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

pub(super) fn replicas_ready(object: &Value, _: Timestamp) -> Value {
    let desired = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    format!("{}/{desired}", number(object, "/status/readyReplicas")).into()
}

pub(super) fn job_status(job: &Value, _: Timestamp) -> Value {
    let is_true = |name: &str| {
        list(job, "/status/conditions")
            .any(|condition| text(condition, "/type") == name && text(condition, "/status") == "True")
    };
    let word = if is_true("Complete") {
        "Complete"
    } else if is_true("Failed") {
        "Failed"
    } else if job.pointer("/metadata/deletionTimestamp").is_some() {
        "Terminating"
    } else if is_true("Suspended") {
        "Suspended"
    } else if is_true("FailureTarget") {
        "FailureTarget"
    } else if is_true("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    word.into()
}

pub(super) fn job_completions(job: &Value, _: Timestamp) -> Value {
    let succeeded = number(job, "/status/succeeded");
    match job.pointer("/spec/completions").and_then(Value::as_i64) {
        Some(wanted) => format!("{succeeded}/{wanted}").into(),
        None => {
            let parallelism = number(job, "/spec/parallelism");
            let of = if parallelism > 1 { format!("1 of {parallelism}") } else { "1".to_owned() };
            format!("{succeeded}/{of}").into()
        }
    }
}

pub(super) fn job_duration(job: &Value, now: Timestamp) -> Value {
    let at = |path: &str| text(job, path).parse::<Timestamp>().ok();
    let Some(start) = at("/status/startTime") else { return "".into() };
    let end = at("/status/completionTime").unwrap_or(now);
    human(end.as_second() - start.as_second()).into()
}

pub(super) fn active_jobs(job: &Value, _: Timestamp) -> Value {
    n_items(job, "/status/active").into()
}

pub(super) fn service_ports(service: &Value, _: Timestamp) -> Value {
    let ports = list(service, "/spec/ports").map(|port| {
        let (number, protocol) = (number(port, "/port"), text(port, "/protocol"));
        match port.get("nodePort").and_then(Value::as_i64) {
            Some(node) if node != 0 => format!("{number}:{node}/{protocol}"),
            Some(_) | None => format!("{number}/{protocol}"),
        }
    });
    joined(ports.collect())
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

pub(super) fn endpoints(object: &Value, _: Timestamp) -> Value {
    let mut all = Vec::new();
    for subset in list(object, "/subsets") {
        for address in list(subset, "/addresses") {
            for port in list(subset, "/ports") {
                all.push(format!("{}:{}", text(address, "/ip"), number(port, "/port")));
            }
        }
    }
    shortened(&all)
}

/// The first three, and how many more there are.
fn shortened(all: &[String]) -> Value {
    let Some(rest) = all.len().checked_sub(3).filter(|rest| *rest > 0) else { return joined(all.to_vec()) };
    format!("{} + {rest} more...", all.get(..3).unwrap_or_default().join(",")).into()
}

pub(super) fn slice_ports(slice: &Value, _: Timestamp) -> Value {
    let ports: Vec<String> = list(slice, "/ports").map(|port| number(port, "/port").to_string()).collect();
    if ports.is_empty() { "<unset>".into() } else { shortened(&ports) }
}

pub(super) fn slice_endpoints(slice: &Value, _: Timestamp) -> Value {
    let all: Vec<String> = list(slice, "/endpoints")
        .flat_map(|endpoint| list(endpoint, "/addresses"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if all.is_empty() { "<unset>".into() } else { shortened(&all) }
}

pub(super) fn ingress_hosts(ingress: &Value, _: Timestamp) -> Value {
    let hosts: Vec<String> = list(ingress, "/spec/rules")
        .map(|rule| text(rule, "/host").to_owned())
        .filter(|host| !host.is_empty())
        .collect();
    if hosts.is_empty() { "*".into() } else { hosts.join(",").into() }
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
