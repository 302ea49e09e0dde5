//! What a run says before it creates something, so that it can be found again after any end.

use serde::{Deserialize, Serialize};

use crate::{ResourceRef, RunId, TimeNs};

/// A namespace that a run made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedNamespace {
    /// Its name.
    pub name: String,
    /// Its UID: a namespace of the same name that somebody else made has another. Absent when the run
    /// announced it, but ended before the answer came: then the run's label tells.
    pub uid: Option<String>,
}

/// One line of the file `journal`; flushed to disk before the request leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum JournalEntry {
    /// First line: which run, on which cluster.
    Run {
        /// The run.
        run_id: RunId,
        /// UID of the namespace `kube-system`.
        cluster_uid: String,
        /// URL of the API server.
        server: String,
    },
    /// Objects of this kind will be created, with the run's label.
    WillCreate {
        /// Kind, and the namespace; an empty one stands for the namespaces that the run makes, which have entries of
        /// their own, and for objects that are in none.
        target: ResourceRef,
    },
    /// A namespace of this name will be created.
    WillCreateNamespace {
        /// Its name.
        name: String,
    },
    /// It was.
    NamespaceCreated(CreatedNamespace),
    /// All that carried the run's label is gone.
    CleanedUp {
        /// When.
        at: TimeNs,
    },
}
