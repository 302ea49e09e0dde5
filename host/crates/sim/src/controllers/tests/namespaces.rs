use super::*;
use crate::controllers::settings::{NamespaceWait, RequestLimit};

/// A namespace as the API server makes it.
fn namespace(name: &str) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": { "finalizers": ["kubernetes"] },
        "status": { "phase": "Active" },
    })
}

async fn filled(settings: ControlSettings) -> Cluster {
    let mut cluster =
        Cluster::with(Stages::constant(Duration::from_millis(100)), settings, NodeSettings::default());
    cluster.create("namespaces", namespace("work"));
    cluster.create_in("work", "deployments", workload("web", 3));
    cluster.create_in("work", "configmaps", json!({ "metadata": { "name": "settings" } }));
    cluster.create_in("work", "secrets", json!({ "metadata": { "name": "key" } }));
    let ready = |cluster: &Cluster| cluster.count("pods", |pod| condition(pod, "Ready")) == 3;
    cluster.until("ready", ready).await;
    cluster
}

fn inhabitants(cluster: &Cluster) -> Vec<String> {
    let in_work = |kind: &KindRef| cluster.store.list(kind, Some("work"));
    let kinds = cluster.store.kinds().into_iter().filter(|kind| kind.namespaced);
    kinds
        .flat_map(|kind| in_work(&kind))
        .map(|object| format!("{} {}", object.kind.plural, object.name))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_new_namespace_gets_its_service_account_and_root_certificate() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("namespaces", namespace("work"));
    cluster.pass(Duration::from_millis(1)).await;
    assert_eq!(inhabitants(&cluster), ["configmaps kube-root-ca.crt", "serviceaccounts default"]);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_is_deleted_also_at_one_request_at_a_time() {
    tokio::time::advance(Duration::from_secs(1000)).await;
    let settings = ControlSettings {
        controller_limit: Some(RequestLimit { qps: 4.0, burst: 1 }),
        ..ControlSettings::default()
    };
    let mut cluster = filled(settings).await;
    cluster.delete("namespaces", "work", None);
    cluster.until("gone", |cluster| cluster.get("namespaces", "work").is_none()).await;
    assert_eq!(inhabitants(&cluster), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_namespace_takes_everything_with_it() {
    let mut cluster = filled(ControlSettings::default()).await;
    let before = cluster.start.elapsed();
    cluster.delete("namespaces", "work", None);
    cluster
        .until("terminating", |cluster| {
            cluster
                .get("namespaces", "work")
                .is_some_and(|namespace| condition(&namespace, "NamespaceContentRemaining"))
        })
        .await;
    let namespace = cluster.get("namespaces", "work").expect("still there");
    assert_eq!(text(&namespace, "/status/phase"), "Terminating");
    let gone = cluster.until("gone", |cluster| cluster.get("namespaces", "work").is_none()).await;
    assert_eq!(inhabitants(&cluster), Vec::<String>::new());
    assert_eq!(gone - before, Duration::from_millis(100), "as long as the pods take to end");
}

#[tokio::test(start_paused = true)]
async fn upstream_looks_again_after_half_the_grace_period_and_a_second() {
    let settings = ControlSettings { namespace_wait: NamespaceWait::Upstream, ..ControlSettings::default() };
    let mut cluster = filled(settings).await;
    let before = cluster.start.elapsed();
    cluster.delete("namespaces", "work", None);
    let gone = cluster.until("gone", |cluster| cluster.get("namespaces", "work").is_none()).await;
    assert_eq!(gone - before, Duration::from_secs(16));
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_holds_a_namespace_and_is_named() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("namespaces", namespace("work"));
    let held = json!({ "metadata": { "name": "held", "finalizers": ["example.com/hold"] } });
    cluster.create_in("work", "configmaps", held);
    cluster.delete("namespaces", "work", None);
    cluster.pass(Duration::from_secs(60)).await;
    let namespace = cluster.get("namespaces", "work").expect("held");
    let list = namespace["status"]["conditions"].as_array().expect("conditions");
    let message = |kind: &str| {
        let found = list.iter().find(|condition| condition["type"] == kind).expect("there");
        found["message"].as_str().expect("text").to_owned()
    };
    assert_eq!(
        message("NamespaceContentRemaining"),
        "Some resources are remaining: configmaps. has 1 resource instances"
    );
    assert_eq!(
        message("NamespaceFinalizersRemaining"),
        "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    );
    let kind = cluster.kind("configmaps");
    let freed = cluster.store.update(&kind, "work", "held", |object| {
        object["metadata"].as_object_mut().expect("metadata").remove("finalizers");
        Ok(())
    });
    freed.expect("the finalizer goes");
    cluster.until("gone", |cluster| cluster.get("namespaces", "work").is_none()).await;
}
