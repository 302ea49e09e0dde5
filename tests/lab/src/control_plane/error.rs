//! What can go wrong with a control plane.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::binaries::BuildError;
use crate::component::Component;
use crate::folder::FolderError;
use crate::pki::PkiError;
use crate::process::ProcessError;

/// Reasons for which a control plane cannot be started, or a component of it not be started again.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The programs are not there and cannot be built.
    #[error("no programs to start")]
    Build(#[from] BuildError),
    /// The lab's folder cannot be made.
    #[error("no folder for the control plane")]
    Folder(#[from] FolderError),
    /// The certificates cannot be made.
    #[error("no certificates for the control plane")]
    Pki(#[from] PkiError),
    /// No port is free on 127.0.0.1.
    #[error("no free port on 127.0.0.1")]
    Port(#[source] io::Error),
    /// A process cannot be started.
    #[error("no process for the control plane")]
    Process(#[from] ProcessError),
    /// A component ended instead of becoming ready.
    #[error("`{component}` ended with {status}; its log, {log}, ends with\n{tail}")]
    Ended {
        /// Which one.
        component: Component,
        /// How it ended.
        status: ExitStatus,
        /// Path of its log.
        log: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
    /// A component did not become ready in time.
    #[error("`{component}` is not ready after {limit:?}; its log, {log}, ends with\n{tail}")]
    NotReady {
        /// Which one.
        component: Component,
        /// Time it had.
        limit: Duration,
        /// Path of its log.
        log: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
    /// kube-apiserver cannot be asked.
    #[error("no answer from `kube-apiserver`")]
    Client(#[source] io::Error),
    /// kube-apiserver refused an object that every lab needs.
    #[error("`kube-apiserver` refused {path} with {status}: {answer}")]
    Refused {
        /// Path of the request.
        path: String,
        /// HTTP status.
        status: u16,
        /// Body of the answer.
        answer: String,
    },
}

/// `kubectl` failed.
#[derive(Debug, thiserror::Error)]
pub enum KubectlError {
    /// It could not be run.
    #[error("failed to run `kubectl`")]
    Run(#[source] io::Error),
    /// It ended with a code other than 0.
    #[error("`kubectl {arguments}` ended with {status}: {stderr}")]
    Failed {
        /// Its arguments.
        arguments: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said on stderr.
        stderr: String,
    },
}
