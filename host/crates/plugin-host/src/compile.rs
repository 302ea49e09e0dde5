//! The wasmtime engine: its settings, each with its reason, and the clock that limits guests.

use std::{thread, time::Duration};

use wasmtime::{Config, Engine, OptLevel};

/// How often the epoch advances: the resolution of every limit on processor time.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Wasmtime refused its settings: this machine lacks something.
    #[error("failed to set up wasmtime: {message}")]
    Settings {
        /// Wasmtime's text.
        message: String,
    },
    /// The thread that limits guests did not start.
    #[error("failed to start the thread that limits plugins")]
    Ticker(#[source] std::io::Error),
}

/// Makes an engine, and the thread that advances its epoch for as long as it is used.
pub(crate) fn engine() -> Result<Engine, EngineError> {
    let mut config = Config::new();
    config
        // Guests use synchronous functions; with it, every call costs three times as much.
        .concurrency_support(false)
        // The only limit that a loop without calls cannot dodge; cheaper than fuel.
        .epoch_interruption(true)
        // Guests are few and long-lived: compile once, keep on disk, run fast.
        .cranelift_opt_level(OptLevel::Speed)
        // The same component and seed give the same numbers on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Names in traps; addresses of wasm code help nobody.
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    let engine =
        Engine::new(&config).map_err(|error| EngineError::Settings { message: format!("{error:#}") })?;
    start_ticker(&engine)?;
    Ok(engine)
}

/// Advances the epoch until the last user of the engine is gone.
fn start_ticker(engine: &Engine) -> Result<(), EngineError> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            // Nobody unparks this thread: a sleep of one tick, without the spinning of a channel before it.
            thread::park_timeout(TICK);
        }
    };
    thread::Builder::new().name("bench-epoch".to_owned()).spawn(tick).map_err(EngineError::Ticker)?;
    Ok(())
}
