//! What the guests of the conformance tests share: bindings, and a plugin that does nothing.
//!
//! A guest implements [`Guest`], overriding the one function in which it misbehaves, and calls
//! [`export_guest!`]. Each is a workload and a measurement at once. Built without the SDK, because the SDK
//! would stop many of them.

pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "full-plugin",
        generate_all,
        pub_export_macro: true,
        default_bindings_module: "guest::bindings",
    });
}

pub use bindings::{
    bench::{
        base::{log, metrics, run, types},
        cluster::{proxy, read, targets::ResourceRef, wait, write},
        prometheus::{query, scrape},
    },
    exports::bench::plugin::measurement::{EventBatch, Plan},
};

/// A plugin of both kinds that does nothing; each function can be overridden.
pub trait Guest {
    fn manifest() -> String {
        manifest("[]")
    }
    fn config_schema() -> String {
        "{}".to_owned()
    }
    fn setup() -> Result<(), String> {
        Ok(())
    }
    fn run() -> Result<(), String> {
        Ok(())
    }
    fn plan() -> Result<Plan, String> {
        Ok(Plan { subscriptions: Vec::new(), tick_every_ns: 0, options: Vec::new() })
    }
    fn on_events(_batch: EventBatch) -> Result<(), String> {
        Ok(())
    }
    fn on_tick() -> Result<(), String> {
        Ok(())
    }
    fn finish() -> Result<String, String> {
        Ok(String::new())
    }
}

/// A manifest that asks for the rules and declares two metrics and a table.
pub fn manifest(rules: &str) -> String {
    format!(
        r#"{{"name":"guest","version":"0.1.0","kinds":["workload","measurement"],
        "permissions":{{"kubernetes":{rules}}},
        "metrics":[
            {{"name":"seen","kind":"histogram","unit":"ns","labels":["n"]}},
            {{"name":"done","kind":"counter","unit":"1"}}],
        "tables":[{{"name":"rows","columns":[{{"name":"pod","unit":"text"}},{{"name":"ready","unit":"ns"}}]}}]}}"#
    )
}

/// A target in the core group.
pub fn core(plural: &str, namespace: &str) -> ResourceRef {
    ResourceRef {
        group: String::new(),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        namespace: namespace.to_owned(),
    }
}

/// A failure of the host as the guest's own error text: its reason.
pub fn reason(failure: types::Failure) -> String {
    failure.reason
}

#[macro_export]
macro_rules! export_guest {
    ($guest:ty) => {
        struct Exported;

        impl $crate::bindings::exports::bench::plugin::plugin::Guest for Exported {
            fn manifest() -> String {
                <$guest as $crate::Guest>::manifest()
            }
            fn config_schema() -> String {
                <$guest as $crate::Guest>::config_schema()
            }
        }

        impl $crate::bindings::exports::bench::plugin::workload::Guest for Exported {
            fn setup(_config: String) -> Result<(), String> {
                <$guest as $crate::Guest>::setup()
            }
            fn run() -> Result<(), String> {
                <$guest as $crate::Guest>::run()
            }
            fn cleanup() -> Result<(), String> {
                Ok(())
            }
        }

        impl $crate::bindings::exports::bench::plugin::measurement::Guest for Exported {
            fn setup(_config: String) -> Result<$crate::Plan, String> {
                <$guest as $crate::Guest>::plan()
            }
            fn on_events(batch: $crate::EventBatch) -> Result<(), String> {
                <$guest as $crate::Guest>::on_events(batch)
            }
            fn on_tick(_now: i64) -> Result<(), String> {
                <$guest as $crate::Guest>::on_tick()
            }
            fn on_phase(_name: String, _at: i64) -> Result<(), String> {
                Ok(())
            }
            fn finish() -> Result<String, String> {
                <$guest as $crate::Guest>::finish()
            }
        }

        $crate::bindings::export!(Exported with_types_in $crate::bindings);
    };
}
