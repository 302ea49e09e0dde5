//! Headers that every request carries: who we are, to the server and as a program.
//!
//! Kube knows all ways to authenticate, and its layer may run a credential plugin or read a token file. Its
//! future would be boxed for each request; here it runs once when connecting and then at most every five
//! seconds beside the load, and requests copy the headers that it made. Kube renews tokens ten (files) or
//! sixty (plugins) seconds before they end, so five seconds of age are safe.
//!
//! A 401 has a plugin run or a token file read at once, as client-go does: a token may be revoked, and that of a
//! plugin may end without having said when. The request itself is not sent again.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bench_limiter::RunClock;
use bench_model::TimeNs;
use futures::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use kube::{
    Config,
    client::{AuthError, ConfigExt, middleware::AuthLayer},
};
use parking_lot::RwLock;
use tower::{Layer, ServiceExt, service_fn};

use crate::transport::JSON;

const REFRESH: Duration = Duration::from_secs(5);

/// Why there are no credentials. Never holds what a plugin printed or a file contains.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The plugin of the kubeconfig could not be started.
    #[error("failed to start the credential plugin of the kubeconfig")]
    PluginStart {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The plugin ended with an error.
    #[error("credential plugin `{command}` failed with {status}")]
    PluginFailed {
        /// Its name.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// A token file that cannot be read.
    #[error("failed to read token file {path}")]
    TokenFile {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Anything else, in words that hold no secret.
    #[error("the credentials of the kubeconfig cannot be used: {reason}")]
    Unusable {
        /// What is wrong with them.
        reason: &'static str,
    },
}

/// The headers of requests, kept fresh.
pub(crate) struct Credentials {
    /// Where they come from, when they can be loaded again with another result.
    renewable: Option<Config>,
    layer: RwLock<Option<AuthLayer>>,
    fixed: HeaderMap,
    current: RwLock<HeaderMap>,
    /// Run time in ns after which the next request has them renewed.
    refresh_at: AtomicI64,
    /// Run time in ns after which the next 401 has them loaded again.
    load_at: AtomicI64,
}

impl Credentials {
    /// Authenticates once. Must not run on the load runtime's thread: a credential plugin blocks it.
    pub(crate) fn new(config: &Config) -> Result<Self, CredentialsError> {
        let layer = RwLock::new(config.auth_layer().map_err(from_kube)?);
        let fixed = fixed_headers(config)?;
        let current = RwLock::new(fixed.clone());
        let [refresh_at, load_at] = [(); 2].map(|()| AtomicI64::new(i64::MIN));
        Ok(Self {
            renewable: is_renewable(config).then(|| config.clone()),
            layer,
            fixed,
            current,
            refresh_at,
            load_at,
        })
    }

    /// The headers to send; starts to renew them in the background when they are old.
    pub(crate) fn headers(self: &Arc<Self>, clock: &RunClock) -> HeaderMap {
        if is_due(&self.refresh_at, clock.now()) && self.layer.read().is_some() {
            let credentials = Arc::clone(self);
            // Ends by itself within one run of a credential plugin; its outcome is the headers.
            tokio::spawn(async move {
                if let Err(error) = credentials.refresh().await {
                    tracing::warn!(%error, "failed to renew credentials");
                }
            });
        }
        self.current.read().clone()
    }

    /// Notes that the server answered with 401; starts to load them again in the background.
    pub(crate) fn refused(self: &Arc<Self>, clock: &RunClock) {
        let Some(config) = self.renewable.as_ref().filter(|_| is_due(&self.load_at, clock.now())) else {
            return;
        };
        let (credentials, config) = (Arc::clone(self), config.clone());
        // Ends by itself as above.
        tokio::spawn(async move {
            if let Err(error) = credentials.load(config).await {
                tracing::warn!(%error, "failed to load credentials again after the server refused them");
            }
        });
    }

    async fn load(&self, config: Config) -> Result<(), CredentialsError> {
        // Credential plugins block.
        let layer = tokio::task::spawn_blocking(move || config.auth_layer().map_err(from_kube)).await;
        let layer = layer.map_err(|_| CredentialsError::Unusable { reason: "loading them panicked" })??;
        *self.layer.write() = layer;
        self.refresh().await
    }

    /// Asks kube for the authorization header of now.
    pub(crate) async fn refresh(&self) -> Result<(), CredentialsError> {
        let Some(caught) = self.caught() else { return Ok(()) };
        let value = caught.await.map_err(from_box)?;
        let mut headers = self.fixed.clone();
        if let Some(value) = value {
            headers.insert(header::AUTHORIZATION, value);
        }
        *self.current.write() = headers;
        Ok(())
    }

    /// The header that kube's layer puts on a request; `None` when there is no layer.
    fn caught(&self) -> Option<BoxFuture<'static, Result<Option<HeaderValue>, tower::BoxError>>> {
        let layer = self.layer.read();
        let layer = layer.as_ref()?;
        let catch = service_fn(|request: http::Request<http_body_util::Empty<bytes::Bytes>>| async move {
            Ok::<_, tower::BoxError>(http::Response::new(
                request.headers().get(header::AUTHORIZATION).cloned(),
            ))
        });
        let request = http::Request::new(http_body_util::Empty::new());
        // Boxed, because the compiler cannot prove that the unnamed type is `Send` across an await.
        Some(layer.layer(catch).oneshot(request).map_ok(http::Response::into_body).boxed())
    }
}

/// Whether it is time again; at most once in [`REFRESH`].
fn is_due(at: &AtomicI64, now: TimeNs) -> bool {
    let due = at.load(Ordering::Relaxed);
    let next = (now + REFRESH).0;
    now.0 >= due && at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

fn is_renewable(config: &Config) -> bool {
    let user = &config.auth_info;
    // An inline token goes before the others.
    user.token.is_none() && (user.exec.is_some() || user.token_file.is_some() || user.auth_provider.is_some())
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

fn fixed_headers(config: &Config) -> Result<HeaderMap, CredentialsError> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::ACCEPT, HeaderValue::from_static(JSON));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers
        .insert(header::USER_AGENT, HeaderValue::from_static(concat!("bench/", env!("CARGO_PKG_VERSION"))));
    for (name, value) in &config.headers {
        headers.append(name.clone(), value.clone());
    }
    let user = &config.auth_info;
    let mut add = |name: &str, value: &str| {
        let unusable = || CredentialsError::Unusable {
            reason: "a name to act as has characters that no header may have",
        };
        let name = HeaderName::try_from(name).map_err(|_| unusable())?;
        headers.append(name, HeaderValue::from_str(value).map_err(|_| unusable())?);
        Ok(())
    };
    if let Some(name) = &user.impersonate {
        add("impersonate-user", name)?;
    }
    if let Some(uid) = &user.impersonate_uid {
        add("impersonate-uid", uid)?;
    }
    for group in user.impersonate_groups.iter().flatten() {
        add("impersonate-group", group)?;
    }
    for (key, values) in user.impersonate_user_extra.iter().flatten() {
        for value in values {
            add(&format!("impersonate-extra-{}", key.replace('/', "%2f")), value)?;
        }
    }
    Ok(headers)
}

pub(crate) fn from_kube(error: kube::Error) -> CredentialsError {
    match error {
        kube::Error::Auth(error) => from_auth(error),
        _ => CredentialsError::Unusable { reason: "a certificate or key is not valid" },
    }
}

fn from_box(error: tower::BoxError) -> CredentialsError {
    match error.downcast::<AuthError>() {
        Ok(error) => from_auth(*error),
        Err(_) => CredentialsError::Unusable { reason: "no token could be had" },
    }
}

fn from_auth(error: AuthError) -> CredentialsError {
    match error {
        AuthError::AuthExecStart(source) => CredentialsError::PluginStart { source },
        // `cmd` is the whole command line: arguments may be secrets.
        AuthError::AuthExecRun { cmd, out } => {
            let command = cmd.split_whitespace().next().unwrap_or_default().trim_matches('"').to_owned();
            CredentialsError::PluginFailed { command, status: out.status }
        }
        AuthError::ReadTokenFile(source, path) => CredentialsError::TokenFile { path, source },
        AuthError::InvalidBasicAuth(_) => {
            CredentialsError::Unusable { reason: "user or password is not valid" }
        }
        AuthError::InvalidBearerToken(_) => CredentialsError::Unusable { reason: "the token is not valid" },
        AuthError::ExecPluginFailed | AuthError::AuthExecParse(_) => {
            CredentialsError::Unusable { reason: "the credential plugin did not print an ExecCredential" }
        }
        AuthError::MissingCommand => {
            CredentialsError::Unusable { reason: "the credential plugin has no command" }
        }
        AuthError::ExecMissingClusterInfo => {
            CredentialsError::Unusable { reason: "the credential plugin wants to know the cluster" }
        }
        _ => CredentialsError::Unusable { reason: "they could not be loaded" },
    }
}
