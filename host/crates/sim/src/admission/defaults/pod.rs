//! Defaults of pods and pod templates.

use serde_json::{Map, Value, json};

use super::{inner, items, set};
use crate::admission::{map, member};

/// Seconds that a pod stays on a node that is not ready or unreachable.
const TOLERATION_SECONDS: i64 = 300;

/// Fills in a real pod.
pub(super) fn fill(object: &mut Value) {
    let spec = member(object, "spec");
    fill_spec(spec);
    set(spec, "serviceAccountName", "default");
    let account = spec.get("serviceAccountName").cloned().unwrap_or_default();
    set(spec, "serviceAccount", account);
    set(spec, "priority", 0);
    set(spec, "enableServiceLinks", true);
    set(spec, "preemptionPolicy", "PreemptLowerPriority");
    tolerate(spec);
    let class = qos_class(spec);
    let status = member(object, "status");
    set(status, "phase", "Pending");
    set(status, "qosClass", class);
}

/// Fills in the `spec` of a pod or a template.
pub(super) fn fill_spec(spec: &mut Map<String, Value>) {
    set(spec, "restartPolicy", "Always");
    set(spec, "terminationGracePeriodSeconds", 30);
    set(spec, "dnsPolicy", "ClusterFirst");
    set(spec, "securityContext", json!({}));
    set(spec, "schedulerName", "default-scheduler");
    for key in ["containers", "initContainers"] {
        items(spec, key).for_each(container);
    }
    items(spec, "volumes").for_each(volume);
}

fn container(container: &mut Map<String, Value>) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = if is_latest(image) { "Always" } else { "IfNotPresent" };
    set(container, "imagePullPolicy", policy);
    set(container, "resources", json!({}));
    set(container, "terminationMessagePath", "/dev/termination-log");
    set(container, "terminationMessagePolicy", "File");
    for port in items(container, "ports") {
        set(port, "protocol", "TCP");
    }
    if let Some(resources) = inner(container, "resources") {
        requests_from_limits(resources);
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = inner(container, probe) {
            for (key, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                set(probe, key, value);
            }
            if let Some(get) = inner(probe, "httpGet") {
                set(get, "path", "/");
                set(get, "scheme", "HTTP");
            }
        }
    }
    for variable in items(container, "env") {
        let field = inner(variable, "valueFrom").and_then(|from| inner(from, "fieldRef"));
        if let Some(field) = field {
            set(field, "apiVersion", "v1");
        }
    }
}

/// No tag at all, or `latest`.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// A limit without a request is also the request.
fn requests_from_limits(resources: &mut Map<String, Value>) {
    let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else { return };
    let requests = map(resources.entry("requests").or_insert(Value::Null));
    for (name, limit) in limits {
        set(requests, &name, limit);
    }
}

fn volume(volume: &mut Map<String, Value>) {
    for (key, mode) in [("configMap", "defaultMode"), ("secret", "defaultMode"), ("projected", "defaultMode")]
    {
        if let Some(source) = inner(volume, key) {
            set(source, mode, 0o644);
        }
    }
    if let Some(path) = inner(volume, "hostPath") {
        set(path, "type", "");
    }
    // A volume without a source is an empty directory.
    if volume.len() == 1 {
        volume.insert("emptyDir".into(), json!({}));
    }
}

/// `DefaultTolerationSeconds`: pods leave broken nodes after five minutes.
fn tolerate(spec: &mut Map<String, Value>) {
    let list = spec.entry("tolerations").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let covered = list.iter().any(|toleration| {
            let text = |key: &str| toleration.get(key).and_then(Value::as_str).unwrap_or_default();
            let effect = text("effect");
            (text("key") == key || text("key").is_empty() && text("operator") == "Exists")
                && (effect.is_empty() || effect == "NoExecute")
        });
        if !covered {
            list.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS,
            }));
        }
    }
}

/// `Guaranteed` when every container has equal requests and limits of CPU and memory, `BestEffort` when none has any.
fn qos_class(spec: &mut Map<String, Value>) -> &'static str {
    let (mut any, mut all) = (false, true);
    for key in ["containers", "initContainers"] {
        for container in items(spec, key) {
            for resource in ["cpu", "memory"] {
                let read = |kind: &str| {
                    container
                        .get("resources")
                        .and_then(|resources| resources.get(kind)?.get(resource))
                        .cloned()
                };
                let (request, limit) = (read("requests"), read("limits"));
                any |= request.is_some() || limit.is_some();
                all &= limit.is_some() && request == limit;
            }
        }
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
