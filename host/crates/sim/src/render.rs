//! In which form objects are sent: as they are, as a `Table` (kubectl get), or as metadata only.
//!
//! Chosen by the `Accept` header. Objects as they are cost a copy of their bytes and no parsing.

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use crate::alias;
use crate::clock::Clock;
use crate::registry::{Kind, KindRef, join_version};
use crate::status::Status;
use crate::store::Object;
use crate::table;

/// The form that a client asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As stored.
    Plain,
    /// `meta.k8s.io/v1` `Table`.
    Table(RowObject),
    /// `meta.k8s.io/v1` `PartialObjectMetadata`.
    Metadata,
}

/// `includeObject`: what each row of a table carries besides its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowObject {
    Nothing,
    Metadata,
    Whole,
}

/// Writes objects of one kind in one form.
#[derive(Debug, Clone)]
pub(crate) struct Renderer {
    pub(crate) kind: KindRef,
    pub(crate) form: Form,
    /// Whether objects get the names of `alias`.
    pub(crate) is_alias: bool,
    /// The API version asked for.
    version: String,
    clock: Clock,
}

impl Renderer {
    pub(crate) fn new(kind: &KindRef, version: &str, form: Form, clock: Clock) -> Self {
        Self { kind: kind.clone(), form, is_alias: false, version: version.to_owned(), clock }
    }

    fn api_version(&self) -> String {
        if self.is_alias {
            return format!("events.k8s.io/{}", self.version);
        }
        join_version(&self.kind.group, &self.version)
    }

    /// Whether objects are sent with the bytes they are stored in.
    fn is_stored(&self) -> bool {
        !self.is_alias && self.version == self.kind.version
    }

    /// One object, complete.
    pub(crate) fn one(&self, object: &Object) -> Bytes {
        match self.form {
            Form::Plain if self.is_stored() => object.bytes().clone(),
            Form::Plain => {
                let mut out = BytesMut::with_capacity(object.bytes().len() + 32);
                self.write_plain(object, &mut out);
                out.freeze()
            }
            Form::Metadata => self.metadata(object).into(),
            Form::Table(_) => {
                let mut out = BytesMut::new();
                let meta = json!({"resourceVersion": object.resource_version.to_string()});
                out.extend_from_slice(self.table_head(&meta, true).as_bytes());
                self.write_row(object, &mut out);
                out.extend_from_slice(b"]}");
                out.freeze()
            }
        }
    }

    /// What stands before and after the objects of a list.
    pub(crate) fn list_frame(&self, metadata: &Value) -> (Bytes, Bytes) {
        let head = match self.form {
            Form::Plain => format!(
                "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[",
                self.kind.list_kind,
                self.api_version()
            ),
            Form::Metadata => format!(
                "{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{metadata},\
                 \"items\":["
            ),
            Form::Table(_) => self.table_head(metadata, true),
        };
        (Bytes::from(head), Bytes::from_static(b"]}"))
    }

    /// One object inside a list: built-in kinds leave their kind out, as upstream.
    pub(crate) fn write_item(&self, object: &Object, out: &mut BytesMut) {
        match self.form {
            Form::Plain if self.kind.custom.is_none() && !self.is_alias => {
                out.put_u8(b'{');
                out.extend_from_slice(&object.tail());
            }
            Form::Plain => self.write_plain(object, out),
            Form::Metadata => out.extend_from_slice(self.metadata(object).as_bytes()),
            Form::Table(_) => self.write_row(object, out),
        }
    }

    /// One line of a watch. `first` tables carry the column definitions.
    pub(crate) fn write_event(&self, event: &str, object: &Object, first: bool, out: &mut BytesMut) {
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(event.as_bytes());
        out.extend_from_slice(b"\",\"object\":");
        match self.form {
            Form::Plain => self.write_plain(object, out),
            Form::Metadata => out.extend_from_slice(self.metadata(object).as_bytes()),
            Form::Table(_) => {
                let meta = json!({"resourceVersion": object.resource_version.to_string()});
                out.extend_from_slice(self.table_head(&meta, first).as_bytes());
                self.write_row(object, out);
                out.extend_from_slice(b"]}");
            }
        }
        out.extend_from_slice(b"}\n");
    }

