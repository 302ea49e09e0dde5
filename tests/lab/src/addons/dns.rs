//! CoreDNS: a Deployment of one pod behind the address that kubelets give to pods.

use serde_json::{Value, json};

use super::DNS_ADDRESS;
use crate::component::Setup;
use crate::control_plane::StartError;
use crate::nodes;

/// Name of its image, made from the program in the cache.
pub(crate) const IMAGE: &str = "lab.local/coredns:1";

/// Answers for the cluster's names only: nothing in a lab asks outside.
const COREFILE: &str = ".:53 {\n  errors\n  ready\n  kubernetes cluster.local in-addr.arpa\n  cache 5\n}\n";

pub(crate) fn install(setup: &Setup) -> Result<(), StartError> {
    for (path, object) in objects() {
        nodes::post(setup, path, &object)?;
    }
    Ok(())
}

pub(crate) fn is_ready(setup: &Setup) -> bool {
    super::is_available(setup, "kube-system", "coredns")
}

fn objects() -> [(&'static str, Value); 6] {
    let account = json!({ "kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system" });
    [
        (
            "/api/v1/namespaces/kube-system/serviceaccounts",
            json!({ "kind": "ServiceAccount", "apiVersion": "v1", "metadata": { "name": "coredns" } }),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": { "name": "lab-coredns" },
                "rules": [
                    { "apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"] },
                    { "apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"] },
                ],
            }),
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": { "name": "lab-coredns" },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "lab-coredns" },
                "subjects": [account],
            }),
        ),
        (
            "/api/v1/namespaces/kube-system/configmaps",
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "name": "coredns" },
                "data": { "Corefile": COREFILE },
            }),
        ),
        ("/apis/apps/v1/namespaces/kube-system/deployments", deployment()),
        (
            "/api/v1/namespaces/kube-system/services",
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": { "name": "kube-dns" },
                "spec": {
                    "clusterIP": DNS_ADDRESS,
                    "selector": { "k8s-app": "kube-dns" },
                    "ports": [
                        { "name": "dns", "port": 53, "protocol": "UDP" },
                        { "name": "dns-tcp", "port": 53, "protocol": "TCP" },
                    ],
                },
            }),
        ),
    ]
}

fn deployment() -> Value {
    let labels = json!({ "k8s-app": "kube-dns" });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": "coredns" },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "serviceAccountName": "coredns",
                    "dnsPolicy": "Default",
                    // Never on a fake node.
                    "nodeSelector": { "kubernetes.io/hostname": "node-1" },
                    "containers": [{
                        "name": "coredns",
                        "image": IMAGE,
                        "imagePullPolicy": "Never",
                        "args": ["-conf", "/etc/coredns/Corefile"],
                        "volumeMounts": [{ "name": "config", "mountPath": "/etc/coredns" }],
                        "readinessProbe": { "httpGet": { "path": "/ready", "port": 8181 }, "periodSeconds": 1 },
                    }],
                    "volumes": [{ "name": "config", "configMap": { "name": "coredns" } }],
                },
            },
        },
    })
}
