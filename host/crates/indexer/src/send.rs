//! The bulk requests themselves, one after the other.

use std::{path::Path, time::Duration};

use reqwest::{
    Certificate, Client, RequestBuilder, Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
    redirect,
};

use crate::{
    AnswerError, Destination, DestinationError, Document, IndexName, Login, Rejection,
    answer::{self, Items},
    document::{Batch, batches},
};

/// Bytes of one answer; more is an error. An item is about 200.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// What was stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// Documents that were not there before.
    pub created: u64,
    /// Documents that were there with the same content.
    pub replaced: u64,
}

/// Not all documents were stored.
#[derive(Debug, thiserror::Error)]
#[error("{stored} of {documents} documents were stored")]
pub struct SendError {
    /// Documents that are known to be stored.
    pub stored: u64,
    /// Documents that were to be.
    pub documents: u64,
    /// What went wrong.
    #[source]
    pub cause: Cause,
}

/// Why a document was not stored.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No connection, or it broke.
    #[error("failed to reach OpenSearch")]
    Unreachable {
        /// Why, without the URL.
        #[source]
        source: reqwest::Error,
    },
    /// No answer in time. The documents of this request may be stored all the same.
    #[error("OpenSearch did not answer within {} s", after.as_secs())]
    Timeout {
        /// How long it had.
        after: Duration,
    },
    /// The request was refused as a whole.
    #[error("OpenSearch refused with {http_status}: {message}")]
    Refused {
        /// HTTP status.
        http_status: u16,
        /// Its own words.
        message: String,
    },
    /// An answer that does not say what became of the documents.
    #[error("OpenSearch answered, but not as the bulk API does")]
    Answer {
        /// What is wrong with it.
        #[source]
        source: AnswerError,
    },
    /// An answer without end.
    #[error("the answer of OpenSearch is larger than {limit} bytes")]
    TooLarge {
        /// Bytes that are read.
        limit: usize,
    },
    /// Single documents were refused.
    #[error("OpenSearch refused documents: {}", all(rejections))]
    Rejected {
        /// By reason, never empty.
        rejections: Vec<Rejection>,
    },
}

fn all(rejections: &[Rejection]) -> String {
    rejections.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Sends to one server.
#[derive(Debug)]
pub struct Indexer {
    url: Url,
    login: Login,
    timeout: Duration,
    client: Client,
}

impl Indexer {
    /// Prepares it; nothing is sent yet.
    ///
    /// # Errors
    /// When the URL is none, or the file of the authority or the secret cannot be used. Not when the server is not there.
    pub fn new(destination: Destination) -> Result<Self, DestinationError> {
        let Destination { url, login, ca_file, timeout } = destination;
        // Fails only when another provider was installed before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut url = Url::parse(&url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or(DestinationError::Url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(DestinationError::SecretInUrl);
        }
        url.set_path(&format!("{}/_bulk", url.path().trim_end_matches('/')));
        url.set_query(None);
        url.set_fragment(None);
        let mut headers = HeaderMap::new();
        if let Login::Bearer(token) = &login {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let mut builder = Client::builder()
            .user_agent(concat!("bench/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .default_headers(headers)
            // A redirected POST would lose its body, and a secret its addressee.
            .redirect(redirect::Policy::none());
        if let Some(path) = &ca_file {
            builder = builder.tls_certs_only(certificates(path)?);
        }
        let client = builder.build().map_err(|source| DestinationError::Tls { source })?;
        Ok(Self { url, login, timeout, client })
    }

    /// Stores all documents in an index.
    ///
    /// # Errors
    /// When any of them was not stored, with how many were. A request that fails as a whole is the last one; after
    /// one in which single documents were refused, the others are sent all the same.
    pub async fn send(&self, index: &IndexName, documents: &[Document]) -> Result<Stored, SendError> {
        let mut items = Items::default();
        let failed = |items: &Items, cause| SendError {
            stored: items.created + items.replaced,
            documents: documents.len() as u64,
            cause,
        };
        for batch in batches(index, documents) {
            match self.post(batch).await {
                Ok(stored) => items.merge(stored),
                Err(cause) => return Err(failed(&items, cause)),
            }
        }
        if !items.rejected.is_empty() {
            let rejections = items.rejected.values().cloned().collect();
            return Err(failed(&items, Cause::Rejected { rejections }));
        }
        Ok(Stored { created: items.created, replaced: items.replaced })
    }

    async fn post(&self, batch: Batch<'_>) -> Result<Items, Cause> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/x-ndjson");
        let answer = self.log_in(request).body(batch.body).send().await;
        let answer = answer.map_err(|error| self.transport(error))?;
        let status = answer.status();
        let body = self.body(answer).await?;
        if !status.is_success() {
            let message = answer::reason(&body);
            return Err(Cause::Refused { http_status: status.as_u16(), message });
        }
        answer::parse(&body, batch.documents).map_err(|source| Cause::Answer { source })
    }

    fn log_in(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.login {
            Login::Basic { username, password } => request.basic_auth(username, Some(password)),
            // A bearer is in the headers of every request.
            Login::None | Login::Bearer(_) => request,
        }
    }

    async fn body(&self, mut answer: Response) -> Result<Vec<u8>, Cause> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.transport(error))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(Cause::TooLarge { limit: MAX_ANSWER_BYTES });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn transport(&self, error: reqwest::Error) -> Cause {
        if error.is_timeout() {
            return Cause::Timeout { after: self.timeout };
        }
        Cause::Unreachable { source: error.without_url() }
    }
}

fn bearer(token: &str) -> Result<HeaderValue, DestinationError> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| DestinationError::Secret)?;
    value.set_sensitive(true);
    Ok(value)
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, DestinationError> {
    let pem =
        std::fs::read(path).map_err(|source| DestinationError::Read { path: path.to_owned(), source })?;
    let found = Certificate::from_pem_bundle(&pem).ok().filter(|found| !found.is_empty());
    found.ok_or_else(|| DestinationError::Pem { path: path.to_owned() })
}
