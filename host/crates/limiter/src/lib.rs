//! The clock of a run, and the cap on requests that nothing gets past.
//!
//! Owns governor. Knows nothing about requests: whoever sends one awaits [`Limiter::acquire`] first.
//! Deciding when an operation is *due* is the engine's work (its pacer); here is only decided whether a
//! request may leave, and counted how often it had to wait.

mod clock;
mod limiter;

pub use clock::RunClock;
pub use limiter::Limiter;
