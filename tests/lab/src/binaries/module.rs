//! The pinned Go modules: which packages are built, with which flags.

use std::process::{Command, Stdio};

use super::BuildError;

/// A Go module of ours: requirements, and seldom a few files of Go.
pub(super) struct Module {
    /// Name of its folder in the cache.
    pub(super) name: &'static str,
    /// Name and version for people.
    pub(super) title: &'static str,
    pub(super) go_mod: &'static str,
    pub(super) go_sum: &'static str,
    /// Names and texts of Go files of our own, next to go.mod.
    pub(super) sources: &'static [(&'static str, &'static str)],
    /// Main packages; each gives a program named after its last path element.
    pub(super) packages: &'static [&'static str],
    /// Value of `-ldflags`.
    pub(super) linker_flags: &'static str,
    /// Programs whose package is not named as the program should be.
    pub(super) renames: &'static [(&'static str, &'static str)],
    pub(super) compiler: Compiler,
}

impl Module {
    /// Arguments of `go build` that choose build tags.
    pub(super) fn tags(&self) -> &'static [&'static str] {
        match self.compiler {
            Compiler::GoOnly => &[],
            Compiler::WithSeccomp => &["-tags=seccomp,netgo,osusergo"],
        }
    }

    /// Whether the C compiler and libraries are there that the module is built with.
    pub(super) fn check_compiler(&self) -> Result<(), BuildError> {
        let checks: &[(&[&str], &'static str, &'static str)] = match self.compiler {
            Compiler::GoOnly => &[],
            Compiler::WithSeccomp => &[
                (&["gcc", "--version"], "gcc", "gcc libc6-dev"),
                (&["pkg-config", "--version"], "pkg-config", "pkg-config"),
                (&["pkg-config", "--exists", "libseccomp"], "libseccomp", "libseccomp-dev"),
            ],
        };
        for (command, missing, package) in checks {
            if !succeeds(command) {
                return Err(BuildError::CMissing { module: self.name, missing, package });
            }
        }
        Ok(())
    }
}

