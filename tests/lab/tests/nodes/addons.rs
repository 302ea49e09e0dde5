//! Names in DNS, and volumes that are made on demand.

use bench_lab::{Addons, BUSYBOX, ClusterOptions};

use crate::lab::{Namespace, apply, eventually, options, shared, started};

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

#[test]
fn a_service_has_a_name_and_a_claim_gets_a_volume() {
    let Some(_shared) = shared() else { return };
    let cluster = started(&ClusterOptions { addons: Addons::DnsAndVolumes, ..options() });
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
