//! Bulk requests against a server that takes only what the bulk API takes.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use bench_indexer::{AnswerError, Cause, Destination, DestinationError, Document, Indexer, Login, Stored};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How the server behaves.
#[derive(Clone, Copy)]
enum Mood {
    /// As it should.
    Good,
    /// Takes no document with `"bad": true`.
    Choosy,
    /// Answers with this status and text, whatever comes.
    Fixed(u16, &'static str),
}

#[derive(Default)]
struct Seen {
    stored: BTreeMap<(String, String), Value>,
    authorizations: Vec<String>,
    paths: Vec<String>,
}

struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                let service = service_fn(move |request| answer(request, Arc::clone(&noted), mood));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        Self { address, seen }
    }

    fn indexer(&self, login: Login) -> Indexer {
        let url = format!("http://{}/prefix/", self.address);
        Indexer::new(Destination { url, ..destination(login) }).expect("a destination")
    }
}

fn destination(login: Login) -> Destination {
    Destination {
        url: "http://127.0.0.1:1".to_owned(),
        login,
        ca_file: None,
        timeout: Duration::from_secs(20),
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Mutex<Seen>>,
    mood: Mood,
) -> Result<Response<Full<Bytes>>, hyper::http::Error> {
    let header = |name| {
        let value = request.headers().get(name);
        value.map_or(String::new(), |value| value.to_str().expect("text").to_owned())
    };
    assert_eq!(
        (request.method().as_str(), header("content-type").as_str()),
        ("POST", "application/x-ndjson")
    );
    seen.lock().authorizations.push(header("authorization"));
    seen.lock().paths.push(request.uri().to_string());
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let (status, text) = match mood {
        Mood::Fixed(status, text) => (status, text.to_owned()),
        Mood::Good | Mood::Choosy => (200, store(&body, &mut seen.lock(), mood).to_string()),
    };
    Response::builder().status(status).body(Full::new(Bytes::from(text)))
}

/// Stores what is exactly as the bulk API wants it.
fn store(body: &[u8], seen: &mut Seen, mood: Mood) -> Value {
    let text = std::str::from_utf8(body).expect("UTF-8");
    assert!(text.ends_with('\n'), "the last line ends too");
    let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
    assert_eq!(lines.len() % 2, 0, "an action for each document");
    let items: Vec<Value> = lines
        .chunks(2)
        .map(|pair| {
            let [action, source] = pair else { panic!("pairs") };
            let action: Value = serde_json::from_str(action).expect("JSON");
            let source: Value = serde_json::from_str(source).expect("JSON");
            assert!(source.is_object());
            let text = |name: &str| action["index"][name].as_str().expect("text").to_owned();
            let key = (text("_index"), text("_id"));
            assert_eq!(action, json!({ "index": { "_index": key.0, "_id": key.1 } }), "and nothing else");
            if matches!(mood, Mood::Choosy) && source["bad"] == true {
                let error = json!({ "type": "mapper_parsing_exception", "reason": "failed to parse" });
                return json!({ "index": { "_index": key.0, "_id": key.1, "status": 400, "error": error } });
            }
            let status = if seen.stored.insert(key.clone(), source).is_some() { 200 } else { 201 };
            json!({ "index": { "_index": key.0, "_id": key.1, "status": status } })
        })
        .collect();
    // Of no use, on purpose.
    json!({ "took": 1, "errors": false, "items": items })
}

fn documents(n: u64) -> Vec<Document> {
    (0..n).map(|n| Document::new(&json!({ "n": n, "text": "a\nb", "bad": n == 1 }))).collect()
}

async fn refused(mood: Mood, n: u64) -> (u64, Cause) {
    let server = Server::start(mood).await;
    let index = "kube-burner".parse().expect("a name");
    let error = server.indexer(Login::None).send(&index, &documents(n)).await.expect_err("refused");
    assert_eq!(error.documents, n);
    (error.stored, error.cause)
}

#[tokio::test]
async fn documents_are_stored_once_however_often_they_are_sent() {
    let server = Server::start(Mood::Good).await;
    let indexer = server.indexer(Login::None);
    let index = "kube-burner".parse().expect("a name");
    let stored = indexer.send(&index, &documents(2500)).await.expect("stored");
    assert_eq!(stored, Stored { created: 2500, replaced: 0 });
    assert_eq!(server.seen.lock().paths, ["/prefix/_bulk"; 3], "a thousand each");
    let stored = indexer.send(&index, &documents(2500)).await.expect("stored");
    assert_eq!(stored, Stored { created: 0, replaced: 2500 });
    let seen = server.seen.lock();
    assert_eq!(seen.stored.len(), 2500);
    let mut numbers: Vec<u64> = seen.stored.values().filter_map(|document| document["n"].as_u64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..2500).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_document_that_is_refused_is_an_error_and_the_others_are_stored() {
    let (stored, cause) = refused(Mood::Choosy, 1500).await;
    assert_eq!(stored, 1499);
    let Cause::Rejected { rejections } = cause else { panic!("{cause:?}") };
    assert_eq!(rejections.len(), 1);
    assert_eq!(rejections[0].to_string(), "1 with 400, mapper_parsing_exception, failed to parse");
}

#[tokio::test]
async fn a_request_that_is_refused_is_the_last() {
    let body = r#"{"error":{"type":"security_exception","reason":"no permissions"},"status":403}"#;
    let (stored, cause) = refused(Mood::Fixed(403, body), 2500).await;
    assert_eq!((stored, cause.to_string().as_str()), (0, "OpenSearch refused with 403: no permissions"));
    let (_, cause) = refused(Mood::Fixed(429, ""), 1).await;
    assert_eq!(cause.to_string(), "OpenSearch refused with 429: no reason given");
}

#[tokio::test]
async fn what_is_no_bulk_answer_is_no_success() {
    let (_, cause) = refused(Mood::Fixed(200, "<html>welcome</html>"), 1).await;
    assert!(matches!(cause, Cause::Answer { source: AnswerError::Malformed }), "{cause:?}");
    let (_, cause) = refused(Mood::Fixed(200, r#"{"errors":false,"items":[]}"#), 1).await;
    assert!(
        matches!(cause, Cause::Answer { source: AnswerError::Count { sent: 1, answered: 0 } }),
        "{cause:?}"
    );
    // A redirect is not followed.
    let (_, cause) = refused(Mood::Fixed(302, ""), 1).await;
    assert!(matches!(cause, Cause::Refused { http_status: 302, .. }), "{cause:?}");
}

#[tokio::test]
async fn nobody_there_is_said() {
    let index = "kube-burner".parse().expect("a name");
    let indexer = Indexer::new(destination(Login::None)).expect("a destination");
    let error = indexer.send(&index, &documents(1)).await.expect_err("refused");
    assert!(matches!(error.cause, Cause::Unreachable { .. }), "{error:?}");
    assert!(indexer.send(&index, &[]).await.is_ok(), "nothing to send needs nobody");
}

#[tokio::test]
async fn secrets_go_into_headers_and_nowhere_else() {
    let server = Server::start(Mood::Good).await;
    let index = "kube-burner".parse().expect("a name");
    let basic = Login::Basic { username: "me".to_owned(), password: "sesame".to_owned() };
    for login in [basic, Login::Bearer("sesame".to_owned())] {
        let indexer = server.indexer(login);
        indexer.send(&index, &documents(1)).await.expect("stored");
        assert!(!format!("{indexer:?}").contains("sesame"), "{indexer:?}");
    }
    assert_eq!(server.seen.lock().authorizations, ["Basic bWU6c2VzYW1l", "Bearer sesame"]);
}

#[test]
fn a_destination_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let new = |url: &str, login, ca_file| {
        Indexer::new(Destination { url: url.to_owned(), ca_file, ..destination(login) }).map(|_| ())
    };
    assert!(matches!(new("opensearch:9200", Login::None, None), Err(DestinationError::Url)));
    assert!(matches!(new("file:///x", Login::None, None), Err(DestinationError::Url)));
    assert!(matches!(new("http://me:sesame@host", Login::None, None), Err(DestinationError::SecretInUrl)));
    let broken = Login::Bearer("a\nb".to_owned());
    assert!(matches!(new("http://host", broken, None), Err(DestinationError::Secret)));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    assert!(matches!(
        new("https://host", Login::None, Some(file.clone())),
        Err(DestinationError::Read { .. })
    ));
    std::fs::write(&file, "no certificate").expect("written");
    assert!(matches!(
        new("https://host", Login::None, Some(file.clone())),
        Err(DestinationError::Pem { .. })
    ));
    let ca = rcgen::generate_simple_self_signed(["host".to_owned()]).expect("a certificate");
    std::fs::write(&file, ca.cert.pem()).expect("written");
    assert!(new("https://host", Login::None, Some(file)).is_ok());
}
