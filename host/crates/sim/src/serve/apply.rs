//! `patch` with an apply configuration.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use super::write::{Part, replace};
use super::{Api, Call, Reply, decode};
use crate::admission;
use crate::patch::apply::{Writer, apply};
use crate::status::{FieldError, Status};
use crate::store::WriteMode;

impl Api {
    pub(super) fn apply(
        &self,
        call: &Call<'_>,
        body: &Bytes,
        part: Part,
        mode: WriteMode,
    ) -> Result<Reply, Status> {
        if call.alias.is_some() {
            return Err(Status::unsupported_media_type(&["application/merge-patch+json"]));
        }
        if call.query.get("fieldManager").is_empty() {
            let error = FieldError::required("fieldManager", "is required for apply patch");
            return Err(Status::invalid_named("PatchOptions", "meta.k8s.io", "", &[error]));
        }
        let (config, warnings) = self.configuration(call, body)?;
        let writer = Writer::of(call, self.store.clock());
        let ty = call.kind.object_type(&call.target.version);
        let force = call.query.flag("force");
        let exists = self.store.get(&call.kind, call.namespace(), call.name()).is_some();
        if !exists && part == Part::Main {
            let mut object = config.clone();
            admission::remove(&mut object, "status");
            let config = object.clone();
            apply(&mut object, &config, ty.as_ref(), &writer, force)?;
            self.validate_custom(call, &object)?;
            let created = self.store.create_as(&call.kind, call.namespace(), object, mode)?;
            return Ok(Reply { warnings, ..self.reply(call, decode::CREATED, &created)? });
        }
        let written = self.store.update_as(&call.kind, call.namespace(), call.name(), mode, |current| {
            let mut config = config;
            if part == Part::Main && call.kind.has_status {
                admission::remove(&mut config, "status");
            }
            let mut applied = current.clone();
            apply(&mut applied, &config, ty.as_ref(), &writer, force)?;
            keep_time_when_unchanged(current, &mut applied);
            replace(&call.kind, current, applied, part)?;
            self.validate_custom(call, current)
        })?;
        Ok(Reply { warnings, ..self.reply(call, StatusCode::OK, &written)? })
    }

    /// Reads the configuration: an object with kind, version and name, and without managers.
    fn configuration(&self, call: &Call<'_>, body: &Bytes) -> Result<(Value, Vec<String>), Status> {
        let mut config = decode::yaml(body)?;
        let text = |path: &str| config.pointer(path).and_then(Value::as_str).unwrap_or_default();
        if text("/kind").is_empty() || text("/apiVersion").is_empty() {
            return Err(Status::bad_request(
                "error decoding YAML: Object 'Kind' or 'apiVersion' is missing in the applied configuration",
            ));
        }
        decode::check_type(call, &mut config, body)?;
        if config.pointer("/metadata/managedFields").is_some_and(|list| !list.is_null()) {
            return Err(Status::bad_request("metadata.managedFields must be nil"));
        }
        let name = admission::name_of(&config);
        if !name.is_empty() && name != call.name() {
            return Err(Status::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                call.name()
            )));
        }
        admission::member(&mut config, "metadata").insert("name".into(), call.name().into());
        super::write::check_namespace(call, &config)?;
        let warnings = decode::known_fields(call, &mut config)?;
        Ok((config, warnings))
    }
}

/// Applying the same again changes nothing, not even the time of the last apply.
fn keep_time_when_unchanged(current: &Value, applied: &mut Value) {
    let without_times = |object: &Value| {
        let mut object = object.clone();
        let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            admission::remove(entry, "time");
        }
        object
    };
    let (mut before, mut after) = (without_times(current), without_times(applied));
    sort_managers(&mut before);
    sort_managers(&mut after);
    if before == after {
        *applied = current.clone();
    }
}

fn sort_managers(object: &mut Value) {
    if let Some(list) = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) {
        list.sort_by_key(ToString::to_string);
    }
}
