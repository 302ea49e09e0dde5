//! Finds the cluster and the credentials as kubectl does.
//!
//! Order: the file or text given, `$KUBECONFIG`, `~/.kube/config`, the service account of the pod. Kube's
//! own errors can quote a kubeconfig or the output of a credential plugin; they stay in here, and only
//! places and reasons without secrets leave.

use std::{io, path::PathBuf};

use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};

/// Where a kubeconfig comes from.
#[derive(Clone, Default)]
pub enum KubeconfigSource {
    /// As kubectl finds it: `$KUBECONFIG`, `~/.kube/config`, then the pod's service account.
    #[default]
    Default,
    /// This file.
    File(PathBuf),
    /// This text.
    Inline(String),
}

impl std::fmt::Debug for KubeconfigSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("Default"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            // The text holds credentials.
            Self::Inline(_) => f.write_str("Inline(..)"),
        }
    }
}

/// Why no cluster and credentials could be found.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigProblem {
    /// No file, and not in a pod.
    #[error("there is no kubeconfig: looked at {} and for a pod's service account", places.join(", "))]
    NotFound {
        /// Where it was looked for.
        places: Vec<String>,
    },
    /// A file that cannot be read.
    #[error("failed to read kubeconfig {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not YAML of the right form.
    #[error("{file} is not a kubeconfig{}", place(*line, *column))]
    Malformed {
        /// The file, or `the kubeconfig`.
        file: String,
        /// Line from 1, 0 when unknown.
        line: u32,
        /// Column from 1, 0 when unknown.
        column: u32,
    },
    /// No context was asked for, and the file names no current one.
    #[error("the kubeconfig has no current context; {}", known(contexts))]
    NoCurrentContext {
        /// Contexts that it has.
        contexts: Vec<String>,
    },
    /// A context that the file does not have.
    #[error("the kubeconfig has no context `{context}`; {}", known(contexts))]
    UnknownContext {
        /// The one asked for.
        context: String,
        /// Contexts that it has.
        contexts: Vec<String>,
    },
    /// A context that names a cluster which is not there.
    #[error("context `{context}` names cluster `{cluster}`, which the kubeconfig does not have")]
    UnknownCluster {
        /// The context.
        context: String,
        /// The cluster that it names.
        cluster: String,
    },
    /// A context that names a user which is not there.
    #[error("context `{context}` names user `{user}`, which the kubeconfig does not have")]
    UnknownUser {
        /// The context.
        context: String,
        /// The user that it names.
        user: String,
    },
    /// The server's URL is missing or is none.
    #[error("cluster `{cluster}` of the kubeconfig has no valid server URL")]
    Server {
        /// The cluster.
        cluster: String,
    },
    /// A certificate or key that cannot be loaded.
    #[error("failed to load the {what} that the kubeconfig names")]
    Certificate {
        /// `certificate authority`, `client certificate`, …
        what: &'static str,
    },
    /// A proxy, which this program cannot go through.
    #[error("cluster `{cluster}` of the kubeconfig names a proxy, which is not supported")]
    Proxy {
        /// The cluster.
        cluster: String,
    },
}

fn place(line: u32, column: u32) -> String {
    if line == 0 { String::new() } else { format!(": mistake at line {line}, column {column}") }
}

fn known(contexts: &[String]) -> String {
    if contexts.is_empty() { "it has none".to_owned() } else { format!("it has {}", contexts.join(", ")) }
}

/// Reads the configuration; blocking, a few small files.
pub(crate) async fn load(
    source: &KubeconfigSource,
    context: Option<&str>,
) -> Result<Config, KubeconfigProblem> {
    let (kubeconfig, file) = match source {
        KubeconfigSource::Inline(text) => {
            let file = "the kubeconfig".to_owned();
            (Kubeconfig::from_yaml(text).map_err(|error| read_problem(error, &file))?, file)
        }
        KubeconfigSource::File(path) => {
            let file = path.display().to_string();
            (Kubeconfig::read_from(path).map_err(|error| read_problem(error, &file))?, file)
        }
        KubeconfigSource::Default => match default_kubeconfig()? {
            Some(found) => found,
            None => return in_cluster(),
        },
    };
    check(&kubeconfig, context)?;
    let cluster = cluster_name(&kubeconfig, context);
    if cluster_has_proxy(&kubeconfig, &cluster) {
        return Err(KubeconfigProblem::Proxy { cluster });
    }
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    let loaded = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    loaded.map_err(|error| load_problem(error, &file, cluster))
}

fn default_kubeconfig() -> Result<Option<(Kubeconfig, String)>, KubeconfigProblem> {
    let from_env = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
    if let Some(paths) = from_env {
        let file = paths.to_string_lossy().into_owned();
        let found = Kubeconfig::from_env().map_err(|error| read_problem(error, &file))?;
        return Ok(found.map(|kubeconfig| (kubeconfig, file)));
    }
    let Some(path) = home_kubeconfig().filter(|path| path.exists()) else { return Ok(None) };
    let file = path.display().to_string();
    let kubeconfig = Kubeconfig::read_from(&path).map_err(|error| read_problem(error, &file))?;
    Ok(Some((kubeconfig, file)))
}

fn home_kubeconfig() -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.join(".kube").join("config"))
}

fn in_cluster() -> Result<Config, KubeconfigProblem> {
    Config::incluster().map_err(|_| {
        let home =
            home_kubeconfig().map_or_else(|| "~/.kube/config".to_owned(), |path| path.display().to_string());
        KubeconfigProblem::NotFound { places: vec!["$KUBECONFIG".to_owned(), home] }
    })
}

