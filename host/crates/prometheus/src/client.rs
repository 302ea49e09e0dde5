//! One Prometheus endpoint: its connections and its two kinds of queries.
//!
//! Secrets are in files only, read anew for each query so that rotated ones work, and are in no message.
//! Queries pass the run-wide limiter as every other request does.

use std::{fmt, io, path::Path, time::Duration};

use bench_limiter::{Limiter, RunClock};
use bench_model::TimeNs;
use bytes::BytesMut;
use reqwest::{
    Certificate, Client, Identity, RequestBuilder, Response, Url,
    header::{CONTENT_TYPE, HeaderValue},
    redirect,
};

use crate::{
    answer::{self, Answer, AnswerError, MAX_POINTS, MAX_SERIES, Series},
    endpoint::{Auth, Endpoint, EndpointError},
    query_error::QueryError,
};

/// Bytes of one answer; more is an error.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Secrets are short; a larger file is the wrong one.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// A Prometheus that can be asked; clones share connections.
#[derive(Clone)]
pub struct Prometheus {
    name: String,
    base: String,
    auth: Auth,
    timeout: Duration,
    client: Client,
    clock: RunClock,
    limiter: Limiter,
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prometheus").field(&self.name).finish()
    }
}

impl Prometheus {
    /// Prepares an endpoint; nothing is sent yet.
    ///
    /// # Errors
    /// When the URL is none, or a certificate or key cannot be used. Not when the server is not there.
    pub fn new(endpoint: Endpoint, clock: RunClock, limiter: Limiter) -> Result<Self, EndpointError> {
        let Endpoint { name, url, auth, ca_file, timeout } = endpoint;
        // Fails only when another provider was installed before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url =
            Url::parse(&url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| EndpointError::Url { name: name.clone() })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::SecretInUrl { name });
        }
        let base = url.as_str().split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_owned();
        let mut builder = Client::builder()
            .user_agent(concat!("bench/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            // A redirected POST would lose its body, and a token its addressee.
            .redirect(redirect::Policy::none());
        if let Some(path) = &ca_file {
            let pem = read(&name, path)?;
            let certificates = Certificate::from_pem_bundle(&pem).ok().filter(|found| !found.is_empty());
            builder = builder.tls_certs_only(certificates.ok_or_else(|| pem_error(&name, path))?);
        }
        if let Auth::ClientCertificate { certificate_file, key_file } = &auth {
            let mut pem = read(&name, certificate_file)?;
            pem.push(b'\n');
            pem.extend(read(&name, key_file)?);
            builder =
                builder.identity(Identity::from_pem(&pem).map_err(|_| pem_error(&name, certificate_file))?);
        }
        let client = builder.build().map_err(|source| EndpointError::Tls { name: name.clone(), source })?;
        Ok(Self { name, base, auth, timeout, client, clock, limiter })
    }

    /// Its name in the scenario.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Evaluates an expression at one moment. An empty answer is no error.
    ///
    /// # Errors
    /// When Prometheus refuses it, does not answer, or answers with too much.
    pub async fn instant(&self, expr: &str, at: TimeNs) -> Result<Vec<Series>, QueryError> {
        let form = form(&[("query", expr), ("time", &self.seconds(at))]);
        self.ask("/api/v1/query", form).await
    }

    /// Evaluates an expression at every step from `start` to `end`, both included.
    ///
    /// # Errors
    /// As [`Prometheus::instant`], and when there would be more than 11,000 steps, Prometheus' own limit.
    pub async fn range(
        &self,
        expr: &str,
        start: TimeNs,
        end: TimeNs,
        step: Duration,
    ) -> Result<Vec<Series>, QueryError> {
        let invalid = |message: &str| QueryError::InvalidArgument { message: message.to_owned() };
        // Prometheus counts in milliseconds.
        if step < Duration::from_millis(1) {
            return Err(invalid("the step of a range must be at least 1 ms"));
        }
        if end < start {
            return Err(invalid("a range must not end before it starts"));
        }
        if u128::from(end.since(start)) / step.as_nanos() >= 11_000 {
            return Err(invalid("a range has at most 11000 steps"));
        }
        let step = format!("{:.3}", step.as_secs_f64());
        let (start, end) = (self.seconds(start), self.seconds(end));
        let form = form(&[("query", expr), ("start", &start), ("end", &end), ("step", &step)]);
        self.ask("/api/v1/query_range", form).await
    }

    fn seconds(&self, at: TimeNs) -> String {
        let millis = self.clock.unix_ns(at).div_euclid(1_000_000);
        format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
    }

    async fn ask(&self, path: &str, form: String) -> Result<Vec<Series>, QueryError> {
        let request = self.client.post(format!("{}{path}", self.base)).body(form);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = self.log_in(request).await?;
        self.limiter.acquire().await;
        let answer = request.send().await.map_err(|error| self.transport(error))?;
        let http_status = answer.status().as_u16();
        let body = self.body(answer).await?;
        let name = || self.name.clone();
        match answer::parse(&body, &self.clock) {
            Ok(Answer::Series(series)) if http_status < 300 => Ok(series),
            Ok(Answer::Error { kind, message }) => {
                Err(QueryError::Refused { name: name(), http_status, kind, message })
            }
            Err(AnswerError::TooManySeries) => {
                Err(QueryError::TooLarge { name: name(), limit: MAX_SERIES, what: "series" })
            }
            Err(AnswerError::TooManyPoints) => {
                Err(QueryError::TooLarge { name: name(), limit: MAX_POINTS, what: "points" })
            }
            Err(AnswerError::NotNumbers) => Err(QueryError::InvalidArgument {
                message: "the expression gives a text, not numbers".to_owned(),
            }),
            Ok(Answer::Series(_)) | Err(AnswerError::Malformed) => {
                Err(QueryError::NotPrometheus { name: name(), http_status })
            }
        }
    }

    async fn log_in(&self, request: RequestBuilder) -> Result<RequestBuilder, QueryError> {
        Ok(match &self.auth {
            Auth::None | Auth::ClientCertificate { .. } => request,
            Auth::BearerTokenFile(path) => {
                let token = self.secret(path).await?;
                let value = HeaderValue::from_str(&format!("Bearer {token}"));
                let mut value =
                    value.map_err(|_| self.bad_secret(path, "it has characters that no header may have"))?;
                value.set_sensitive(true);
                request.header("authorization", value)
            }
            Auth::Basic { username, password_file } => {
                request.basic_auth(username, Some(self.secret(password_file).await?))
            }
        })
    }

    async fn secret(&self, path: &Path) -> Result<String, QueryError> {
        let failed = |source| QueryError::Secret { name: self.name.clone(), path: path.to_owned(), source };
        let size = tokio::fs::metadata(path).await.map_err(failed)?.len();
        if size > MAX_SECRET_BYTES {
            return Err(self.bad_secret(path, "it is larger than 64 KiB"));
        }
        let text = tokio::fs::read_to_string(path).await.map_err(failed)?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn bad_secret(&self, path: &Path, what: &str) -> QueryError {
        let source = io::Error::new(io::ErrorKind::InvalidData, what);
        QueryError::Secret { name: self.name.clone(), path: path.to_owned(), source }
    }

    async fn body(&self, mut answer: Response) -> Result<BytesMut, QueryError> {
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.transport(error))? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(QueryError::TooLarge {
                    name: self.name.clone(),
                    limit: MAX_BYTES,
                    what: "bytes",
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Without the URL, which says nothing that the name does not.
    fn transport(&self, error: reqwest::Error) -> QueryError {
        let name = self.name.clone();
        if error.is_timeout() {
            return QueryError::Timeout { name, after: self.timeout };
        }
        QueryError::Unreachable { name, source: error.without_url() }
    }
}

fn read(name: &str, path: &Path) -> Result<Vec<u8>, EndpointError> {
    std::fs::read(path).map_err(|source| EndpointError::Read {
        name: name.to_owned(),
        path: path.to_owned(),
        source,
    })
}

fn pem_error(name: &str, path: &Path) -> EndpointError {
    EndpointError::Pem { name: name.to_owned(), path: path.to_owned() }
}

/// `application/x-www-form-urlencoded`
fn form(pairs: &[(&str, &str)]) -> String {
    // Any URL will do: only its query is used.
    let Ok(mut url) = Url::parse("http://form/") else { return String::new() };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}
