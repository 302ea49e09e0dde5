//! Iterations, replicas, rate and burst: how long a job takes is arithmetic.

use bench_model::QueueName;

use crate::harness::{Ran, Setup, root, run};

/// Runs a row of the lab as it is shipped; what it says about the cluster is the harness's.
async fn row(file: &str) -> Ran {
    let folder = root().join("scenarios/kube-burner-lab");
    let scenario = std::fs::read_to_string(folder.join(file)).expect("a scenario");
    run(Setup { folder, ..Setup::new(&scenario) }).await
}

/// The load of `operations` takes what arithmetic says, within 1 % and 20 ms.
async fn check(file: &str, operations: u64, rate: f64, burst: f64) {
    let ran = row(file).await;
    let truth = (operations as f64 - burst).max(0.0) / rate;
    let job = &ran.summary.jobs[0];
    let elapsed = job.elapsed_ns.expect("elapsed") as f64 / 1e9;
    assert!((elapsed - truth).abs() <= truth * 0.01 + 0.02, "{file}: {elapsed} s, arithmetic says {truth} s");
    assert_eq!((job.operations, job.failed), (operations, 0), "{file}");
    let mut due: Vec<i64> =
        ran.operations(&QueueName::main()).iter().map(|operation| operation.due.0).collect();
    due.sort_unstable();
    let first = due[0];
    for (index, due) in due.into_iter().enumerate() {
        let offset = ((index as f64 + 1.0 - burst).max(0.0) / rate * 1e9).round();
        assert!(((due - first) as f64 - offset).abs() <= 1.0, "{file}: operation {index} due at {due}");
    }
    assert_eq!(ran.left(), 0);
}

macro_rules! rows {
    ($($name:ident: $file:literal, $operations:literal, $rate:literal, $burst:literal;)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $name() {
            check($file, $operations, $rate, $burst).await;
        })*
    };
}

rows! {
    one_deployment_is_due_at_once_waiting_or_not: "2-01-wait.yaml", 1, 1.0, 1.0;
    without_a_wait_it_is_the_request_alone: "2-02-no-wait.yaml", 1, 1.0, 1.0;
    five_iterations_have_four_gaps: "2-03-iterations-5.yaml", 5, 1.0, 1.0;
    replicas_multiply_operations: "2-04-replicas-2.yaml", 10, 1.0, 1.0;
    pods_of_a_deployment_cost_the_client_nothing: "2-05-deployment-replicas-2.yaml", 10, 1.0, 1.0;
    twice_the_iterations_twice_the_gaps: "2-06-iterations-10.yaml", 20, 1.0, 1.0;
    ten_times_the_rate_a_tenth_of_the_time: "2-07-rate-10-burst-10.yaml", 20, 10.0, 10.0;
    a_burst_as_large_as_the_load_leaves_nothing_to_wait_for: "2-08-burst-10.yaml", 10, 1.0, 10.0;
    a_hundred_in_the_burst_too: "2-09-iterations-100-burst-100.yaml", 100, 1.0, 100.0;
    half_the_load_in_the_burst: "2-10-replicas-2-burst-10.yaml", 20, 1.0, 10.0;
    all_of_it_in_the_burst: "2-11-replicas-2-burst-20.yaml", 20, 1.0, 20.0;
    a_burst_of_twenty_and_two_a_second: "2-12-iterations-20-rate-2-burst-20.yaml", 40, 2.0, 20.0;
}

#[tokio::test(start_paused = true)]
async fn the_same_row_gives_the_same_nanoseconds() {
    let times = |ran: &Ran| {
        ran.operations(&QueueName::main())
            .iter()
            .map(|operation| (operation.index, operation.due, operation.sent, operation.done))
            .collect::<Vec<_>>()
    };
    let first = row("2-03-iterations-5.yaml").await;
    assert_eq!(times(&first), times(&row("2-03-iterations-5.yaml").await));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_deletes_after_a_wait_keeps_its_own_rate_and_is_not_late_by_the_wait() {
    let job = "  - name: churn\n    plugin: objects\n    queues:\n      main: { rate: 100/s, burst: 20 }\n      \
               deletes: { rate: 10/s }\n    with:\n      create:\n        iterations: 20\n        \
               objects: [ { template: pod.yaml } ]\n      waitFor: { condition: ready, timeout: 2m }\n      \
               delete: { queue: deletes }\n";
    let ran = run(Setup::pods(job, "")).await;
    let created = ran.operations(&QueueName::main());
    let mut deletes = ran.operations(&QueueName::parse("deletes").expect("a name"));
    deletes.sort_unstable_by_key(|operation| operation.index);
    assert_eq!((created.len(), deletes.len()), (20, 20));
    let last_answer = created.iter().map(|operation| operation.done.0).max().expect("creates");
    let first = deletes[0].due.0;
    assert!(first - last_answer > 100_000_000, "pods take a while: {}", first - last_answer);
    for (operation, index) in deletes.iter().zip(0_i64..) {
        assert_eq!(operation.due.0 - first, index * 100_000_000, "delete {index}");
        assert!(operation.sent.0 - operation.due.0 <= 1_000_000, "delete {index} left late");
    }
    let invalidating: Vec<_> = ran.summary.findings.iter().filter(|finding| finding.invalidates).collect();
    assert!(invalidating.is_empty(), "{invalidating:?}");
    assert_eq!(ran.left(), 0);
}
