//! Names in DNS, volumes that are made on demand, and what `kubectl top` shows.

use std::sync::OnceLock;

use bench_lab::{Addons, BUSYBOX, Cluster, ClusterOptions};
use parking_lot::{Mutex, MutexGuard};

use crate::lab::{Namespace, apply, eventually, kubectl, options, path, shared, started};

const OBJECTS: &str = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, namespace: addons }
spec: { storageClassName: local-path, accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
---
apiVersion: v1
kind: Pod
metadata: { name: writer, namespace: addons, labels: { app: writer } }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: writer
      image: IMAGE
      imagePullPolicy: Never
      command: [sh, -c, 'echo kept > /data/file; exec labtool serve :8080']
      volumeMounts: [{ name: data, mountPath: /data }]
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
---
apiVersion: v1
kind: Service
metadata: { name: writer, namespace: addons }
spec: { selector: { app: writer }, ports: [{ port: 80, targetPort: 8080 }] }
";

/// The cluster that these tests share, for one of them alone.
fn with_addons() -> MutexGuard<'static, Cluster> {
    static WITH_ADDONS: OnceLock<Mutex<Cluster>> = OnceLock::new();
    let start = || Mutex::new(started(&ClusterOptions { addons: Addons::All, ..options() }));
    WITH_ADDONS.get_or_init(start).lock()
}

#[test]
fn a_service_has_a_name_and_a_claim_gets_a_volume() {
    let Some(_alone) = shared() else { return };
    let cluster = with_addons();
    let namespace = Namespace::new(&cluster, "addons");
    apply(&cluster, &OBJECTS.replace("IMAGE", BUSYBOX));
    namespace.kubectl(&["wait", "--for=condition=Ready", "pod/writer", "--timeout=90s"]);
    assert_eq!(namespace.kubectl(&["exec", "writer", "--", "cat", "/data/file"]), "kept\n");
    assert_eq!(namespace.field("pvc/data", ".status.phase"), "Bound");
    let url = "http://writer.addons.svc.cluster.local/";
    let answer = eventually("an answer by name", || {
        namespace.try_kubectl(&["exec", "writer", "--", "labtool", "get", url]).ok()
    });
    assert_eq!(answer, "200 writer\n");
}

const BUSY: &str = "
apiVersion: v1
kind: Pod
metadata: { name: busy, namespace: top }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - { name: busy, image: IMAGE, imagePullPolicy: Never, command: [sh, -c, 'while :; do :; done'] }
";

/// Value of a line of `kubectl top` without its unit: millicores, mebibytes.
#[track_caller]
fn value(line: &str, column: usize, unit: &str) -> u64 {
    let field = line.split_whitespace().nth(column).unwrap_or_else(|| panic!("no column {column}: {line}"));
    field
        .strip_suffix(unit)
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{field}: {line}"))
}

#[test]
fn kubectl_top_tells_what_nodes_and_pods_use() {
    let Some(_alone) = shared() else { return };
    let cluster = with_addons();
    let namespace = Namespace::new(&cluster, "top");
    apply(&cluster, &BUSY.replace("IMAGE", BUSYBOX));
    namespace.kubectl(&["wait", "--for=condition=Ready", "pod/busy", "--timeout=90s"]);
    // An error until a pod was looked at twice; then less than it uses for as long as it was looked at before it began.
    let pod = eventually("a pod that uses a processor", || {
        let line = namespace.try_kubectl(&["top", "pods", "--no-headers"]).ok()?;
        (value(&line, 1, "m") > 50).then_some(line)
    });
    assert!(pod.starts_with("busy "), "{pod}");
    let node = kubectl(&cluster, &["top", "nodes", "--no-headers"]);
    assert_eq!(node.lines().count(), 1, "{node}");
    assert!(node.starts_with("node-1 "), "{node}");
    assert!(value(&node, 1, "m") > 50, "{node}");
    assert!(value(&node, 3, "Mi") > value(&pod, 2, "Mi"), "{node}{pod}");
}

#[test]
fn metrics_come_from_a_server_that_may_read_nothing_else() {
    let Some(_alone) = shared() else { return };
    let cluster = with_addons();
    let kubeconfig = cluster.folder().join("metrics-server.kubeconfig");
    let may = |verb: &str, what: &str| {
        let arguments = ["--kubeconfig", path(&kubeconfig), "auth", "can-i", verb, what];
        cluster.control_plane().kubectl(&arguments).is_ok()
    };
    assert!(may("get", "nodes/metrics"));
    assert!(may("list", "pods"));
    assert!(!may("list", "secrets"));
    assert!(!may("delete", "pods"));
}
