//! A guest that behaves, so that the others' faults are their own.

use bench_model::{PluginKind, RunEvent, TimeNs};

use crate::harness::{batch, bench, load, load_bytes, resolved};

#[tokio::test]
pub async fn behaves() {
    let mut bench = bench("behaves").await;
    let mut workload = bench.workload().await;
    workload.setup("{}").await.expect("set up");
    workload.run().await.expect("run");
    workload.cleanup().await.expect("cleaned up");
    let counted = |event: &RunEvent| matches!(event, RunEvent::Counted { n: 3, .. });
    assert_eq!(bench.sent().iter().filter(|event| counted(event)).count(), 1, "two adds are one event");

    let mut measurement = bench.measurement().await;
    assert_eq!(measurement.setup("{}").await.expect("a plan").subscriptions, []);
    measurement.on_events(batch(3)).await.expect("taken");
    measurement.on_tick(TimeNs(1)).await.expect("ticked");
    assert_eq!(measurement.finish().await.expect("a report"), r#"{"done":true}"#);
    let values = bench.sent().into_iter().filter_map(|event| match event {
        RunEvent::Observed { values, .. } => Some(values),
        _ => None,
    });
    assert_eq!(values.collect::<Vec<_>>(), [vec![5, 5, 5]]);
}

#[tokio::test]
pub async fn a_loaded_plugin_says_what_it_is() {
    let plugin = load("behaves").await.expect("loaded");
    assert_eq!((plugin.name.as_str(), plugin.manifest.version.as_str()), ("guest", "0.1.0"));
    assert_eq!(plugin.interfaces.kinds, [PluginKind::Workload, PluginKind::Measurement]);
    assert!(plugin.interfaces.imports.iter().any(|name| name == "bench:base/metrics@0.1.0"));
}

#[tokio::test]
pub async fn two_instances_of_a_plugin_share_nothing() {
    let bench = bench("behaves").await;
    let (mut first, mut second) = (bench.workload().await, bench.workload().await);
    first.run().await.expect("run");
    second.run().await.expect("run: the metric is open in the first instance only");
}

#[tokio::test]
pub async fn a_component_that_is_cut_short_is_no_component() {
    let whole = resolved("behaves").bytes;
    for length in [9, 100, whole.len() / 2, whole.len() - 1] {
        let cut = whole.iter().copied().take(length).collect();
        assert!(load_bytes(cut).await.is_err(), "{length} bytes");
    }
}
