//! Real nodes as their users meet them: containers, packets, names, volumes; and that nothing is left of them.
//!
//! Tests share one cluster, one test at a time; some start another beside it. Whether they run is
//! `bench_lab::real_nodes`' to say: a machine that cannot says so on stderr, one that should and cannot fails.
//!
//! Real processes on a busy machine: nothing here depends on how fast they are, only on what they end up doing.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

mod addons;
mod ends;
mod lab;
mod neighbour;
mod pods;
mod pulls;
