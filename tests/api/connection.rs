//! What a connection carries.

use std::sync::Arc;

use kube::client::ConfigExt as _;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use crate::target::Target;

conformance! { a_connection_carries_a_hundred_requests_at_the_same_time }

/// What `bench` opens further connections by.
async fn a_connection_carries_a_hundred_requests_at_the_same_time(server: &Target) {
    let file = Kubeconfig::read_from(&server.kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    let mut tls = config.rustls_client_config().unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let (host, port) = (config.cluster_url.host().unwrap(), config.cluster_url.port_u16().unwrap());
    let socket = TcpStream::connect((host, port)).await.unwrap();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(tls)).connect(name, socket).await.unwrap();

    let (mut requests, connection) = h2::client::handshake(stream).await.unwrap();
    let serving = tokio::spawn(connection);
    let version = http::Request::get(format!("https://{host}:{port}/version")).body(()).unwrap();
    let (answer, _) = requests.send_request(version, true).unwrap();
    // With an answer the server's settings have come.
    answer.await.unwrap();
    assert_eq!(requests.current_max_send_streams(), 100);
    serving.abort();
}
