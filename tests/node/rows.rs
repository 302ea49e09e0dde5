//! The quickstart, and scenarios 1 and 2 of the kube-burner lab, on a real node.

use std::process::Child;

use bench_lab::{NodeProgram, SLOW_BYTES_PER_SECOND, SLOW_REGISTRY};

use super::bench::{Bench, Ran, distribution, nothing_is_left, scenario};
use super::lab::shared;

#[test]
fn the_quickstart_measures_every_pod_of_a_real_node() {
    let cluster = shared();
    let bench = Bench::on(&cluster);
    let quickstart = scenario("quickstart.yaml");
    // The gates are for a simulated cluster; what is counted holds everywhere.
    let ran = bench.run(&quickstart, &["variables.pods=50"]).ended_with(&[0, 10, 13]);
    let ready = distribution(&ran.json(), "pod-latency", "ready").clone();
    assert_eq!((&ready["n"], &ready["missing"]), (&50.into(), &0.into()), "{ready}");
    let rows = bench.rows(&ran, "pod-latency");
    assert_eq!(rows.len(), 50);
    assert!(rows.iter().all(|row| row["node"] == "node-1"), "{rows:?}");
    nothing_is_left(&cluster);
}

#[test]
fn scenario_1_has_the_image_pulled_before_its_deployment_is_due_and_deletes_it() {
    let cluster = shared();
    cluster.push("scenario-1:1").unwrap_or_else(|error| panic!("{error}"));
    // The image has this program in it, and more.
    let bytes = std::fs::metadata(cluster.program(NodeProgram::Tool)).expect("the program").len();
    let pull = bytes as f64 / f64::from(SLOW_BYTES_PER_SECOND);
    let bench = Bench::on(&cluster);
    let image = format!("variables.image={SLOW_REGISTRY}/scenario-1:1");
    let ran = bench.run(&scenario("kube-burner-lab/1-preload.yaml"), &[&image]).ended_with(&[0, 10, 13]);
    let summary = ran.json();
    let [preload, create] = [0, 1].map(|job| &summary["jobs"][job]);
    for job in [preload, create] {
        assert_eq!((&job["outcome"], &job["failed"]), (&"completed".into(), &0.into()), "{job}");
        assert_eq!(job["operations"], 2, "made and deleted: {job}");
        let queues = job["queues"].as_array().expect("queues");
        assert!(queues.iter().all(|queue| queue["latePlugin"] == 0), "a wait is not lateness: {job}");
    }
    let [preload, create] = [preload, create].map(|job| job["elapsedNs"].as_f64().expect("elapsed") / 1e9);
    assert!(preload >= pull, "{preload} s, the pull alone takes {pull} s");
    assert!(create < preload, "{create} s without a pull, {preload} s with it");
    nothing_is_left(&cluster);
}

/// A row: file, operations, operations a second, burst.
type Row = (&'static str, u32, f64, u32);

/// Rows that run side by side: less than 110 pods together, and none of them needs much of a processor.
const GROUPS: [&[Row]; 3] = [
    &[
        ("2-01-wait", 1, 1.0, 1),
        ("2-02-no-wait", 1, 1.0, 1),
        ("2-03-iterations-5", 5, 1.0, 1),
        ("2-04-replicas-2", 10, 1.0, 1),
        ("2-05-deployment-replicas-2", 10, 1.0, 1),
        ("2-06-iterations-10", 20, 1.0, 1),
        ("2-07-rate-10-burst-10", 20, 10.0, 10),
    ],
    &[
        ("2-08-burst-10", 10, 1.0, 10),
        ("2-10-replicas-2-burst-10", 20, 1.0, 10),
        ("2-11-replicas-2-burst-20", 20, 1.0, 20),
        ("2-12-iterations-20-rate-2-burst-20", 40, 2.0, 20),
    ],
    &[("2-09-iterations-100-burst-100", 100, 1.0, 100)],
];

#[test]
fn rows_of_the_first_lab_end_when_arithmetic_says_and_create_what_they_say() {
    let cluster = shared();
    for group in GROUPS {
        let started: Vec<(&Row, Bench, Child)> = group
            .iter()
            .map(|row| {
                let bench = Bench::on(&cluster);
                let file = scenario(&format!("kube-burner-lab/{}.yaml", row.0));
                let child = bench.command(&file, &[]).spawn().expect("bench starts");
                (row, bench, child)
            })
            .collect();
        for (row, _bench, child) in started {
            let ran = Ran::from(child.wait_with_output().expect("it ends"));
            check(row, &ran.ended_with(&[0, 10, 13]));
        }
    }
    nothing_is_left(&cluster);
}

fn check(&(file, n, rate, burst): &Row, ran: &Ran) {
    let summary = ran.json();
    let job = &summary["jobs"][0];
    assert_eq!((&job["outcome"], &job["failed"]), (&"completed".into(), &0.into()), "{file}: {job}");
    assert_eq!(job["operations"], n, "{file}: {job}");
    let waits = summary["waits"].as_array().expect("waits");
    assert!(waits.iter().all(|wait| wait["unmet"] == 0), "{file}: {waits:?}");
    let elapsed = job["elapsedNs"].as_f64().expect("elapsed") / 1e9;
    let truth = f64::from(n - burst) / rate;
    // Never early. How late is a matter of the machine; ten seconds are no matter of any.
    assert!((truth..truth + 10.0).contains(&elapsed), "{file}: {elapsed} s, arithmetic says {truth} s");
}
