//! A running control plane: start, faults, end.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::binaries::{self, Binaries, Program};
use crate::component::{Component, Setup, Site};
use crate::folder::Folder;
use crate::namespaces::Namespaces;
use crate::nodes;
use crate::options::Options;
use crate::process::{Process, ProcessError};
use crate::prometheus::{Door, Prometheus, PrometheusError};
use crate::wait::Deadline;

mod compact;
mod error;
mod faults;

pub use error::{KubectlError, StartError};

/// Time for one component to become ready. Seconds are usual; a machine that also compiles is slower.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// Time between two looks at a component that is starting.
const POLL: Duration = Duration::from_millis(25);
/// Ports tried for a component before giving up.
const PORT_TRIES: u32 = 5;
/// Bytes of a log that an error shows.
const LOG_SHOWN: u64 = 3_000;

/// A running control plane; gone without a trace when dropped, logs excepted if the thread is panicking.
pub struct ControlPlane {
    // Dropped in this order: processes first, then where they live, then the folder they write to.
    processes: BTreeMap<Component, Process>,
    namespaces: Option<Namespaces>,
    setup: Setup,
    binaries: Binaries,
}

impl ControlPlane {
    /// Builds the programs if the default cache does not have them, then starts a control plane.
    ///
    /// # Errors
    ///
    /// When the programs cannot be built or a component does not become ready; the logs are kept and their place is in
    /// the error.
    pub fn start(options: Options) -> Result<Self, StartError> {
        Self::start_with(Binaries::ensure(&binaries::default_cache()?)?, options)
    }

