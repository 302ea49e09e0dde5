//! The control plane as its users see it: one is started, hurt, and ended.
//!
//! Real processes on a real machine: nothing here depends on how fast they are, only on what they end up doing.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bench_lab::{ClientLimits, Component, ControlPlane, Durability, Options, PodStages};

const COMPONENTS: [Component; 5] = [
    Component::Etcd,
    Component::ApiServer,
    Component::ControllerManager,
    Component::Scheduler,
    Component::Kwok,
];

/// A small lab without disk waits.
fn options() -> Options {
    Options { nodes: 2, durability: Durability::NoFsync, ..Options::default() }
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn a_lab_runs_pods_survives_faults_and_leaves_nothing() {
    let mut lab = ControlPlane::start(options()).unwrap();
    let pids: Vec<u32> = COMPONENTS.iter().map(|&component| lab.pid(component).unwrap()).collect();
    let folder = lab.folder().to_owned();
    assert!(pids.iter().all(|&pid| is_alive(pid)));

    runs_a_deployment(&lab);
    the_user_is_ordinary(&lab);
    a_paused_server_answers_after_it_is_resumed(&lab);
    what_was_stored_survives_kills(&mut lab);

    let last: Vec<u32> = COMPONENTS.iter().filter_map(|&component| lab.pid(component)).collect();
    drop(lab);
    assert!(!pids.into_iter().chain(last).any(is_alive));
    assert!(!folder.exists());
}

fn runs_a_deployment(lab: &ControlPlane) {
    lab.kubectl(&["create", "deployment", "web", "--image=example.invalid/web", "--replicas=3"]).unwrap();
    lab.kubectl(&["wait", "--for=condition=Available", "deployment/web", "--timeout=60s"]).unwrap();
    let conditions = lab
        .kubectl(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].status.conditions[*].type}"])
        .unwrap();
    let mut conditions: Vec<&str> = conditions.split(' ').collect();
    conditions.sort_unstable();
    let complete = ["ContainersReady", "Initialized", "PodReadyToStartContainers", "PodScheduled", "Ready"];
    assert_eq!(conditions, complete);
    let nodes = lab.kubectl(&["get", "nodes", "-o", "name"]).unwrap();
    assert_eq!(nodes, "node/fake-0000\nnode/fake-0001\n");
}

fn the_user_is_ordinary(lab: &ControlPlane) {
    let groups = lab.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}"]).unwrap();
    assert_eq!(groups, r#"["lab:admins","system:authenticated"]"#);
    assert_eq!(lab.kubectl(&["auth", "can-i", "*", "*"]).unwrap(), "yes\n");
}

fn a_paused_server_answers_after_it_is_resumed(lab: &ControlPlane) {
    lab.pause(Component::ApiServer).unwrap();
    let stalled = lab.kubectl(&["get", "namespaces", "--request-timeout=1s"]);
    lab.resume(Component::ApiServer).unwrap();
    assert!(stalled.is_err(), "{stalled:?}");
    lab.kubectl(&["get", "namespaces"]).unwrap();
}

fn what_was_stored_survives_kills(lab: &mut ControlPlane) {
    lab.kubectl(&["create", "configmap", "kept", "--from-literal=key=value"]).unwrap();
    let (before, url) = (lab.pid(Component::ApiServer), lab.url());
    for component in [Component::Etcd, Component::ApiServer, Component::Scheduler] {
        lab.restart(component).unwrap();
    }
    assert_ne!(lab.pid(Component::ApiServer), before);
    assert_eq!(lab.url(), url);
    let value = lab.kubectl(&["get", "configmap", "kept", "-o", "jsonpath={.data.key}"]).unwrap();
    assert_eq!(value, "value");

    lab.kill(Component::ApiServer).unwrap();
    assert_eq!(lab.pid(Component::ApiServer), None);
    assert!(lab.kubectl(&["get", "namespaces"]).is_err());
    assert!(lab.pause(Component::ApiServer).is_err());
    lab.restart(Component::ApiServer).unwrap();
    lab.kubectl(&["get", "namespaces"]).unwrap();
}

#[test]
fn a_lab_without_nodes_leaves_pods_pending_and_starts_beside_another() {
    let bare =
        Options { nodes: 0, client_limits: ClientLimits::Upstream, pod_stages: PodStages::Fast, ..options() };
    let [first, second] = [(), ()].map(|()| ControlPlane::start(bare.clone()).unwrap());
    assert_ne!(first.url(), second.url());
    assert_eq!(first.pid(Component::Kwok), None);
    first.kubectl(&["create", "configmap", "only-in-first"]).unwrap();
    assert!(second.kubectl(&["get", "configmap", "only-in-first"]).is_err());
    first.kubectl(&["run", "waiting", "--image=example.invalid/x"]).unwrap();
    first.kubectl(&["wait", "--for=condition=PodScheduled=False", "pod/waiting", "--timeout=60s"]).unwrap();
}

/// Variable that turns `holds_a_lab` from nothing into a process that starts a lab and waits to be killed.
const HOLDER: &str = "BENCH_LAB_TEST_HOLDER";

/// The other half of the next test, in a process of its own.
#[test]
fn holds_a_lab() {
    let Some(report) = std::env::var_os(HOLDER).map(PathBuf::from) else { return };
    let lab = ControlPlane::start(options()).unwrap();
    let pids: Vec<String> =
        COMPONENTS.iter().map(|&component| lab.pid(component).unwrap().to_string()).collect();
    let folder = lab.folder().display();
    fs::write(report, format!("{folder}\n{}", pids.join(" "))).unwrap();
    // The parent holds the other end of stdin and kills us.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_killed_test_process_takes_its_components_along_and_the_next_lab_sweeps_its_folder() {
    let scratch = tempfile::tempdir().unwrap();
    let report = scratch.path().join("report");
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_lab", "--nocapture"])
        .env(HOLDER, &report)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let text = eventually("the holder starts a lab", || {
        assert_eq!(holder.try_wait().unwrap(), None, "the holder ended early");
        fs::read_to_string(&report).ok().filter(|text| text.contains('\n'))
    });
    let (folder, pids) = text.split_once('\n').unwrap();
    let pids: Vec<u32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|&pid| is_alive(pid)));

    holder.kill().unwrap();
    holder.wait().unwrap();
    eventually("the components are gone", || (!pids.iter().any(|&pid| is_running(pid))).then_some(()));
    assert!(Path::new(folder).exists());
    drop(ControlPlane::start(Options { nodes: 0, ..options() }).unwrap());
    assert!(!Path::new(folder).exists());
}

/// Whether a process runs; a zombie that nobody reaped yet does not.
fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Looks at most every few milliseconds until there is an answer; fails after two minutes.
fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let (_never_sent, never) = std::sync::mpsc::channel::<()>();
    for _ in 0..6_000 {
        if let Some(found) = look() {
            return found;
        }
        let _ = never.recv_timeout(std::time::Duration::from_millis(20));
    }
    panic!("gave up: {what}");
}
