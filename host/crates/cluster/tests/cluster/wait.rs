//! Waiting for conditions over one shared watch.

use std::{collections::VecDeque, io, time::Duration};

use bench_cluster::{Condition, RequestError};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::server::{Answer, Server, json, pods, soon, stream};

fn pod(name: &str, ready: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "ns", "uid": name, "resourceVersion": "7"},
        "status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": ready}]}})
}

async fn serve(answers: Vec<Answer>) -> Server {
    let answers = Mutex::new(VecDeque::from(answers));
    Server::start(move |_, _| answers.lock().pop_front().unwrap_or_else(|| stream().1)).await
}

fn list(items: &[Value]) -> Answer {
    json(&json!({"metadata": {"resourceVersion": "5"}, "items": items}))
}

#[tokio::test]
async fn two_who_wait_share_a_watch() {
    let (events, answer) = stream();
    let server = serve(vec![list(&[pod("a", "True"), pod("b", "False")]), answer]).await;
    let cluster = server.connect().await;
    let cancel = CancellationToken::new();
    let target = pods("ns");
    let wait = |count| {
        cluster.wait_until(&target, "", &Condition::Ready, count, Duration::from_secs(20), None, &cancel)
    };
    let become_ready = async {
        let line = json!({"type": "MODIFIED", "object": pod("b", "True")});
        events.send(io::Result::Ok(format!("{line}\n"))).expect("open");
    };
    let (one, two, ()) = soon(async { tokio::join!(wait(1), wait(2), become_ready) }).await;
    let (one, two) = (one.expect("an outcome"), two.expect("an outcome"));
    assert_eq!((one.unmet, two.met, two.unmet), (0, 2, 0));
    assert!(two.examples.is_empty() && !two.last_met_at.is_never());
    assert_eq!(server.seen().len(), 2, "{:?}", server.seen());
}

#[tokio::test]
async fn what_is_not_ready_in_time_is_an_answer() {
    let server = serve(vec![list(&[pod("a", "True"), pod("b", "False")])]).await;
    let cluster = server.connect().await;
    let cancel = CancellationToken::new();
    let target = pods("ns");
    let wait =
        cluster.wait_until(&target, "", &Condition::Ready, 3, Duration::from_millis(300), None, &cancel);
    let outcome = soon(wait).await.expect("an outcome");
    assert_eq!((outcome.met, outcome.unmet), (1, 2));
    assert_eq!(outcome.examples, ["pod ns/b: Pending", "2 of 3 exist"]);
    assert_eq!(outcome.condition, "ready");
}

#[tokio::test]
async fn a_cancelled_wait_ends_at_once_and_waiting_for_nothing_as_well() {
    let server = serve(vec![list(&[])]).await;
    let cluster = server.connect().await;
    let cancel = CancellationToken::new();
    let nothing =
        cluster.wait_until(&pods("ns"), "", &Condition::Create, 0, Duration::MAX, None, &cancel).await;
    assert_eq!(nothing.expect("an outcome").met, 0);
    cancel.cancel();
    let cancelled =
        cluster.wait_until(&pods("ns"), "", &Condition::Create, 1, Duration::MAX, None, &cancel).await;
    assert_eq!(cancelled, Err(RequestError::Cancelled));
}