    /// Starts a control plane from programs that are there.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn start_with(binaries: Binaries, options: Options) -> Result<Self, StartError> {
        let setup = Setup::new(Folder::create()?, options, Site::Loopback)?;
        Self::start_at(binaries, setup, None)
    }

    /// Starts a control plane where `setup` says; in `namespaces` if that is not loopback.
    pub(crate) fn start_at(
        binaries: Binaries,
        setup: Setup,
        namespaces: Option<Namespaces>,
    ) -> Result<Self, StartError> {
        let mut lab = Self { processes: BTreeMap::new(), namespaces, setup, binaries };
        lab.bring_up().map_err(|error| lab.keep_logs_of(error))?;
        Ok(lab)
    }

    /// URL of kube-apiserver, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.setup.address(Component::ApiServer))
    }

    /// Kubeconfig of the ordinary user `bench` in group `lab:admins`: may do everything, but is not exempt from API
    /// priority and fairness. Tests and measurements use this one.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.setup.kubeconfig("user")
    }

    /// Kubeconfig of `admin` in `system:masters`: never throttled.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.setup.kubeconfig("admin")
    }

    /// Path of `kubectl`.
    #[must_use]
    pub fn kubectl_path(&self) -> PathBuf {
        self.binaries.path(Program::Kubectl)
    }

    /// Folder of this lab: logs, certificates, kubeconfigs, etcd's data.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.setup.folder.path()
    }

    /// Path of a component's log.
    #[must_use]
    pub fn log(&self, component: Component) -> PathBuf {
        self.setup.folder.log(component.name())
    }

    /// Process id of a component, if it was started and not killed.
    #[must_use]
    pub fn pid(&self, component: Component) -> Option<u32> {
        self.processes.get(&component).map(Process::id)
    }

    /// Runs `kubectl` as the ordinary user; gives what it printed on stdout.
    ///
    /// # Errors
    ///
    /// When it cannot be run or ends with a code other than 0.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, KubectlError> {
        let output = Command::new(self.kubectl_path())
            .env("KUBECONFIG", self.kubeconfig())
            // kubectl's discovery cache; without this it would write to the caller's home.
            .env("KUBECACHEDIR", self.folder().join("kubectl-cache"))
            .args(arguments)
            .output()
            .map_err(KubectlError::Run)?;
        if !output.status.success() {
            return Err(KubectlError::Failed {
                arguments: arguments.join(" "),
                status: output.status,
                stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts a Prometheus that scrapes this control plane.
    ///
    /// # Errors
    ///
    /// When Debian's `prometheus` is not installed or does not start.
    pub fn prometheus(&self, door: Door) -> Result<Prometheus, PrometheusError> {
        Prometheus::start(&self.setup, self.namespaces.as_ref(), &[], door)
    }

    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(crate) fn namespaces(&self) -> Option<&Namespaces> {
        self.namespaces.as_ref()
    }

    fn bring_up(&mut self) -> Result<(), StartError> {
        for component in [Component::Etcd, Component::ApiServer] {
            self.launch(component)?;
            self.await_ready(component, LostPort::Another)?;
        }
        // The port of kube-apiserver is final only now.
        self.setup.write_kubeconfigs()?;
        self.admit_user()?;
        nodes::create(&self.setup)?;
        let others: Vec<Component> = self
            .setup
            .components()
            .into_iter()
            .filter(|component| *component > Component::ApiServer)
            .collect();
        for &component in &others {
            self.launch(component)?;
        }
        others.iter().try_for_each(|&component| self.await_ready(component, LostPort::Another))
    }

    fn launch(&mut self, component: Component) -> Result<(), StartError> {
        let mut command = Command::new(self.binaries.path(component.program()));
        command.args(component.arguments(&self.setup));
        let log = self.log(component);
        let process = Process::start_in(self.namespaces.as_ref(), component.name(), command, &log)?;
        self.setup.folder.note(component.name(), process.id())?;
        self.processes.insert(component, process);
        Ok(())
    }

    fn await_ready(&mut self, component: Component, lost_port: LostPort) -> Result<(), StartError> {
        let deadline = Deadline::after(READY_LIMIT);
        let mut ports_left = PORT_TRIES;
        loop {
            let Some(process) = self.processes.get_mut(&component) else {
                return Err(not_running(component).into());
            };
            let (log, ended) = (process.log().to_owned(), process.ended_within(POLL)?);
            let tail = |process: &Process| process.log_tail(LOG_SHOWN);
            if let Some(status) = ended {
                let tail = tail(process);
                ports_left = ports_left.saturating_sub(1);
                if !tail.contains("address already in use") || ports_left == 0 || deadline.is_over() {
                    return Err(StartError::Ended { component, status, log, tail });
                }
                match lost_port {
                    LostPort::Another => self.setup.take_port(component).map_err(StartError::Port)?,
                    LostPort::TryAgain => ports_left = PORT_TRIES,
                }
                self.launch(component)?;
            } else if component.is_ready(&self.setup) {
                return Ok(());
            } else if deadline.is_over() {
                let Some(process) = self.processes.get(&component) else {
                    return Err(not_running(component).into());
                };
                return Err(StartError::NotReady { component, limit: READY_LIMIT, log, tail: tail(process) });
            }
        }
    }

    /// Gives the ordinary user's group all rights, by RBAC.
    fn admit_user(&self) -> Result<(), StartError> {
        let group = crate::component::USER_GROUP;
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": "lab-admins" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group }],
        });
        nodes::post(&self.setup, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", &binding)
    }

    /// The error with the place that its log is moved to.
    fn keep_logs_of(&self, error: StartError) -> StartError {
        let Ok(kept) = self.setup.folder.keep_logs() else { return error };
        let moved = |log: &Path| kept.join(log.file_name().unwrap_or_default());
        match error {
            StartError::Ended { component, status, log, tail } => {
                StartError::Ended { component, status, log: moved(&log), tail }
            }
            StartError::NotReady { component, limit, log, tail } => {
                StartError::NotReady { component, limit, log: moved(&log), tail }
            }
            StartError::Build(_)
            | StartError::Folder(_)
            | StartError::Pki(_)
            | StartError::Port(_)
            | StartError::Process(_)
            | StartError::Client(_)
            | StartError::Refused { .. } => error,
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(kept) = self.setup.folder.keep_logs()
        {
            let _ =
                writeln!(io::stderr(), "bench-lab: logs of the control plane are kept in {}", kept.display());
        }
        // Clients before servers, so that nobody fills a log with lost connections.
        while let Some((_, process)) = self.processes.pop_last() {
            drop(process);
        }
    }
}

/// What to do when a component's port was taken by somebody else.
#[derive(Debug, Clone, Copy)]
enum LostPort {
    /// Take another port; nobody knows the old one yet.
    Another,
    /// Wait for the same port; others know it.
    TryAgain,
}

fn not_running(component: Component) -> ProcessError {
    ProcessError::not_running(component.name())
}
