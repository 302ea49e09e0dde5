//! `bench-prometheus` against a real Prometheus that scrapes a real control plane.
//!
//! What a scripted server cannot tell: what the real one answers. Needs Debian's `prometheus`, which `cargo xtask test`
//! fetches where it can. Without it these tests fail, unless `BENCH_PROMETHEUS=off` says that there is none.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

mod objectives;
mod server;

mod doors;
mod limits;
mod outages;
mod queries;
