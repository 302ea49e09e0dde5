//! The simulated cluster's requests: any path and any body get an answer, and the cluster still works afterwards.
#![no_main]

use arbitrary::Arbitrary;
use bench_sim::{Sim, SimConfig};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 8] = [
    "/api/v1/namespaces/default/pods",
    "/api/v1/namespaces/default/pods/a",
    "/api/v1/namespaces/default/configmaps/a?fieldManager=f",
    "/apis/apps/v1/namespaces/default/deployments",
    "/apis/batch/v1/namespaces/default/jobs",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/api/v1/namespaces/default/persistentvolumeclaims",
    "/api/v1/namespaces",
];
const METHODS: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "GET"];
const TYPES: [&str; 5] = [
    "application/json",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

#[derive(Arbitrary, Debug)]
struct Asked<'a> {
    method: u8,
    path: u8,
    content_type: u8,
    query: &'a str,
    body: &'a [u8],
}

fuzz_target!(|asked: Vec<Asked<'_>>| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let sim = Sim::start(SimConfig::default()).expect("a cluster");
        let (mut client, connection) =
            http1::handshake(TokioIo::new(sim.open())).await.expect("a connection");
        tokio::spawn(connection);
        for one in asked.iter().take(4) {
            ask(&mut client, one).await;
        }
        let version = Request::get("/version").body(Full::default()).expect("a request");
        assert_eq!(client.send_request(version).await.expect("an answer").status(), 200);
        sim.shutdown().await;
    });
});

async fn ask(client: &mut SendRequest<Full<Bytes>>, asked: &Asked<'_>) {
    let pick = |of: &[&'static str], at: u8| of[usize::from(at) % of.len()];
    // A watch would not end.
    let query: String =
        asked.query.chars().filter(char::is_ascii_alphanumeric).filter(|c| *c != 'w').collect();
    let request = Request::builder()
        .method(pick(&METHODS, asked.method))
        .uri(format!("{}?{query}", pick(&PATHS, asked.path)))
        .header("content-type", pick(&TYPES, asked.content_type))
        .body(Full::new(Bytes::copy_from_slice(asked.body)));
    let Ok(request) = request else { return };
    let answer = client.send_request(request).await.expect("an answer");
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
    assert!(status.as_u16() != 500, "{asked:?}: {}", String::from_utf8_lossy(&body));
}
