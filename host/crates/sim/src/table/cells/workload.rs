//! Cells of pods, of what has a pod template, and of Jobs.

use jiff::Timestamp;
use serde_json::Value;

use super::{human, list, n_items, number, text};

pub(in crate::table) fn pod_ready(pod: &Value, _: Timestamp) -> Value {
    let ready = list(pod, "/status/containerStatuses")
        .filter(|status| status.get("ready").and_then(Value::as_bool) == Some(true))
        .count();
    format!("{ready}/{}", n_items(pod, "/spec/containers")).into()
}

pub(in crate::table) fn pod_status(pod: &Value, _: Timestamp) -> Value {
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

pub(in crate::table) fn pod_restarts(pod: &Value, _: Timestamp) -> Value {
    let restarts: i64 =
        list(pod, "/status/containerStatuses").map(|status| number(status, "/restartCount")).sum();
    restarts.to_string().into()
}

fn template_containers(object: &Value) -> impl Iterator<Item = &Value> {
    list(object, "/spec/template/spec/containers")
}

pub(in crate::table) fn containers(object: &Value, _: Timestamp) -> Value {
    template_containers(object).map(|container| text(container, "/name")).collect::<Vec<_>>().join(",").into()
}

pub(in crate::table) fn images(object: &Value, _: Timestamp) -> Value {
    template_containers(object)
        .map(|container| text(container, "/image"))
        .collect::<Vec<_>>()
        .join(",")
        .into()
}

pub(in crate::table) fn replicas_ready(object: &Value, _: Timestamp) -> Value {
    let desired = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    format!("{}/{desired}", number(object, "/status/readyReplicas")).into()
}

pub(in crate::table) fn job_status(job: &Value, _: Timestamp) -> Value {
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

pub(in crate::table) fn job_completions(job: &Value, _: Timestamp) -> Value {
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

pub(in crate::table) fn job_duration(job: &Value, now: Timestamp) -> Value {
    let at = |path: &str| text(job, path).parse::<Timestamp>().ok();
    let Some(start) = at("/status/startTime") else { return "".into() };
    let end = at("/status/completionTime").unwrap_or(now);
    human(end.as_second() - start.as_second()).into()
}

pub(in crate::table) fn active_jobs(job: &Value, _: Timestamp) -> Value {
    n_items(job, "/status/active").into()
}