/// What kube would refuse with less to go by.
fn check(kubeconfig: &Kubeconfig, context: Option<&str>) -> Result<(), KubeconfigProblem> {
    let contexts = || kubeconfig.contexts.iter().map(|named| named.name.clone()).collect();
    let wanted = context.or(kubeconfig.current_context.as_deref()).filter(|name| !name.is_empty());
    let Some(wanted) = wanted else {
        return Err(KubeconfigProblem::NoCurrentContext { contexts: contexts() });
    };
    let found = kubeconfig.contexts.iter().find(|named| named.name == wanted);
    let Some(found) = found.and_then(|named| named.context.as_ref()) else {
        return Err(KubeconfigProblem::UnknownContext { context: wanted.to_owned(), contexts: contexts() });
    };
    if !kubeconfig.clusters.iter().any(|named| named.name == found.cluster) {
        let cluster = found.cluster.clone();
        return Err(KubeconfigProblem::UnknownCluster { context: wanted.to_owned(), cluster });
    }
    match found.user.as_deref().filter(|user| !user.is_empty()) {
        Some(user) if !kubeconfig.auth_infos.iter().any(|named| named.name == user) => {
            Err(KubeconfigProblem::UnknownUser { context: wanted.to_owned(), user: user.to_owned() })
        }
        Some(_) | None => Ok(()),
    }
}

fn cluster_name(kubeconfig: &Kubeconfig, context: Option<&str>) -> String {
    let wanted = context.or(kubeconfig.current_context.as_deref()).unwrap_or_default();
    let found = kubeconfig.contexts.iter().find(|named| named.name == wanted);
    found.and_then(|named| named.context.as_ref()).map_or_else(String::new, |context| context.cluster.clone())
}

fn cluster_has_proxy(kubeconfig: &Kubeconfig, cluster: &str) -> bool {
    let found = kubeconfig.clusters.iter().find(|named| named.name == cluster);
    let proxy =
        found.and_then(|named| named.cluster.as_ref()).and_then(|cluster| cluster.proxy_url.as_deref());
    proxy.is_some_and(|proxy| !proxy.is_empty())
}

fn read_problem(error: KubeconfigError, file: &str) -> KubeconfigProblem {
    let file = file.to_owned();
    match error {
        KubeconfigError::ReadConfig(source, path) => KubeconfigProblem::Read { path, source },
        KubeconfigError::Parse(error) => {
            let (line, column) = first_place(&error.to_string());
            KubeconfigProblem::Malformed { file, line, column }
        }
        _ => KubeconfigProblem::Malformed { file, line: 0, column: 0 },
    }
}

fn load_problem(error: KubeconfigError, file: &str, cluster: String) -> KubeconfigProblem {
    match error {
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => {
            KubeconfigProblem::Server { cluster }
        }
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => {
            KubeconfigProblem::Certificate { what: "certificate authority" }
        }
        KubeconfigError::LoadClientCertificate(_) => {
            KubeconfigProblem::Certificate { what: "client certificate" }
        }
        KubeconfigError::LoadClientKey(_) => KubeconfigProblem::Certificate { what: "client key" },
        other => read_problem(other, file),
    }
}

/// Line and column in a parser's message, which otherwise quotes the text around the mistake.
fn first_place(message: &str) -> (u32, u32) {
    let number_after = |word: &str| {
        let rest = message.split_once(word).map_or("", |(_, rest)| rest.trim_start());
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    (number_after("line "), number_after("column "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
apiVersion: v1
kind: Config
current-context: one
clusters: [ { name: c, cluster: { server: 'http://127.0.0.1:1' } } ]
users: [ { name: u, user: { token: s3cret } } ]
contexts:
- { name: one, context: { cluster: c, user: u } }
- { name: two, context: { cluster: gone, user: u } }
- { name: three, context: { cluster: c, user: gone } }
";

    async fn check_message(text: &str, context: Option<&str>, expected: &str) {
        let source = KubeconfigSource::Inline(text.to_owned());
        let problem = load(&source, context).await.expect_err("a problem");
        assert_eq!(problem.to_string(), expected);
        assert!(!format!("{source:?}{problem:?}").contains("s3cret"));
    }

    #[tokio::test]
    async fn a_good_kubeconfig_names_its_server() {
        let config = load(&KubeconfigSource::Inline(GOOD.to_owned()), None).await.expect("a config");
        assert_eq!(config.cluster_url.to_string(), "http://127.0.0.1:1/");
    }

    #[tokio::test]
    async fn an_unknown_context_lists_those_that_exist() {
        check_message(GOOD, Some("x"), "the kubeconfig has no context `x`; it has one, two, three").await;
        check_message("apiVersion: v1", None, "the kubeconfig has no current context; it has none").await;
    }

    #[tokio::test]
    async fn a_context_that_points_nowhere_is_named() {
        let expected = "context `two` names cluster `gone`, which the kubeconfig does not have";
        check_message(GOOD, Some("two"), expected).await;
        check_message(
            GOOD,
            Some("three"),
            "context `three` names user `gone`, which the kubeconfig does not have",
        )
        .await;
    }

    #[tokio::test]
    async fn a_malformed_kubeconfig_shows_the_place_and_no_secret() {
        let text = GOOD.replace("token: s3cret", "token: [s3cret]");
        let problem = load(&KubeconfigSource::Inline(text), None).await.expect_err("a problem");
        let message = problem.to_string();
        assert!(message.starts_with("the kubeconfig is not a kubeconfig: mistake at line 5"), "{message}");
        assert!(!format!("{problem:?}").contains("s3cret"));
    }

    #[tokio::test]
    async fn a_missing_file_is_named() {
        let source = KubeconfigSource::File("/nowhere/config".into());
        let problem = load(&source, None).await.expect_err("a problem");
        assert_eq!(problem.to_string(), "failed to read kubeconfig /nowhere/config");
    }
}
