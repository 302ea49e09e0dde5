//! What is wrong with one field of an object (`field.Error`, `apimachinery/pkg/util/validation/field/errors.go`).
//!
//! Only the texts and reasons; which fields are wrong is decided in `admission`, `schema` and `crd`.

use serde_json::Value;

/// One wrong field of an object, as `field.Error` upstream.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldError {
    /// What is wrong with it.
    pub kind: FieldErrorKind,
    /// Path, for example `spec.containers[0].name`.
    pub field: String,
    /// The text after the kind; may be empty.
    pub detail: String,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldErrorKind {
    /// A field is missing.
    Required,
    /// A value is malformed; holds the value as upstream prints it.
    Invalid(String),
    /// A value is of a wrong type; holds the value as upstream prints it.
    TypeInvalid(String),
    /// A value is not one of the known ones; holds the value and the known ones.
    NotSupported(String, Vec<String>),
    /// A field may not be set here.
    Forbidden,
    /// What the value names does not exist.
    NotFound(String),
    /// The same value occurs twice.
    Duplicate(String),
    /// The value is too long.
    TooLong,
    /// More items than allowed; holds the number allowed.
    TooMany(usize),
}

impl FieldError {
    /// A missing field.
    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind: FieldErrorKind::Required, field: field.into(), detail: detail.into() }
    }

    /// A malformed value; strings are quoted, everything else is printed as JSON.
    pub fn invalid(field: impl Into<String>, value: &Value, detail: impl Into<String>) -> Self {
        Self { kind: FieldErrorKind::Invalid(value.to_string()), field: field.into(), detail: detail.into() }
    }

    /// A field that may not be set.
    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind: FieldErrorKind::Forbidden, field: field.into(), detail: detail.into() }
    }

    pub(super) fn reason(&self) -> &'static str {
        match self.kind {
            FieldErrorKind::Required => "FieldValueRequired",
            FieldErrorKind::Invalid(_) => "FieldValueInvalid",
            FieldErrorKind::TypeInvalid(_) => "FieldValueTypeInvalid",
            FieldErrorKind::NotSupported(..) => "FieldValueNotSupported",
            FieldErrorKind::Forbidden => "FieldValueForbidden",
            FieldErrorKind::NotFound(_) => "FieldValueNotFound",
            FieldErrorKind::Duplicate(_) => "FieldValueDuplicate",
            FieldErrorKind::TooLong => "FieldValueTooLong",
            FieldErrorKind::TooMany(_) => "FieldValueTooMany",
        }
    }

    /// The text without the field's path.
    pub fn body(&self) -> String {
        let head = match &self.kind {
            FieldErrorKind::Required => "Required value".to_owned(),
            FieldErrorKind::Invalid(value) | FieldErrorKind::TypeInvalid(value) => {
                format!("Invalid value: {value}")
            }
            FieldErrorKind::NotSupported(value, known) => {
                let known: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
                format!("Unsupported value: {value}: supported values: {}", known.join(", "))
            }
            FieldErrorKind::Forbidden => "Forbidden".to_owned(),
            FieldErrorKind::NotFound(value) => format!("Not found: {value}"),
            FieldErrorKind::Duplicate(value) => format!("Duplicate value: {value}"),
            FieldErrorKind::TooLong => "Too long".to_owned(),
            FieldErrorKind::TooMany(_) => "Too many".to_owned(),
        };
        if self.detail.is_empty() { head } else { format!("{head}: {}", self.detail) }
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.field.is_empty() {
            return f.write_str(&self.body());
        }
        write!(f, "{}: {}", self.field, self.body())
    }
}
