//! Validation of pods and pod templates.

use std::collections::HashSet;

use serde_json::Value;

use super::{not_supported, text};
use crate::admission::names;
use crate::status::{FieldError, FieldErrorKind};

/// What is refused when a pod's spec changes elsewhere.
const FORBIDDEN: &str = "pod updates may not change fields other than \
     `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
     additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
     previously negative)";

/// Checks the `spec` of a pod or template at a path.
pub(super) fn spec(spec: Option<&Value>, path: &str, errors: &mut Vec<FieldError>) {
    let containers = spec.and_then(|spec| spec.get("containers")).and_then(Value::as_array);
    let Some(containers) = containers.filter(|list| !list.is_empty()) else {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
        return;
    };
    let Some(spec) = spec else { return };
    let volumes = volumes(spec, path, errors);
    let mut names = HashSet::new();
    for (position, value) in containers.iter().enumerate() {
        container(value, &format!("{path}.containers[{position}]"), &volumes, &mut names, errors);
    }
    let initial = spec.get("initContainers").and_then(Value::as_array).into_iter().flatten();
    for (position, value) in initial.enumerate() {
        container(value, &format!("{path}.initContainers[{position}]"), &volumes, &mut names, errors);
    }
    let policy = text(spec, "/restartPolicy");
    let known = ["Always", "OnFailure", "Never"];
    if !known.contains(&policy) {
        errors.push(not_supported(&format!("{path}.restartPolicy"), policy, &known));
    }
}

fn volumes<'a>(spec: &'a Value, path: &str, errors: &mut Vec<FieldError>) -> HashSet<&'a str> {
    let mut found = HashSet::new();
    for (position, volume) in spec.get("volumes").and_then(Value::as_array).into_iter().flatten().enumerate()
    {
        let field = format!("{path}.volumes[{position}].name");
        let name = text(volume, "/name");
        if name.is_empty() {
            errors.push(FieldError::required(field, ""));
        } else if let Some(problem) = names::dns_label_problem(name) {
            errors.push(FieldError::invalid(field, &name.into(), problem));
        } else if !found.insert(name) {
            errors.push(duplicate(field, name));
        }
    }
    found
}

fn duplicate(field: String, name: &str) -> FieldError {
    FieldError { kind: FieldErrorKind::Duplicate(format!("{name:?}")), field, detail: String::new() }
}

fn container<'a>(
    container: &'a Value,
    path: &str,
    volumes: &HashSet<&str>,
    names: &mut HashSet<&'a str>,
    errors: &mut Vec<FieldError>,
) {
    let field = format!("{path}.name");
    let name = text(container, "/name");
    if name.is_empty() {
        errors.push(FieldError::required(field, ""));
    } else if let Some(problem) = names::dns_label_problem(name) {
        errors.push(FieldError::invalid(field, &name.into(), problem));
    } else if !names.insert(name) {
        errors.push(duplicate(field, name));
    }
    if text(container, "/image").is_empty() {
        errors.push(FieldError::required(format!("{path}.image"), ""));
    }
    let policy = text(container, "/imagePullPolicy");
    let known = ["Always", "IfNotPresent", "Never"];
    if !known.contains(&policy) {
        errors.push(not_supported(&format!("{path}.imagePullPolicy"), policy, &known));
    }
    let mounts = container.get("volumeMounts").and_then(Value::as_array).into_iter().flatten();
    for (position, mount) in mounts.enumerate() {
        let name = text(mount, "/name");
        let field = format!("{path}.volumeMounts[{position}].name");
        if name.is_empty() {
            errors.push(FieldError::required(field, ""));
        } else if !volumes.contains(name) {
            let kind = FieldErrorKind::NotFound(format!("{name:?}"));
            errors.push(FieldError { kind, field, detail: String::new() });
        }
        if text(mount, "/mountPath").is_empty() {
            errors.push(FieldError::required(format!("{path}.volumeMounts[{position}].mountPath"), ""));
        }
    }
}

/// Checks that a pod's spec changed only where it may.
pub(super) fn update(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    if old.get("spec") == new.get("spec") {
        return;
    }
    let (old, new) = (comparable(old, new), comparable(new, old));
    if old != new {
        errors.push(FieldError::forbidden("spec", FORBIDDEN));
    }
}

/// The spec without what may change. The node may be set once, which is how a pod is bound.
fn comparable(pod: &Value, other: &Value) -> Value {
    let mut spec = pod.get("spec").cloned().unwrap_or_default();
    for key in ["containers", "initContainers"] {
        for container in spec.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            super::super::remove(container, "image");
        }
    }
    for key in ["activeDeadlineSeconds", "tolerations", "schedulingGates", "ephemeralContainers"] {
        super::super::remove(&mut spec, key);
    }
    let unbound = |pod: &Value| text(pod, "/spec/nodeName").is_empty();
    if unbound(pod) || unbound(other) {
        super::super::remove(&mut spec, "nodeName");
    }
    spec
}
