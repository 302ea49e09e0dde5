//! A Prometheus that scrapes a control plane: Debian's program, asked over TLS.
//!
//! Not a component of the control plane: whoever wants one starts it beside, and several may stand beside one another
//! with different doors. It is started where the control plane is, so it reaches all that the control plane reaches.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::{Value, json};

use crate::component::{Component, Setup};
use crate::namespaces::Namespaces;
use crate::pki::{self, PkiError};
use crate::process::{Process, ProcessError};
use crate::wait::Deadline;
use crate::{binaries, port, requirements};

/// Path of the program: an installed one, or one that `cargo xtask test` unpacked into the cache.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let unpacked =
        || binaries::default_cache().ok().map(|cache| cache.join(UNPACKED).join("usr/bin/prometheus"));
    requirements::find("prometheus").or_else(unpacked).filter(|path| path.is_file())
}

/// Folder of the cache into which Debian's package can be unpacked without installing it.
pub const UNPACKED: &str = "prometheus";

/// User of [`Door::Password`].
pub const USER: &str = "lab";
/// Password of [`USER`].
pub const PASSWORD: &str = "lab-password";
/// The same, as Prometheus wants it: bcrypt at the lowest cost, because it is no secret.
const PASSWORD_HASH: &str = "$2b$04$KX1YDOjg.EDQ3HoWOibliuN/S6ARQJYwQKW33uF71Eye20nmAjoze";

const READY_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(25);
/// Bytes at the end of the log; a start writes less.
const LOG_READ: u64 = 16_000;

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everybody, without TLS.
    Open,
    /// Over TLS, [`USER`] with [`PASSWORD`].
    Password,
    /// Over TLS, whoever has a certificate of the lab.
    Certificate,
}

/// Reasons for which there is no Prometheus.
#[derive(Debug, thiserror::Error)]
pub enum PrometheusError {
    /// The program is not installed.
    #[error("no `prometheus` in PATH (Debian: `apt-get install --no-install-recommends prometheus`)")]
    Missing,
    /// No port is free.
    #[error("no free port for Prometheus")]
    Port(#[source] io::Error),
    /// Its configuration cannot be written.
    #[error("no configuration for Prometheus")]
    Write(#[from] PkiError),
    /// It cannot be started.
    #[error("no process for Prometheus")]
    Process(#[from] ProcessError),
    /// It ended, or was not ready in time.
    #[error("Prometheus is not ready ({status:?}); its log ends with\n{tail}")]
    NotReady {
        /// How it ended, if it did.
        status: Option<ExitStatus>,
        /// Last lines of its log.
        tail: String,
    },
}

/// A running Prometheus; ends when dropped.
pub struct Prometheus {
    process: Process,
    address: SocketAddr,
    door: Door,
    folder: PathBuf,
    pki: PathBuf,
}

impl Prometheus {
    /// Starts one that scrapes every second, and waits until it answers.
    pub(crate) fn start(
        setup: &Setup,
        namespaces: Option<&Namespaces>,
        nodes: &[SocketAddr],
        door: Door,
    ) -> Result<Self, PrometheusError> {
        let program = program().ok_or(PrometheusError::Missing)?;
        let port = port::free().map_err(PrometheusError::Port)?;
        let address = SocketAddr::new(setup.address(Component::ApiServer).ip(), port);
        let folder = setup.folder.path().join(format!("prometheus-{port}"));
        let write = |name: &str, config: &Value| {
            // JSON is YAML.
            pki::write_private(&folder.join(name), &config.to_string())
        };
        std::fs::create_dir_all(&folder)
            .map_err(|source| PkiError::Write { path: folder.clone(), source })?;
        write("prometheus.yml", &scrapes(setup, nodes))?;
        write("web.yml", &web(setup, door))?;
        let mut command = Command::new(program);
        command.args([
            format!("--config.file={}", folder.join("prometheus.yml").display()),
            format!("--web.config.file={}", folder.join("web.yml").display()),
            format!("--web.listen-address={address}"),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
        ]);
        let log = setup.folder.log(&format!("prometheus-{port}"));
        let process = Process::start_in(namespaces, "prometheus", command, &log)?;
        let mut prometheus = Self { process, address, door, folder, pki: setup.folder.pki() };
        prometheus.await_ready()?;
        Ok(prometheus)
    }

    /// URL without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.door {
            Door::Open => "http",
            Door::Password | Door::Certificate => "https",
        };
        format!("{scheme}://{}", self.address)
    }

    /// File of the authority that signed its certificate, and those of the lab's users.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.pki.join("ca.crt")
    }

    /// Files of a certificate that [`Door::Certificate`] takes, and of its key.
    #[must_use]
    pub fn client_certificate(&self) -> (PathBuf, PathBuf) {
        (self.pki.join("front-proxy.crt"), self.pki.join("front-proxy.key"))
    }

    /// A folder for files of tests; gone with the control plane.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops it where it is (SIGSTOP): it answers nothing, connections are taken and stay open.
    ///
    /// # Errors
    ///
    /// When it ended by itself.
    pub fn pause(&self) -> Result<(), ProcessError> {
        self.process.pause()
    }

    /// Lets a paused one go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// When it ended by itself.
    pub fn resume(&self) -> Result<(), ProcessError> {
        self.process.resume()
    }

    fn await_ready(&mut self) -> Result<(), PrometheusError> {
        let deadline = Deadline::after(READY_LIMIT);
        loop {
            let status = self.process.ended_within(POLL)?;
            if status.is_some() || deadline.is_over() {
                return Err(PrometheusError::NotReady { status, tail: self.process.log_tail(2_000) });
            }
            // It listens before that, and answers with 503; the log tells without going through the door.
            if self.process.log_tail(LOG_READ).contains("Server is ready to receive web requests") {
                return Ok(());
            }
        }
    }
}

fn web(setup: &Setup, door: Door) -> Value {
    let serving = setup.identity("kube-apiserver");
    let tls = json!({ "cert_file": serving.certificate, "key_file": serving.key });
    match door {
        Door::Open => json!({}),
        Door::Password => json!({ "tls_server_config": tls, "basic_auth_users": { USER: PASSWORD_HASH } }),
        Door::Certificate => json!({ "tls_server_config": {
            "cert_file": serving.certificate,
            "key_file": serving.key,
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_ca_file": setup.pki_file("ca.crt"),
        }}),
    }
}

fn scrapes(setup: &Setup, nodes: &[SocketAddr]) -> Value {
    // Good everywhere: the authority is everyone's, and its group may do everything.
    let identity = setup.identity("kube-apiserver");
    let scrape = |job: &str, targets: Vec<String>| {
        json!({
            "job_name": job,
            "scheme": "https",
            "tls_config": {
                "ca_file": setup.pki_file("ca.crt"),
                "cert_file": identity.certificate,
                "key_file": identity.key,
            },
            "static_configs": [{ "targets": targets }],
        })
    };
    let components = [
        ("apiserver", Component::ApiServer),
        ("kube-controller-manager", Component::ControllerManager),
        ("kube-scheduler", Component::Scheduler),
        ("etcd", Component::Etcd),
    ];
    let mut jobs: Vec<Value> = components
        .into_iter()
        .map(|(job, component)| scrape(job, vec![setup.address(component).to_string()]))
        .collect();
    if !nodes.is_empty() {
        jobs.push(scrape("kubelet", nodes.iter().map(ToString::to_string).collect()));
    }
    json!({
        "global": { "scrape_interval": "1s", "scrape_timeout": "1s" },
        "scrape_configs": jobs,
    })
}
