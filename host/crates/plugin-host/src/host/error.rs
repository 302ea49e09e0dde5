//! What a host function may answer besides its result: a failure for the guest, or the end of it.
//!
//! Three kinds, never mixed: [`Failure`] is a value that the guest may handle; [`BrokenContract`] and
//! [`OutOfTime`] end the instance by its own fault; [`HostError`] ends it although the guest did nothing
//! wrong. The last three travel inside a [`wasmtime::Error`]; `fault.rs` alone takes them out again.

use std::time::Duration;

use bench_cluster::RequestError;

use crate::bindings::bench::base::types::Failure;

/// Why a host call did not return normally.
#[derive(Debug)]
pub enum HostCallError {
    /// A value for the guest.
    Failure(Failure),
    /// The end of the instance.
    Trap(wasmtime::Error),
}

impl From<wasmtime::Error> for HostCallError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

impl From<Failure> for HostCallError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<HostError> for HostCallError {
    fn from(error: HostError) -> Self {
        Self::Trap(error.into())
    }
}

impl From<BrokenContract> for HostCallError {
    fn from(error: BrokenContract) -> Self {
        Self::Trap(error.into())
    }
}

/// The host could not do its work; the guest is not to blame and the run stops.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nobody takes the events of this run any more.
    #[error("the record of the run is closed")]
    RecordClosed,
    /// Nobody serves the queue any more.
    #[error("queue `{queue}` is no longer served")]
    QueueClosed {
        /// Name of the queue.
        queue: String,
    },
    /// The plugin was asked for what it is not.
    #[error("plugin `{plugin}` is no {kind}")]
    WrongKind {
        /// Its own name.
        plugin: String,
        /// `workload` or `measurement`.
        kind: &'static str,
    },
    /// Anything that should not be able to happen.
    #[error("the plugin host failed in `{place}`: {message}")]
    Internal {
        /// The function or step.
        place: &'static str,
        /// The cause, as text because it comes from wasmtime without a type.
        message: String,
    },
}

/// The guest did what its interface, its manifest or its grants forbid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct BrokenContract(pub(crate) String);

impl BrokenContract {
    /// A call that no grant covers; `needed` is what the scenario would have to allow.
    pub(crate) fn ungranted(call: &str, what: &str, needed: &str) -> Self {
        Self(format!("`{call}` {what}, which is not granted; it needs {needed}"))
    }

    /// A call that is not possible while the plugin is only looked at.
    pub(crate) fn while_inspected(call: &str) -> Self {
        Self(format!("called `{call}` from `manifest` or `config-schema`, which may not call the host"))
    }
}

/// The guest took too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutOfTime {
    /// It used up its processor time.
    #[error("computed for more than {} ms", .limit.as_millis())]
    Budget {
        /// Its budget.
        limit: Duration,
    },
    /// It went on although the run was stopped.
    #[error("did not return within {} ms after the run was stopped", .grace.as_millis())]
    AfterStop {
        /// What it had.
        grace: Duration,
    },
}

/// What a single request to the cluster came to, in the words of `types.failure`.
impl From<RequestError> for HostCallError {
    fn from(error: RequestError) -> Self {
        let reason = match &error {
            RequestError::Refused { reason, .. } => reason,
            RequestError::NoAnswer { reason, .. } => match reason.as_ref() {
                "Timeout" => "timeout",
                "TooLarge" => "limit-exceeded",
                "InvalidArgument" => "invalid-argument",
                _ => "unavailable",
            },
            RequestError::Malformed { .. } => "unavailable",
            RequestError::NoSuchKind { .. } => "NotFound",
            RequestError::InvalidArgument { .. } => "invalid-argument",
            RequestError::Cancelled => "cancelled",
        };
        Self::Failure(Failure {
            reason: reason.to_owned(),
            message: error.to_string(),
            http_status: error.http_status(),
            retryable: error.is_retryable(),
        })
    }
}

/// A failure of the host's own.
fn failure(reason: &str, message: String, retryable: bool) -> Failure {
    Failure { reason: reason.to_owned(), message, http_status: 0, retryable }
}

/// Depends on what exists now: another namespace would have been allowed.
pub(crate) fn denied(message: String) -> HostCallError {
    failure("denied", message, false).into()
}

/// The arguments do not fit each other or the rules.
pub(crate) fn invalid(message: impl Into<String>) -> HostCallError {
    failure("invalid-argument", message.into(), false).into()
}

/// The run is stopping.
pub(crate) fn cancelled() -> HostCallError {
    failure("cancelled", "the run is stopping".to_owned(), false).into()
}

/// The time that the guest gave is over.
pub(crate) fn timeout(message: String) -> HostCallError {
    failure("timeout", message, true).into()
}

/// A cap of the host.
pub(crate) fn limit_exceeded(message: String) -> HostCallError {
    failure("limit-exceeded", message, false).into()
}

/// What would be asked is not part of this run.
pub(crate) fn unavailable(message: &str) -> HostCallError {
    failure("unavailable", message.to_owned(), false).into()
}
