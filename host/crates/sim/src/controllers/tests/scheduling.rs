use super::*;
use crate::controllers::settings::RequestLimit;

const NO_ROOM: &str = "0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption \
                       victims found for incoming pod.";

fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready")
}

#[tokio::test(start_paused = true)]
async fn the_111th_pod_stays_pending_and_says_too_many_pods() {
    let mut cluster = Cluster::start(Stages::fast());
    for number in 0..111 {
        cluster.create("pods", bare_pod(&format!("p{number:03}")));
    }
    cluster.pass(Duration::from_secs(60)).await;
    assert_eq!(cluster.count("pods", is_ready), 110);
    let pending = cluster.get("pods", "p110").expect("there");
    assert_eq!(text(&pending, "/spec/nodeName"), "");
    assert_eq!(conditions::get(&pending["status"], "PodScheduled"), Some(("False", "Unschedulable")));
    assert_eq!(cluster.events("p110"), [format!("FailedScheduling: {NO_ROOM}")]);
    // Room appears: the pod gets it.
    cluster.delete("pods", "p000", None);
    cluster
        .until("all", |cluster| cluster.count("pods", is_ready) == 110 && cluster.list("pods").len() == 110)
        .await;
    assert!(cluster.get("pods", "p110").is_some_and(|pod| is_ready(&pod)));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_waits_for_ever_tells_again_after_five_minutes() {
    let nodes = NodeSettings { pods: 0, ..NodeSettings::default() };
    let mut cluster = Cluster::with(Stages::fast(), ControlSettings::default(), nodes);
    cluster.create("pods", bare_pod("a"));
    cluster.pass(Duration::from_secs(299)).await;
    let count = |cluster: &Cluster| {
        let events = cluster.list("events");
        let told = events.iter().find(|event| text(event, "/reason") == "FailedScheduling").expect("told");
        number(told, "/series/count")
    };
    assert_eq!(count(&cluster), 0);
    cluster.pass(Duration::from_secs(302)).await;
    assert_eq!(count(&cluster), 3, "(x3 over 10m)");
}

#[tokio::test(start_paused = true)]
async fn pods_are_spread_over_the_nodes() {
    let nodes = NodeSettings { count: 4, ..NodeSettings::default() };
    let mut cluster = Cluster::with(Stages::fast(), ControlSettings::default(), nodes);
    cluster.create("deployments", workload("web", 8));
    cluster.until("ready", |cluster| cluster.count("pods", is_ready) == 8).await;
    for node in cluster.names("nodes") {
        let on_node = cluster.count("pods", |pod| text(pod, "/spec/nodeName") == node);
        assert_eq!(on_node, 2, "{node}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_is_chosen_by_selector_toleration_and_cordon() {
    let nodes = NodeSettings { count: 3, ..NodeSettings::default() };
    let mut cluster = Cluster::with(Stages::fast(), ControlSettings::default(), nodes);
    cluster.pass(Duration::from_millis(1)).await;
    cluster.patch("nodes", "node-0", "/spec", json!({ "podCIDR": "10.244.0.0/24", "unschedulable": true }));
    let taints = json!([{ "key": "gpu", "value": "yes", "effect": "NoSchedule" }]);
    cluster.patch("nodes", "node-1", "/spec", json!({ "podCIDR": "10.244.1.0/24", "taints": taints }));
    cluster.create("pods", bare_pod("anywhere"));
    let mut pinned = bare_pod("pinned");
    pinned["spec"]["nodeSelector"] = json!({ "kubernetes.io/hostname": "node-1" });
    cluster.create("pods", pinned.clone());
    pinned["metadata"]["name"] = "tolerant".into();
    pinned["spec"]["tolerations"] = json!([{ "key": "gpu", "operator": "Exists" }]);
    cluster.create("pods", pinned);
    cluster.pass(Duration::from_secs(30)).await;
    let node = |name: &str| text(&cluster.get("pods", name).expect("there"), "/spec/nodeName").to_owned();
    assert_eq!([node("anywhere"), node("pinned"), node("tolerant")], ["node-2", "", "node-1"]);
    assert_eq!(
        cluster.events("pinned"),
        [
            "FailedScheduling: 0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had \
          untolerated taint(s), 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not \
          helpful for scheduling."
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_limit_slows_bindings_down() {
    tokio::time::advance(Duration::from_secs(1000)).await;
    let settings = ControlSettings {
        scheduler_limit: Some(RequestLimit { qps: 10.0, burst: 5 }),
        ..ControlSettings::default()
    };
    let mut cluster = Cluster::with(Stages::fast(), settings, NodeSettings::default());
    for number in 0..25 {
        cluster.create("pods", bare_pod(&format!("p{number:02}")));
    }
    let took = cluster.until("all", |cluster| cluster.count("pods", is_ready) == 25).await;
    assert_eq!(took, Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn gated_pods_wait_for_their_gates() {
    let mut cluster = Cluster::start(Stages::fast());
    let mut gated = bare_pod("a");
    gated["spec"]["schedulingGates"] = json!([{ "name": "example.com/wait" }]);
    cluster.create("pods", gated);
    cluster.pass(Duration::from_secs(60)).await;
    assert_eq!(cluster.count("pods", is_ready), 0);
    cluster.patch("pods", "a", "/spec/schedulingGates", json!([]));
    cluster.until("ready", |cluster| cluster.count("pods", is_ready) == 1).await;
}
