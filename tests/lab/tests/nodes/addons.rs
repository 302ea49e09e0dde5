//! Names in DNS, volumes that are made on demand, and what `kubectl top` shows.

use std::sync::OnceLock;

use bench_lab::{Addons, BUSYBOX, Cluster, ClusterOptions};
use parking_lot::{Mutex, MutexGuard};

use super::lab::{Namespace, apply, eventually, kubectl, options, path, shared, started};

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
    let _alone = shared();
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
    let _alone = shared();
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

/// Whether an addon has a right in all namespaces.
fn may(cluster: &Cluster, user: &str, verb: &str, what: &str) -> bool {
    let kubeconfig = cluster.folder().join(format!("{user}.kubeconfig"));
    // kubectl takes what follows a slash for a name.
    let (what, part) = what.split_once('/').unwrap_or((what, ""));
    let part = format!("--subresource={part}");
    let arguments =
        ["--kubeconfig", path(&kubeconfig), "auth", "can-i", verb, what, &part, "--all-namespaces"];
    cluster.control_plane().kubectl(&arguments).is_ok()
}

#[test]
fn addons_may_do_what_is_theirs_and_nothing_else() {
    let _alone = shared();
    let cluster = with_addons();
    for (user, verb, what) in [
        ("metrics-server", "get", "nodes/metrics"),
        ("metrics-server", "list", "pods"),
        ("csi-provisioner", "create", "persistentvolumes"),
        ("csi-resizer", "patch", "persistentvolumeclaims/status"),
        ("csi-snapshotter", "patch", "volumesnapshotcontents/status"),
        ("snapshot-controller", "create", "volumesnapshotcontents"),
    ] {
        assert!(may(&cluster, user, verb, what), "{user} {verb} {what}");
        assert!(!may(&cluster, user, "list", "secrets"), "{user}");
        assert!(!may(&cluster, user, "delete", "pods"), "{user}");
    }
}

const CSI: &str = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, namespace: csi }
spec: { storageClassName: csi-hostpath, accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Mi } } }
---
apiVersion: v1
kind: Pod
metadata: { name: writer, namespace: csi }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: writer
      image: IMAGE
      imagePullPolicy: Never
      command: [sh, -c, 'echo first > /data/file; exec labtool pause']
      volumeMounts: [{ name: data, mountPath: /data }]
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
";

const SNAPSHOT: &str = "
apiVersion: snapshot.storage.k8s.io/v1
kind: VolumeSnapshot
metadata: { name: kept, namespace: csi }
spec: { volumeSnapshotClassName: csi-hostpath, source: { persistentVolumeClaimName: data } }
";

const COPIES: &str = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: restored, namespace: csi }
spec:
  storageClassName: csi-hostpath
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 2Mi } }
  dataSource: { apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: kept }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: cloned, namespace: csi }
spec:
  storageClassName: csi-hostpath
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 2Mi } }
  dataSource: { kind: PersistentVolumeClaim, name: data }
---
apiVersion: v1
kind: Pod
metadata: { name: reader, namespace: csi }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: reader
      image: IMAGE
      imagePullPolicy: Never
      command: [labtool, pause]
      volumeMounts: [{ name: restored, mountPath: /restored }, { name: cloned, mountPath: /cloned }]
  volumes:
    - { name: restored, persistentVolumeClaim: { claimName: restored, readOnly: true } }
    - { name: cloned, persistentVolumeClaim: { claimName: cloned } }
";

/// Size of the pod's volume in KiB, as the pod sees it.
fn size_in_pod(namespace: &Namespace<'_>) -> String {
    let said = namespace.kubectl(&["exec", "writer", "--", "busybox", "df", "-kP", "/data"]);
    let last = said.lines().last().expect("a line");
    last.split_whitespace().nth(1).expect("a column").to_owned()
}

/// Writes so many KiB into the volume, and takes them away again.
fn write_in_pod(namespace: &Namespace<'_>, kib: u32) -> Result<String, bench_lab::KubectlError> {
    let script = format!(
        "busybox dd if=/dev/zero of=/data/more bs=1k count={kib}; code=$?; rm /data/more; exit $code"
    );
    namespace.try_kubectl(&["exec", "writer", "--", "sh", "-c", &script])
}

