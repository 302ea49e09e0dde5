//! The process that owns a lab started by `lab up`, and how others talk to it.
//!
//! One word in, an answer out, over a socket that only this user can reach. Whoever has the lock is the keeper; a socket
//! that is there without one is left from a killed keeper and is taken over.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    os::unix::fs::PermissionsExt as _,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use bench_lab::{Addons, Cluster, ClusterOptions, Component, ControlPlane, NodeComponent, Options};

use super::nodes::Nodes;
use crate::setup::say;

/// What the keeper writes to stdout when the lab is ready.
pub const READY: &str = "ready";

const SOCKET: &str = "up.sock";
const LOCK: &str = "up.lock";

/// Asks the keeper; its whole answer.
pub fn ask(word: &str) -> anyhow::Result<String> {
    ask_if_up(word)?.context("no lab is up: `cargo xtask lab up` starts one")
}

/// Asks the keeper, if there is one.
pub fn ask_if_up(word: &str) -> anyhow::Result<Option<String>> {
    let path = path(SOCKET);
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| not_usable(&path)),
    };
    stream.write_all(word.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    // An answer always has an end of line; without one the keeper died over it.
    ensure!(answer.ends_with('\n'), "the lab's keeper did not answer");
    Ok(Some(answer))
}

/// Starts a lab and answers until somebody says `down`.
pub fn keep(nodes: Nodes, addons: bool) -> anyhow::Result<()> {
    let (socket, lock) = (path(SOCKET), path(LOCK));
    let lock = File::create(&lock).with_context(|| not_usable(&lock))?;
    ensure!(lock.try_lock().is_ok(), "a lab is already up");
    // That of a killed keeper, if any: a living one has the lock.
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).with_context(|| not_usable(&socket))?;
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))?;
    let ended = start(nodes, addons).and_then(|lab| {
        writeln!(std::io::stdout().lock(), "{READY}")?;
        serve(&listener, &lab)
    });
    fs::remove_file(&socket)?;
    drop(lock);
    // Not before: whoever hears it may start the next lab at once.
    Ok(ended?.write_all(b"down\n")?)
}

/// A lab of either sort.
enum Running {
    ControlPlane(Box<ControlPlane>),
    Cluster(Box<Cluster>),
}

fn start(nodes: Nodes, addons: bool) -> anyhow::Result<Running> {
    let control_plane = Options { nodes: nodes.kwok, ..Options::default() };
    if nodes.real == 0 {
        return Ok(Running::ControlPlane(Box::new(ControlPlane::start(control_plane)?)));
    }
    let addons = if addons { Addons::All } else { Addons::None };
    let options =
        ClusterOptions { control_plane, real_nodes: nodes.real, addons, ..ClusterOptions::default() };
    Ok(Running::Cluster(Box::new(Cluster::start(&options)?)))
}

/// Answers until somebody says `down`, who is yet to be answered.
fn serve(listener: &UnixListener, lab: &Running) -> anyhow::Result<UnixStream> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut word = String::new();
        // Whoever asks and goes away does not end the lab.
        if stream.read_to_string(&mut word).is_err() {
            continue;
        }
        let answer = match word.as_str() {
            "status" => lab.status(),
            "kubeconfig" => format!("{}\n", lab.control_plane().kubeconfig().display()),
            "down" => return Ok(stream),
            other => format!("`{other}` is not understood\n"),
        };
        if let Err(error) = stream.write_all(answer.as_bytes()) {
            say(&format!("an answer was not taken: {error}"));
        }
    }
}

impl Running {
    fn control_plane(&self) -> &ControlPlane {
        match self {
            Self::ControlPlane(control_plane) => control_plane,
            Self::Cluster(cluster) => cluster.control_plane(),
        }
    }

    fn nodes(&self) -> &[bench_lab::Node] {
        match self {
            Self::ControlPlane(_) => &[],
            Self::Cluster(cluster) => cluster.nodes(),
        }
    }

    fn status(&self) -> String {
        let lab = self.control_plane();
        let mut lines = vec![
            format!("API server   {}", lab.url()),
            format!("user         {}", lab.kubeconfig().display()),
            format!("admin        {}", lab.admin_kubeconfig().display()),
            format!("kubectl      {}", lab.kubectl_path().display()),
            format!("logs         {}", lab.folder().join("logs").display()),
        ];
        let components = [
            Component::Etcd,
            Component::ApiServer,
            Component::ControllerManager,
            Component::Scheduler,
            Component::Kwok,
        ];
        lines.extend(components.into_iter().filter_map(|component| {
            lab.pid(component).map(|pid| format!("process      {pid:<8} {component}"))
        }));
        let node_components = [
            NodeComponent::Containerd,
            NodeComponent::Kubelet,
            NodeComponent::KubeProxy,
            NodeComponent::NetworkPolicy,
        ];
        for node in self.nodes() {
            lines.push(format!(
                "node         {} with pods in {}; `nsenter --all --target {}` goes there",
                node.name(),
                node.pod_range(),
                node.init_pid()
            ));
            lines.extend(node_components.into_iter().filter_map(|component| {
                node.pid(component).map(|pid| format!("process      {pid:<8} {component} of {}", node.name()))
            }));
        }
        let ready = lab.kubectl(&["get", "nodes", "--no-headers"]);
        lines.push(match ready {
            Ok(list) => {
                let n_ready = list.lines().filter(|line| line.contains(" Ready ")).count();
                format!("nodes        {n_ready} of {} Ready", list.lines().count())
            }
            Err(error) => format!("nodes        not known: {error}"),
        });
        lines.push(String::new());
        lines.join("\n")
    }
}

fn path(name: &str) -> PathBuf {
    bench_lab::root().join(name)
}

fn not_usable(path: &Path) -> String {
    format!("failed to use {}, which is where `TMPDIR` says", path.display())
}
