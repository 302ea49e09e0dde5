//! Connecting, sending, resolving, listing.

use std::{collections::BTreeMap, net::SocketAddr, num::NonZeroU32, time::Duration};

use bench_cluster::{
    Cluster, ConnectError, ConnectOptions, ListQuery, Protocol, ProxyTarget, Reply, Request, RequestError,
};
use bench_limiter::{Limiter, RunClock};
use bench_model::{Rate, TimeNs, Verb};
use bytes::Bytes;
use futures::future::join_all;
use parking_lot::Mutex;
use serde_json::json;

use crate::server::{Answer, Server, json, pods, soon, stream};

fn create<'a>(target: &'a bench_model::ResourceRef, keep_body: bool) -> Request<'a> {
    Request {
        verb: Verb::Create,
        target,
        name: "a",
        query: "",
        content_type: "application/json",
        body: Bytes::from_static(b"{}"),
        keep_body,
    }
}

#[tokio::test]
async fn a_cluster_has_its_facts() {
    let server = Server::start(|_, _| Answer::Json(404, String::new())).await;
    let cluster = server.connect().await;
    let facts = cluster.facts();
    assert_eq!((facts.git_version.as_str(), facts.version.as_str()), ("v1.36.3", "1.36"));
    assert_eq!(facts.server, format!("http://{}", server.address));
    assert_eq!(facts.kube_system_uid.as_deref(), Some("the-uid"));
    assert_eq!((facts.is_loopback, facts.protocol), (true, Protocol::Http2));
    let (low, high) = cluster.clock_offset();
    assert!(low.0 < high.0 && high.0 - low.0 < 3_000_000_000, "{low:?} {high:?}");
}

#[tokio::test]
async fn the_clock_behind_a_new_connection_has_bounds_of_its_own() {
    let server = Server::start(|_, _| Answer::Json(200, "{}".to_owned())).await;
    let cluster = server.connect().await;
    let width = |(low, high): (TimeNs, TimeNs)| high.0 - low.0;
    assert!(
        width(cluster.measure_clock_offset(2).await) < 1_000_000_000,
        "several answers say more than one"
    );
    server.hang_up();
    // A request that met the old connection fails.
    soon(async { while cluster.send(&create(&pods("ns"), false), None).await.http_status != 200 {} }).await;
    let fresh = width(cluster.measure_clock_offset(1).await);
    assert!(fresh >= 1_000_000_000, "{fresh} ns: it may lead to another API server");
}

#[tokio::test]
async fn a_server_without_http2_is_spoken_to_in_http1() {
    let server = Server::start_speaking(false, |_, _| Answer::Json(201, "{}".to_owned())).await;
    let cluster = server.connect().await;
    assert_eq!(cluster.facts().protocol, Protocol::Http1);
    assert_eq!(cluster.send(&create(&pods("ns"), false), None).await.http_status, 201);
}

