//! Why a record cannot be written.

use std::{io, path::PathBuf};

use crate::journal::JournalError;

/// Why a record cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file system refused.
    #[error("failed to write {path}")]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The directory has a record already.
    #[error("{path} exists already")]
    Exists {
        /// The run directory.
        path: PathBuf,
    },
    /// A histogram could not be written; cannot happen for what the recorder makes.
    #[error("failed to encode a histogram: {reason}")]
    Encode {
        /// The library's text.
        reason: String,
    },
    /// An event could not be written as JSON; cannot happen for what the model allows.
    #[error("failed to encode an event")]
    Json {
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The journal could not be written.
    #[error("failed to write the journal")]
    Journal {
        /// Why.
        #[source]
        source: JournalError,
    },
}