    /// A bookmark: an object of the kind with nothing but a version.
    pub(crate) fn write_bookmark(&self, version: u64, initial_end: bool, out: &mut BytesMut) {
        let mut metadata = json!({"resourceVersion": version.to_string(), "creationTimestamp": null});
        if initial_end && let Some(metadata) = metadata.as_object_mut() {
            metadata.insert("annotations".into(), json!({"k8s.io/initial-events-end": "true"}));
        }
        let object = match self.form {
            Form::Plain => {
                json!({"kind": self.kind.kind, "apiVersion": self.api_version(), "metadata": metadata})
            }
            Form::Metadata => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            }),
            Form::Table(_) => json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1",
                "metadata": {"resourceVersion": version.to_string()},
                "columnDefinitions": null, "rows": [],
            }),
        };
        out.extend_from_slice(format!("{{\"type\":\"BOOKMARK\",\"object\":{object}}}\n").as_bytes());
    }

    /// The last line of a watch that failed.
    pub(crate) fn write_error(status: &Status, out: &mut BytesMut) {
        out.extend_from_slice(format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", status.to_json()).as_bytes());
    }

    fn write_plain(&self, object: &Object, out: &mut BytesMut) {
        if self.is_stored() {
            out.extend_from_slice(object.bytes());
            return;
        }
        if self.is_alias {
            let mut value = object.value();
            alias::from_core(&mut value);
            out.extend_from_slice(value.to_string().as_bytes());
            return;
        }
        out.extend_from_slice(Kind::make_prefix(&self.kind.kind, &self.api_version()).as_bytes());
        out.put_u8(b',');
        out.extend_from_slice(&object.tail());
    }

    fn metadata(&self, object: &Object) -> String {
        let metadata = object.value().get("metadata").cloned().unwrap_or_default();
        json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            .to_string()
    }

    fn table_head(&self, metadata: &Value, with_columns: bool) -> String {
        let columns = if with_columns { table::columns(&self.kind, &self.version) } else { Value::Null };
        format!(
            "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{metadata},\
             \"columnDefinitions\":{columns},\"rows\":["
        )
    }

    fn write_row(&self, object: &Object, out: &mut BytesMut) {
        let value = object.value();
        let mut row = json!({"cells": table::cells(&self.kind, &self.version, &value, self.clock.now())});
        let Form::Table(with) = self.form else { return };
        let carried = match with {
            RowObject::Nothing => None,
            RowObject::Whole => Some(value),
            RowObject::Metadata => Some(json!({
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": value.get("metadata"),
            })),
        };
        if let (Some(carried), Some(row)) = (carried, row.as_object_mut()) {
            row.insert("object".into(), carried);
        }
        out.extend_from_slice(row.to_string().as_bytes());
    }
}

/// Chooses the form by the `Accept` header.
///
/// # Errors
/// When the client takes neither JSON nor everything.
pub(crate) fn negotiate(accept: &str, include_object: &str) -> Result<Form, Status> {
    if accept.is_empty() {
        return Ok(Form::Plain);
    }
    for clause in accept.split(',') {
        let mut parts = clause.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        if !matches!(media, "application/json" | "*/*" | "application/*") {
            continue;
        }
        let parameters: Vec<&str> = parts.collect();
        let wanted = parameters.iter().find_map(|parameter| parameter.strip_prefix("as="));
        let is_v1 = parameters.contains(&"v=v1") && parameters.contains(&"g=meta.k8s.io");
        match wanted {
            None => return Ok(Form::Plain),
            Some("Table") if is_v1 => return Ok(Form::Table(row_object(include_object))),
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") if is_v1 => {
                return Ok(Form::Metadata);
            }
            Some(_) => {}
        }
    }
    Err(Status::not_acceptable(&["application/json"]))
}

fn row_object(include_object: &str) -> RowObject {
    match include_object {
        "None" => RowObject::Nothing,
        "Object" => RowObject::Whole,
        _ => RowObject::Metadata,
    }
}
