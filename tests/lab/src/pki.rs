//! Certificates of one lab: an authority of its own and one identity for each program and user.
//!
//! ECDSA P-256 throughout: made in about a millisecond each, and accepted for service account tokens too (ES256).
//! The keys are worth nothing outside of the lab; they are still written readable by the owner only.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

/// Reasons for which the certificates cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A certificate or key could not be made.
    #[error("failed to make the certificate of `{name}`")]
    Make {
        /// Common name of the certificate.
        name: String,
        /// What the library said.
        #[source]
        source: rcgen::Error,
    },
    /// A certificate or key could not be written.
    #[error("failed to write {path}")]
    Write {
        /// Path of the file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A certificate with its key, both as PEM.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Paths of an identity that was written down.
#[derive(Debug, Clone)]
pub(crate) struct IdentityFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The certificate authority of one lab.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    identity: Identity,
}

impl Authority {
    pub(crate) fn new() -> Result<Self, PkiError> {
        let make_error = |source| PkiError::Make { name: "lab-ca".to_owned(), source };
        let mut params = params("lab-ca", None, &[]).map_err(make_error)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(make_error)?;
        let certificate = params.self_signed(&key).map_err(make_error)?;
        let identity = Identity { certificate: certificate.pem(), key: key.serialize_pem() };
        Ok(Self { issuer: Issuer::new(params, key), identity })
    }

    /// The authority's own certificate and key.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Signs a new identity, good as server (for `hosts`) and as client (user `name`, group `group`).
    pub(crate) fn sign(&self, name: &str, group: Option<&str>, hosts: &[&str]) -> Result<Identity, PkiError> {
        let make_error = |source| PkiError::Make { name: name.to_owned(), source };
        let mut params = params(name, group, hosts).map_err(make_error)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().map_err(make_error)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(make_error)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Identity {
    /// Writes `name.crt` and `name.key` into `folder`.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> Result<IdentityFiles, PkiError> {
        let files = IdentityFiles {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
        };
        write_private(&files.certificate, &self.certificate)?;
        write_private(&files.key, &self.key)?;
        Ok(files)
    }
}

/// Makes the key pair that signs service account tokens; writes `sa.key` and `sa.pub` into `folder`.
pub(crate) fn write_service_account_keys(folder: &Path) -> Result<(PathBuf, PathBuf), PkiError> {
    let key = KeyPair::generate()
        .map_err(|source| PkiError::Make { name: "service accounts".to_owned(), source })?;
    let (private, public) = (folder.join("sa.key"), folder.join("sa.pub"));
    write_private(&private, &key.serialize_pem())?;
    write_private(&public, &key.public_key_pem())?;
    Ok((private, public))
}

/// Writes a file that only its owner may read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), PkiError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|source| PkiError::Write { path: path.to_owned(), source })
}

fn params(name: &str, group: Option<&str>, hosts: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    Ok(params)
}
