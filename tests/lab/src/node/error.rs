//! What can go wrong with a node.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use super::NodeComponent;
use crate::cgroup::CgroupError;
use crate::folder::FolderError;
use crate::namespaces::NamespaceError;
use crate::network::NetworkError;
use crate::pki::PkiError;
use crate::process::ProcessError;

/// Reasons for which a node cannot be started or used.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Its namespaces cannot be made, or a command in them failed.
    #[error("no namespaces for the node")]
    Namespace(#[from] NamespaceError),
    /// It cannot be connected.
    #[error("no network for the node")]
    Network(#[from] NetworkError),
    /// Its control groups cannot be made.
    #[error("no control groups for the node")]
    Cgroup(#[from] CgroupError),
    /// A process cannot be started.
    #[error("no process for the node")]
    Process(#[from] ProcessError),
    /// A file of it cannot be written.
    #[error("no configuration for the node")]
    Write(#[from] PkiError),
    /// A note cannot be written.
    #[error("no note of the node's processes")]
    Note(#[from] FolderError),
    /// A folder of it cannot be made.
    #[error("failed to make the folder {path}")]
    Folder {
        /// Path of the folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program ended instead of becoming ready.
    #[error("`{component}` of `{node}` ended with {status}; its log, {log}, ends with\n{tail}")]
    Ended {
        /// Which node.
        node: String,
        /// Which program.
        component: NodeComponent,
        /// How it ended.
        status: ExitStatus,
        /// Path of its log.
        log: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
    /// A program did not do its work in time.
    #[error("`{component}` of `{node}` is not ready after {limit:?}; its log, {log}, ends with\n{tail}")]
    NotReady {
        /// Which node.
        node: String,
        /// Which program.
        component: NodeComponent,
        /// Time it had.
        limit: Duration,
        /// Path of its log.
        log: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
}
