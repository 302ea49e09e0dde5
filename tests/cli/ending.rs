//! Runs that end early: signals, deadlines, kill -9. The simulated cluster outlives the program here.

use std::process::{Child, Stdio};

use bench_lab_signal::{INT, KILL, send};

use crate::bench::{Bench, SimProcess, eventually};

/// Signals by name, sent to a process that the test started.
mod bench_lab_signal {
    use std::process::Child;

    pub const INT: rustix::process::Signal = rustix::process::Signal::INT;
    pub const KILL: rustix::process::Signal = rustix::process::Signal::KILL;

    pub fn send(child: &Child, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(child);
        rustix::process::kill_process(pid, signal).expect("it runs");
    }
}

const SCENARIO: &str = "\
apiVersion: bench.dev/v1alpha1
kind: Scenario
metadata: { name: long }
deadline: DEADLINE
plugins: { objects: { from: builtin:objects } }
jobs:
  - name: create
    plugin: objects
    queue: { rate: 5/s, burst: 5 }
    with:
      create:
        iterations: 3000
        namespaces: { prefix: long }
        objects: [ { template: pod.yaml } ]
";

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: { name: 'pod-{{ iteration }}' }
spec: { terminationGracePeriodSeconds: 0, containers: [ { name: main, image: x } ] }
";

fn prepared(deadline: &str) -> (Bench, SimProcess) {
    let bench = Bench::new();
    bench.write("pod.yaml", POD);
    bench.write("long.yaml", &SCENARIO.replace("DEADLINE", deadline));
    let sim = SimProcess::start(bench.folder.path(), "nodes: 2\n");
    (bench, sim)
}

fn started(bench: &Bench, sim: &SimProcess) -> Child {
    let mut command = bench.command(&["run", "long.yaml", "--quiet", "--kubeconfig", sim.path()]);
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bench starts");
    eventually("the first namespace of the run", || (!sim.namespaces_of_runs().is_empty()).then_some(()));
    child
}

fn code(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn one_interrupt_keeps_the_record_and_removes_the_objects() {
    let (bench, sim) = prepared("10m");
    let child = started(&bench, &sim);
    send(&child, INT);
    let (exit, stderr) = code(child);
    assert_eq!(exit, Some(130), "{stderr}");
    assert_eq!(sim.namespaces_of_runs(), Vec::<String>::new());
    bench.run(&["report"]).ended_with(130);
}

#[test]
fn a_deadline_stops_the_run_with_exit_20_and_removes_the_objects() {
    let (bench, sim) = prepared("2s");
    let ran = bench.run(&["run", "long.yaml", "--quiet", "--kubeconfig", sim.path()]).ended_with(20);
    assert_eq!(sim.namespaces_of_runs(), Vec::<String>::new(), "{}", ran.stderr);
}

#[test]
fn after_kill_9_the_record_says_partial_and_cleanup_needs_no_scenario() {
    let (bench, sim) = prepared("10m");
    let child = started(&bench, &sim);
    send(&child, KILL);
    code(child);
    assert_eq!(sim.namespaces_of_runs().len(), 1);
    std::fs::remove_file(bench.folder.path().join("long.yaml")).expect("removed");
    let list = bench.run(&["runs", "list", "-o", "json"]).ended_with(0).json();
    assert_eq!(list["runs"][0]["state"], "partial");
    bench.run(&["cleanup", "latest", "--kubeconfig", sim.path()]).ended_with(0);
    assert_eq!(sim.namespaces_of_runs(), Vec::<String>::new());
}

#[test]
fn cleanup_of_all_removes_what_died_and_leaves_what_goes_on() {
    let (bench, sim) = prepared("10m");
    let dead = started(&bench, &sim);
    send(&dead, KILL);
    code(dead);
    let left = sim.namespaces_of_runs();
    let mut command = bench.command(&["run", "long.yaml", "--quiet", "--kubeconfig", sim.path()]);
    let living = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("bench starts");
    eventually("the second run's namespace", || (sim.namespaces_of_runs().len() == 2).then_some(()));
    let ran = bench.run(&["cleanup", "--all", "--kubeconfig", sim.path()]).ended_with(0);
    assert!(ran.stderr.contains("still goes on"), "{}", ran.stderr);
    let after = sim.namespaces_of_runs();
    assert_eq!(after.len(), 1);
    assert_ne!(after, left, "the dead run's namespace is gone");

    let elsewhere = Bench::new();
    let ran = elsewhere.run(&["cleanup", "--all", "--kubeconfig", sim.path()]).ended_with(0);
    assert!(ran.stderr.contains("not recorded here"), "{}", ran.stderr);
    assert_eq!(sim.namespaces_of_runs(), after);
    send(&living, INT);
    assert_eq!(code(living).0, Some(130));
}

#[test]
fn two_runs_at_once_do_not_touch_each_others_objects() {
    let (bench, sim) = prepared("10m");
    let first = started(&bench, &sim);
    let ours = sim.namespaces_of_runs();
    let mut command = bench.command(&["run", "long.yaml", "--quiet", "--kubeconfig", sim.path()]);
    let second = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bench starts");
    eventually("the second run's namespace", || (sim.namespaces_of_runs().len() == 2).then_some(()));
    send(&second, INT);
    assert_eq!(code(second).0, Some(130));
    assert_eq!(sim.namespaces_of_runs(), ours);
    send(&first, INT);
    assert_eq!(code(first).0, Some(130));
}
