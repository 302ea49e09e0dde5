//! An API server that is out of file descriptors: it keeps its connections and takes no new one.

use bench_lab::{Component, ControlPlane};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::bench::eventually;
use crate::lab::{lab, left, nothing_is_left};
use crate::run::{Running, ran};

/// An API server without a descriptor to spare, until it is dropped.
struct Exhausted {
    server: Pid,
    before: Rlimit,
}

impl Exhausted {
    fn new(lab: &ControlPlane) -> Self {
        let server = lab.pid(Component::ApiServer).and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
        let server = server.expect("it runs");
        let before = limit(server, Rlimit { current: Some(0), maximum: maximum(server) });
        Self { server, before }
    }
}

impl Drop for Exhausted {
    fn drop(&mut self) {
        limit(self.server, Rlimit { current: self.before.current, maximum: self.before.maximum });
    }
}

fn limit(server: Pid, new: Rlimit) -> Rlimit {
    prlimit(Some(server), Resource::Nofile, new).expect("it is our own process")
}

/// The hard limit of a process, which stays as it is.
fn maximum(server: Pid) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/limits", server.as_raw_nonzero())).expect("limits");
    let line = text.lines().find(|line| line.starts_with("Max open files")).expect("a limit of files");
    line.split_whitespace().nth(4).expect("a hard limit").parse().ok()
}

#[test]
fn without_descriptors_a_run_goes_on_and_a_new_one_cannot_reach_the_server() {
    let lab = lab();
    let mut running = Running::start(&lab, &["variables.pods=100"]);
    let exhausted = Exhausted::new(&lab);
    let second = ran(&lab).ended_with(18);
    assert!(second.stderr.contains("did not answer within 15 s"), "{}", second.stderr);
    assert_eq!(second.stdout, "");
    running.assert_goes_on();
    drop(exhausted);
    let namespaces = eventually("the server", || lab.kubectl(&["get", "namespaces", "-o", "name"]).ok());
    let of_runs = namespaces.lines().filter(|name| name.starts_with("namespace/fault")).count();
    assert_eq!(of_runs, 1, "that of the first run: {namespaces}");
    assert_ne!(left(&lab), "");

    let ended = running.ended_with(&[0, 10, 13]);
    assert_eq!((ended.count("operations"), ended.count("failed")), (100, 0), "{}", ended.job());
    let rows = ended.rows();
    assert_eq!(rows.len(), 100);
    assert!(rows.iter().all(|row| row["ready"].is_i64()), "{rows:?}");
    assert_eq!(ended.summary["gaps"], serde_json::json!([]));
    nothing_is_left(&lab);
}