#[tokio::test]
async fn a_good_answer_is_dropped_unless_it_is_wanted() {
    let server = Server::start(|_, body| {
        assert_eq!(body, "{}");
        Answer::Json(201, r#"{"metadata":{"uid":"u-1"}}"#.to_owned())
    })
    .await;
    let cluster = server.connect().await;
    let own = cluster.own_creates().register(&pods("ns"), "a", TimeNs(3));

    let dropped = soon(cluster.send(&create(&pods("ns"), false), own)).await;
    assert!(dropped.is_success() && dropped.body.is_empty() && dropped.uid.is_none());
    assert!(dropped.sent <= dropped.done && !dropped.done.is_never());
    let times = cluster.own_creates().get("", "pods", "ns", "a").expect("registered");
    assert_eq!((times.due, times.sent, times.answered), (TimeNs(3), dropped.sent, dropped.done));

    let kept = soon(cluster.send(&create(&pods("ns"), true), None)).await;
    assert_eq!(kept.uid.as_deref(), Some("u-1"));
    assert_eq!(server.seen(), ["POST /api/v1/namespaces/ns/pods", "POST /api/v1/namespaces/ns/pods"]);
}

#[tokio::test]
async fn load_and_other_calls_have_connections_of_their_own() {
    let server = Server::start(|_, _| Answer::Json(200, "{}".to_owned())).await;
    let cluster = server.connect().await;
    for _ in 0..2 {
        soon(cluster.send(&create(&pods("ns"), false), None)).await;
        soon(cluster.get(&pods("ns"), "a")).await.expect("an object");
    }
    let [load, call, load_again, call_again] = server.peers()[..] else { panic!("{:?}", server.seen()) };
    assert_ne!(load, call, "the end of one must not be the end of the other");
    assert_eq!((load, call), (load_again, call_again));
}

#[tokio::test]
async fn requests_that_wait_for_a_connection_share_it() {
    let server = Server::start(|_, _| Answer::Json(201, "{}".to_owned())).await;
    let cluster = server.connect().await;
    let (target, all) = (pods("ns"), 16);
    server.hang_up();
    // Finds out; who comes next opens another.
    let lost = soon(cluster.send(&create(&target, false), None)).await;
    assert!(!lost.is_success(), "{lost:?}");
    let before = server.peers().len();
    send_at_once(&cluster, all).await;
    assert_eq!(by_connection(&server.peers()[before..]), [all]);
}

/// Sends so many requests before the first is answered.
async fn send_at_once(cluster: &Cluster, n: usize) {
    let target = pods("ns");
    let requests: Vec<_> = (0..n).map(|_| create(&target, false)).collect();
    let replies = soon(join_all(requests.iter().map(|request| cluster.send(request, None)))).await;
    assert!(replies.iter().all(Reply::is_success), "{replies:?}");
}

/// Numbers of requests on each connection, the largest first.
fn by_connection(peers: &[SocketAddr]) -> Vec<usize> {
    let mut counts = BTreeMap::new();
    for peer in peers {
        *counts.entry(peer).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

#[tokio::test]
async fn requests_beyond_what_one_connection_carries_go_on_others_that_are_open_already() {
    let server = Server::start(|_, _| Answer::Json(201, "{}".to_owned())).await;
    let options = ConnectOptions { in_flight: 250, ..ConnectOptions::inline(server.kubeconfig()) };
    let cluster =
        Cluster::connect(options, Limiter::unlimited(), RunClock::start()).await.expect("connected");
    let opened = server.opened();
    let before = server.peers().len();
    send_at_once(&cluster, 60).await;
    assert_eq!(by_connection(&server.peers()[before..]), [60], "one is enough for these");
    send_at_once(&cluster, 250).await;
    assert_eq!(by_connection(&server.peers()[before + 60..]), [100, 100, 50]);
    // More than was announced is not refused.
    send_at_once(&cluster, 330).await;
    assert_eq!(by_connection(&server.peers()[before + 310..]), [110, 110, 110]);
    assert_eq!(server.opened(), opened, "no operation opens a connection");
}

#[tokio::test]
async fn a_connection_that_broke_fails_what_was_on_it_and_the_next_request_opens_another() {
    let never_ends = Mutex::new(Vec::new());
    let server = Server::start(move |line, _| {
        if line.starts_with("POST") {
            return Answer::Json(201, "{}".to_owned());
        }
        let (sender, answer) = stream();
        never_ends.lock().push(sender);
        answer
    })
    .await;
    let cluster = server.connect().await;
    let target = pods("ns");
    let request = create(&target, false);
    let (on_it, ()) = soon(async {
        let hangs = Request { verb: Verb::Get, ..create(&target, true) };
        let hang_up = async {
            while server.seen().is_empty() {
                tokio::task::yield_now().await;
            }
            server.hang_up();
        };
        tokio::join!(cluster.send(&hangs, None), hang_up)
    })
    .await;
    assert_eq!(&*on_it.reason, "Transport", "{on_it:?}");
    // The end of the connection may be known only after one more request.
    soon(async { while !cluster.send(&request, None).await.is_success() {} }).await;
    let peers = server.peers();
    assert_ne!(peers.first(), peers.last());
}

#[tokio::test]
async fn an_error_answer_is_seen_once_and_never_sent_again() {
    let server = Server::start(|_, _| {
        let status = r#"{"kind":"Status","reason":"TooManyRequests","message":"slow down","code":429}"#;
        Answer::Headers(429, vec![("retry-after", "7")], status.to_owned())
    })
    .await;
    let reply = soon(server.connect().await.send(&create(&pods("ns"), true), None)).await;
    assert_eq!((reply.http_status, &*reply.reason, &*reply.message), (429, "TooManyRequests", "slow down"));
    assert_eq!(reply.retry_after, Some(Duration::from_secs(7)));
    assert!(reply.body.is_empty() && !reply.done.is_never());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_never_completed() {
    let server = Server::start(|_, _| {
        let (sender, answer) = stream();
        sender.send(Ok("{".to_owned())).expect("open");
        sender.send(Err(std::io::Error::other("broken"))).expect("open");
        answer
    })
    .await;
    let reply = soon(server.connect().await.send(&create(&pods("ns"), true), None)).await;
    assert_eq!(&*reply.reason, "Transport");
    assert!(reply.done.is_never() && !reply.sent.is_never());
}

#[tokio::test]
async fn what_has_no_valid_url_is_not_sent() {
    let server = Server::start(|_, _| Answer::Json(200, "{}".to_owned())).await;
    let cluster = server.connect().await;
    let target = pods("ns");
    let request = Request { verb: Verb::Delete, name: "", ..create(&target, false) };
    let reply = cluster.send(&request, None).await;
    assert_eq!((&*reply.reason, &*reply.message), ("InvalidArgument", "`delete` needs a name"));
    assert!(reply.sent.is_never() && server.seen().is_empty());
}

#[tokio::test]
async fn the_limiter_holds_every_request() {
    let server = Server::start(|_, _| Answer::Json(201, "{}".to_owned())).await;
    let limiter = Limiter::new(Some(Rate::try_new(20.0).expect("a rate")), NonZeroU32::MIN);
    // Reading the UID of kube-system has taken the only token.
    let cluster = server.connect_with(limiter.clone()).await;
    let reply = soon(cluster.send(&create(&pods("ns"), false), None)).await;
    assert!(reply.held_by_limiter > Duration::ZERO);
    assert_eq!(limiter.waited_total().0, 1);
}

#[tokio::test]
async fn kinds_are_resolved_once() {
    let server = Server::start(|line, _| match line {
        "GET /apis/apps/v1" => json(&json!({"resources": [
            {"name": "deployments/status", "kind": "Deployment", "namespaced": true},
            {"name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": ["list", "proxy"]},
        ]})),
        _ => Answer::Json(404, String::new()),
    })
    .await;
    let cluster = server.connect().await;
    for _ in 0..2 {
        let (target, namespaced) = soon(cluster.resolve("apps/v1", "Deployment")).await.expect("served");
        assert_eq!(
            (target.plural.as_str(), target.group.as_str(), namespaced),
            ("deployments", "apps", true)
        );
    }
    assert_eq!(server.seen().len(), 1);
    for (api_version, kind) in [("apps/v1", "Pod"), ("none/v1", "None")] {
        let error = cluster.resolve(api_version, kind).await.expect_err("not served");
        let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
        assert_eq!(error, RequestError::NoSuchKind { api_version, kind });
    }
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let server = Server::start(|line, _| match line {
        "GET /api/v1/namespaces/ns/pods?labelSelector=a%3Db&limit=2" => json(
            &json!({"metadata": {"resourceVersion": "5", "continue": "t/1"}, "items": [{"a": 1}, {"b": 2}]}),
        ),
        "GET /api/v1/namespaces/ns/pods?labelSelector=a%3Db&limit=2&continue=t%2F1" => {
            json(&json!({"metadata": {"resourceVersion": "5"}, "items": [{"c": 3}]}))
        }
        _ => Answer::Json(400, String::new()),
    })
    .await;
    let cluster = server.connect().await;
    let list = ListQuery { label_selector: "a=b", limit: 2, ..ListQuery::default() };
    let first = soon(cluster.list_page(&pods("ns"), list)).await.expect("a page");
    assert_eq!((first.items.len(), first.token.as_str()), (2, "t/1"));
    let list = ListQuery { token: &first.token, ..list };
    let second = soon(cluster.list_page(&pods("ns"), list)).await.expect("a page");
    assert_eq!(
        (second.items, second.token, second.resource_version),
        (vec![r#"{"c":3}"#.to_owned()], String::new(), "5".to_owned())
    );
}

#[tokio::test]
async fn calls_work_from_another_runtime() {
    let server = Server::start(|_, _| json(&json!({"metadata": {"name": "a"}}))).await;
    let cluster = server.connect().await;
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let elsewhere = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        sender.send(runtime.block_on(cluster.get(&pods("ns"), "a"))).expect("the test listens");
    });
    let body = soon(receiver).await.expect("an outcome").expect("an object");
    assert_eq!(&*body, br#"{"metadata":{"name":"a"}}"#);
    elsewhere.join().expect("no panic");
}

#[tokio::test]
async fn a_proxied_answer_has_a_limit() {
    let server = Server::start(|line, _| match line {
        "GET /api/v1/nodes/n:10250/proxy/metrics" => Answer::Json(200, "x".repeat(100)),
        _ => Answer::Json(503, "no".to_owned()),
    })
    .await;
    let cluster = server.connect().await;
    let target: ProxyTarget = "nodes/n:10250".parse().expect("a target");
    let reply = soon(cluster.proxy_get(&target, "/metrics", 100)).await.expect("an answer");
    assert_eq!((reply.http_status, reply.body.len()), (200, 100));
    let error = soon(cluster.proxy_get(&target, "/metrics", 99)).await.expect_err("too large");
    assert_eq!(error.reason(), "TooLarge");
    let reply = soon(cluster.proxy_get(&target, "/healthz", 99)).await.expect("an answer");
    assert_eq!((reply.http_status, &*reply.body), (503, &b"no"[..]));
}

#[tokio::test]
async fn of_a_large_answer_the_wanted_lines_are_kept() {
    let server = Server::start(|line, _| match line {
        "GET /metrics" => {
            let (sender, answer) = stream();
            for piece in ["# HELP a x\na{b=\"1\"} 1\nb ", "2\na{b=", "\"2\"} 0\nc 3\n", "a 4"] {
                sender.send(Ok(piece.to_owned())).expect("open");
            }
            answer
        }
        "GET /larger" => Answer::Json(200, format!("a{}\n", "x".repeat(1_000)).repeat(1_100)),
        _ => Answer::Json(403, "no".to_owned()),
    })
    .await;
    let cluster = server.connect().await;
    let reply = soon(cluster.server_lines("/metrics", "a")).await.expect("an answer");
    assert_eq!((reply.http_status, &*reply.body), (200, &b"a{b=\"1\"} 1\na{b=\"2\"} 0\na 4\n"[..]));
    let error = soon(cluster.server_lines("/larger", "a")).await.expect_err("too large");
    assert_eq!(error.reason(), "TooLarge");
    let reply = soon(cluster.server_lines("/larger", "b")).await.expect("an answer");
    assert!(reply.body.is_empty(), "what is not wanted may be as large as it likes");
    let reply = soon(cluster.server_lines("/other", "a")).await.expect("an answer");
    assert_eq!(reply.http_status, 403);
}

async fn connect_error(kubeconfig: String) -> ConnectError {
    let options = ConnectOptions::inline(kubeconfig);
    soon(Cluster::connect(options, Limiter::unlimited(), RunClock::start())).await.expect_err("no cluster")
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let server = Server::start(|_, _| Answer::Json(200, String::new())).await;
    let kubeconfig = server.kubeconfig().replace(&server.address.to_string(), &address.to_string());
    let error = connect_error(kubeconfig).await;
    assert_eq!(error.to_string(), format!("failed to reach the API server at http://{address}"));
    let cause = std::error::Error::source(&error).expect("a cause");
    assert_eq!(cause.to_string(), "failed to connect");
    assert_eq!(cause.source().expect("its cause").to_string(), "connection refused");
}

#[tokio::test]
async fn wrong_credentials_are_said_and_not_shown() {
    let server = Server::start(|_, _| Answer::Json(200, String::new())).await;
    let error = connect_error(server.kubeconfig().replace("s3cret", "wr0ng")).await;
    let expected =
        format!("the API server at http://{} does not accept the credentials: Unauthorized", server.address);
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error:?}").contains("wr0ng"));
}
