//! Generated from `wit/`: nothing else may stand here.

wasmtime::component::bindgen!({
    path: "../../../wit",
    world: "full-plugin",
    imports: {
        // What may wait is async on the host's side; for the guest every call blocks.
        "bench:base/run.sleep-until": async | trappable,
        "bench:base/metrics": async | trappable,
        "bench:cluster": async | trappable,
        "bench:prometheus": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    trappable_error_type: {
        "bench:base/types.failure" => crate::host::error::HostCallError,
    },
    with: {
        "bench:base/metrics.histogram": crate::host::metrics::Histogram,
        "bench:base/metrics.counter": crate::host::metrics::Counter,
        "bench:base/metrics.gauge": crate::host::metrics::Gauge,
        "bench:base/metrics.table": crate::host::metrics::Table,
        "bench:base/metrics.artifact": crate::host::metrics::Artifact,
        "bench:cluster/write.template": crate::host::write::CompiledTemplate,
        "bench:cluster/write.queue": crate::host::write::OpenQueue,
    },
    require_store_data_send: true,
});
