//! Whole objects from a guest: parsed, checked against what was granted, and labelled.

use bench_model::ResourceRef;
use bench_template::Stamp;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::host::{
    HostState,
    error::{HostCallError, invalid},
    write::shown,
};

impl HostState {
    /// Parses each body, checks its kind and namespace against the target, and adds the run's labels.
    pub(super) async fn stamp_raw(
        &mut self,
        call: &'static str,
        target: &ResourceRef,
        bodies: Vec<String>,
    ) -> Result<Vec<Bytes>, HostCallError> {
        let context = self.context(call)?;
        let (run_id, job) = (context.services.run_id.to_string(), context.user.clone());
        let stamp = Stamp { run_id: &run_id, job: &job, template: "" };
        let mut checked: Option<(String, String)> = None;
        let mut stamped = Vec::with_capacity(bodies.len());
        for (row, body) in bodies.into_iter().enumerate() {
            let object = parse(row, &body)?;
            drop(body);
            let kind = kind_of(row, &object)?;
            // Bodies of one call are of one kind; the cluster is asked once.
            if checked.as_ref() != Some(&kind) {
                let (found, _) = self.resolve_kind(call, &kind.0, &kind.1).await?;
                if found.in_namespace("") != target.in_namespace("") {
                    let message = format!(
                        "body {row} is of `{}`, the call is for `{}`",
                        shown(&found.to_string()),
                        shown(&target.to_string())
                    );
                    return Err(invalid(message));
                }
                checked = Some(kind);
            }
            check_namespace(row, &object, target)?;
            let labelled = stamp.apply_to_json(Value::Object(object));
            let labelled = labelled.map_err(|mistake| invalid(format!("body {row}: {mistake}")))?;
            stamped.push(Bytes::from(labelled.to_string()));
        }
        Ok(stamped)
    }
}

fn parse(row: usize, body: &str) -> Result<Map<String, Value>, HostCallError> {
    match serde_json::from_str(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(invalid(format!("body {row} is not a JSON object"))),
        Err(error) => Err(invalid(format!("body {row} is not JSON: {error}"))),
    }
}

fn kind_of(row: usize, object: &Map<String, Value>) -> Result<(String, String), HostCallError> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    match (text("apiVersion"), text("kind")) {
        (Some(api_version), Some(kind)) => Ok((api_version, kind)),
        _ => Err(invalid(format!("body {row} has no `apiVersion` and `kind`"))),
    }
}

/// The namespace that was granted is the target's; a body may only repeat it.
fn check_namespace(
    row: usize,
    object: &Map<String, Value>,
    target: &ResourceRef,
) -> Result<(), HostCallError> {
    match object.get("metadata").and_then(|metadata| metadata.get("namespace")) {
        None => Ok(()),
        Some(Value::String(namespace)) if *namespace == target.namespace => Ok(()),
        Some(other) => {
            let message = format!(
                "body {row} is for namespace `{}`, the call is for `{}`",
                shown(&other.to_string()),
                shown(&target.namespace)
            );
            Err(invalid(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_not_name_another_namespace() {
        let target = ResourceRef {
            group: String::new(),
            version: "v1".to_owned(),
            plural: "pods".to_owned(),
            namespace: "mine".to_owned(),
        };
        let fits = |body: &str| check_namespace(0, &parse(0, body).expect("an object"), &target).is_ok();
        assert!(fits(r#"{}"#));
        assert!(fits(r#"{"metadata":{"namespace":"mine"}}"#));
        assert!(!fits(r#"{"metadata":{"namespace":"kube-system"}}"#));
        assert!(!fits(r#"{"metadata":{"namespace":null}}"#));
        assert!(!fits(r#"{"metadata":{"namespace":7}}"#));
    }
}
