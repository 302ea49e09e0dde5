//! Guests that do what they were not granted.

use bench_model::{FaultKind, TimeNs};
use bench_plugin_host::{CallError, QueueCommand, WriteAction};

use crate::harness::{bench, check_fault};

#[tokio::test]
pub async fn reads_what_was_not_granted() {
    let result = bench("reads_what_was_not_granted").await.run().await;
    let message = "`run` `read.get` asked to get `secrets`, which is not granted; it needs `get` on `secrets` in `permissions.kubernetes` of the manifest and in `allow` of the scenario";
    check_fault(result, FaultKind::BrokeContract, message);
}

#[tokio::test]
pub async fn reads_in_a_foreign_namespace() {
    let result = bench("reads_in_a_foreign_namespace").await.run().await;
    assert_eq!(result, Err(CallError::Gave("denied".to_owned())));
}

#[tokio::test]
pub async fn subscribes_to_what_was_not_granted() {
    let bench = bench("subscribes_to_what_was_not_granted").await;
    let result = bench.measurement().await.setup("{}").await;
    let message = "`setup` subscribed to `secrets`, which is not granted; it needs `list` on `secrets` in `permissions.kubernetes` of the manifest and in `allow` of the scenario";
    check_fault(result, FaultKind::BrokeContract, message);
}

#[tokio::test]
pub async fn queries_what_was_not_granted() {
    let bench = bench("queries_what_was_not_granted").await;
    let result = bench.measurement().await.on_tick(TimeNs(0)).await;
    let message = "`on-tick` `query.instant` asked Prometheus, which is not granted; it needs `prometheus` in the manifest and in `allow` of the scenario";
    check_fault(result, FaultKind::BrokeContract, message);
}

#[tokio::test]
pub async fn proxies_to_what_was_not_granted() {
    let result = bench("proxies_to_what_was_not_granted").await.run().await;
    let message = "`run` `proxy.get` asked for `apiserver`, which is not granted; it needs `apiserver` under `proxy` in the manifest and in `allow` of the scenario";
    check_fault(result, FaultKind::BrokeContract, message);
}

#[tokio::test]
pub async fn deletes_foreign_objects() {
    let mut bench = bench("deletes_foreign_objects").await;
    bench.run().await.expect("denied, as a value");
    let deleted: Vec<String> = std::iter::from_fn(|| bench.commands.try_recv().ok())
        .map(|command| match command {
            QueueCommand::Write(batch) => match batch.action {
                WriteAction::Delete { target, names, .. } => {
                    format!("{target} {} {names:?}", target.namespace)
                }
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(deleted, [r#"pods mine ["own"]"#, r#"namespaces  ["mine"]"#]);
}

#[tokio::test]
pub async fn asks_for_strange_paths() {
    bench("asks_for_strange_paths").await.run().await.expect("refused, as a value");
}

#[tokio::test]
pub async fn acts_without_a_cluster() {
    bench("acts_without_a_cluster").await.run().await.expect("unavailable, as a value");
}
