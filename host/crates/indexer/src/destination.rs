//! Where documents go, and how to log in there.

use std::{fmt, io, path::PathBuf, time::Duration};

/// How to log in; what is secret in it is in no message.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Login {
    /// Not at all.
    #[default]
    None,
    /// Basic authentication.
    Basic {
        /// User name.
        username: String,
        /// Secret.
        password: String,
    },
    /// `Authorization: Bearer` with this secret.
    Bearer(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Basic { username, .. } => f.debug_tuple("Basic").field(username).finish(),
            Self::Bearer(_) => f.write_str("Bearer"),
        }
    }
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// With the path in front of `/_bulk`, if there is one.
    pub url: String,
    /// How to log in.
    pub login: Login,
    /// PEM file of its authority; none: the system's authorities.
    pub ca_file: Option<PathBuf>,
    /// For one request.
    pub timeout: Duration,
}

/// Why nothing can be sent there.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// Not an `http://` or `https://` URL.
    #[error("the URL of OpenSearch is not an http or https URL")]
    Url,
    /// A secret where everyone can read it.
    #[error("the URL of OpenSearch holds a user or password, which belong into a file or the environment")]
    SecretInUrl,
    /// A token or password that no header can hold.
    #[error("the secret for OpenSearch has characters that no header may have")]
    Secret,
    /// A certificate file that cannot be read.
    #[error("failed to read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file without a certificate.
    #[error("{path} has no certificate in PEM")]
    Pem {
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("failed to set up TLS for OpenSearch")]
    Tls {
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}
