//! Where a Prometheus is, and how to log in there.

use std::{io, path::PathBuf, time::Duration};

/// How to log in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer` with the file's text.
    BearerTokenFile(PathBuf),
    /// Basic authentication.
    Basic {
        /// User name.
        username: String,
        /// File with the password.
        password_file: PathBuf,
    },
    /// TLS client certificate.
    ClientCertificate {
        /// PEM file.
        certificate_file: PathBuf,
        /// PEM file.
        key_file: PathBuf,
    },
}

/// Where a Prometheus is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name in the scenario; for messages.
    pub name: String,
    /// With the path in front of `/api/v1`, if there is one.
    pub url: String,
    /// How to log in.
    pub auth: Auth,
    /// PEM file; none: the system's authorities.
    pub ca_file: Option<PathBuf>,
    /// For one query.
    pub timeout: Duration,
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Not an `http://` or `https://` URL.
    #[error("the URL of Prometheus `{name}` is not an http or https URL")]
    Url {
        /// The endpoint.
        name: String,
    },
    /// A secret where everyone can read it.
    #[error("the URL of Prometheus `{name}` holds a user or password, which belong into `auth`")]
    SecretInUrl {
        /// The endpoint.
        name: String,
    },
    /// A certificate or key file that cannot be read.
    #[error("failed to read {path} for Prometheus `{name}`")]
    Read {
        /// The endpoint.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file without a usable certificate or key.
    #[error("{path} has no usable PEM for Prometheus `{name}`")]
    Pem {
        /// The endpoint.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("failed to set up TLS for Prometheus `{name}`")]
    Tls {
        /// The endpoint.
        name: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}
