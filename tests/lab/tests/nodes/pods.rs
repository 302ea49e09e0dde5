//! Containers, services and network policies: that the nodes are real ones.

use bench_lab::BUSYBOX;

use super::lab::{Namespace, apply, eventually, shared};

const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: real-pods, labels: { app: web } }
spec:
  terminationGracePeriodSeconds: 1
  initContainers:
    - { name: first, image: IMAGE, imagePullPolicy: Never, command: [sh, -c, 'echo before > /shared/file'], volumeMounts: [{ name: shared, mountPath: /shared }] }
  containers:
    - name: web
      image: IMAGE
      imagePullPolicy: Never
      command: [sh, -c, 'echo it starts; cat /shared/file; exec labtool serve :8080']
      readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 1 }
      volumeMounts: [{ name: shared, mountPath: /shared }]
  volumes: [{ name: shared, emptyDir: {} }]
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: real-pods, labels: { app: client } }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: client, image: IMAGE, imagePullPolicy: Never, command: [labtool, pause] }]
---
apiVersion: v1
kind: Pod
metadata: { name: failing, namespace: real-pods }
spec:
  restartPolicy: OnFailure
  containers: [{ name: failing, image: IMAGE, imagePullPolicy: Never, command: [labtool, exit, '0', '3'] }]
---
apiVersion: batch/v1
kind: Job
metadata: { name: once, namespace: real-pods }
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: once, image: IMAGE, imagePullPolicy: Never, command: [labtool, exit, '0', '0'] }]
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: real-pods }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
";

const POLICY: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: deny, namespace: real-pods }
spec: { podSelector: { matchLabels: { app: web } }, policyTypes: [Ingress] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: allow, namespace: real-pods }
spec:
  podSelector: { matchLabels: { app: web } }
  ingress: [{ from: [{ podSelector: { matchLabels: { let-in: 'yes' } } }], ports: [{ port: 8080 }] }]
";

#[test]
fn containers_run_speak_fail_and_are_reached_unless_a_policy_forbids_it() {
    let cluster = shared();
    let namespace = Namespace::new(&cluster, "real-pods");
    apply(&cluster, &PODS.replace("IMAGE", BUSYBOX));
    namespace.kubectl(&["wait", "--for=condition=Ready", "pod/web", "pod/client", "--timeout=60s"]);
    assert_eq!(namespace.kubectl(&["logs", "web"]), "it starts\nbefore\n");
    assert_eq!(namespace.kubectl(&["exec", "web", "--", "hostname"]), "web\n");
    namespace.kubectl(&["wait", "--for=condition=Complete", "job/once", "--timeout=60s"]);
    eventually("a restart", || {
        let restarts = namespace.field("pod/failing", ".status.containerStatuses[0].restartCount");
        restarts.parse::<u32>().ok().filter(|&n| n > 0)
    });

    let ask = |url: &str| namespace.try_kubectl(&["exec", "client", "--", "labtool", "get", url]);
    let pod = format!("http://{}:8080/", namespace.field("pod/web", ".status.podIP"));
    let service = format!("http://{}/", namespace.field("service/web", ".spec.clusterIP"));
    let node = namespace.field("pod/web", ".status.hostIP");
    let node_port = format!("http://{node}:{}/", namespace.field("service/web", ".spec.ports[0].nodePort"));
    for url in [&pod, &service, &node_port] {
        let answer = eventually(url, || ask(url).ok());
        assert_eq!(answer, "200 web\n", "{url}");
    }

    apply(&cluster, POLICY);
    eventually("packets to be dropped", || ask(&pod).is_err().then_some(()));
    assert!(ask(&service).is_err());
    namespace.kubectl(&["label", "pod", "client", "let-in=yes"]);
    eventually("an allowed packet", || ask(&pod).ok());
    namespace.kubectl(&["wait", "--for=condition=Ready", "pod/web", "--timeout=5s"]);
}
