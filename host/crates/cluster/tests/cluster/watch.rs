//! Watches through breaks, relists, bad lines and full queues.

use std::{collections::VecDeque, io, sync::Arc};

use bench_cluster::{Cluster, WATCH_QUEUE, WatchHandle, WatchSink, WatchSpec};
use bench_model::{Column, EventBatch, Gap, ParseAs, Projection, Subscription};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::server::{Answer, Server, json, soon, stream};

fn pod(name: &str, uid: &str, version: u32, phase: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "ns", "uid": uid, "resourceVersion": version.to_string()}, "status": {"phase": phase}})
}

fn event(kind: &str, object: &Value) -> io::Result<String> {
    Ok(format!("{}\n", json!({"type": kind, "object": object})))
}

fn list(version: u32, items: &[Value]) -> Answer {
    json(&json!({"metadata": {"resourceVersion": version.to_string()}, "items": items}))
}

/// Answers in order, whatever is asked.
async fn serve(answers: Vec<Answer>) -> Server {
    let answers = Mutex::new(VecDeque::from(answers));
    Server::start(move |_, _| answers.lock().pop_front().unwrap_or_else(|| stream().1)).await
}

struct Watched {
    handle: WatchHandle,
    batches: mpsc::Receiver<EventBatch>,
    gaps: Arc<Mutex<Vec<Gap>>>,
    strings: Vec<String>,
}

fn watch(cluster: &Cluster) -> Watched {
    let subscription = Subscription {
        group: String::new(),
        version: "v1".to_owned(),
        plural: "pods".to_owned(),
        namespaces: vec!["ns".to_owned()],
        label_selector: "app=x".to_owned(),
        field_selector: String::new(),
        projections: vec![Projection { path: "status.phase".to_owned(), parse: ParseAs::Text }],
    };
    let gaps = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&gaps);
    let (sink, batches) = WatchSink::new(move |gap| noted.lock().push(gap));
    let spec = WatchSpec { measurement: "m".to_owned(), index: 0, subscription };
    let handle = cluster.watch(spec, sink).expect("paths");
    Watched { handle, batches, gaps, strings: Vec::new() }
}

impl Watched {
    /// The next `n` rows, as `kind object version phase`.
    async fn rows(&mut self, n: usize) -> Vec<String> {
        let mut rows = Vec::new();
        while rows.len() < n {
            let batch = soon(self.batches.recv()).await.expect("a batch");
            if batch.first_string_id == 1 {
                self.strings = vec![String::new()];
            }
            assert_eq!(batch.first_string_id as usize, self.strings.len());
            self.strings.extend(batch.new_strings.iter().cloned());
            let Column::Ids(phases) = &batch.projected[0] else { panic!("ids") };
            for (i, phase) in phases.iter().enumerate() {
                let text = |id: u32| self.strings[id as usize].as_str();
                let (object, phase) = (text(batch.object[i]), text(*phase));
                rows.push(format!("{} {object} {} {phase}", batch.kind[i], batch.resource_version[i]));
            }
        }
        assert_eq!(rows.len(), n, "{rows:?}");
        rows
    }

    fn gaps(&self) -> Vec<(String, Option<u64>, bool)> {
        self.gaps.lock().iter().map(|gap| (gap.reason.clone(), gap.rows, gap.relisted)).collect()
    }
}

#[tokio::test]
async fn what_was_there_and_what_changes_become_rows() {
    let (events, answer) = stream();
    let server = serve(vec![list(5, &[pod("a", "1", 4, "Pending")]), answer]).await;
    let mut watched = watch(&server.connect().await);
    soon(watched.handle.ready()).await.expect("watching");
    events.send(event("ADDED", &pod("b", "2", 6, "Pending"))).expect("open");
    // Cut in the middle of a line.
    let line = event("MODIFIED", &pod("a", "1", 7, "Running")).expect("a line");
    let (head, tail) = line.split_at(20);
    events.send(Ok(head.to_owned())).expect("open");
    events.send(Ok(tail.to_owned())).expect("open");
    events.send(event("BOOKMARK", &json!({"metadata": {"resourceVersion": "8"}}))).expect("open");
    events.send(event("DELETED", &pod("b", "2", 9, "Pending"))).expect("open");
    let expected = ["0 ns/a 4 Pending", "1 ns/b 6 Pending", "2 ns/a 7 Running", "3 ns/b 9 Pending"];
    assert_eq!(watched.rows(4).await, expected);
    assert!(watched.gaps().is_empty());
    let seen = server.seen();
    assert_eq!(seen[0], "GET /api/v1/namespaces/ns/pods?labelSelector=app%3Dx&limit=500");
    assert_eq!(
        seen[1],
        "GET /api/v1/namespaces/ns/pods?watch=1&allowWatchBookmarks=true&resourceVersion=5&labelSelector=app%3Dx"
    );
    soon(watched.handle.stop()).await;
}

#[tokio::test]
async fn a_broken_watch_goes_on_where_it_broke() {
    let (first, first_answer) = stream();
    let (second, second_answer) = stream();
    let server = serve(vec![list(5, &[]), first_answer, second_answer]).await;
    let mut watched = watch(&server.connect().await);
    soon(watched.handle.ready()).await.expect("watching");
    first.send(event("ADDED", &pod("a", "1", 6, "Pending"))).expect("open");
    assert_eq!(watched.rows(1).await, ["1 ns/a 6 Pending"]);
    first.send(Err(io::Error::other("broken"))).expect("open");
    second.send(event("MODIFIED", &pod("a", "1", 7, "Running"))).expect("open");
    assert_eq!(watched.rows(2).await, ["4  0 ", "2 ns/a 7 Running"]);
    assert_eq!(watched.gaps(), [("connection lost".to_owned(), Some(0), true)]);
    assert!(server.seen()[2].contains("resourceVersion=6"));
}

