//! The part of a kubeconfig that the lab writes: JSON with certificates inside.

use std::path::Path;

use anyhow::Context;
use base64::Engine as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::Value;

/// Server and certificates.
pub struct Kubeconfig {
    /// URL without a slash at the end.
    pub server: String,
    /// Whom to trust.
    pub authority: CertificateDer<'static>,
    /// Who we are.
    pub certificate: CertificateDer<'static>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
}

impl Kubeconfig {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is no JSON, or has no certificates inside.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let config: Value = serde_json::from_str(&text)?;
        let text = |at: &str| {
            config.pointer(at).and_then(Value::as_str).with_context(|| format!("the kubeconfig has no {at}"))
        };
        let pem = |at: &str| -> anyhow::Result<Vec<u8>> {
            Ok(base64::engine::general_purpose::STANDARD.decode(text(at)?)?)
        };
        let authority = pem("/clusters/0/cluster/certificate-authority-data")?;
        let certificate = pem("/users/0/user/client-certificate-data")?;
        let key = pem("/users/0/user/client-key-data")?;
        Ok(Self {
            server: text("/clusters/0/cluster/server")?.to_owned(),
            authority: CertificateDer::from_pem_slice(&authority)?,
            certificate: CertificateDer::from_pem_slice(&certificate)?,
            key: PrivateKeyDer::from_pem_slice(&key)?,
        })
    }
}
