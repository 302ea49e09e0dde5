//! The JSON form of a failed answer, its fields in the order that the real API server writes them.

use serde::Serialize;

use super::Status;

/// `metav1.StatusDetails`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// Name of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// API group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// Plural resource for most failures, the kind for `Invalid`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// UID of the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Single causes, one for each wrong field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Seconds after which a client may try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
}

/// `metav1.StatusCause`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cause {
    /// `reason`, for example `FieldValueRequired`.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'static str,
    /// The text.
    pub message: String,
    /// Path of the field.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
}

/// The field order of the wire form.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    kind: &'static str,
    api_version: &'static str,
    metadata: ListMeta,
    status: &'static str,
    message: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Box<Details>>,
    code: u16,
}

#[derive(Serialize)]
struct ListMeta {
    #[serde(rename = "continue", skip_serializing_if = "Option::is_none")]
    continue_token: Option<String>,
}

impl From<Status> for Wire {
    fn from(status: Status) -> Self {
        Self {
            kind: "Status",
            api_version: "v1",
            metadata: ListMeta { continue_token: status.continue_token },
            status: "Failure",
            message: status.message,
            reason: status.reason,
            details: status.details,
            code: status.code,
        }
    }
}
