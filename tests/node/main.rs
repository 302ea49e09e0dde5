//! `bench` on real nodes: rows counted, causes named, witnesses heard, faults survived.
//!
//! All tests share one cluster with one node of 110 pods, one test at a time. Whether they run is
//! `bench_lab::real_nodes`' to say: a machine that cannot says so on stderr, one that should and cannot fails.
//!
//! Real processes on a busy machine: no bound here is closer than what a slow machine keeps, unless it is arithmetic.

// Helpers are tests too; without this, clippy treats them as production code.
#![cfg(test)]

mod bench;
mod faults;
#[path = "../lab/tests/nodes/lab.rs"]
#[expect(dead_code, reason = "shared with the tests of the lab, which use all of it")]
mod lab;
mod no_room;
mod prometheus;
mod rows;
mod witness;
