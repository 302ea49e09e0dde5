//! What labs leave behind: nothing, however they end, and without touching each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bench_lab::{Addons, Cluster, ClusterOptions, NodeComponent};

use super::lab::{apply, eventually, kubectl, options, shared, started};

/// Places that programs of a node write to when nobody keeps them from it.
const PLACES: [&str; 7] = [
    "/run/containerd",
    "/run/netns",
    "/var/lib/kubelet",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/opt/containerd",
    "/etc/cni",
];

/// Settings of the kernel that kubelet would change.
const SETTINGS: [&str; 4] = [
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/kernel/panic",
    "/proc/sys/kernel/panic_on_oops",
    "/proc/sys/kernel/keys/root_maxkeys",
];

/// What there is on the machine of all that a lab could leave.
#[derive(Debug, PartialEq, Eq)]
struct Machine {
    places: Vec<bool>,
    settings: Vec<String>,
    rules: String,
}

impl Machine {
    fn now() -> Self {
        let rules = Command::new("iptables-save").output().expect("iptables-save").stdout;
        // Counters and comments change by themselves.
        let rules = String::from_utf8_lossy(&rules);
        let rules = rules.lines().filter(|line| line.starts_with("-A")).collect::<Vec<_>>().join("\n");
        Self {
            places: PLACES.iter().map(|place| Path::new(place).exists()).collect(),
            settings: SETTINGS.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect(),
            rules,
        }
    }
}

/// Everything of one lab that can be seen from outside.
struct Traces {
    folder: PathBuf,
    name: String,
    link: String,
}

impl Traces {
    fn of(cluster: &Cluster) -> Self {
        Self { folder: cluster.folder().to_owned(), name: cluster.name(), link: cluster.link() }
    }

    /// What is left, in words; nothing when all is gone.
    fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        if self.folder.exists() {
            left.push(format!("folder {}", self.folder.display()));
        }
        if Path::new("/sys/class/net").join(&self.link).exists() {
            left.push(format!("interface {}", self.link));
        }
        let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
        left.extend(
            mounts.lines().filter(|line| line.contains(&self.name)).map(|line| format!("mount {line}")),
        );
        for hierarchy in mounts.lines().filter(|line| line.starts_with("cgroup")) {
            let place = hierarchy.split(' ').nth(1).expect("a place");
            let group = Path::new(place).join(format!("bench-{}", self.name));
            if group.exists() {
                left.push(format!("control group {}", group.display()));
            }
        }
        left.extend(self.processes().into_iter().map(|process| format!("process {process}")));
        left
    }

    /// Processes whose command line or control group names the lab.
    fn processes(&self) -> BTreeSet<String> {
        let of = |entry: fs::DirEntry| {
            let read = |file: &str| {
                let text = fs::read_to_string(entry.path().join(file)).unwrap_or_default();
                text.replace('\0', " ")
            };
            let command = read("cmdline");
            (command.contains(&self.name) || read("cgroup").contains(&self.name)).then_some(command)
        };
        fs::read_dir("/proc").expect("/proc").flatten().filter_map(of).collect()
    }

    #[track_caller]
    fn are_gone(&self) {
        assert_eq!(self.left(), Vec::<String>::new());
    }
}

#[test]
fn two_labs_do_not_meet_and_each_leaves_nothing() {
    let first = shared();
    let before = Machine::now();
    let second = started(&ClusterOptions { real_nodes: 2, addons: Addons::All, ..options() });
    assert_ne!(first.control_plane().url(), second.control_plane().url());
    assert_ne!(first.link(), second.link());
    kubectl(&second, &["run", "only-in-second", "--image=registry.k8s.io/pause:3.10"]);
    kubectl(&second, &["wait", "--for=condition=Ready", "pod/only-in-second", "--timeout=60s"]);
    assert!(first.control_plane().kubectl(&["get", "pod", "only-in-second"]).is_err());
    assert_eq!(Machine::now(), before, "while it runs");
    let traces = Traces::of(&second);
    assert!(traces.processes().len() > 10, "{:?}", traces.processes());
    drop(second);
    traces.are_gone();
    assert_eq!(Machine::now(), before);
    kubectl(&first, &["get", "nodes"]);
}

/// Variable that turns `holds_a_cluster` from nothing into a process that starts one and waits to be killed.
const HOLDER: &str = "BENCH_NODE_TEST_HOLDER";

const VOLUME: &str = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { storageClassName: csi-hostpath, accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
---
apiVersion: v1
kind: Pod
metadata: { name: running }
spec:
  containers: [{ name: running, image: 'registry.k8s.io/pause:3.10', volumeMounts: [{ name: data, mountPath: /data }] }]
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
";

/// The other half of the next test, in a process of its own.
#[test]
fn holds_a_cluster() {
    let Some(report) = std::env::var_os(HOLDER).map(PathBuf::from) else { return };
    let cluster = started(&ClusterOptions { addons: Addons::All, ..options() });
    // With a mount of the CSI driver's.
    apply(&cluster, VOLUME);
    kubectl(&cluster, &["wait", "--for=condition=Ready", "pod/running", "--timeout=120s"]);
    let Traces { folder, name, link } = Traces::of(&cluster);
    assert!(cluster.nodes()[0].pid(NodeComponent::Kubelet).is_some());
    fs::write(report, format!("{}\n{name}\n{link}\n", folder.display())).expect("written");
    // The parent holds the other end of stdin and kills us.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_killed_lab_leaves_nothing() {
    // Held so that no other test measures beside a cluster that starts.
    let _alone = shared();
    let before = Machine::now();
    let scratch = tempfile::tempdir().expect("a folder");
    let report = scratch.path().join("report");
    let mut holder = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "real_nodes::ends::holds_a_cluster", "--nocapture"])
        .env(HOLDER, &report)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let text = eventually("the holder to start a cluster", || {
        assert_eq!(holder.try_wait().expect("a child"), None, "the holder ended early");
        fs::read_to_string(&report).ok().filter(|text| text.lines().count() == 3)
    });
    let lines: Vec<&str> = text.lines().collect();
    let traces = Traces { folder: lines[0].into(), name: lines[1].to_owned(), link: lines[2].to_owned() };
    assert!(!traces.left().is_empty());
    holder.kill().expect("killed");
    holder.wait().expect("ended");
    eventually("everything to be gone", || traces.left().is_empty().then_some(()));
    assert_eq!(Machine::now(), before);
}
