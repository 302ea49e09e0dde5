//! Parts of a plan, each run by a program of its own, are together what one would do.

use std::num::NonZeroU32;

use bench_model::{QueueName, Shard};

use crate::harness::{Setup, run};

/// Two templates and replicas on one queue, over several namespaces.
fn scenario(queue: &str) -> String {
    format!(
        "  - name: create\n    plugin: objects\n    queue: {queue}\n    with:\n      create:\n        \
         iterations: 7\n        namespaces: {{ prefix: n, iterationsPerNamespace: 3 }}\n        objects:\n          \
         - {{ template: pod.yaml, replicas: 2 }}\n          - {{ template: config-map.yaml, replicas: 3 }}\n"
    )
}

/// Path, name and due time of each operation, in the order of the queue.
async fn operations(queue: &str, shard: Shard) -> Vec<(String, String, i64)> {
    let ran = run(Setup { shard, ..Setup::pods(&scenario(queue), "") }).await;
    let mut operations = ran.operations(&QueueName::main());
    operations.sort_by_key(|operation| operation.index);
    let first = operations.iter().map(|operation| operation.due.0).min().expect("operations");
    let created =
        ran.asked.iter().filter(|asked| asked.path.ends_with("/pods") || asked.path.ends_with("/configmaps"));
    let created = created.filter(|asked| asked.method == http::Method::POST);
    let found: Vec<_> = created
        .zip(&operations)
        .map(|(asked, operation)| (asked.path.clone(), asked.name.clone(), operation.due.0 - first))
        .collect();
    assert_eq!(found.len(), operations.len(), "every operation left");
    found
}

async fn check(queue: &str, total: u32) {
    let whole = operations(queue, Shard::WHOLE).await;
    assert_eq!(whole.len(), 35);
    let total = NonZeroU32::new(total).expect("not zero");
    for index in 0..total.get() {
        let shard = Shard::try_new(index, total).expect("below total");
        let part: Vec<_> = whole.iter().skip(index as usize).step_by(total.get() as usize).cloned().collect();
        // Each part counts from its own first operation.
        let first = part[0].2;
        let part: Vec<_> = part.into_iter().map(|(path, name, due)| (path, name, due - first)).collect();
        assert_eq!(operations(queue, shard).await, part, "shard {index} of {total}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_shards_make_the_objects_of_one_in_its_order_at_its_times() {
    check("{ rate: 10/s, burst: 1, inFlight: 1 }", 2).await;
}

#[tokio::test(start_paused = true)]
async fn three_shards_share_random_arrivals() {
    check("{ rate: 10/s, burst: 4, arrival: poisson, inFlight: 1 }", 3).await;
}
