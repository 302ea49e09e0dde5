//! The live view on a terminal: keys, signals, and the terminal given back as it was.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use bench_test_signal::{Signal, send};
use parking_lot::Mutex;
use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Termios, Winsize, tcgetattr, tcsetwinsize},
};

use crate::bench::{Bench, eventually};

/// Signals to a process that the test started.
mod bench_test_signal {
    pub use rustix::process::Signal;

    pub fn send(child: &std::process::Child, signal: Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).expect("it runs");
    }
}

const SCENARIO: &str = "\
apiVersion: bench.dev/v1alpha1
kind: Scenario
metadata: { name: watched }
deadline: 5m
cluster: { simulated: { nodes: 3 } }
plugins: { objects: { from: builtin:objects } }
jobs:
  - name: create
    plugin: objects
    queue: { rate: 10/s, burst: 1 }
    with:
      create:
        iterations: 2500
        namespaces: { prefix: watched }
        objects: [ { template: pod.yaml } ]
";

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: { name: 'pod-{{ iteration }}' }
spec: { terminationGracePeriodSeconds: 0, containers: [ { name: main, image: x } ] }
";

/// A run on a terminal of its own.
struct AtTerminal {
    bench: Bench,
    child: Child,
    keys: File,
    /// Our end of the program's side: it asks for settings, and keeps the terminal open.
    screen: OwnedFd,
    before: Termios,
    written: Arc<Mutex<Vec<u8>>>,
}

impl AtTerminal {
    fn start(arguments: &[&str], set: impl FnOnce(&mut Command)) -> Self {
        let bench = Bench::new();
        bench.write("pod.yaml", POD);
        bench.write("watched.yaml", SCENARIO);
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let open = || {
            let name = name.to_str().expect("a path");
            File::options().read(true).write(true).open(name).expect("the terminal")
        };
        let screen = OwnedFd::from(open());
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&screen, size).expect("a size");
        let before = tcgetattr(&screen).expect("settings");
        // util-linux: makes the terminal the one that the program belongs to, as a shell's is.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(env!("CARGO_BIN_EXE_bench")).args(["run", "watched.yaml"]).args(arguments);
        command.current_dir(bench.folder.path()).stdin(open()).stderr(open()).stdout(Stdio::piped());
        command.env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env_remove("CI").env_remove("LC_ALL");
        command.env("NO_COLOR", "1").env_remove("KUBECONFIG");
        set(&mut command);
        let child = command.spawn().expect("bench starts");
        let keys = File::from(master);
        let written = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, sink) = (keys.try_clone().expect("a second end"), written.clone());
        // Ends with the terminal.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                sink.lock().extend_from_slice(&bytes[..n]);
            }
        });
        Self { bench, child, keys, screen, before, written }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.lock()).into_owned()
    }

    fn wait_for(&self, text: &str) {
        eventually(text, || self.text().contains(text).then_some(()));
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).expect("pressed");
    }

    /// Waits for the end: exit code, what stood on the screen after it was given back, stdout.
    #[track_caller]
    fn end(mut self) -> (Bench, Option<i32>, String, String) {
        let mut stdout = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut stdout).expect("text");
        let status = self.child.wait().expect("it ends");
        self.wait_for(LEAVE);
        let after = tcgetattr(&self.screen).expect("settings");
        assert_eq!(
            (after.input_modes, after.output_modes, after.local_modes),
            (self.before.input_modes, self.before.output_modes, self.before.local_modes)
        );
        let text = self.text();
        assert_eq!((text.matches(ENTER).count(), text.matches(LEAVE).count()), (1, 1));
        let left = text.split(LEAVE).nth(1).expect("what came after").to_owned();
        assert!(left.contains(SHOW_CURSOR), "{left:?}");
        (self.bench, status.code(), left, stdout)
    }
}

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";
const SHOW_CURSOR: &str = "\u{1b}[?25h";

#[test]
fn q_stops_the_run_m_marks_a_moment_and_the_terminal_is_as_before() {
    let mut run = AtTerminal::start(&["--output", "json"], |_| {});
    run.wait_for("in flight");
    run.wait_for("measuring");
    run.press("m");
    run.wait_for("mark 1");
    run.press("q");
    let (bench, code, left, stdout) = run.end();
    assert_eq!(code, Some(130), "{left}");
    assert!(left.contains("mark 1") && left.contains("cleaned up"), "{left:?}");
    let summary: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(summary["marks"][0]["number"], 1, "{stdout}");
    assert_eq!(summary["environment"]["liveView"], true);
    let again = bench.run(&["report", "latest", "--format", "html"]).ended_with(130);
    assert!(again.stdout.contains("class=\"mark\""), "a line in the static charts");
}

#[test]
fn control_c_is_the_same_as_q_and_twice_leaves_at_once() {
    let mut run = AtTerminal::start(&[], |_| {});
    run.wait_for("measuring");
    run.press("\u{3}");
    run.press("\u{3}");
    let (_, code, left, stdout) = run.end();
    assert_eq!(code, Some(130), "{left}\n{stdout}");
    assert!(left.contains("leaving without cleaning up"), "{left:?}");
}

#[test]
fn a_signal_stops_the_run_and_the_terminal_is_as_before() {
    let run = AtTerminal::start(&[], |_| {});
    run.wait_for("measuring");
    send(&run.child, Signal::TERM);
    let (_, code, left, _) = run.end();
    assert_eq!(code, Some(143), "{left}");
    assert!(left.contains("stopping: terminated"), "{left:?}");
}

#[test]
fn lines_are_shown_where_a_whole_screen_is_not_wanted() {
    let ways: [(&[&str], &str, &str); 3] =
        [(&["--progress", "lines"], "TERM", "xterm"), (&[], "TERM", "dumb"), (&[], "CI", "true")];
    for (arguments, variable, value) in ways {
        let mut run = AtTerminal::start(arguments, |command| {
            command.env(variable, value);
        });
        run.wait_for("] measuring");
        send(&run.child, Signal::INT);
        assert_eq!(run.child.wait().expect("it ends").code(), Some(130));
        assert!(!run.text().contains(ENTER), "{arguments:?}");
    }
}
