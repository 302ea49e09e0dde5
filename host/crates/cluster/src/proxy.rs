//! HTTP to something in the cluster, through the API server.

use std::{fmt, str::FromStr};

use bytes::Bytes;

use crate::{Cluster, RequestError, body::Keep, path::push_part};

/// Largest body that may be asked for.
pub(crate) const MAX_PROXY_BYTES: u64 = 32 * 1024 * 1024;

/// Most of the lines that are kept of an answer.
const MAX_LINES_BYTES: usize = 1024 * 1024;

/// What a plugin may talk to; as text in `wit/deps/cluster/proxy.wit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyTarget {
    /// `pods/NAMESPACE/NAME:PORT` or `services/NAMESPACE/NAME:PORT`
    Namespaced {
        /// `pods` or `services`
        plural: &'static str,
        /// Its namespace.
        namespace: String,
        /// `NAME` or `NAME:PORT`
        name: String,
    },
    /// `nodes/NAME:PORT`
    Node {
        /// `NAME` or `NAME:PORT`
        name: String,
    },
    /// `apiserver`: non-resource URLs only.
    ApiServer,
}

impl fmt::Display for ProxyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespaced { plural, namespace, name } => write!(f, "{plural}/{namespace}/{name}"),
            Self::Node { name } => write!(f, "nodes/{name}"),
            Self::ApiServer => f.write_str("apiserver"),
        }
    }
}

impl FromStr for ProxyTarget {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let invalid = || RequestError::InvalidArgument {
            message: format!(
                "`{text}` is not a proxy target, write `pods/NAMESPACE/NAME:PORT`, `services/NAMESPACE/NAME:PORT`, `nodes/NAME:PORT` or `apiserver`"
            ),
        };
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.is_empty() || matches!(*part, "." | "..")) {
            return Err(invalid());
        }
        Ok(match parts.as_slice() {
            ["apiserver"] => Self::ApiServer,
            ["nodes", name] => Self::Node { name: (*name).to_owned() },
            ["pods", namespace, name] => Self::namespaced("pods", namespace, name),
            ["services", namespace, name] => Self::namespaced("services", namespace, name),
            _ => return Err(invalid()),
        })
    }
}

impl ProxyTarget {
    fn namespaced(plural: &'static str, namespace: &str, name: &str) -> Self {
        Self::Namespaced { plural, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The path on the API server, behind which `path_and_query` is put.
    fn path(&self, path_and_query: &str) -> Result<String, RequestError> {
        check_path(path_and_query)?;
        let mut path = String::new();
        let parts: &[&str] = match self {
            Self::Namespaced { plural, namespace, name } => {
                &["api", "v1", "namespaces", namespace, plural, name, "proxy"]
            }
            Self::Node { name } => &["api", "v1", "nodes", name, "proxy"],
            Self::ApiServer => {
                // Objects are read through grants on resources, never through here.
                let first = path_and_query.split(['/', '?']).nth(1).unwrap_or_default();
                if matches!(first, "api" | "apis") {
                    let message = "`apiserver` is for non-resource URLs such as `/metrics`".to_owned();
                    return Err(RequestError::InvalidArgument { message });
                }
                &[]
            }
        };
        for part in parts {
            push_part(&mut path, part)
                .map_err(|error| RequestError::InvalidArgument { message: error.to_string() })?;
        }
        path.push_str(path_and_query);
        Ok(path)
    }
}

/// A path that a server cannot take for another one: no dot segments, no encoded slashes or dots.
fn check_path(path_and_query: &str) -> Result<(), RequestError> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:@!$&'()*+,;=".contains(c);
    let is_query = |c: char| is_plain(c) || matches!(c, '%' | '?');
    let has_dots = path.split('/').any(|part| matches!(part, "." | ".."));
    let is_good = path.starts_with('/') && !path.contains("//") && !has_dots;
    if is_good && path.chars().all(is_plain) && query.chars().all(is_query) {
        return Ok(());
    }
    let message =
        format!("`{path_and_query}` is not an absolute path without `%`, `//`, `.` and `..` segments");
    Err(RequestError::InvalidArgument { message })
}

/// An answer of whatever status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyReply {
    /// Its status.
    pub http_status: u16,
    /// Its body; up to 64 KiB of an error's.
    pub body: Bytes,
}

impl Cluster {
    /// GET from a pod, service, node or the API server itself.
    ///
    /// # Errors
    /// When the path is not plain, no answer came, or the body is larger than `max_bytes` (reason
    /// `TooLarge`; at most 32 MiB). An answer with an error status is none.
    pub async fn proxy_get(
        &self,
        target: &ProxyTarget,
        path_and_query: &str,
        max_bytes: u64,
    ) -> Result<ProxyReply, RequestError> {
        let keep = usize::try_from(max_bytes.min(MAX_PROXY_BYTES)).unwrap_or(usize::MAX).max(1);
        self.proxy_get_keeping(target, path_and_query, Keep::Whole(keep)).await
    }

    /// GET from the API server itself, of which only lines that begin with `prefix` are kept: of the tens of megabytes
    /// that `/metrics` of a large cluster has, those of one family.
    ///
    /// # Errors
    /// As of [`Cluster::proxy_get`]; `TooLarge` when these lines have more than a megabyte.
    pub async fn server_lines(&self, path: &str, prefix: &'static str) -> Result<ProxyReply, RequestError> {
        self.proxy_get_keeping(&ProxyTarget::ApiServer, path, Keep::Lines(prefix, MAX_LINES_BYTES)).await
    }

    async fn proxy_get_keeping(
        &self,
        target: &ProxyTarget,
        path_and_query: &str,
        keep: Keep,
    ) -> Result<ProxyReply, RequestError> {
        let path = target.path(path_and_query)?;
        let cluster = self.clone();
        let reply = self.on_load_runtime(async move { cluster.send_path(path, keep).await }).await?;
        if reply.http_status == 0 || reply.reason == "TooLarge" || reply.done.is_never() {
            return Err(RequestError::NoAnswer { reason: reply.reason, message: reply.message });
        }
        let body = if reply.is_success() { reply.body } else { Bytes::from(reply.message) };
        Ok(ProxyReply { http_status: reply.http_status, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &str, path: &str, expected: Option<&str>) {
        let path = target.parse::<ProxyTarget>().and_then(|target| target.path(path));
        assert_eq!(path.ok().as_deref(), expected);
    }

    #[test]
    fn targets_become_proxy_subresources() {
        check("pods/ns/a:80", "/metrics?x=1", Some("/api/v1/namespaces/ns/pods/a:80/proxy/metrics?x=1"));
        check("services/ns/http:a:web", "/", Some("/api/v1/namespaces/ns/services/http:a:web/proxy/"));
        check("nodes/n:10250", "/stats/summary", Some("/api/v1/nodes/n:10250/proxy/stats/summary"));
        check("apiserver", "/metrics", Some("/metrics"));
    }

    #[test]
    fn nothing_gets_around_a_grant() {
        for path in [
            "/api/v1/secrets",
            "/apis",
            "/api?x",
            "/x/../api/v1",
            "//api/v1",
            "/%61pi/v1",
            "api",
            "/a b",
            "/a#b",
        ] {
            check("apiserver", path, None);
        }
        check("nodes/n:10250", "/../../secrets", None);
        for target in ["", "pods/ns", "secrets/ns/a", "pods/../a", "nodes/", "apiserver/x"] {
            check(target, "/", None);
        }
    }
}
