//! How far a pod has come on its node.

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::time::Instant;

use super::spec::PodWire;
use crate::controllers::pods::{Phase, Pod};
use crate::stage::PodPoint;
use crate::store::Object;

/// A pod on its node: what is planned next, and what its status is made from.
#[derive(Debug)]
pub(crate) struct PodRun {
    pub(crate) uid: Arc<str>,
    pub(crate) node: Arc<str>,
    /// How many pods of that name there were before; part of what random numbers are drawn for.
    pub(crate) incarnation: u32,
    /// The address taken from the node's range.
    pub(crate) address: Option<Ipv4Addr>,
    /// The next stage, and when it is due.
    pub(crate) stage: usize,
    pub(crate) stage_due: Option<Instant>,
    /// Failures in place of the next stage so far.
    pub(crate) failures: u32,
    /// When the containers end by themselves.
    pub(crate) end_due: Option<Instant>,
    /// The code they end with then.
    pub(crate) end_code: i64,
    /// When containers that ended are started again.
    pub(crate) restart_due: Option<Instant>,
    /// When the containers of a pod that is being deleted have stopped, and whether they had to be killed.
    pub(crate) stop_due: Option<(Instant, bool)>,
    pub(crate) progress: Progress,
    /// What was read last, and from which state of the pod.
    pub(crate) read: (Arc<Object>, Arc<PodWire>),
}

impl PodRun {
    /// Reads a pod, unless metadata and spec are those that were read last.
    pub(crate) fn wire(&mut self, pod: &Pod) -> Arc<PodWire> {
        let (object, _) = &self.read;
        let is_same = Arc::ptr_eq(&object.labels, &pod.object.labels)
            && object.member("spec") == pod.object.member("spec");
        if !is_same {
            self.read = (pod.object.clone(), Arc::new(PodWire::read(&pod.object)));
        }
        self.read.1.clone()
    }

    /// When something is to be done next.
    pub(crate) fn next(&self) -> Option<Instant> {
        if let Some((stop, _)) = self.stop_due {
            return Some(stop);
        }
        [self.stage_due, self.end_due, self.restart_due].into_iter().flatten().min()
    }
}

/// What shows in a pod's status.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) reached: Option<PodPoint>,
    pub(crate) address: Option<String>,
    /// `metav1.Time` at which the init containers ended.
    pub(crate) initialized_at: Option<String>,
    /// The state of all containers; they do everything together.
    pub(crate) containers: ContainerState,
    pub(crate) last_end: Option<ContainerState>,
    pub(crate) restarts: u32,
    /// Whether the containers will not be started again.
    pub(crate) finished: bool,
}

/// The state of a container; times are `metav1.Time`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ContainerState {
    Waiting { reason: &'static str, message: Option<String> },
    Running { started: String },
    Terminated { exit_code: i64, started: String, finished: String },
}

impl ContainerState {
    pub(crate) fn waiting(reason: &'static str) -> Self {
        Self::Waiting { reason, message: None }
    }

    /// Ended well, in the second in which it was started.
    pub(crate) fn completed(at: String) -> Self {
        Self::Terminated { exit_code: 0, started: at.clone(), finished: at }
    }

    pub(crate) fn has_started(&self) -> bool {
        !matches!(self, Self::Waiting { .. })
    }

    /// The state after an end now.
    pub(crate) fn ended(&self, exit_code: i64, now: &str) -> Self {
        let started = match self {
            Self::Running { started } | Self::Terminated { started, .. } => started.clone(),
            Self::Waiting { .. } => now.to_owned(),
        };
        Self::Terminated { exit_code, started, finished: now.to_owned() }
    }
}

impl Progress {
    pub(crate) fn new(has_init_containers: bool) -> Self {
        let reason = if has_init_containers { "PodInitializing" } else { "ContainerCreating" };
        Self {
            reached: None,
            address: None,
            initialized_at: None,
            containers: ContainerState::waiting(reason),
            last_end: None,
            restarts: 0,
            finished: false,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match &self.containers {
            ContainerState::Terminated { exit_code: 0, .. } if self.finished => Phase::Succeeded,
            ContainerState::Terminated { .. } if self.finished => Phase::Failed,
            ContainerState::Running { .. } | ContainerState::Terminated { .. } => Phase::Running,
            ContainerState::Waiting { .. } if self.last_end.is_some() => Phase::Running,
            ContainerState::Waiting { .. } => Phase::Pending,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.reached == Some(PodPoint::Ready) && matches!(self.containers, ContainerState::Running { .. })
    }

    pub(crate) fn has_sandbox(&self) -> bool {
        self.reached >= Some(PodPoint::SandboxReady) && !self.finished
    }
}
