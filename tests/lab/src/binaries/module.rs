//! The pinned Go modules: which packages are built, with which flags.

/// A Go module of ours that has nothing but requirements.
pub(super) struct Module {
    /// Folder under `modules/`.
    pub(super) name: &'static str,
    /// Name and version for people.
    pub(super) title: &'static str,
    pub(super) go_mod: &'static str,
    pub(super) go_sum: &'static str,
    /// Main packages; each gives a program named after its last path element.
    pub(super) packages: &'static [&'static str],
    /// Value of `-ldflags`.
    pub(super) linker_flags: &'static str,
    /// Programs whose package is not named as the program should be.
    pub(super) renames: &'static [(&'static str, &'static str)],
}

pub(super) static KUBERNETES: Module = Module {
    name: "kubernetes",
    title: "Kubernetes 1.36.3",
    go_mod: include_str!("../../modules/kubernetes/go.mod"),
    go_sum: include_str!("../../modules/kubernetes/go.sum"),
    packages: &[
        "k8s.io/kubernetes/cmd/kube-apiserver",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-scheduler",
        "k8s.io/kubernetes/cmd/kubectl",
    ],
    // Without these `/version` says v0.0.0-master, which clients take for a very old server.
    linker_flags: "-s -w \
        -X k8s.io/component-base/version.gitVersion=v1.36.3 \
        -X k8s.io/component-base/version.gitMajor=1 \
        -X k8s.io/component-base/version.gitMinor=36 \
        -X k8s.io/component-base/version.gitTreeState=clean",
    renames: &[],
};

pub(super) static ETCD: Module = Module {
    name: "etcd",
    title: "etcd 3.6.8",
    go_mod: include_str!("../../modules/etcd/go.mod"),
    go_sum: include_str!("../../modules/etcd/go.sum"),
    packages: &["go.etcd.io/etcd/server/v3"],
    linker_flags: "-s -w",
    // Go leaves the version suffix `v3` out of the program's name.
    renames: &[("server", "etcd")],
};

pub(super) static KWOK: Module = Module {
    name: "kwok",
    title: "kwok 0.8.0",
    go_mod: include_str!("../../modules/kwok/go.mod"),
    go_sum: include_str!("../../modules/kwok/go.sum"),
    packages: &["sigs.k8s.io/kwok/cmd/kwok"],
    linker_flags: "-s -w",
    renames: &[],
};

/// Go version that the modules ask for, as in their `go` line.
pub(super) fn required_go() -> &'static str {
    KUBERNETES.go_mod.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or("1.26.0").trim()
}
