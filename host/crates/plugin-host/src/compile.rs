//! The wasmtime engine: its settings, each with its reason, and the clock that limits guests.

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
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

/// Makes an engine, and the thread that advances its epoch while guests compute.
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
    /// Guests that compute; those that wait inside the host do not.
    computing: AtomicUsize,
    /// Whether the thread waits to be woken.
    rests: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Ticker {
    fn start(engine: Engine) -> Result<Arc<Self>, EngineError> {
        let ticker = Arc::new(Self {
            engine,
            computing: AtomicUsize::new(0),
            rests: AtomicBool::new(false),
            thread: OnceLock::new(),
        });
        let of = Arc::downgrade(&ticker);
        let started = thread::Builder::new().name("bench-epoch".to_owned()).spawn(move || tick(&of));
        let _ = ticker.thread.set(started.map_err(EngineError::Ticker)?.thread().clone());
        Ok(ticker)
    }

    /// Ticks for a guest that computes until what is returned is dropped.
    pub(crate) fn compute(self: &Arc<Self>) -> Computing {
        self.begin();
        Computing(Arc::clone(self))
    }

    /// Does not tick for a guest that [computes](Self::compute) until what is returned is dropped.
    pub(crate) fn pause(self: &Arc<Self>) -> Paused {
        self.computing.fetch_sub(1, Ordering::SeqCst);
        Paused(Arc::clone(self))
    }

    fn begin(&self) {
        self.computing.fetch_add(1, Ordering::SeqCst);
        if self.rests.swap(false, Ordering::SeqCst) {
            self.wake();
        }
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

/// A guest that computes.
pub(crate) struct Computing(Arc<Ticker>);

impl Drop for Computing {
    fn drop(&mut self) {
        self.0.computing.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A guest that waits inside the host.
pub(crate) struct Paused(Arc<Ticker>);

impl Drop for Paused {
    fn drop(&mut self) {
        self.0.begin();
    }
}

/// Advances the epoch until the last user of the engine is gone. While no guest computes it rests: most of a run is
/// waiting, and a hundred wake-ups a second are what that would cost most.
#[expect(clippy::disallowed_methods, reason = "a thread of its own, on which nothing waits")]
fn tick(ticker: &Weak<Ticker>) {
    loop {
        let Some(serving) = ticker.upgrade() else { return };
        // In this order, as `begin` looks at them in the other: one of the two sees what the other did.
        serving.rests.store(true, Ordering::SeqCst);
        let is_idle = serving.computing.load(Ordering::SeqCst) == 0;
        if is_idle {
            drop(serving);
            thread::park();
            continue;
        }
        serving.rests.store(false, Ordering::SeqCst);
        drop(serving);
        thread::sleep(TICK);
        let Some(serving) = ticker.upgrade() else { return };
        serving.engine.increment_epoch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_until(ticker: &Ticker, rests: bool) {
        while ticker.rests.load(Ordering::SeqCst) != rests {
            thread::yield_now();
        }
    }

    #[test]
    fn the_clock_of_guests_rests_while_none_computes() {
        let ticker = engine().expect("an engine");
        wait_until(&ticker, true);
        let one = ticker.compute();
        wait_until(&ticker, false);
        let paused = ticker.pause();
        wait_until(&ticker, true);
        let other = ticker.compute();
        wait_until(&ticker, false);
        drop((other, paused));
        wait_until(&ticker, false);
        drop(one);
        wait_until(&ticker, true);
    }
}
