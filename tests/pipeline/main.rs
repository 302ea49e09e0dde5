//! The whole path of a run with known truth: scenario in, plugins, queues, requests, record, summary out.
//!
//! Everything is in one current-thread runtime whose time is paused, connected in memory: a second costs nothing,
//! and the same test gives the same nanoseconds. Between `bench` and the simulated cluster stands a server of the
//! tests' own (`server.rs`), which answers as late as a test says.

// Helpers are tests too; without this, clippy treats them as production code.
#![cfg(test)]

mod caps;
mod harness;
mod interrupts;
mod latency;
mod objects;
mod pacing;
mod server;
mod shards;
mod validity;
