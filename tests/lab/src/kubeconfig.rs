//! Kubeconfig files with everything inside: server, authority, certificate and key.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use crate::pki::Identity;

/// Text of a kubeconfig (JSON, which every YAML reader takes) for `user` on `https://server`.
pub(crate) fn text(server: SocketAddr, authority: &Identity, user: &str, identity: &Identity) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "lab", "cluster": {
            "server": format!("https://{server}"),
            "certificate-authority-data": BASE64.encode(&authority.certificate),
        }}],
        "users": [{ "name": user, "user": {
            "client-certificate-data": BASE64.encode(&identity.certificate),
            "client-key-data": BASE64.encode(&identity.key),
        }}],
        "contexts": [{ "name": "lab", "context": { "cluster": "lab", "user": user } }],
        "current-context": "lab",
    });
    format!("{config:#}\n")
}
