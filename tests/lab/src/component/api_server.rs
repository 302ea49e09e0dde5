//! kube-apiserver: RBAC, API priority and fairness as by default.

use super::setup::path_flag;
use super::{Component, Setup, Site};
use crate::network::SERVICE_RANGE;

pub(super) fn arguments(setup: &Setup) -> Vec<String> {
    let serving = setup.identity("kube-apiserver");
    let front_proxy = setup.identity("front-proxy");
    let ca = setup.pki_file("ca.crt");
    let address = setup.address(Component::ApiServer);
    // A loopback address is not valid in the `kubernetes` Endpoints, so nobody writes them then.
    let reconciler = match setup.site {
        Site::Loopback => "none",
        Site::Own { .. } => "lease",
    };
    vec![
        format!("--bind-address={}", address.ip()),
        format!("--advertise-address={}", address.ip()),
        format!("--secure-port={}", address.port()),
        format!("--endpoint-reconciler-type={reconciler}"),
        format!("--etcd-servers=https://{}", setup.address(Component::Etcd)),
        path_flag("etcd-cafile", &ca),
        path_flag("etcd-certfile", &serving.certificate),
        path_flag("etcd-keyfile", &serving.key),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged=true".to_owned(),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        path_flag("kubelet-client-certificate", &serving.certificate),
        path_flag("kubelet-client-key", &serving.key),
        path_flag("kubelet-certificate-authority", &ca),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        path_flag("service-account-key-file", &setup.pki_file("sa.pub")),
        path_flag("service-account-signing-key-file", &setup.pki_file("sa.key")),
        path_flag("tls-cert-file", &serving.certificate),
        path_flag("tls-private-key-file", &serving.key),
        path_flag("client-ca-file", &ca),
        path_flag("requestheader-client-ca-file", &ca),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        path_flag("proxy-client-cert-file", &front_proxy.certificate),
        path_flag("proxy-client-key-file", &front_proxy.key),
    ]
}

pub(super) fn is_ready(setup: &Setup) -> bool {
    setup.answers(Component::ApiServer, "/readyz")
}
