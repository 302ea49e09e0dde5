//! `cargo xtask lab` as its user meets it: a cluster that is started, asked about, and ended by commands of their own.
//!
//! Each test has a temporary folder of its own, so its lab meets no other.

#![cfg(test)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A user, and the lab that is ended with them.
struct User {
    temporary: TempDir,
}

impl User {
    fn new() -> Self {
        Self { temporary: tempfile::tempdir().unwrap() }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("lab").args(arguments).env("TMPDIR", self.temporary.path()).output().unwrap()
    }

    /// What a command that succeeds prints.
    #[track_caller]
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {} {errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], code: i32, message: &str) {
        let output = self.run(arguments);
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!((output.status.code(), &*stdout, &*stderr), (Some(code), "", message), "{arguments:?}");
    }

    fn root(&self) -> PathBuf {
        let user = Command::new("id").arg("--user").output().unwrap();
        self.temporary.path().join(format!("bench-lab-{}", String::from_utf8(user.stdout).unwrap().trim()))
    }

    /// Folders of labs that are there.
    fn labs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect()
    }

    /// The process behind this user's lab.
    fn keeper(&self) -> Option<u32> {
        let temporary = format!("TMPDIR={}", self.temporary.path().display());
        let pids = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let read =
            |pid: u32, file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        pids.into_iter().find(|&pid| {
            read(pid, "cmdline").contains("lab\0keep\0")
                && read(pid, "environ").split('\0').any(|set| set == temporary)
        })
    }
}

impl Drop for User {
    fn drop(&mut self) {
        // No lab is up when the test has ended it.
        let _ = self.run(&["down"]);
    }
}

/// Whether a process runs; a zombie that nobody reaped yet does not.
fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Processes that `lab status` names.
fn processes(status: &str) -> Vec<u32> {
    let lines = status.lines().filter_map(|line| line.strip_prefix("process "));
    lines.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

/// Looks every few milliseconds until it is so; fails after two minutes.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let (_never_sent, never) = std::sync::mpsc::channel::<()>();
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        let _ = never.recv_timeout(std::time::Duration::from_millis(20));
    }
    panic!("gave up: {what}");
}

const NOT_UP: &str = "error: no lab is up: `cargo xtask lab up` starts one\n";

#[test]
fn a_lab_is_up_until_it_is_down_and_there_is_one() {
    let user = User::new();
    let status = user.told(&["up", "--nodes", "kwok=3"]);
    assert!(status.contains("nodes        3 of 3 Ready"), "{status}");
    assert_eq!(user.told(&["status"]), status);
    let running = processes(&status);
    assert_eq!(running.len(), 5, "{status}");
    let kubeconfig = PathBuf::from(user.told(&["kubeconfig"]).trim());
    assert!(kubeconfig.is_file() && kubeconfig.starts_with(user.root()), "{}", kubeconfig.display());

    let already_up =
        "error: a lab is already up: `cargo xtask lab status` shows it, `cargo xtask lab down` ends it\n";
    user.refused(&["up"], 1, already_up);
    assert!(running.iter().all(|&pid| is_running(pid)), "{status}");

    user.told(&["down"]);
    assert_eq!(user.labs(), Vec::<PathBuf>::new());
    assert!(!running.iter().any(|&pid| is_running(pid)), "{status}");
    user.refused(&["status"], 1, NOT_UP);
    // Nothing of the last one is in the way.
    user.told(&["up", "--nodes", "kwok=1"]);
}

#[test]
fn a_killed_keeper_takes_its_lab_along_and_the_next_one_sweeps() {
    let user = User::new();
    let running = processes(&user.told(&["up", "--nodes", "kwok=1"]));
    kill(user.keeper().unwrap());
    eventually("the lab ends", || !running.iter().any(|&pid| is_running(pid)));
    user.refused(&["kubeconfig"], 1, NOT_UP);
    assert_eq!(user.labs().len(), 1);
    user.told(&["up", "--nodes", "kwok=1"]);
    assert_eq!(user.labs().len(), 1);
    user.told(&["down"]);
    assert_eq!(user.labs(), Vec::<PathBuf>::new());
}

#[test]
fn what_is_wrong_is_said_before_anything_starts() {
    let user = User::new();
    let help = "\n\nFor more information, try '--help'.\n";
    let value =
        |given: &str, why: &str| format!("error: invalid value '{given}' for '--nodes <NODES>': {why}{help}");
    user.refused(&["up", "--nodes", "real"], 2, &value("real", "`real` is not `real=N` or `kwok=N`"));
    let no_sort = "`fake` is not a sort of nodes: expected `real` or `kwok`";
    user.refused(&["up", "--nodes", "fake=2"], 2, &value("fake=2", no_sort));
    user.refused(&["up", "--addons"], 1, "error: `--addons` run on a real node: add `real=1` to `--nodes`\n");
    for word in ["status", "kubeconfig", "down"] {
        user.refused(&[word], 1, NOT_UP);
    }
    assert!(!user.root().exists());
}

#[test]
fn a_temporary_folder_whose_path_is_too_long_for_a_socket_is_named() {
    let user = User { temporary: tempfile::Builder::new().prefix(&"x".repeat(100)).tempdir().unwrap() };
    let socket = user.root().join("up.sock");
    let message = format!(
        "error: failed to use {}, which is where `TMPDIR` says: path must be shorter than SUN_LEN\n",
        socket.display()
    );
    user.refused(&["up"], 1, &message);
}
