use super::*;

#[tokio::test(start_paused = true)]
async fn nodes_are_ready_from_the_start_with_ranges_of_their_own() {
    let nodes = NodeSettings { count: 3, zones: vec!["a".into(), "b".into()], ..NodeSettings::default() };
    let cluster = Cluster::with(Stages::default(), ControlSettings::default(), nodes);
    let nodes = cluster.list("nodes");
    let of = |path: &str| nodes.iter().map(|node| text(node, path).to_owned()).collect::<Vec<_>>();
    assert_eq!(of("/spec/podCIDR"), ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"]);
    assert_eq!(of("/metadata/labels/topology.kubernetes.io~1zone"), ["a", "b", "a"]);
    assert_eq!(of("/status/capacity/pods"), ["110", "110", "110"]);
    assert!(nodes.iter().all(|node| condition(node, "Ready")));
}

#[tokio::test(start_paused = true)]
async fn a_node_made_by_a_user_becomes_ready_and_takes_pods() {
    let nodes = NodeSettings { count: 0, ..NodeSettings::default() };
    let mut cluster = Cluster::with(Stages::fast(), ControlSettings::default(), nodes);
    cluster.create("pods", bare_pod("a"));
    cluster.pass(Duration::from_secs(5)).await;
    assert_eq!(cluster.events("a"), ["FailedScheduling: no nodes available to schedule pods"]);
    let capacity = json!({ "cpu": "2", "memory": "4Gi", "pods": "7" });
    cluster.create("nodes", json!({ "metadata": { "name": "mine" }, "status": { "capacity": capacity } }));
    cluster.until("ready", |cluster| cluster.count("pods", |pod| condition(pod, "Ready")) == 1).await;
    let node = cluster.get("nodes", "mine").expect("there");
    assert_eq!(text(&node, "/spec/podCIDR"), "10.244.0.0/24");
    assert_eq!(text(&node, "/status/allocatable/pods"), "7");
    assert_eq!(node.pointer("/spec/taints"), None);
}

#[tokio::test(start_paused = true)]
async fn leases_are_renewed_every_ten_seconds() {
    let mut cluster = Cluster::start(Stages::default());
    cluster.pass(Duration::from_secs(101)).await;
    let is_lease = |change: &&(Duration, Change)| change.1.object.kind.plural == "leases";
    let times: Vec<_> = cluster.seen.iter().filter(is_lease).map(|(at, _)| *at).collect();
    assert!((11..=12).contains(&times.len()), "{times:?}");
    assert!(times.windows(2).skip(1).all(|pair| pair[1] - pair[0] == Duration::from_secs(10)), "{times:?}");
    let lease = cluster.store.get(&cluster.kind("leases"), "kube-node-lease", NODE).expect("there");
    assert_eq!(number(&lease.value(), "/spec/leaseDurationSeconds"), 40);
}

#[tokio::test(start_paused = true)]
async fn pods_of_a_node_that_is_gone_are_removed_after_a_quarantine() {
    let mut cluster = Cluster::start(Stages::fast());
    cluster.create("pods", bare_pod("a"));
    cluster.until("ready", |cluster| cluster.count("pods", |pod| condition(pod, "Ready")) == 1).await;
    let before = cluster.start.elapsed();
    cluster.delete("nodes", NODE, None);
    let gone = cluster.until("removed", |cluster| cluster.get("pods", "a").is_none()).await;
    assert_eq!(gone - before, Duration::from_secs(40));
    assert!(
        cluster.store.get(&cluster.kind("leases"), "kube-node-lease", NODE).is_none(),
        "the lease is collected"
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_makes_the_same_cluster() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let nodes = NodeSettings { count: 5, ..NodeSettings::default() };
        let mut cluster = Cluster::with(Stages::default(), ControlSettings::default(), nodes);
        cluster.create("deployments", workload("web", 20));
        cluster.until("ready", |cluster| cluster.count("pods", |pod| condition(pod, "Ready")) == 20).await;
        let line = |(at, change): &(Duration, Change)| {
            format!("{at:?} {:?} {} {}", change.kind, change.object.name, change.object.resource_version)
        };
        runs.push(cluster.seen.iter().map(line).collect::<Vec<_>>());
    }
    assert_eq!(runs[0], runs[1]);
}
