//! The process that owns a lab started by `lab up`, and how others talk to it.
//!
//! One word in, an answer out, over a socket that only this user can reach. Whoever can bind the socket is the keeper; a
//! socket that nobody answers is left from a killed one and is taken over.

use std::{
    fs,
    io::{Read, Write},
    net::Shutdown,
    os::unix::fs::PermissionsExt as _,
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
};

use anyhow::{Context, ensure};
use bench_lab::{Addons, Cluster, ClusterOptions, Component, ControlPlane, NodeComponent, Options};

use super::nodes::Nodes;
use crate::setup::say;

/// What the keeper writes to stdout when the lab is ready.
pub const READY: &str = "ready";

/// Asks the keeper; its whole answer.
pub fn ask(word: &str) -> anyhow::Result<String> {
    let path = socket();
    let mut stream = UnixStream::connect(&path).context("no lab is up: `cargo xtask lab up` starts one")?;
    stream.write_all(word.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    // An answer always has an end of line; without one the keeper died over it.
    ensure!(answer.ends_with('\n'), "the lab's keeper did not answer");
    Ok(answer)
}

/// Starts a lab and answers until somebody says `down`.
pub fn keep(nodes: Nodes, addons: bool) -> anyhow::Result<()> {
    let path = socket();
    if UnixStream::connect(&path).is_err() {
        // Nothing is lost if it is not there.
        let _ = fs::remove_file(&path);
    }
    let listener = UnixListener::bind(&path).context("a lab is already up")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let result = start(nodes, addons).and_then(|lab| {
        writeln!(std::io::stdout().lock(), "{READY}")?;
        serve(&listener, lab)
    });
    fs::remove_file(&path)?;
    result
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

fn serve(listener: &UnixListener, lab: Running) -> anyhow::Result<()> {
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut word = String::new();
        // Whoever asks and goes away does not end the lab.
        if stream.read_to_string(&mut word).is_err() {
            continue;
        }
        let answer = match word.as_str() {
            "status" => lab.status(),
            "kubeconfig" => format!("{}\n", lab.control_plane().kubeconfig().display()),
            "down" => {
                drop(lab);
                return Ok(stream.write_all(b"down\n")?);
            }
            other => format!("`{other}` is not understood\n"),
        };
        if let Err(error) = stream.write_all(answer.as_bytes()) {
            say(&format!("an answer was not taken: {error}"));
        }
    }
    Ok(())
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

fn socket() -> PathBuf {
    bench_lab::root().join("up.sock")
}
