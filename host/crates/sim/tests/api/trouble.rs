//! What goes wrong on purpose, and who may do what.

use bench_sim::SimConfig;
use bench_sim::config::{DroppedWatches, Faults, RequestFilter, Rule, Share, User};
use http::Method;
use serde_json::json;

use crate::client::{CONFIG_MAPS, Client};

#[tokio::test]
async fn a_refused_request_says_when_to_come_back() {
    let refusal = Share {
        on: RequestFilter { verbs: vec!["create".to_owned()], ..RequestFilter::default() },
        share: 1.0,
        retry_after_seconds: 7,
    };
    let faults = Faults { too_many_requests: vec![refusal], ..Faults::default() };
    let client = Client::with(SimConfig { faults, ..SimConfig::default() });
    let answer = client.send(Method::POST, CONFIG_MAPS, "application/json", b"{}".to_vec()).await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers().get("retry-after").and_then(|value| value.to_str().ok()), Some("7"));
    assert_eq!(client.get(CONFIG_MAPS).await.0, 200);
    let (_, metrics) = client.get("/metrics").await;
    let counted = metrics.as_str().unwrap_or_default().contains("apiserver_request_total{code=\"429\"");
    assert!(counted, "{metrics}");
}

#[tokio::test]
async fn a_dropped_watch_ends_without_a_word() {
    let dropped = Some(DroppedWatches { share: 1.0, after_milliseconds: 1.0 });
    let faults = Faults { dropped_watches: dropped, ..Faults::default() };
    let client = Client::with(SimConfig { faults, ..SimConfig::default() });
    let mut watch = client.watch(&format!("{CONFIG_MAPS}?watch=1&labelSelector=none")).await;
    assert_eq!(watch.brief().await, "END");
}

#[tokio::test]
async fn users_may_do_what_their_rules_say() {
    let rule = Rule {
        verbs: vec!["get".to_owned(), "list".to_owned()],
        api_groups: vec![String::new()],
        resources: vec!["configmaps".to_owned()],
        namespaces: vec!["default".to_owned()],
    };
    let user =
        User { name: "jane".to_owned(), token: "secret".to_owned(), rules: vec![rule], ..User::default() };
    let config = SimConfig { users: vec![user], ..SimConfig::default() };
    let client = Client::with(config.clone());
    assert_eq!(client.get(CONFIG_MAPS).await.0, 401);
    let client = Client::with(config).with_token("secret");
    assert_eq!(client.get(CONFIG_MAPS).await.0, 200);
    let (code, status) = client.get("/api/v1/namespaces/default/pods").await;
    assert_eq!(code, 403);
    assert_eq!(
        status["message"],
        "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\""
    );
    let review = json!({"spec": {"resourceAttributes": {"verb": "list", "resource": "configmaps", "namespace": "default"}}});
    let (_, answer) = client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await;
    assert_eq!(answer["status"]["allowed"], json!(true));
}
