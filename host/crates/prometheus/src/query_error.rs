//! Why a query has no numbers, in the words that plugins count by.

use std::{io, path::PathBuf, time::Duration};

/// Why a query has no numbers.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No connection, or it broke.
    #[error("failed to reach Prometheus `{name}`")]
    Unreachable {
        /// The endpoint.
        name: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// No answer in time.
    #[error("Prometheus `{name}` did not answer within {} s", after.as_secs_f64())]
    Timeout {
        /// The endpoint.
        name: String,
        /// How long it had.
        after: Duration,
    },
    /// A secret that cannot be read.
    #[error("failed to read {path} for Prometheus `{name}`")]
    Secret {
        /// The endpoint.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Prometheus says what is wrong.
    #[error("Prometheus `{name}` refused the query ({kind}): {message}")]
    Refused {
        /// The endpoint.
        name: String,
        /// HTTP status.
        http_status: u16,
        /// Its `errorType`: `bad_data`, `timeout`, `execution`, …
        kind: String,
        /// Its own words.
        message: String,
    },
    /// An answer that is not Prometheus'.
    #[error("`{name}` does not answer as a Prometheus (HTTP status {http_status})")]
    NotPrometheus {
        /// The endpoint.
        name: String,
        /// HTTP status.
        http_status: u16,
    },
    /// More than is taken.
    #[error("the answer of Prometheus `{name}` has more than {limit} {what}")]
    TooLarge {
        /// The endpoint.
        name: String,
        /// How many would have been taken.
        limit: usize,
        /// `bytes`, `series` or `points`.
        what: &'static str,
    },
    /// A query that cannot be sent or that has no numbers.
    #[error("{message}")]
    InvalidArgument {
        /// What is wrong with it.
        message: String,
    },
}

impl QueryError {
    /// Key to count by, in the words of `wit/deps/base/types.wit`.
    pub fn reason(&self) -> &str {
        match self {
            Self::Unreachable { .. } | Self::Secret { .. } | Self::NotPrometheus { .. } => "unavailable",
            Self::Timeout { .. } => "timeout",
            Self::Refused { kind, .. } if kind == "bad_data" => "invalid-argument",
            Self::Refused { kind, .. } => kind,
            Self::TooLarge { .. } => "limit-exceeded",
            Self::InvalidArgument { .. } => "invalid-argument",
        }
    }

    /// 0 when there was no answer.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::Refused { http_status, .. } | Self::NotPrometheus { http_status, .. } => *http_status,
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Secret { .. }
            | Self::TooLarge { .. }
            | Self::InvalidArgument { .. } => 0,
        }
    }

    /// Whether the same query may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Refused { http_status, .. } | Self::NotPrometheus { http_status, .. } => {
                matches!(http_status, 429 | 502 | 503 | 504)
            }
            Self::Secret { .. } | Self::TooLarge { .. } | Self::InvalidArgument { .. } => false,
        }
    }
}
