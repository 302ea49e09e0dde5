//! `bench-prometheus` against a real Prometheus that scrapes a real control plane.
//!
//! What a scripted server cannot tell: what the real one answers. Needs Debian's `prometheus`, which `cargo xtask test`
//! fetches where it can. Without it these tests fail; that command leaves them out by the name of their module.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

#[path = "."]
mod real_prometheus {
    mod objectives;
    mod server;

    mod doors;
    mod limits;
    mod outages;
    mod queries;
}
