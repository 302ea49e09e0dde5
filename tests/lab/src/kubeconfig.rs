//! Kubeconfig files with everything inside: server, authority, certificate and key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use crate::pki::Identity;

/// Text of a kubeconfig (JSON, which every YAML reader takes) for `user` on `https://127.0.0.1:port`.
pub(crate) fn text(port: u16, authority: &Identity, user: &str, identity: &Identity) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "lab", "cluster": {
            "server": format!("https://127.0.0.1:{port}"),
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
