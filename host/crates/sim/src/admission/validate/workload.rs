//! Validation of what makes pods: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs.

use serde_json::Value;

use super::{pod, text};
use crate::registry::Kind;
use crate::selector::LabelSelector;
use crate::status::FieldError;

/// Checks selector, replicas and template.
pub(super) fn controller(kind: &Kind, object: &Value, errors: &mut Vec<FieldError>) {
    not_negative(object, "replicas", errors);
    let selector = object.pointer("/spec/selector");
    let parsed = selector.and_then(LabelSelector::from_value).filter(|selector| !selector.is_empty());
    match (selector, parsed) {
        (None, _) => errors.push(FieldError::required("spec.selector", "")),
        (Some(value), None) => {
            let detail = format!("empty selector is invalid for {}", plural_word(kind));
            errors.push(FieldError::invalid("spec.selector", value, detail));
        }
        (Some(_), Some(selector)) => {
            let labels = object.pointer("/spec/template/metadata/labels");
            let look_up = |key: &str| labels.and_then(|labels| labels.get(key)).and_then(Value::as_str);
            if !selector.matches(&look_up) {
                let value = labels.cloned().unwrap_or_default();
                let detail = "`selector` does not match template `labels`";
                errors.push(FieldError::invalid("spec.template.metadata.labels", &value, detail));
            }
        }
    }
    template(object, errors);
    let policy = text(object, "/spec/template/spec/restartPolicy");
    if policy != "Always" && !policy.is_empty() {
        errors.push(super::not_supported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
}

fn plural_word(kind: &Kind) -> String {
    kind.kind.to_lowercase()
}

fn template(object: &Value, errors: &mut Vec<FieldError>) {
    pod::spec(object.pointer("/spec/template/spec"), "spec.template.spec", errors);
}

fn not_negative(object: &Value, key: &str, errors: &mut Vec<FieldError>) {
    let Some(value) = object.get("spec").and_then(|spec| spec.get(key)) else { return };
    if value.as_i64().is_some_and(|number| number < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(format!("spec.{key}"), value, detail));
    }
}

/// Checks a job.
pub(super) fn job(object: &Value, errors: &mut Vec<FieldError>) {
    for key in
        ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"]
    {
        not_negative(object, key, errors);
    }
    template(object, errors);
    let policy = text(object, "/spec/template/spec/restartPolicy");
    if policy == "Always" {
        let detail = "valid values: \"OnFailure\", \"Never\"";
        errors.push(FieldError::required("spec.template.spec.restartPolicy", detail));
    }
    if text(object, "/spec/completionMode") == "Indexed" && object.pointer("/spec/completions").is_none() {
        errors.push(FieldError::required("spec.completions", "when completion mode is Indexed"));
    }
}

/// Checks that a stateful set changed only where it may.
pub(super) fn stateful_set_update(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    const ALLOWED: [&str; 8] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
        "status",
    ];
    let rest = |object: &Value| {
        let mut spec = object.get("spec").cloned().unwrap_or_default();
        for key in ALLOWED {
            super::super::remove(&mut spec, key);
        }
        spec
    };
    if rest(old) != rest(new) {
        errors.push(FieldError::forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
             'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ));
    }
}