fn succeeds(command: &[&str]) -> bool {
    let Some((program, arguments)) = command.split_first() else { return false };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What a module needs besides Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compiler {
    /// Nothing: the programs are static.
    GoOnly,
    /// A C compiler and libseccomp, linked statically so that the cache does not depend on the library's version.
    WithSeccomp,
}

/// Without these `/version` says v0.0.0-master, which clients take for a very old server.
const KUBERNETES_LINKER_FLAGS: &str = "-s -w \
    -X k8s.io/component-base/version.gitVersion=v1.36.3 \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=36 \
    -X k8s.io/component-base/version.gitTreeState=clean";

pub(super) static KUBERNETES: Module = Module {
    name: "kubernetes",
    title: "Kubernetes 1.36.3",
    go_mod: include_str!("../../modules/kubernetes/go.mod"),
    go_sum: include_str!("../../modules/kubernetes/go.sum"),
    sources: &[],
    packages: &[
        "k8s.io/kubernetes/cmd/kube-apiserver",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-scheduler",
        "k8s.io/kubernetes/cmd/kubectl",
    ],
    linker_flags: KUBERNETES_LINKER_FLAGS,
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static ETCD: Module = Module {
    name: "etcd",
    title: "etcd 3.6.8",
    go_mod: include_str!("../../modules/etcd/go.mod"),
    go_sum: include_str!("../../modules/etcd/go.sum"),
    sources: &[],
    packages: &["go.etcd.io/etcd/server/v3"],
    linker_flags: "-s -w",
    // Go leaves the version suffix `v3` out of the program's name.
    renames: &[("server", "etcd")],
    compiler: Compiler::GoOnly,
};

pub(super) static KWOK: Module = Module {
    name: "kwok",
    title: "kwok 0.8.0",
    go_mod: include_str!("../../modules/kwok/go.mod"),
    go_sum: include_str!("../../modules/kwok/go.sum"),
    sources: &[],
    packages: &["sigs.k8s.io/kwok/cmd/kwok"],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

/// The same Go module as [`KUBERNETES`], in a folder of its own: only who wants real nodes waits for it.
pub(super) static KUBERNETES_NODE: Module = Module {
    name: "kubernetes-node",
    title: "kubelet and kube-proxy 1.36.3",
    go_mod: KUBERNETES.go_mod,
    go_sum: KUBERNETES.go_sum,
    sources: &[],
    packages: &["k8s.io/kubernetes/cmd/kubelet", "k8s.io/kubernetes/cmd/kube-proxy"],
    linker_flags: KUBERNETES_LINKER_FLAGS,
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static CONTAINERD: Module = Module {
    name: "containerd",
    title: "containerd 2.4.2",
    go_mod: include_str!("../../modules/containerd/go.mod"),
    go_sum: include_str!("../../modules/containerd/go.sum"),
    sources: &[],
    packages: &[
        "github.com/containerd/containerd/v2/cmd/containerd",
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        "github.com/containerd/containerd/v2/cmd/ctr",
    ],
    linker_flags: "-s -w -X github.com/containerd/containerd/v2/version.Version=2.4.2",
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static RUNC: Module = Module {
    name: "runc",
    title: "runc 1.5.2",
    go_mod: include_str!("../../modules/runc/go.mod"),
    go_sum: include_str!("../../modules/runc/go.sum"),
    sources: &[],
    packages: &["github.com/opencontainers/runc"],
    linker_flags: "-s -w -extldflags=-static",
    renames: &[],
    compiler: Compiler::WithSeccomp,
};

pub(super) static CNI: Module = Module {
    name: "cni",
    title: "CNI plugins 1.9.1",
    go_mod: include_str!("../../modules/cni/go.mod"),
    go_sum: include_str!("../../modules/cni/go.sum"),
    sources: &[],
    packages: &[
        "github.com/containernetworking/plugins/plugins/main/ptp",
        "github.com/containernetworking/plugins/plugins/main/loopback",
        "github.com/containernetworking/plugins/plugins/ipam/host-local",
        "github.com/containernetworking/plugins/plugins/meta/portmap",
    ],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static COREDNS: Module = Module {
    name: "coredns",
    title: "CoreDNS 1.15.0",
    go_mod: include_str!("../../modules/coredns/go.mod"),
    go_sum: include_str!("../../modules/coredns/go.sum"),
    sources: &[],
    packages: &["github.com/coredns/coredns"],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static LOCAL_PATH: Module = Module {
    name: "local-path-provisioner",
    title: "local-path-provisioner 0.0.30",
    go_mod: include_str!("../../modules/local-path-provisioner/go.mod"),
    go_sum: include_str!("../../modules/local-path-provisioner/go.sum"),
    sources: &[],
    packages: &["github.com/rancher/local-path-provisioner"],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static METRICS_SERVER: Module = Module {
    name: "metrics-server",
    title: "metrics-server 0.9.0",
    go_mod: include_str!("../../modules/metrics-server/go.mod"),
    go_sum: include_str!("../../modules/metrics-server/go.sum"),
    sources: &[],
    packages: &["sigs.k8s.io/metrics-server/cmd/metrics-server"],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static CSI_DRIVER: Module = Module {
    name: "labcsi",
    title: "labcsi",
    go_mod: include_str!("../../modules/labcsi/go.mod"),
    go_sum: include_str!("../../modules/labcsi/go.sum"),
    sources: &[
        ("main.go", include_str!("../../modules/labcsi/main.go")),
        ("driver.go", include_str!("../../modules/labcsi/driver.go")),
        ("node.go", include_str!("../../modules/labcsi/node.go")),
        ("store.go", include_str!("../../modules/labcsi/store.go")),
    ],
    packages: &["bench.dev/lab/labcsi"],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

/// Apart from the other sidecars: it does not compile with the Kubernetes libraries that they need (0.37). Its go.mod has
/// the versions of [`METRICS_SERVER`] instead, of which most packages are compiled by then.
pub(super) static CSI_PROVISIONER: Module = Module {
    name: "csi-provisioner",
    title: "external-provisioner 6.3.0",
    go_mod: include_str!("../../modules/csi-provisioner/go.mod"),
    go_sum: include_str!("../../modules/csi-provisioner/go.sum"),
    sources: &[],
    packages: &["github.com/kubernetes-csi/external-provisioner/v6/cmd/csi-provisioner"],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

/// One module for what shares most of its packages: they are compiled once.
pub(super) static CSI_SIDECARS: Module = Module {
    name: "csi-sidecars",
    title: "external-resizer 2.3.0 and external-snapshotter 8.7.0",
    go_mod: include_str!("../../modules/csi-sidecars/go.mod"),
    go_sum: include_str!("../../modules/csi-sidecars/go.sum"),
    sources: &[],
    packages: &[
        "github.com/kubernetes-csi/external-resizer/v2/cmd/csi-resizer",
        "github.com/kubernetes-csi/external-snapshotter/v8/cmd/csi-snapshotter",
        "github.com/kubernetes-csi/external-snapshotter/v8/cmd/snapshot-controller",
    ],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static NETWORK_POLICY: Module = Module {
    name: "labnetpol",
    title: "labnetpol",
    go_mod: include_str!("../../modules/labnetpol/go.mod"),
    go_sum: include_str!("../../modules/labnetpol/go.sum"),
    sources: &[
        ("main.go", include_str!("../../modules/labnetpol/main.go")),
        ("rules.go", include_str!("../../modules/labnetpol/rules.go")),
        ("firewall.go", include_str!("../../modules/labnetpol/firewall.go")),
    ],
    packages: &["bench.dev/lab/labnetpol"],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static REGISTRY: Module = Module {
    name: "labregistry",
    title: "labregistry with distribution 3.1.2",
    go_mod: include_str!("../../modules/labregistry/go.mod"),
    go_sum: include_str!("../../modules/labregistry/go.sum"),
    sources: &[
        ("main.go", include_str!("../../modules/labregistry/main.go")),
        ("slow.go", include_str!("../../modules/labregistry/slow.go")),
    ],
    packages: &["bench.dev/lab/labregistry"],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

pub(super) static TOOL: Module = Module {
    name: "labtool",
    title: "labtool",
    go_mod: include_str!("../../modules/labtool/go.mod"),
    go_sum: "",
    sources: &[("main.go", include_str!("../../modules/labtool/main.go"))],
    packages: &["bench.dev/lab/labtool"],
    linker_flags: "-s -w",
    renames: &[],
    compiler: Compiler::GoOnly,
};

/// Go version that the modules ask for, as in their `go` line.
pub(super) fn required_go() -> &'static str {
    KUBERNETES.go_mod.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or("1.26.0").trim()
}
