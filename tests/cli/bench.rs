//! Starts the built program in a folder of its own, and simulated clusters that outlive it.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

/// The root of the workspace.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder with records and scenarios of one test.
pub struct Bench {
    pub folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
        command.current_dir(self.folder.path()).args(arguments).env("NO_COLOR", "1").env_remove("KUBECONFIG");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).stdin(Stdio::null()).output().expect("bench starts"))
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, text).expect("written");
        name.to_owned()
    }
}

/// What a command left.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.stdout, self.stderr))
    }

    /// As [`Ran::ended_with`]; on a machine that is too busy to send in time a run is rightly invalid, and
    /// what it says about objects still holds.
    #[track_caller]
    pub fn ended_with_or_late(self, code: i32) -> Self {
        if self.code == 13 && self.stdout.contains("sent late") {
            return self;
        }
        self.ended_with(code)
    }

    #[track_caller]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// A simulated cluster in a process of its own; ended when dropped.
pub struct SimProcess {
    child: Child,
    pub kubeconfig: PathBuf,
}

impl SimProcess {
    pub fn start(folder: &Path, config: &str) -> Self {
        let config_file = folder.join("sim.yaml");
        std::fs::write(&config_file, config).expect("written");
        let kubeconfig = folder.join("sim.kubeconfig");
        let mut child = Command::new(env!("CARGO_BIN_EXE_bench"))
            .args(["sim", "--config"])
            .arg(&config_file)
            .arg("--kubeconfig-out")
            .arg(&kubeconfig)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("bench starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("the path is printed");
        assert!(!line.is_empty(), "the simulated cluster ended at once");
        Self { child, kubeconfig }
    }

    pub fn path(&self) -> &str {
        self.kubeconfig.to_str().expect("UTF-8")
    }

    /// Names of the namespaces that carry a run's label, over plain HTTP.
    pub fn namespaces_of_runs(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.kubeconfig).expect("a kubeconfig");
        let url =
            text.split("http://").nth(1).and_then(|rest| rest.split(['"', '\n', ' ']).next()).expect("a URL");
        let mut stream = std::net::TcpStream::connect(url).expect("it serves");
        let path = "/api/v1/namespaces?labelSelector=bench.dev/run-id";
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {url}\r\nConnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stream, &mut text).expect("an answer");
        let body = text.split_once('{').map(|(_, rest)| format!("{{{rest}")).expect("JSON");
        let body = body.rsplit_once('}').map(|(rest, _)| format!("{rest}}}")).expect("JSON");
        let list: Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {text}"));
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["metadata"]["name"].as_str().expect("a name").to_owned()).collect()
    }
}

impl Drop for SimProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls until a condition holds; says for how long it tried when it never does.
#[track_caller]
pub fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let (never, timeout) = std::sync::mpsc::channel::<()>();
    let _held = never;
    for _ in 0..1200 {
        if let Some(found) = check() {
            return found;
        }
        let _ = timeout.recv_timeout(Duration::from_millis(50));
    }
    panic!("waited 60 s for {what}");
}
