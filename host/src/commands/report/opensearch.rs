//! `bench report --format kube-burner --opensearch URL`: the documents, sent instead of written.
//!
//! Secrets come from files or the environment: arguments are seen by everyone on the machine.

use std::{collections::BTreeMap, path::Path, time::Duration};

use bench_indexer::{Destination, DestinationError, Document, IndexName, Indexer, Login, SendError};

use crate::{
    cli::{OpenSearchArgs, ReportArgs, ReportFormat},
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// For one request of at most 1000 documents.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Secrets are short; a larger file is the wrong one.
const MAX_SECRET_BYTES: u64 = 64 << 10;
const PASSWORD: &str = "BENCH_OPENSEARCH_PASSWORD";
const TOKEN: &str = "BENCH_OPENSEARCH_TOKEN";

/// A server that is ready to be sent to.
pub struct Sender {
    indexer: Indexer,
    index: IndexName,
}

/// The server that the flags name; none when they name none.
pub fn sender(args: &ReportArgs) -> Result<Option<Sender>, Failure> {
    let OpenSearchArgs { url, index, ca_file, .. } = &args.opensearch;
    let Some(url) = url else { return Ok(None) };
    if args.format != ReportFormat::KubeBurner {
        let message =
            Message("only documents of `--format kube-burner` can be sent to an OpenSearch".to_owned());
        return Err(Failure::with_help(Exit::Usage, message, "add --format kube-burner"));
    }
    let destination = Destination {
        url: url.clone(),
        login: login(&args.opensearch)?,
        ca_file: ca_file.clone(),
        timeout: TIMEOUT,
    };
    let indexer = Indexer::new(destination).map_err(unusable)?;
    Ok(Some(Sender { indexer, index: index.clone() }))
}

impl Sender {
    /// Sends all documents of a report.
    pub async fn send(
        &self,
        files: &BTreeMap<String, Vec<serde_json::Value>>,
        ui: &Ui,
    ) -> Result<(), Failure> {
        let documents: Vec<Document> = files.values().flatten().map(Document::new).collect();
        let stored = self.indexer.send(&self.index, &documents).await.map_err(not_stored)?;
        let n = stored.created + stored.replaced;
        let plural = if n == 1 { "" } else { "s" };
        let known = match stored.replaced {
            0 => String::new(),
            replaced => format!(", {replaced} of them known already"),
        };
        ui.note(&format!("stored {n} document{plural} in index `{}`{known}", self.index));
        Ok(())
    }
}

fn login(args: &OpenSearchArgs) -> Result<Login, Failure> {
    if let Some(username) = &args.user {
        let Some(password) = secret(args.password_file.as_deref(), PASSWORD)? else {
            let message = Message(format!("user `{username}` has no password"));
            let help = format!("name its file with --opensearch-password-file, or set {PASSWORD}");
            return Err(Failure::with_help(Exit::Usage, message, help));
        };
        return Ok(Login::Basic { username: username.clone(), password });
    }
    Ok(secret(args.token_file.as_deref(), TOKEN)?.map_or(Login::None, Login::Bearer))
}

/// From the file, or else from the environment.
fn secret(file: Option<&Path>, variable: &str) -> Result<Option<String>, Failure> {
    let Some(file) = file else {
        return Ok(std::env::var(variable).ok().filter(|secret| !secret.is_empty()));
    };
    let read = || -> std::io::Result<String> {
        if std::fs::metadata(file)?.len() > MAX_SECRET_BYTES {
            return Err(std::io::Error::other("it is larger than 64 KiB"));
        }
        std::fs::read_to_string(file)
    };
    let text = read().map_err(|error| {
        Failure::error(Exit::Usage, Message(format!("failed to read {}: {error}", file.display())))
    })?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn unusable(error: DestinationError) -> Failure {
    let help = match error {
        DestinationError::SecretInUrl => {
            "--opensearch-user with --opensearch-password-file, or --opensearch-token-file"
        }
        DestinationError::Url
        | DestinationError::Secret
        | DestinationError::Read { .. }
        | DestinationError::Pem { .. }
        | DestinationError::Tls { .. } => "write for example `--opensearch https://opensearch.example:9200`",
    };
    Failure::with_help(Exit::Usage, error, help)
}

fn not_stored(error: SendError) -> Failure {
    let help = "nothing was retried; the same command sends them again and stores nothing twice";
    Failure::with_help(Exit::Unreachable, error, help)
}
