//! What a request is, what came of it, and the error of single calls.

use std::{borrow::Cow, time::Duration};

use bench_model::{ResourceRef, TimeNs, Verb};
use bytes::Bytes;

use crate::status;

/// One request, built by the caller down to its bytes.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// What to do.
    pub verb: Verb,
    /// On what; subresources as `pods/status`.
    pub target: &'a ResourceRef,
    /// Of which object. For a create it is not part of the URL, and may be empty.
    pub name: &'a str,
    /// Encoded, without `?`: see [`crate::query`].
    pub query: &'a str,
    /// Of the body; empty for none.
    pub content_type: &'a str,
    /// JSON, nearly always.
    pub body: Bytes,
    /// Whether the answer's body is wanted; if not, it is thrown away as it comes.
    pub keep_body: bool,
}

/// What came of one request.
#[derive(Debug, Clone)]
pub struct Reply {
    /// After the limiter let it go; [`TimeNs::NEVER`] when it was refused here.
    pub sent: TimeNs,
    /// When the last byte of the answer was read; [`TimeNs::NEVER`] when the answer did not end.
    pub done: TimeNs,
    /// 0 when there was no answer.
    pub http_status: u16,
    /// Empty when all went well; else the reason of `metav1.Status`, or `Timeout`, `Transport`,
    /// `TooLarge`, `InvalidArgument` of our own.
    pub reason: Cow<'static, str>,
    /// For people; empty when all went well.
    pub message: String,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// How long the limiter held it.
    pub held_by_limiter: Duration,
    /// `metadata.uid` of the answer, when its body was kept and is one object.
    pub uid: Option<String>,
    /// The answer, when it was wanted.
    pub body: Bytes,
}

impl Reply {
    /// Whether the server did what was asked.
    pub fn is_success(&self) -> bool {
        self.reason.is_empty()
    }

    /// The reply, or why it is none.
    ///
    /// # Errors
    /// When the server refused, or no answer came.
    pub fn into_result(self) -> Result<Self, RequestError> {
        if self.is_success() {
            return Ok(self);
        }
        let Self { http_status, reason, message, retry_after, .. } = self;
        if http_status == 0 {
            return Err(RequestError::NoAnswer { reason, message });
        }
        Err(RequestError::Refused { http_status, reason, message, retry_after })
    }

    pub(crate) fn empty(sent: TimeNs) -> Self {
        Self {
            sent,
            done: TimeNs::NEVER,
            http_status: 0,
            reason: Cow::Borrowed(""),
            message: String::new(),
            retry_after: None,
            held_by_limiter: Duration::ZERO,
            uid: None,
            body: Bytes::new(),
        }
    }

    pub(crate) fn fail(mut self, reason: &'static str, message: impl Into<String>) -> Self {
        self.reason = Cow::Borrowed(reason);
        self.message = message.into();
        self
    }

    pub(crate) fn fail_with_status(mut self, body: &[u8]) -> Self {
        let status = status::parse(self.http_status, body);
        self.reason = status.reason;
        self.message = status.message;
        self
    }
}

/// Why a single call did not give what was asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// The server answered with an error.
    #[error("the server refused with {http_status} {reason}: {message}")]
    Refused {
        /// HTTP status.
        http_status: u16,
        /// Reason of `metav1.Status`.
        reason: Cow<'static, str>,
        /// The server's own words.
        message: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// No answer, or none that ended.
    #[error("no answer from the server: {message}")]
    NoAnswer {
        /// `Timeout`, `Transport`, `TooLarge` or `InvalidArgument`.
        reason: Cow<'static, str>,
        /// More about it.
        message: String,
    },
    /// An answer that is not what the API promises.
    #[error("the server's answer to {what} is not understood")]
    Malformed {
        /// What was asked for.
        what: String,
    },
    /// No such kind in the cluster.
    #[error("the cluster serves no kind `{kind}` in `{api_version}`")]
    NoSuchKind {
        /// `apps/v1`
        api_version: String,
        /// `Deployment`
        kind: String,
    },
    /// A wrong argument, before anything was sent.
    #[error("{message}")]
    InvalidArgument {
        /// What is wrong with it.
        message: String,
    },
    /// The run is stopping.
    #[error("cancelled")]
    Cancelled,
}

impl RequestError {
    /// Key to count by: the reason of `metav1.Status`, or our own word.
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused { reason, .. } | Self::NoAnswer { reason, .. } => reason,
            Self::Malformed { .. } => "Malformed",
            Self::NoSuchKind { .. } => "NotFound",
            Self::InvalidArgument { .. } => "invalid-argument",
            Self::Cancelled => "cancelled",
        }
    }

    /// 0 when there was no answer.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Refused { http_status, .. } => *http_status,
            Self::NoSuchKind { .. } => 404,
            Self::NoAnswer { .. }
            | Self::Malformed { .. }
            | Self::InvalidArgument { .. }
            | Self::Cancelled => 0,
        }
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::NoAnswer { .. }
            | Self::Malformed { .. }
            | Self::NoSuchKind { .. }
            | Self::InvalidArgument { .. }
            | Self::Cancelled => None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { http_status, .. } => matches!(http_status, 429 | 500 | 502 | 503 | 504),
            Self::NoAnswer { reason, .. } => matches!(reason.as_ref(), "Timeout" | "Transport"),
            Self::Malformed { .. }
            | Self::NoSuchKind { .. }
            | Self::InvalidArgument { .. }
            | Self::Cancelled => false,
        }
    }
}
