//! `bench` on real nodes: rows counted, causes named, witnesses heard, faults survived.
//!
//! All tests share one cluster with one node of 110 pods, one test at a time. Without what real nodes need they fail;
//! `cargo xtask test` leaves them out by the name of their module where the machine cannot run any.
//!
//! Real processes on a busy machine: no bound here is closer than what a slow machine keeps, unless it is arithmetic.

// Helpers are tests too; without this, clippy treats them as production code.
#![cfg(test)]

#[path = "."]
mod real_nodes {
    mod bench;
    mod faults;
    #[path = "../lab/tests/nodes/lab.rs"]
    #[expect(dead_code, reason = "shared with the tests of the lab, which use all of it")]
    mod lab;
    mod no_room;
    mod real_prometheus;
    mod rows;
    mod witness;
}
