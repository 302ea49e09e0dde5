//! Generated from `wit/`: nothing but `generate!` calls.
//!
//! One module for each export, so that a component may be a workload, a measurement, or both; the linker
//! joins their worlds to `measurement-plugin`, `workload-plugin` or `full-plugin`. `measurement` holds the
//! imports that both kinds share; `workload` reuses them, so a value made by one is a value of the other.
//! The `export!` macros are called by [`export_measurement!`](crate::export_measurement) and
//! [`export_workload!`](crate::export_workload).

#![expect(missing_docs, reason = "generated; the documentation is in the WIT files")]

/// What every plugin exports.
pub mod plugin {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "package bench:sdk; world plugin-part { export bench:plugin/plugin@0.1.0; }",
        pub_export_macro: true,
        default_bindings_module: "bench_sdk::bindings::plugin",
    });
}

/// What a measurement exports and imports.
pub mod measurement {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "package bench:sdk;
            world measurement-part {
                include bench:base/imports@0.1.0;
                import bench:cluster/targets@0.1.0;
                import bench:cluster/read@0.1.0;
                import bench:cluster/proxy@0.1.0;
                import bench:prometheus/query@0.1.0;
                import bench:prometheus/scrape@0.1.0;
                import bench:plugin/events@0.1.0;
                export bench:plugin/measurement@0.1.0;
            }",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq, Clone],
        pub_export_macro: true,
        default_bindings_module: "bench_sdk::bindings::measurement",
    });
}

/// What a workload exports and imports.
pub mod workload {
    wit_bindgen::generate!({
        path: "../../../wit",
        inline: "package bench:sdk;
            world workload-part {
                import bench:cluster/wait@0.1.0;
                import bench:cluster/write@0.1.0;
                export bench:plugin/workload@0.1.0;
            }",
        with: {
            "bench:base/types@0.1.0": crate::bindings::measurement::bench::base::types,
            "bench:cluster/targets@0.1.0": crate::bindings::measurement::bench::cluster::targets,
        },
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq, Clone],
        pub_export_macro: true,
        default_bindings_module: "bench_sdk::bindings::workload",
    });
}