#[tokio::test]
async fn a_watch_that_is_stopped_while_it_is_broken_says_that_rows_may_be_missing() {
    let (events, answer) = stream();
    let down = || Answer::Json(503, String::new());
    let server = serve(vec![list(5, &[]), answer, down(), down(), down(), down()]).await;
    let mut watched = watch(&server.connect().await);
    soon(watched.handle.ready()).await.expect("watching");
    events.send(Err(io::Error::other("broken"))).expect("open");
    let tried_again = async {
        while server.seen().len() < 4 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    soon(tried_again).await;
    soon(watched.handle.stop()).await;
    assert_eq!(watched.gaps.lock().len(), 1);
    let gap = watched.gaps.lock().pop().expect("a gap");
    assert_eq!((gap.reason.as_str(), gap.rows, gap.relisted), ("connection not restored", None, false));
}

#[tokio::test]
async fn a_watch_that_ends_well_goes_on_without_a_gap() {
    let (first, first_answer) = stream();
    let (second, second_answer) = stream();
    let server = serve(vec![list(5, &[]), first_answer, second_answer]).await;
    let mut watched = watch(&server.connect().await);
    soon(watched.handle.ready()).await.expect("watching");
    drop(first);
    second.send(event("ADDED", &pod("a", "1", 6, "Pending"))).expect("open");
    assert_eq!(watched.rows(1).await, ["1 ns/a 6 Pending"]);
    assert!(watched.gaps().is_empty());
}

#[tokio::test]
async fn an_expired_watch_lists_again_and_tells_the_differences() {
    let (events, answer) = stream();
    let (again, again_answer) = stream();
    let before = [
        pod("same", "1", 1, "Running"),
        pod("changed", "2", 2, "Pending"),
        pod("gone", "3", 3, "Pending"),
        pod("replaced", "4", 4, "Pending"),
    ];
    let after = [
        pod("same", "1", 1, "Running"),
        pod("changed", "2", 12, "Running"),
        pod("replaced", "9", 13, "Pending"),
        pod("new", "5", 14, "Pending"),
    ];
    let server = serve(vec![list(5, &before), answer, list(20, &after), again_answer]).await;
    let mut watched = watch(&server.connect().await);
    soon(watched.handle.ready()).await.expect("watching");
    assert_eq!(watched.rows(4).await.len(), 4);
    let status =
        json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    events.send(event("ERROR", &status)).expect("open");
    again.send(event("ADDED", &pod("last", "6", 21, "Pending"))).expect("open");
    let mut rows = watched.rows(7).await;
    assert_eq!(rows.remove(0), "4  0 ");
    let expected = [
        "2 ns/changed 12 Running",
        "3 ns/replaced 4 ",
        "1 ns/replaced 13 Pending",
        "1 ns/new 14 Pending",
        "3 ns/gone 3 ",
        "1 ns/last 21 Pending",
    ];
    assert_eq!(rows, expected);
    assert_eq!(watched.gaps(), [("watch expired".to_owned(), None, true)]);
    assert!(server.seen()[3].contains("resourceVersion=20"));
}

#[tokio::test]
async fn a_bad_line_is_a_gap_and_the_watch_goes_on() {
    let (events, answer) = stream();
    let server = serve(vec![list(5, &[]), answer]).await;
    let mut watched = watch(&server.connect().await);
    soon(watched.handle.ready()).await.expect("watching");
    events.send(Ok("{\"type\":\"ADDED\",\"object\":{\"metadata\"\n".to_owned())).expect("open");
    events.send(Ok("\u{0}garbage\n".to_owned())).expect("open");
    events.send(event("ADDED", &pod("a", "1", 6, "Pending"))).expect("open");
    assert_eq!(watched.rows(3).await, ["4  0 ", "4  0 ", "1 ns/a 6 Pending"]);
    assert_eq!(watched.gaps(), [("malformed event".to_owned(), Some(2), false)]);
}

#[tokio::test]
async fn a_receiver_that_does_not_keep_up_loses_rows_and_is_told() {
    let (events, answer) = stream();
    let server = serve(vec![list(5, &[]), answer]).await;
    let mut watched = watch(&server.connect().await);
    soon(watched.handle.ready()).await.expect("watching");
    let n = 256 * (WATCH_QUEUE + 3);
    for i in 0..n {
        events.send(event("ADDED", &pod(&format!("p{i}"), &i.to_string(), 6, "Pending"))).expect("open");
    }
    let lost = |gaps: &[(String, Option<u64>, bool)]| gaps.iter().filter_map(|gap| gap.1).sum::<u64>();
    soon(async {
        while lost(&watched.gaps()) < 512 {
            tokio::task::yield_now().await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(watched.gaps().iter().all(|gap| gap.0 == "queue overflow" && !gap.2));
    // What fitted comes whole, and then a gap row in a new string table.
    for i in 0..WATCH_QUEUE {
        let batch = soon(watched.batches.recv()).await.expect("a batch");
        assert_eq!((batch.first_string_id == 1, batch.kind.contains(&4)), (i == 0, false));
    }
    let batch = soon(watched.batches.recv()).await.expect("a batch");
    assert_eq!((batch.first_string_id, batch.kind[0]), (1, 4));
}

#[tokio::test]
async fn a_watch_that_is_forbidden_says_so() {
    let server =
        serve(vec![Answer::Json(403, r#"{"reason":"Forbidden","message":"no pods for you"}"#.to_owned())])
            .await;
    let mut watched = watch(&server.connect().await);
    let error = soon(watched.handle.ready()).await.expect_err("forbidden");
    assert_eq!(error.to_string(), "the server refused with 403 Forbidden: no pods for you");
}
