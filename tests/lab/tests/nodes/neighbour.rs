//! Another user's containerd on the machine: where everybody expects one, and none of a lab's business.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bench_lab::{Addons, Cluster, ClusterOptions, NodeComponent, NodeProgram};
use tempfile::TempDir;

use super::lab::{eventually, kubectl, options, path, shared, started, with_causes};

/// Where containerd listens, and its clients look, unless they are told otherwise.
const SOCKET: &str = "/run/containerd/containerd.sock";

/// Namespace that every kubelet's pods are in.
const NAMESPACE: &str = "k8s.io";

/// Where the socket of [`SOCKET`] and what belongs to it are.
const FOLDER: &str = "/run/containerd";

const IMAGE: &str = "registry.k8s.io/pause:3.10";

/// A containerd that has nothing in common with a lab but the machine.
struct Neighbour {
    ctr: PathBuf,
    ours: Option<Ours>,
}

/// A neighbour of the test's own, where the machine has none; it has an image and a container.
struct Ours {
    containerd: Child,
    folder: TempDir,
}

impl Neighbour {
    /// The one that the machine has, which is only asked, or one that the test starts.
    fn find_or_start(cluster: &Cluster) -> Self {
        let ctr = cluster.program(NodeProgram::Ctr);
        if Path::new(SOCKET).exists() {
            return Self { ctr, ours: None };
        }
        let mut neighbour = Self { ctr, ours: Some(Ours::start(cluster)) };
        eventually("the other containerd", || {
            neighbour.ours.as_mut().expect("ours").still_runs();
            neighbour.ask(&["version"])
        });
        // With an image that every node of the lab has, too.
        let image = cluster.folder().join("pause.tar");
        neighbour.ask(&["images", "import", "--local", path(&image)]).expect("imported");
        neighbour.ask(&["containers", "create", IMAGE, "theirs"]).expect("created");
        neighbour
    }

    /// What its client says, unless it fails.
    fn ask(&self, arguments: &[&str]) -> Option<String> {
        let mut ctr = Command::new(&self.ctr);
        let output = ctr.args(["--address", SOCKET, "--namespace", NAMESPACE]).args(arguments).output();
        let output = output.expect("ctr starts");
        output.status.success().then(|| String::from_utf8(output.stdout).expect("UTF-8"))
    }

    /// All that it has, and whether it is still the same one.
    fn belongings(&self) -> Vec<String> {
        let socket = fs::metadata(SOCKET).expect("a socket");
        let mut all = vec![format!("socket {} of {}", socket.ino(), socket.mtime())];
        // Not its content, of which it removes by itself what nothing needs.
        let lists = ["namespaces", "images", "containers", "tasks"].map(|list| [list, "ls", "--quiet"]);
        for list in lists.iter().map(<[_; 3]>::as_slice).chain([["snapshots", "ls"].as_slice()]) {
            let said = self.ask(list).unwrap_or_else(|| panic!("no answer to {list:?}"));
            all.extend(said.lines().map(|line| format!("{}: {line}", list[0])));
        }
        all
    }
}

impl Ours {
    fn start(cluster: &Cluster) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "version = 3\nroot = {:?}\nstate = {:?}\ndisabled_plugins = ['io.containerd.grpc.v1.cri']\n\
             [grpc]\naddress = '{SOCKET}'\n[ttrpc]\naddress = '{SOCKET}.ttrpc'\n\
             [plugins.'io.containerd.internal.v1.opt']\npath = {:?}\n",
            inside("root"),
            inside("state"),
            inside("opt"),
        );
        fs::write(inside("config.toml"), config).expect("written");
        let containerd = Command::new(cluster.program(NodeProgram::Containerd))
            .args(["--config", &inside("config.toml")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(inside("log")).expect("a log"))
            .spawn()
            .expect("containerd starts");
        Self { containerd, folder }
    }

    fn still_runs(&mut self) {
        let ended = self.containerd.try_wait().expect("a child");
        let log = fs::read_to_string(self.folder.path().join("log")).expect("a log");
        assert_eq!(ended, None, "{log}");
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.containerd.kill();
        let _ = self.containerd.wait();
        let _ = fs::remove_file(SOCKET);
        let _ = fs::remove_file(format!("{SOCKET}.ttrpc"));
        // Unless somebody else has put something there.
        let _ = fs::remove_dir(FOLDER);
    }
}

#[test]
fn another_users_containerd_is_not_touched() {
    let first = shared();
    let neighbour = Neighbour::find_or_start(&first);
    let before = neighbour.belongings();
    if neighbour.ours.is_some() {
        assert!(before.iter().any(|line| line.contains("containers: theirs")), "{before:#?}");
    }

    let mut lab = started(&ClusterOptions { addons: Addons::All, ..options() });
    kubectl(&lab, &["run", "beside", &format!("--image={IMAGE}")]);
    kubectl(&lab, &["wait", "--for=condition=Ready", "pod/beside", "--timeout=60s"]);
    lab.restart(0, NodeComponent::Containerd).unwrap_or_else(|error| panic!("{}", with_causes(&error)));
    assert_eq!(neighbour.belongings(), before, "while a lab runs");
    drop(lab);
    assert_eq!(neighbour.belongings(), before, "when it is gone");
}
