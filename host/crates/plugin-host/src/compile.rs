//! The wasmtime engine: its settings, each with its reason, and the clock that limits guests.

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

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

/// Makes an engine, and the thread that advances its epoch while there are guests.
pub(crate) fn engine() -> Result<Arc<Ticker>, EngineError> {
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
    Ticker::start(engine)
}

/// The engine and its clock.
pub(crate) struct Ticker {
    pub(crate) engine: Engine,
    guests: AtomicUsize,
    thread: OnceLock<Thread>,
}

impl Ticker {
    fn start(engine: Engine) -> Result<Arc<Self>, EngineError> {
        let ticker = Arc::new(Self { engine, guests: AtomicUsize::new(0), thread: OnceLock::new() });
        let of = Arc::downgrade(&ticker);
        let started = thread::Builder::new().name("bench-epoch".to_owned()).spawn(move || tick(&of));
        let _ = ticker.thread.set(started.map_err(EngineError::Ticker)?.thread().clone());
        Ok(ticker)
    }

    /// Ticks for a guest until what is returned is dropped.
    pub(crate) fn serve(self: &Arc<Self>) -> Ticking {
        if self.guests.fetch_add(1, Ordering::AcqRel) == 0 {
            self.wake();
        }
        Ticking(Arc::clone(self))
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.wake();
    }
}

/// A guest that is there.
pub(crate) struct Ticking(Arc<Ticker>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.guests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Advances the epoch until the last user of the engine is gone. Without guests it rests: cleaning up takes
/// minutes, and a hundred wake-ups a second are what it would cost most.
fn tick(ticker: &Weak<Ticker>) {
    loop {
        let Some(serving) = ticker.upgrade() else { return };
        serving.engine.increment_epoch();
        let is_idle = serving.guests.load(Ordering::Acquire) == 0;
        drop(serving);
        if is_idle {
            thread::park();
        } else {
            thread::park_timeout(TICK);
        }
    }
}
