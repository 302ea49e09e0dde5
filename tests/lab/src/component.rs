//! The programs of a control plane: command lines and readiness, one file each.
//!
//! Everything that a program needs to know about the others is in [`Setup`]; nothing here starts a process
//! (`control_plane` does). A real node would add its programs the same way: a variant, a file, its ports.

use std::fmt;

use crate::Program;

mod api_server;
mod controller_manager;
mod etcd;
mod kwok;
mod scheduler;
mod setup;

pub(crate) use setup::{Setup, Site, USER_GROUP, path_flag};

/// A running part of a control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// The store.
    Etcd,
    /// The API.
    ApiServer,
    /// Deployments, jobs, garbage collection, namespaces, node life cycle.
    ControllerManager,
    /// Binds pods to nodes.
    Scheduler,
    /// Plays the nodes.
    Kwok,
}

impl Component {
    /// Name of its log, and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kwok => "kwok",
        }
    }

    /// Port where it is usually found.
    pub(crate) fn usual_port(self) -> u16 {
        match self {
            Self::Etcd => 2379,
            Self::ApiServer => 6443,
            Self::ControllerManager => 10257,
            Self::Scheduler => 10259,
            Self::Kwok => 10247,
        }
    }

    pub(crate) fn program(self) -> Program {
        match self {
            Self::Etcd => Program::Etcd,
            Self::ApiServer => Program::KubeApiServer,
            Self::ControllerManager => Program::KubeControllerManager,
            Self::Scheduler => Program::KubeScheduler,
            Self::Kwok => Program::Kwok,
        }
    }

    pub(crate) fn arguments(self, setup: &Setup) -> Vec<String> {
        match self {
            Self::Etcd => etcd::arguments(setup),
            Self::ApiServer => api_server::arguments(setup),
            Self::ControllerManager => controller_manager::arguments(setup),
            Self::Scheduler => scheduler::arguments(setup),
            Self::Kwok => kwok::arguments(setup),
        }
    }

    /// Asks the component once; an error of any kind means "not yet".
    pub(crate) fn is_ready(self, setup: &Setup) -> bool {
        match self {
            Self::Etcd => etcd::is_ready(setup),
            Self::ApiServer => api_server::is_ready(setup),
            Self::ControllerManager => controller_manager::is_ready(setup),
            Self::Scheduler => scheduler::is_ready(setup),
            Self::Kwok => kwok::is_ready(setup),
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
