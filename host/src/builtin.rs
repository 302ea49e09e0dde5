//! The plugins inside the binary: ordinary components, loaded through the same door as anyone's.

/// Name and bytes of every built-in plugin.
pub const PLUGINS: [(&str, &[u8]); 2] = [
    ("objects", include_bytes!(env!("BENCH_PLUGIN_OBJECTS"))),
    ("pod-latency", include_bytes!(env!("BENCH_PLUGIN_POD_LATENCY"))),
];
