//! One HTTP/2 connection over TLS.

use anyhow::Context;
use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioExecutor};
use tower::ServiceExt;

use crate::kubeconfig::Kubeconfig;

/// Clones share the connection.
pub type Sender = http2::SendRequest<Full<Bytes>>;

/// Connects; the connection is served by a task of the runtime.
///
/// # Errors
/// When the server cannot be reached or is not trusted.
pub async fn connect(kubeconfig: &Kubeconfig, uri: &Uri) -> anyhow::Result<Sender> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(kubeconfig.authority.clone())?;
    let tls = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![kubeconfig.certificate.clone()], kubeconfig.key.clone_key())?;
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http2().wrap_connector(tcp);
    let stream = connector.oneshot(uri.clone()).await.map_err(|error| anyhow::anyhow!(error))?;
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), stream).await.context("failed to start HTTP/2")?;
    tokio::spawn(connection);
    Ok(sender)
}
