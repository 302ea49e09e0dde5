//! Scenario 3 of the kube-burner lab: pods that find no place, counted and named.

use bench_lab::{ClusterOptions, Options};
use serde_json::{Value, json};

use super::bench::{Bench, Ran, nothing_is_left, scenario};
use super::lab::{options, shared, started};

/// Rows whose pod became ready, and states of the others.
fn split(rows: &[Value]) -> (usize, Vec<&str>) {
    let (ready, others): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["ready"].is_i64());
    (ready.len(), others.iter().map(|row| row["state"].as_str().expect("a state")).collect())
}

/// Fails unless one finding has all these words. A machine too busy to send in time is told in another one.
#[track_caller]
fn finding(ran: &Ran, words: &[&str]) {
    let summary = ran.json();
    let findings = summary["findings"].as_array().expect("findings");
    let messages: Vec<&str> = findings.iter().filter_map(|finding| finding["message"].as_str()).collect();
    let named = |message: &&str| words.iter().all(|word| message.contains(word));
    assert!(messages.iter().any(named), "{words:?} in {messages:#?}");
}

#[test]
fn of_150_pods_on_a_node_for_110_all_have_a_row_and_40_say_why_as_the_plan_said() {
    let cluster = shared();
    let bench = Bench::on(&cluster);
    let file = scenario("kube-burner-lab/3-1-more-pods-than-the-node-takes.yaml");
    let planned = bench.planned_pods(&file, &[]);
    assert_eq!(planned, json!({ "made": 150, "noPlace": 40, "noAddress": 0 }));
    let ran = bench.run(&file, &[]).ended_with(&[10, 13]);
    let rows = bench.rows(&ran, "pod-latency");
    let (n_ready, states) = split(&rows);
    assert_eq!((rows.len(), n_ready, states.len()), (150, 110, 40), "{states:?}");
    assert!(states.iter().all(|state| state.contains("Too many pods")), "{states:?}");
    finding(&ran, &["40 pods", "Too many pods"]);
    nothing_is_left(&cluster);
}

#[test]
fn pods_without_an_address_are_counted_as_the_plan_said() {
    let _alone = shared();
    // 32 addresses less those of the network, its gateway and its broadcast: room for 29 of 40 pods.
    let control_plane = Options { pod_range_bits: 27, ..options().control_plane };
    let cluster = started(&ClusterOptions { control_plane, ..options() });
    let bench = Bench::on(&cluster);
    let file = scenario("kube-burner-lab/3-2-more-pods-than-pod-cidr.yaml");
    let few = ["variables.iterations=40"];
    let planned = bench.planned_pods(&file, &few);
    assert_eq!(planned, json!({ "made": 40, "noPlace": 0, "noAddress": 11 }));
    let ran = bench.run(&file, &few).ended_with(&[10, 13]);
    let rows = bench.rows(&ran, "pod-latency");
    let (n_ready, states) = split(&rows);
    assert_eq!((rows.len(), n_ready, states.len()), (40, 29, 11), "{states:?}");
    // A row only knows that the pod is on its node; the cause stands in an event.
    assert!(states.iter().all(|state| state.starts_with("on node `node-1`, not ready")), "{states:?}");
    finding(&ran, &["11 pods", "FailedCreatePodSandBox", "no IP addresses available"]);
    nothing_is_left(&cluster);
}
