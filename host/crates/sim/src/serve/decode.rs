//! Request bodies: media type, kind and version, unknown fields.

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Call;
use crate::registry::join_version;
use crate::schema;
use crate::status::Status;
use crate::{admission, alias};

const ACCEPTED: [&str; 3] = ["application/json", "application/yaml", PROTOBUF];
/// Bytes of a body that a failure shows.
const SHOWN: usize = 1024;
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What happens with unknown fields (`fieldValidation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Ignored,
    Warned,
    Refused,
}

/// The media type without parameters; empty when absent.
pub(super) fn media_type<'a>(call: &'a Call<'_>) -> &'a str {
    call.header(CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
}

/// Reads a body as JSON or YAML, whatever it means.
pub(super) fn tree(call: &Call<'_>, body: &Bytes) -> Result<Value, Status> {
    tree_of(media_type(call), body)
}

fn tree_of(media_type: &str, body: &[u8]) -> Result<Value, Status> {
    match media_type {
        "" | "application/json" => json(body),
        PROTOBUF => schema::protobuf::decode(body).map_err(|error| Status::bad_request(error.to_string())),
        "application/yaml" => yaml(body),
        _ => Err(Status::unsupported_media_type(&ACCEPTED)),
    }
}

/// Reads the body of a request that is for no stored kind.
pub(super) fn free(headers: &http::HeaderMap, body: &[u8]) -> Result<Value, Status> {
    let name = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    tree_of(name.split(';').next().unwrap_or_default().trim(), body)
}

pub(super) fn json(body: &[u8]) -> Result<Value, Status> {
    serde_json::from_slice(body)
        .map_err(|error| Status::bad_request(format!("couldn't get version/kind; json parse error: {error}")))
}

pub(super) fn yaml(body: &[u8]) -> Result<Value, Status> {
    let text = std::str::from_utf8(body).map_err(|error| Status::bad_request(error.to_string()))?;
    let value = serde_saphyr::from_str(text)
        .map_err(|error| Status::bad_request(format!("error converting YAML to JSON: {error}")))?;
    if admission::is_shallow(&value) {
        return Ok(value);
    }
    Err(Status::bad_request("error converting YAML to JSON: nested too deeply"))
}

/// Reads a body with fewer fields than an object (`DeleteOptions`, reviews); an empty body is the default.
pub(super) fn options<T: DeserializeOwned + Default>(call: &Call<'_>, body: &Bytes) -> Result<T, Status> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_value(tree(call, body)?).map_err(|error| Status::bad_request(error.to_string()))
}

/// Reads an object of the call's kind. Returns warnings, too.
pub(super) fn object(call: &Call<'_>, body: &Bytes) -> Result<(Value, Vec<String>), Status> {
    let mut object = match media_type(call) {
        "" | "application/json" => serde_json::from_slice(body)
            .map_err(|error| unrecognized(&call.asked().kind, &error.to_string(), body))?,
        _ => tree(call, body)?,
    };
    // What is stored must be readable again, with the managers of its fields added.
    if !admission::is_shallow(&object) {
        return Err(unrecognized(&call.asked().kind, "exceeded max depth", body));
    }
    check_type(call, &mut object, body)?;
    let warnings = known_fields(call, &mut object)?;
    if call.alias.is_some() {
        alias::to_core(&mut object);
    }
    Ok((object, warnings))
}

/// Checks kind and API version; absent ones are filled in, as the server does for typed clients.
pub(super) fn check_type(call: &Call<'_>, object: &mut Value, body: &[u8]) -> Result<(), Status> {
    let wanted_version = join_version(&call.asked().group, &call.target.version);
    let kind = &call.kind.kind;
    let Some(map) = object.as_object_mut() else {
        let found = admission::type_name(object);
        let problem = format!(
            "json: cannot unmarshal {found} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,\
             omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
        );
        return Err(unrecognized(kind, &problem, body));
    };
    let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (found_version, found_kind) = (text("apiVersion"), text("kind"));
    check_convertible(call, &found_version, &found_kind)?;
    if !found_version.is_empty() && found_version != wanted_version {
        return Err(Status::bad_request(format!(
            "the API version in the data ({found_version}) does not match the expected API version \
             ({wanted_version})"
        )));
    }
    map.insert("kind".into(), kind.clone().into());
    map.insert("apiVersion".into(), call.asked().api_version().into());
    Ok(())
}

/// Refuses what upstream's scheme does not know, or cannot convert to the kind of the request.
fn check_convertible(call: &Call<'_>, version: &str, found: &str) -> Result<(), Status> {
    let (asked, kind) = (call.asked(), &call.kind.kind);
    let found = if found.is_empty() { kind } else { found };
    let version = if version.is_empty() {
        join_version(&asked.group, &call.target.version)
    } else {
        version.to_owned()
    };
    let (group, short) = version.rsplit_once('/').unwrap_or(("", &version));
    let same_group = group == asked.group;
    if *found == **kind && same_group && asked.serves(short) {
        return Ok(());
    }
    let known = schema::builtin(group, found).is_some() && (!same_group || asked.serves(short));
    let problem = if !known {
        format!(
            "no kind {found:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
        )
    } else if *found != **kind {
        let package = internal_package(&asked.group);
        format!("converting ({short}.{found}) to ({package}.{kind}): unknown conversion")
    } else {
        return Ok(());
    };
    Err(Status::bad_request(format!("{found} in version {short:?} cannot be handled as a {kind}: {problem}")))
}

/// The Go package of a group's internal types: the first part of the group's name.
fn internal_package(group: &str) -> &str {
    if group.is_empty() { "core" } else { group.split('.').next().unwrap_or(group) }
}

/// The failure of a body that is no object of any kind; shows its first bytes.
fn unrecognized(kind: &str, problem: &str, body: &[u8]) -> Status {
    let start = body.get(..SHOWN.min(body.len())).unwrap_or_default();
    let more = if body.len() > SHOWN { " ..." } else { "" };
    Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: \
         {problem} ({}{more})",
        String::from_utf8_lossy(start)
    ))
}

/// Drops unknown fields, and reports them as the request wants.
pub(super) fn known_fields(call: &Call<'_>, object: &mut Value) -> Result<Vec<String>, Status> {
    let unknown = match call.query.get("fieldValidation") {
        "Ignore" => Unknown::Ignored,
        "Strict" => Unknown::Refused,
        "" | "Warn" => Unknown::Warned,
        other => {
            return Err(Status::bad_request(format!(
                "invalid fieldValidation: Unsupported value: {other:?}: supported values: \"Ignore\", \"Strict\", \
                 \"Warn\""
            )));
        }
    };
    let Some(ty) = call.asked().object_type(&call.target.version) else { return Ok(Vec::new()) };
    let decoded = schema::decode(&ty, object).map_err(|problem| {
        let kind = &call.kind.kind;
        Status::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {kind}: {problem}",
            call.target.version
        ))
    })?;
    if decoded.unknown.is_empty() || unknown == Unknown::Ignored {
        return Ok(Vec::new());
    }
    let texts: Vec<String> = decoded.unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    if unknown == Unknown::Warned {
        return Ok(texts);
    }
    let kind = &call.kind.kind;
    let list = texts.join(", ");
    Err(Status::bad_request(format!(
        "{kind} in version {:?} cannot be handled as a {kind}: strict decoding error: {list}",
        call.target.version
    )))
}

/// `dryRun` of the query.
pub(super) fn dry_run(call: &Call<'_>) -> Result<bool, Status> {
    let mut dry = false;
    for value in call.query.all("dryRun").filter(|value| !value.is_empty()) {
        if value != "All" {
            return Err(unsupported_dry_run(call, value));
        }
        dry = true;
    }
    Ok(dry)
}

fn unsupported_dry_run(call: &Call<'_>, value: &str) -> Status {
    use crate::status::{FieldError, FieldErrorKind};
    let options = match call.target.verb {
        "create" => "CreateOptions",
        "update" => "UpdateOptions",
        "patch" => "PatchOptions",
        _ => "DeleteOptions",
    };
    let error = FieldError {
        kind: FieldErrorKind::NotSupported(format!("[{value:?}]"), vec!["All".to_owned()]),
        field: "dryRun".to_owned(),
        detail: String::new(),
    };
    Status::invalid_named(options, "meta.k8s.io", "", &[error])
}

/// The code of a successful creation.
pub(super) const CREATED: StatusCode = StatusCode::CREATED;
