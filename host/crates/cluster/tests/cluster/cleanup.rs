//! Removing what carries a run's label, and nothing else.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bench_cluster::RUN_LABEL;
use bench_model::CreatedNamespace;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::server::{Answer, Server, json, soon};

type Objects = Arc<Mutex<BTreeMap<&'static str, Value>>>;

fn object(name: &str, namespace: &str, run_id: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{namespace}-{name}"), "labels": {RUN_LABEL: run_id}}})
}

fn objects(of: &[(&'static str, Value)]) -> Objects {
    Arc::new(Mutex::new(of.iter().cloned().collect()))
}

/// A server with pods and namespaces that ignores label selectors, as the worst one could.
async fn serve(objects: &Objects) -> Server {
    let objects = Arc::clone(objects);
    Server::start(move |line, body| answer(&objects, line, body)).await
}

/// As [`serve`], until credentials end: after so many answers there is only 401.
async fn serve_until(objects: &Objects, n_answers: usize) -> Server {
    let (objects, n_asked) = (Arc::clone(objects), AtomicUsize::new(0));
    Server::start(move |line, body| {
        if n_asked.fetch_add(1, Ordering::Relaxed) < n_answers {
            return answer(&objects, line, body);
        }
        Answer::Json(401, r#"{"reason":"Unauthorized","message":"Unauthorized"}"#.to_owned())
    })
    .await
}

/// As [`serve`], but it refuses so many lists first, as an API server that starts and has not read its roles.
async fn serve_starting(objects: &Objects, n_refused: usize) -> Server {
    let (objects, n_asked) = (Arc::clone(objects), AtomicUsize::new(0));
    Server::start(move |line, body| {
        let is_list =
            ["GET /api/v1/pods", "GET /api/v1/namespaces"].iter().any(|list| line.starts_with(list));
        if is_list && n_asked.fetch_add(1, Ordering::Relaxed) < n_refused {
            return Answer::Json(403, r#"{"reason":"Forbidden","message":"not yet"}"#.to_owned());
        }
        answer(&objects, line, body)
    })
    .await
}

fn answer(objects: &Objects, line: &str, body: &str) -> Answer {
    let (method, path) = line.split_once(' ').expect("a method");
    let path = path.split('?').next().unwrap_or_default();
    let mut objects = objects.lock();
    match (method, path) {
        ("GET", "/apis") => {
            json(&json!({"groups": [{"name": "down", "versions": [{"groupVersion": "down/v1"}]}]}))
        }
        ("GET", "/apis/down/v1") => Answer::Json(404, String::new()),
        ("GET", "/api/v1") => json(&json!({"resources": [
            {"name": "pods", "kind": "Pod", "namespaced": true, "verbs": ["list", "delete"]},
            {"name": "namespaces", "kind": "Namespace", "verbs": ["list", "delete"]},
            {"name": "componentstatuses", "kind": "ComponentStatus", "verbs": ["list"]},
        ]})),
        ("GET", "/api/v1/pods") => items(&objects, |path| path.contains("/pods/")),
        ("GET", "/api/v1/namespaces") => items(&objects, |path| !path.contains("/pods/")),
        ("DELETE", path) => {
            let options: Value = serde_json::from_str(body).expect("delete options");
            let Some(object) = objects.get(path) else { return Answer::Json(404, String::new()) };
            if options["preconditions"]["uid"] != object["metadata"]["uid"] {
                return Answer::Json(409, String::new());
            }
            // A namespace takes its objects with it.
            let (path, below) = (path.to_owned(), format!("{path}/"));
            objects.retain(|other, _| *other != path && !other.starts_with(&below));
            Answer::Json(200, "{}".to_owned())
        }
        _ => Answer::Json(500, String::new()),
    }
}

fn items(objects: &BTreeMap<&'static str, Value>, wanted: impl Fn(&str) -> bool) -> Answer {
    let items: Vec<_> =
        objects.iter().filter(|(path, _)| wanted(path)).map(|(_, object)| object.clone()).collect();
    json(&json!({"metadata": {}, "items": items}))
}

fn own(name: &str) -> CreatedNamespace {
    CreatedNamespace { name: name.to_owned(), uid: Some(format!("uid--{name}")) }
}

#[tokio::test]
async fn only_what_is_of_the_run_goes() {
    let objects = objects(&[
        ("/api/v1/namespaces/mine", object("mine", "", "r1")),
        ("/api/v1/namespaces/mine/pods/a", object("a", "mine", "r1")),
        ("/api/v1/namespaces/default", object("default", "", "")),
        ("/api/v1/namespaces/default/pods/b", object("b", "default", "r1")),
        ("/api/v1/namespaces/default/pods/other", object("other", "default", "r2")),
    ]);
    let cluster = serve(&objects).await.connect().await;
    let outcome = soon(cluster.cleanup_within("r1", &[own("mine")], Duration::from_secs(10))).await;
    assert!(outcome.errors.iter().all(|error| error.starts_with("`down/v1`")), "{outcome:?}");
    assert_eq!((outcome.deleted, outcome.namespaces, outcome.remaining.len()), (2, 1, 0));
    let left: Vec<_> = objects.lock().keys().copied().collect();
    assert_eq!(left, ["/api/v1/namespaces/default", "/api/v1/namespaces/default/pods/other"]);
}

#[tokio::test]
async fn a_server_that_has_not_read_its_roles_yet_is_asked_again() {
    let objects = objects(&[
        ("/api/v1/namespaces/mine", object("mine", "", "r1")),
        ("/api/v1/namespaces/mine/pods/a", object("a", "mine", "r1")),
    ]);
    // The list of namespaces, then twice both.
    let cluster = serve_starting(&objects, 5).await.connect().await;
    let made = [own("mine")];
    let clean = cluster.cleanup_within("r1", &made, Duration::from_secs(10));
    let outcome = soon(clean).await;
    assert!(outcome.errors.iter().all(|error| error.starts_with("`down/v1`")), "{outcome:?}");
    assert_eq!((outcome.deleted, outcome.remaining.len()), (1, 0));
    assert!(objects.lock().is_empty());
}

#[tokio::test]
async fn what_goes_with_a_namespace_is_not_listed() {
    let objects = objects(&[
        ("/api/v1/namespaces/mine", object("mine", "", "r1")),
        ("/api/v1/namespaces/mine/pods/a", object("a", "mine", "r1")),
    ]);
    let (served, lines) = (Arc::clone(&objects), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&lines);
    let server = Server::start(move |line, body| {
        let (inside, path) = (served.lock().len() > 1, line.split('?').next().unwrap_or_default());
        heard.lock().push((path.to_owned(), inside));
        answer(&served, line, body)
    });
    let cluster = server.await.connect().await;
    let outcome = soon(cluster.cleanup_within("r1", &[own("mine")], Duration::from_secs(10))).await;
    assert_eq!(
        (outcome.gone().as_str(), outcome.remaining.len()),
        ("1 namespace with all that was in it", 0)
    );
    let lines = lines.lock();
    let pods: Vec<_> = lines.iter().filter(|(line, _)| line == "GET /api/v1/pods").collect();
    assert_eq!(pods, [&("GET /api/v1/pods".to_owned(), false)], "{lines:?}");
}

#[tokio::test]
async fn what_is_outside_goes_although_a_namespace_stays() {
    let objects = objects(&[
        ("/api/v1/namespaces/mine", object("mine", "", "r1")),
        ("/api/v1/namespaces/mine/pods/a", object("a", "mine", "r1")),
        ("/api/v1/namespaces/default/pods/b", object("b", "default", "r1")),
    ]);
    let served = Arc::clone(&objects);
    let server = Server::start(move |line, body| match line {
        // A finalizer that nobody works on.
        "DELETE /api/v1/namespaces/mine" => Answer::Json(200, "{}".to_owned()),
        _ => answer(&served, line, body),
    });
    let cluster = server.await.connect().await;
    let outcome = soon(cluster.cleanup_within("r1", &[own("mine")], Duration::ZERO)).await;
    // What was just asked to go was not looked at again.
    assert_eq!(outcome.remaining, ["namespace mine", "pod default/b", "pod mine/a"]);
    let left: Vec<_> = objects.lock().keys().copied().collect();
    assert_eq!(left, ["/api/v1/namespaces/mine", "/api/v1/namespaces/mine/pods/a"]);
}

#[tokio::test]
async fn a_namespace_that_the_journal_does_not_name_stays() {
    let objects = objects(&[("/api/v1/namespaces/mine", object("mine", "", "r1"))]);
    let cluster = serve(&objects).await.connect().await;
    let stranger = CreatedNamespace { name: "mine".to_owned(), uid: Some("another".to_owned()) };
    let outcome = soon(cluster.cleanup_within("r1", &[stranger], Duration::from_secs(10))).await;
    assert_eq!((outcome.deleted, outcome.remaining), (0, vec!["namespace mine".to_owned()]));
    assert!(outcome.errors.iter().any(|error| error.contains("left alone")), "{:?}", outcome.errors);
    assert_eq!(objects.lock().len(), 1);
}

#[tokio::test]
async fn a_namespace_that_was_announced_and_carries_the_label_goes() {
    let objects = objects(&[
        ("/api/v1/namespaces/mine", object("mine", "", "r1")),
        ("/api/v1/namespaces/taken", object("taken", "", "")),
    ]);
    let cluster = serve(&objects).await.connect().await;
    let announced = ["mine", "taken"].map(|name| CreatedNamespace { name: name.to_owned(), uid: None });
    let outcome = soon(cluster.cleanup_within("r1", &announced, Duration::from_secs(10))).await;
    assert_eq!((outcome.deleted, outcome.remaining.len()), (1, 0), "{outcome:?}");
    assert!(objects.lock().contains_key("/api/v1/namespaces/taken"), "it is somebody else's");
}

#[tokio::test]
async fn runs_are_found_by_their_label() {
    let objects = objects(&[
        ("/api/v1/namespaces/mine", object("mine", "", "r1")),
        ("/api/v1/namespaces/mine/pods/a", object("a", "mine", "r1")),
        ("/api/v1/namespaces/default/pods/other", object("other", "default", "r2")),
    ]);
    let cluster = serve(&objects).await.connect().await;
    let runs = soon(cluster.runs_on_cluster()).await.expect("runs");
    let found: Vec<_> =
        runs.iter().map(|run| (run.run_id.as_str(), run.objects, run.namespaces.len())).collect();
    assert_eq!(found, [("r1", 2, 1), ("r2", 1, 0)]);
}

#[tokio::test]
async fn credentials_that_end_leave_what_was_made_and_it_is_named() {
    // `/apis`, two versions, a list, the deletion: then nobody says any more whether the namespace is gone.
    for n_answers in [0, 3, 4, 5] {
        let objects = objects(&[("/api/v1/namespaces/mine", object("mine", "", "r1"))]);
        let cluster = serve_until(&objects, n_answers).await.connect().await;
        let outcome = soon(cluster.cleanup_within("r1", &[own("mine")], Duration::from_secs(10))).await;
        assert_eq!(
            (outcome.deleted, &outcome.remaining),
            (0, &vec!["namespace mine".to_owned()]),
            "{n_answers}"
        );
        assert!(
            outcome.errors.iter().any(|error| error.contains("401")),
            "{n_answers}: {:?}",
            outcome.errors
        );
    }
}
