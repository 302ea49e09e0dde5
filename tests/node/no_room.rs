//! Scenario 3 of the kube-burner lab: pods that find no place, counted and named.

use bench_lab::{ClusterOptions, Options};
use serde_json::Value;

use crate::bench::{Bench, nothing_is_left, scenario};
use crate::lab::{options, shared, started};

/// Rows whose pod became ready, and states of the others.
fn split(rows: &[Value]) -> (usize, Vec<&str>) {
    let (ready, others): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["ready"].is_i64());
    (ready.len(), others.iter().map(|row| row["state"].as_str().expect("a state")).collect())
}

#[test]
fn of_150_pods_on_a_node_for_110_all_have_a_row_and_40_say_why() {
    let Some(cluster) = shared() else { return };
    let bench = Bench::on(&cluster);
    let file = scenario("kube-burner-lab/3-1-more-pods-than-the-node-takes.yaml");
    let ran = bench.run(&file, &[]).ended_with(&[10]);
    let rows = bench.rows(&ran, "pod-latency");
    let (n_ready, states) = split(&rows);
    assert_eq!((rows.len(), n_ready, states.len()), (150, 110, 40), "{states:?}");
    assert!(states.iter().all(|state| state.contains("Too many pods")), "{states:?}");
    nothing_is_left(&cluster);
}

#[test]
fn pods_without_an_address_are_counted() {
    let Some(_shared) = shared() else { return };
    // 32 addresses less those of the network, its gateway and its broadcast: room for 29 of 40 pods.
    let control_plane = Options { pod_range_bits: 27, ..options().control_plane };
    let cluster = started(&ClusterOptions { control_plane, ..options() });
    let bench = Bench::on(&cluster);
    let file = scenario("kube-burner-lab/3-2-more-pods-than-pod-cidr.yaml");
    let ran = bench.run(&file, &["variables.iterations=40"]).ended_with(&[10]);
    let rows = bench.rows(&ran, "pod-latency");
    let (n_ready, states) = split(&rows);
    assert_eq!((rows.len(), n_ready, states.len()), (40, 29, 11), "{states:?}");
    // What only an event says, that the range has no address left, is not in a row.
    assert!(states.iter().all(|state| state.starts_with("on node `node-1`, not ready")), "{states:?}");
    nothing_is_left(&cluster);
}
