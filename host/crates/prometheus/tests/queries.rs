//! Queries against a scripted server on loopback.

#![expect(clippy::expect_used, reason = "helpers of tests fail the test")]

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use bench_limiter::{Limiter, RunClock};
use bench_model::{Burst, Rate, TimeNs};
use bench_prometheus::{Auth, Endpoint, EndpointError, Prometheus, QueryError};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpListener;

struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers everything the same, and notes `path|authorization|body`.
    async fn start(status: u16, answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (noted, answer) = (Arc::clone(&noted), answer.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (noted, answer) = (Arc::clone(&noted), answer.clone());
                    async move {
                        let authorization = request.headers().get("authorization").cloned();
                        let authorization = authorization
                            .map_or(String::new(), |value| value.to_str().expect("text").to_owned());
                        let path = request.uri().path().to_owned();
                        let body = request.into_body().collect().await.expect("a body").to_bytes();
                        noted
                            .lock()
                            .push(format!("{path}|{authorization}|{}", String::from_utf8_lossy(&body)));
                        Response::builder().status(status).body(Full::new(Bytes::from(answer)))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        Self { address, seen }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint {
            name: "main".to_owned(),
            url: format!("http://{}/prefix/", self.address),
            auth: Auth::None,
            ca_file: None,
            timeout: Duration::from_secs(20),
        }
    }

    fn client(&self, auth: Auth) -> Prometheus {
        self.limited(auth, Limiter::unlimited())
    }

    fn limited(&self, auth: Auth, limiter: Limiter) -> Prometheus {
        let clock = RunClock::start_at(std::time::UNIX_EPOCH + Duration::from_secs(1000));
        Prometheus::new(Endpoint { auth, ..self.endpoint() }, clock, limiter).expect("an endpoint")
    }
}

fn vector() -> String {
    r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1001,"5"]}]}}"#.to_owned()
}

async fn refused(status: u16, answer: &str) -> QueryError {
    let server = Server::start(status, answer.to_owned()).await;
    server.client(Auth::None).instant("up", TimeNs::ZERO).await.expect_err("refused")
}

#[tokio::test]
async fn queries_are_posted_with_run_times_as_unix_times() {
    let server = Server::start(200, vector()).await;
    let client = server.client(Auth::None);
    let series = client.instant("sum(a{b=\"c\"})", TimeNs(1_500_000_000)).await.expect("series");
    assert_eq!((series[0].at[0], series[0].value[0]), (TimeNs(1_000_000_000), 5.0));
    client
        .range("up", TimeNs::ZERO, TimeNs(10_000_000_000), Duration::from_millis(1500))
        .await
        .expect("series");
    let seen = server.seen.lock().clone();
    let bodies: Vec<_> = seen
        .iter()
        .map(|line| line.splitn(3, '|').collect::<Vec<_>>())
        .map(|parts| (parts[0].to_owned(), parts[2].to_owned()))
        .collect();
    assert_eq!(
        bodies[0],
        ("/prefix/api/v1/query".to_owned(), "query=sum%28a%7Bb%3D%22c%22%7D%29&time=1001.500".to_owned())
    );
    assert_eq!(
        bodies[1],
        (
            "/prefix/api/v1/query_range".to_owned(),
            "query=up&start=1000.000&end=1010.000&step=1.500".to_owned()
        )
    );
}

#[tokio::test]
async fn secrets_come_from_files_and_show_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, "t0ken\n").expect("a file");
    let server = Server::start(200, vector()).await;
    let client = server.client(Auth::BearerTokenFile(file.clone()));
    client.instant("up", TimeNs::ZERO).await.expect("series");
    assert!(server.seen.lock()[0].contains("|Bearer t0ken|"));
    let client = server.client(Auth::Basic { username: "u".to_owned(), password_file: file });
    client.instant("up", TimeNs::ZERO).await.expect("series");
    assert!(server.seen.lock()[1].contains("|Basic dTp0MGtlbg==|"));
    assert_eq!(format!("{client:?}"), "Prometheus(\"main\")");
}

#[tokio::test]
async fn queries_wait_for_the_run_wide_limiter() {
    let server = Server::start(200, vector()).await;
    let limiter = Limiter::new(Some(Rate::parse("20/s").expect("a rate")), Burst::MIN);
    while limiter.try_acquire() {}
    server.limited(Auth::None, limiter.clone()).instant("up", TimeNs::ZERO).await.expect("series");
    assert_eq!(limiter.waited_total().0, 1, "the query stood in the line");
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let error =
        refused(400, r#"{"status":"error","errorType":"bad_data","error":"parse error at char 3"}"#).await;
    assert_eq!(error.to_string(), "Prometheus `main` refused the query (bad_data): parse error at char 3");
    assert_eq!((error.reason(), error.http_status(), error.is_retryable()), ("invalid-argument", 400, false));
    let error = refused(502, "<html>").await;
    assert_eq!(error.to_string(), "`main` does not answer as a Prometheus (HTTP status 502)");
    assert!(error.is_retryable());
    let error = refused(200, &"x".repeat(33 * 1024 * 1024)).await;
    assert_eq!(error.to_string(), "the answer of Prometheus `main` has more than 33554432 bytes");
    assert_eq!(error.reason(), "limit-exceeded");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let server = Server { address, seen: Arc::default() };
    let error = server.client(Auth::None).instant("up", TimeNs::ZERO).await.expect_err("nobody there");
    assert_eq!(error.reason(), "unavailable");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn ranges_that_make_no_sense_are_not_sent() {
    let server = Server::start(200, vector()).await;
    let client = server.client(Auth::None);
    let second = Duration::from_secs(1);
    for (end, step) in
        [(TimeNs(-1), second), (TimeNs(1), Duration::ZERO), (TimeNs(11_000_000_000_000), second)]
    {
        let error = client.range("up", TimeNs::ZERO, end, step).await.expect_err("refused");
        assert_eq!(error.reason(), "invalid-argument");
    }
    assert!(server.seen.lock().is_empty());
}

#[test]
fn endpoints_that_cannot_work_are_refused() {
    let endpoint = Endpoint {
        name: "main".to_owned(),
        url: "ftp://x".to_owned(),
        auth: Auth::None,
        ca_file: None,
        timeout: Duration::from_secs(1),
    };
    let clock = RunClock::start_at(std::time::UNIX_EPOCH);
    let new = |endpoint| Prometheus::new(endpoint, clock, Limiter::unlimited());
    let error = new(endpoint.clone()).expect_err("refused");
    assert!(matches!(error, EndpointError::Url { .. }));
    let url = "http://user:s3cret@x".to_owned();
    let error = new(Endpoint { url, ..endpoint.clone() }).expect_err("refused");
    assert!(matches!(error, EndpointError::SecretInUrl { .. }) && !format!("{error:?}").contains("s3cret"));
    let ca_file = Some(PathBuf::from("/nowhere/ca.pem"));
    let error = new(Endpoint { url: "https://x".to_owned(), ca_file, ..endpoint }).expect_err("refused");
    assert_eq!(error.to_string(), "failed to read /nowhere/ca.pem for Prometheus `main`");
}
