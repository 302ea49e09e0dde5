//! From a plugin's type to a component.
//!
//! Every instance of a component serves one job or one measurement, and calls never overlap: one slot for the
//! plugin's value is enough. It is dropped after the last call, which flushes its instruments.

use std::{any::Any, cell::RefCell, marker::PhantomData};

use serde::de::DeserializeOwned;

use crate::{
    Manifest, Plan, Rows, bindings,
    bindings::measurement::{bench::plugin::events::EventBatch, exports::bench::plugin::measurement},
    config,
    events::StringTables,
};

/// What every plugin says about itself; asked for without any permission and before any other call.
pub trait Plugin {
    /// Name, instruments, tables, permissions.
    fn manifest() -> Manifest;

    /// JSON Schema (2020-12) of its block in the scenario file; nothing may stand there unless this says more. A
    /// string with `"format": "bench-file"` names a file; the plugin gets the file's text.
    fn config_schema() -> String {
        r#"{"type": "object", "additionalProperties": false}"#.to_owned()
    }
}

/// A plugin that makes load. An `Err` ends the job as failed, with that text.
pub trait Workload: Plugin + Sized + 'static {
    /// What the block is read into.
    type Config: DeserializeOwned;

    /// Before the load: checks the configuration, prepares on the queue `setup`.
    ///
    /// # Errors
    /// A sentence for people.
    fn setup(config: Self::Config) -> Result<Self, String>;

    /// Fills the queues, to the end of the job. Return `Ok` when a host call was cancelled.
    ///
    /// # Errors
    /// A sentence for people.
    fn run(&mut self) -> Result<(), String>;

    /// After the last phase; the host removes all objects of the run by itself.
    ///
    /// # Errors
    /// A sentence for people.
    fn cleanup(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// A plugin that turns what the cluster did into numbers. An `Err` ends the measurement, with that text.
pub trait Measurement: Plugin + Sized + 'static {
    /// What the block is read into.
    type Config: DeserializeOwned;

    /// Before any load: opens instruments and says what to watch.
    ///
    /// # Errors
    /// A sentence for people.
    fn setup(config: Self::Config) -> Result<(Self, Plan), String>;

    /// For each batch of rows of a subscription.
    ///
    /// # Errors
    /// A sentence for people.
    fn on_events(&mut self, rows: &Rows<'_>) -> Result<(), String>;

    /// Every `tick` of the plan, at run time `now` in nanoseconds.
    ///
    /// # Errors
    /// A sentence for people.
    fn on_tick(&mut self, _now: i64) -> Result<(), String> {
        Ok(())
    }

    /// When a phase starts: `setup`, `warmup`, `measure`, `settle` or `teardown`.
    ///
    /// # Errors
    /// A sentence for people.
    fn on_phase(&mut self, _name: &str, _at: i64) -> Result<(), String> {
        Ok(())
    }

    /// After the last batch. JSON for the report besides what the instruments hold; `""` for none.
    ///
    /// # Errors
    /// A sentence for people.
    fn finish(&mut self) -> Result<String, String> {
        Ok(String::new())
    }
}

/// Makes a component of a [`Workload`]. Does nothing outside wasm, so that the crate can be tested natively.
#[macro_export]
macro_rules! export_workload {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Component = $crate::Exported<$plugin>;
    $crate::bindings::plugin::export!(Component with_types_in $crate::bindings::plugin);
    $crate::bindings::workload::export!(Component with_types_in $crate::bindings::workload);
        };
    };
}

/// Makes a component of a [`Measurement`]. Does nothing outside wasm, so that the crate can be tested natively.
#[macro_export]
macro_rules! export_measurement {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Component = $crate::Exported<$plugin>;
    $crate::bindings::plugin::export!(Component with_types_in $crate::bindings::plugin);
    $crate::bindings::measurement::export!(Component with_types_in $crate::bindings::measurement);
        };
    };
}

/// A plugin as the host sees it; the export macros name it.
#[derive(Debug)]
pub struct Exported<T>(PhantomData<T>);

thread_local! {
    static PLUGIN: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
    static STRINGS: RefCell<StringTables> = const { RefCell::new(StringTables::new()) };
}

fn put<T: 'static>(plugin: T) {
    PLUGIN.with(|slot| *slot.borrow_mut() = Some(Box::new(plugin)));
}

fn with<T: 'static, R>(call: impl FnOnce(&mut T) -> Result<R, String>) -> Result<R, String> {
    PLUGIN.with(|slot| match slot.borrow_mut().as_mut().and_then(|plugin| plugin.downcast_mut::<T>()) {
        Some(plugin) => call(plugin),
        None => Err("`setup` must come first and succeed".to_owned()),
    })
}

fn take() {
    let plugin = PLUGIN.with(|slot| slot.borrow_mut().take());
    drop(plugin);
}

impl<T: Plugin> bindings::plugin::exports::bench::plugin::plugin::Guest for Exported<T> {
    fn manifest() -> String {
        T::manifest().to_json()
    }

    fn config_schema() -> String {
        T::config_schema()
    }
}

impl<T: Workload> bindings::workload::exports::bench::plugin::workload::Guest for Exported<T> {
    fn setup(json: String) -> Result<(), String> {
        put(T::setup(config::parse(&json)?)?);
        Ok(())
    }

    fn run() -> Result<(), String> {
        with(T::run)
    }

    fn cleanup() -> Result<(), String> {
        let cleaned = with(T::cleanup);
        take();
        cleaned
    }
}

impl<T: Measurement> measurement::Guest for Exported<T> {
    fn setup(json: String) -> Result<measurement::Plan, String> {
        let (plugin, plan) = T::setup(config::parse(&json)?)?;
        put(plugin);
        Ok(plan.into_wit())
    }

    fn on_events(batch: EventBatch) -> Result<(), String> {
        STRINGS.with(|tables| {
            let mut tables = tables.borrow_mut();
            let rows = tables.rows(&batch)?;
            with(|plugin: &mut T| plugin.on_events(&rows))
        })
    }

    fn on_tick(now: i64) -> Result<(), String> {
        with(|plugin: &mut T| plugin.on_tick(now))
    }

    fn on_phase(name: String, at: i64) -> Result<(), String> {
        with(|plugin: &mut T| plugin.on_phase(&name, at))
    }

    fn finish() -> Result<String, String> {
        let finished = with(T::finish);
        take();
        finished
    }
}
