//! Real nodes as their users meet them: containers, packets, names, volumes; and that nothing is left of them.
//!
//! Tests share one cluster, one test at a time; some start another beside it. Without what real nodes need they fail;
//! `cargo xtask test` leaves them out by the name of their module where the machine cannot run any.
//!
//! Real processes on a busy machine: nothing here depends on how fast they are, only on what they end up doing.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

#[path = "."]
mod real_nodes {
    mod addons;
    mod ends;
    mod lab;
    mod neighbour;
    mod pods;
    mod pulls;
}
