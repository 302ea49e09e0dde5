//! The simulated API server over loopback, as clients see it.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a helper that fails, fails its test")]

mod client;
mod custom;
mod objects;
mod patches;
mod trouble;
mod watches;
