//! etcd: one member, clients only with a certificate of this lab.
//!
//! TLS is not for secrecy: without it, kube-apiserver would take another lab's etcd for its own if a port were lost
//! to that lab between choosing and binding it.

use super::setup::path_flag;
use super::{Component, Setup};
use crate::options::Durability;

pub(super) fn arguments(setup: &Setup) -> Vec<String> {
    let address = setup.address(Component::Etcd);
    let identity = setup.identity("etcd");
    let mut arguments = vec![
        "--name=lab".to_owned(),
        path_flag("data-dir", &setup.folder.path().join("etcd")),
        format!("--listen-client-urls=https://{address}"),
        format!("--advertise-client-urls=https://{address}"),
        // A single member has no peers; it listens for them all the same, on a port that nobody has to know.
        "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
        "--initial-advertise-peer-urls=http://127.0.0.1:2380".to_owned(),
        "--initial-cluster=lab=http://127.0.0.1:2380".to_owned(),
        path_flag("cert-file", &identity.certificate),
        path_flag("key-file", &identity.key),
        path_flag("trusted-ca-file", &setup.pki_file("ca.crt")),
        "--client-cert-auth".to_owned(),
        "--quota-backend-bytes=4294967296".to_owned(),
        "--auto-compaction-mode=periodic".to_owned(),
        "--auto-compaction-retention=5m".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    match setup.options.durability {
        Durability::Fsync => {}
        Durability::NoFsync => arguments.push("--unsafe-no-fsync".to_owned()),
    }
    arguments
}

pub(super) fn is_ready(setup: &Setup) -> bool {
    setup.answers(Component::Etcd, "/health")
}
