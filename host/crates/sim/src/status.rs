//! `metav1.Status`, the body of every failed answer, worded exactly as the real API server words it.
//!
//! One constructor per kind of failure (`apimachinery/pkg/api/errors/errors.go`), so that the texts stand in one
//! place. Tools match on these texts and reasons. Which failure applies is decided by the callers.

mod field_error;
mod wire;

use serde::Serialize;

pub use self::field_error::{FieldError, FieldErrorKind};
use self::wire::Wire;
pub use self::wire::{Cause, Details};
use crate::registry::Kind;

/// One failed answer: HTTP code, machine-readable reason, and text.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(into = "Wire")]
#[error("{message}")]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// `reason`, for example `NotFound`; empty when upstream leaves it out.
    pub reason: &'static str,
    /// The text a person reads.
    pub message: String,
    /// `details`: what the failure is about.
    pub details: Option<Box<Details>>,
    /// `metadata.continue`: how to go on with a list that expired.
    pub continue_token: Option<String>,
}

impl Status {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, continue_token: None }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Self {
        self.details = Some(Box::new(Details {
            name: name.to_owned(),
            group: kind.group.clone(),
            kind: kind.plural.clone(),
            ..Details::default()
        }));
        self
    }

    fn with_retry(mut self, seconds: u32) -> Self {
        self.details.get_or_insert_default().retry_after_seconds = Some(seconds);
        self
    }

    /// The object does not exist.
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", kind.resource())).about(kind, name)
    }

    /// No such path, group, version or resource.
    pub fn unknown_path() -> Self {
        let mut status = Self::new(404, "NotFound", "the server could not find the requested resource");
        status.details = Some(Box::default());
        status
    }

    /// An object of that name exists.
    pub fn already_exists(kind: &Kind, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", kind.resource()))
            .about(kind, name)
    }

    /// The write lost a race or broke a precondition; `why` follows the fixed beginning.
    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.resource());
        Self::new(409, "Conflict", message).about(kind, name)
    }

    /// A precondition of a deletion does not hold; upstream names the kind here, not the resource.
    pub fn precondition(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            qualified(&kind.kind, &kind.group)
        );
        let mut status = Self::new(409, "Conflict", message).about(kind, name);
        if let Some(details) = &mut status.details {
            details.kind.clone_from(&kind.kind);
        }
        status
    }

    /// The resource version sent is not the current one.
    pub fn modified(kind: &Kind, name: &str) -> Self {
        const WHY: &str =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, WHY)
    }

    /// Names another resource in text and details: a subresource, which is no kind.
    #[must_use]
    pub fn with_kind(mut self, resource: &str, name: &str) -> Self {
        if let Some(details) = &mut self.details {
            self.message = self.message.replacen(
                &format!("{} \"{name}\"", details.kind),
                &format!("{resource} \"{name}\""),
                1,
            );
            details.kind = resource.to_owned();
        }
        self
    }

    /// Server-side apply met fields of other managers; one cause for each field.
    pub fn apply_conflict(message: String, causes: Vec<Cause>) -> Self {
        let mut status = Self::new(409, "Conflict", message);
        status.details = Some(Box::new(Details { causes, ..Details::default() }));
        status
    }

    /// Fields of the object are wrong.
    pub fn invalid(kind: &Kind, name: &str, errors: &[FieldError]) -> Self {
        Self::invalid_named(&kind.kind, &kind.group, name, errors)
    }

    /// Like [`Status::invalid`], for bodies that are not objects of a served kind (`DeleteOptions`, …).
    pub fn invalid_named(kind: &str, group: &str, name: &str, errors: &[FieldError]) -> Self {
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let list = match texts.as_slice() {
            [] => String::new(),
            [one] => format!(": {one}"),
            many => format!(": [{}]", many.join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid{list}", qualified(kind, group));
        let mut status = Self::new(422, "Invalid", message);
        let causes = errors.iter().map(|error| Cause {
            reason: error.reason(),
            message: error.body(),
            field: error.field.clone(),
        });
        status.details = Some(Box::new(Details {
            name: name.to_owned(),
            group: group.to_owned(),
            kind: kind.to_owned(),
            causes: causes.collect(),
            ..Details::default()
        }));
        status
    }

    /// The user may not do this, or an admission rule refuses it.
    pub fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let object =
            if name.is_empty() { kind.resource() } else { format!("{} \"{name}\"", kind.resource()) };
        Self::new(403, "Forbidden", format!("{object} is forbidden: {why}")).about(kind, name)
    }

    /// Like [`Status::forbidden`] for a resource that is not (or not yet) known, or a path.
    pub fn forbidden_text(message: String, details: Details) -> Self {
        Self { details: Some(Box::new(details)), ..Self::new(403, "Forbidden", message) }
    }

    /// The object is created in a namespace that is being deleted.
    pub fn namespace_terminating(kind: &Kind, name: &str, namespace: &str) -> Self {
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut status = Self::forbidden(kind, name, &why);
        if let Some(details) = &mut status.details {
            details.causes.push(Cause {
                reason: "NamespaceTerminating",
                message: format!("namespace {namespace} is being terminated"),
                field: "metadata.namespace".to_owned(),
            });
        }
        status
    }

    /// The namespace of a new object does not exist.
    pub fn namespace_not_found(namespace: &str) -> Self {
        let mut status = Self::new(404, "NotFound", format!("namespaces \"{namespace}\" not found"));
        status.details = Some(Box::new(Details {
            name: namespace.to_owned(),
            kind: "namespaces".to_owned(),
            ..Details::default()
        }));
        status
    }

    /// The request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// No valid credentials.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// The resource does not know the verb.
    pub fn method_not_allowed() -> Self {
        let mut status = Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        );
        status.details = Some(Box::default());
        status
    }

    /// The client accepts no media type that the server can send.
    pub fn not_acceptable(accepted: &[&str]) -> Self {
        Self::new(
            406,
            "NotAcceptable",
            format!("only the following media types are accepted: {}", accepted.join(", ")),
        )
    }

    /// The request body is of a type that is not understood.
    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// The resource version or continue token is too old.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// A watch asks for events that are no longer kept. `oldest` is the last version that is gone.
    pub fn too_old(requested: u64, oldest: u64) -> Self {
        Self::expired(format!("too old resource version: {requested} ({oldest})"))
    }

    /// A read asks for a version that does not exist yet.
    pub fn too_large_version(requested: u64, current: u64) -> Self {
        let mut status = Self::new(
            504,
            "Timeout",
            format!("Timeout: Too large resource version: {requested}, current: {current}"),
        );
        status.details = Some(Box::new(Details {
            causes: vec![Cause {
                reason: "ResourceVersionTooLarge",
                message: "Too large resource version".to_owned(),
                field: String::new(),
            }],
            retry_after_seconds: Some(1),
            ..Details::default()
        }));
        status
    }

    /// Priority and fairness refuses the request.
    pub fn too_many_requests(seconds: u32) -> Self {
        Self::new(429, "TooManyRequests", "Too many requests, please try again later.").with_retry(seconds)
    }

    /// An eviction that a disruption budget does not allow now.
    pub fn eviction_refused(budget: &str, needed: i64, healthy: i64) -> Self {
        let mut status = Self::new(
            429,
            "TooManyRequests",
            "Cannot evict pod as it would violate the pod's disruption budget.",
        );
        status.details = Some(Box::new(Details {
            causes: vec![Cause {
                reason: "DisruptionBudget",
                message: format!(
                    "The disruption budget {budget} needs {needed} healthy pods and has {healthy} currently"
                ),
                field: String::new(),
            }],
            ..Details::default()
        }));
        status
    }

    /// The server failed.
    pub fn internal(message: &str) -> Self {
        let mut status = Self::new(500, "InternalError", format!("Internal error occurred: {message}"));
        status.details = Some(Box::new(Details {
            causes: vec![Cause { message: message.to_owned(), ..Cause::default() }],
            ..Details::default()
        }));
        status
    }

    /// The request body is larger than the limit in bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {limit}"))
    }

    /// The body as JSON text.
    pub fn to_json(&self) -> String {
        // A `Status` holds strings and numbers only, so that serializing cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn qualified(kind: &str, group: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}