/// Volumes and snapshots that the driver has on disk.
fn n_on_disk(cluster: &Cluster, what: &str) -> usize {
    std::fs::read_dir(cluster.folder().join("node-1/csi").join(what)).expect("the driver's folder").count()
}

#[test]
fn a_csi_volume_is_resized_in_use_snapshotted_restored_cloned_and_removed() {
    let _alone = shared();
    let cluster = with_addons();
    let namespace = Namespace::new(&cluster, "csi");
    apply(&cluster, &CSI.replace("IMAGE", BUSYBOX));
    namespace.kubectl(&["wait", "--for=condition=Ready", "pod/writer", "--timeout=90s"]);
    assert_eq!(namespace.field("pvc/data", ".status.phase"), "Bound");
    assert_eq!(namespace.field("pvc/data", ".status.capacity.storage"), "1Mi");
    let volume = namespace.field("pvc/data", ".spec.volumeName");
    let driver = kubectl(&cluster, &["get", "pv", &volume, "-o", "jsonpath={.spec.csi.driver}"]);
    assert_eq!(driver, "hostpath.csi.lab.local");
    assert_eq!(namespace.kubectl(&["exec", "writer", "--", "cat", "/data/file"]), "first\n");
    assert_eq!(n_on_disk(&cluster, "volumes"), 1);
    assert_eq!(size_in_pod(&namespace), "1024");
    write_in_pod(&namespace, 500).expect("there is room");
    let full = write_in_pod(&namespace, 1500).expect_err("more than the claim");
    assert!(full.to_string().contains("No space left on device"), "{full}");

    let larger = r#"{"spec":{"resources":{"requests":{"storage":"2Mi"}}}}"#;
    namespace.kubectl(&["patch", "pvc/data", "-p", larger]);
    // csi-resizer asks the driver, and kubelet does when the pod's volume has it: only then the claim's status tells.
    eventually("the claim to be larger", || {
        (namespace.field("pvc/data", ".status.capacity.storage") == "2Mi").then_some(())
    });
    assert_eq!(kubectl(&cluster, &["get", "pv", &volume, "-o", "jsonpath={.spec.capacity.storage}"]), "2Mi");
    assert_eq!(size_in_pod(&namespace), "2048");
    write_in_pod(&namespace, 1500).expect("now there is room");
    assert_eq!(namespace.field("pod/writer", ".status.containerStatuses[0].restartCount"), "0");

    apply(&cluster, SNAPSHOT);
    eventually("the snapshot", || {
        (namespace.field("volumesnapshot/kept", ".status.readyToUse") == "true").then_some(())
    });
    namespace.kubectl(&["exec", "writer", "--", "sh", "-c", "echo second > /data/file"]);
    apply(&cluster, &COPIES.replace("IMAGE", BUSYBOX));
    namespace.kubectl(&["wait", "--for=condition=Ready", "pod/reader", "--timeout=90s"]);
    assert_eq!(namespace.kubectl(&["exec", "reader", "--", "cat", "/restored/file"]), "first\n");
    assert_eq!(namespace.kubectl(&["exec", "reader", "--", "cat", "/cloned/file"]), "second\n");
    assert!(namespace.try_kubectl(&["exec", "reader", "--", "touch", "/restored/new"]).is_err());
    namespace.kubectl(&["exec", "reader", "--", "touch", "/cloned/new"]);
    assert_eq!(namespace.kubectl(&["exec", "writer", "--", "ls", "/data"]), "file\n");

    namespace.kubectl(&["delete", "pods", "--all", "--grace-period=1"]);
    namespace.kubectl(&["delete", "volumesnapshot", "kept"]);
    namespace.kubectl(&["delete", "pvc", "--all"]);
    for what in ["volumes", "snapshots"] {
        eventually("the driver to remove them", || (n_on_disk(&cluster, what) == 0).then_some(()));
    }
}
