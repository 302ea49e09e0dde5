use super::*;

fn claim(name: &str, class: Option<&str>) -> Value {
    let mut claim = json!({
        "metadata": { "name": name },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } },
    });
    if let Some(class) = class {
        claim["spec"]["storageClassName"] = class.into();
    }
    claim
}

fn user(name: &str, claim: &str) -> Value {
    let mut pod = bare_pod(name);
    pod["spec"]["volumes"] = json!([{ "name": "data", "persistentVolumeClaim": { "claimName": claim } }]);
    pod
}

#[tokio::test(start_paused = true)]
async fn an_immediate_claim_is_bound_after_the_provisioning_time() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("persistentvolumeclaims", claim("data", Some("immediate")));
    let bound =
        cluster.until("bound", |cluster| cluster.count("persistentvolumeclaims", phase("Bound")) == 1).await;
    assert_eq!(bound, Duration::from_millis(200));
    let claim = cluster.get("persistentvolumeclaims", "data").expect("there");
    let volume = cluster.get("persistentvolumes", text(&claim, "/spec/volumeName")).expect("there");
    assert_eq!(text(&volume, "/status/phase"), "Bound");
    assert_eq!(text(&volume, "/spec/claimRef/name"), "data");
    assert_eq!(text(&claim, "/status/capacity/storage"), "1Gi");
}

#[tokio::test(start_paused = true)]
async fn a_claim_of_the_default_class_waits_for_its_first_pod_and_pins_the_volume_to_its_node() {
    let nodes = NodeSettings { count: 3, ..NodeSettings::default() };
    let mut cluster = Cluster::with(Stages::fast(), ControlSettings::default(), nodes);
    cluster.create("persistentvolumeclaims", claim("data", None));
    cluster.pass(Duration::from_secs(10)).await;
    let waiting = cluster.get("persistentvolumeclaims", "data").expect("there");
    assert_eq!(text(&waiting, "/spec/storageClassName"), "standard");
    assert_ne!(text(&waiting, "/status/phase"), "Bound");
    cluster.create("pods", user("a", "data"));
    cluster.until("ready", |cluster| cluster.count("pods", |pod| condition(pod, "Ready")) == 1).await;
    let node = text(&cluster.get("pods", "a").expect("there"), "/spec/nodeName").to_owned();
    cluster.create("pods", user("b", "data"));
    cluster.until("both", |cluster| cluster.count("pods", |pod| condition(pod, "Ready")) == 2).await;
    assert_eq!(text(&cluster.get("pods", "b").expect("there"), "/spec/nodeName"), node);
}

#[tokio::test(start_paused = true)]
async fn a_claim_in_use_is_protected_and_its_volume_goes_after_it() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("persistentvolumeclaims", claim("data", Some("immediate")));
    cluster.create("pods", user("a", "data"));
    cluster.until("ready", |cluster| cluster.count("pods", |pod| condition(pod, "Ready")) == 1).await;
    cluster.delete("persistentvolumeclaims", "data", None);
    cluster.pass(Duration::from_secs(10)).await;
    assert!(cluster.get("persistentvolumeclaims", "data").is_some(), "a pod uses it");
    cluster.delete("pods", "a", None);
    cluster
        .until("gone", |cluster| {
            cluster.list("persistentvolumeclaims").is_empty() && cluster.list("persistentvolumes").is_empty()
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_claim_is_missing_says_so_and_starts_once_it_is_there() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("pods", user("a", "data"));
    cluster.pass(Duration::from_secs(5)).await;
    let told = cluster.events("a").remove(0);
    assert!(
        told.starts_with(
            "FailedScheduling: 0/1 nodes are available: persistentvolumeclaim \"data\" not found. not found"
        ),
        "{told}"
    );
    cluster.create("persistentvolumeclaims", claim("data", None));
    cluster.until("ready", |cluster| cluster.count("pods", |pod| condition(pod, "Ready")) == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_makes_a_claim_for_each_pod() {
    let mut cluster = Cluster::start(Stages::fast());
    let mut set = workload("db", 2);
    set["spec"]["volumeClaimTemplates"] = json!([claim("data", None)]);
    cluster.create("statefulsets", set);
    cluster.until("ready", |cluster| cluster.count("pods", |pod| condition(pod, "Ready")) == 2).await;
    assert_eq!(cluster.names("persistentvolumeclaims"), ["data-db-0", "data-db-1"]);
}
