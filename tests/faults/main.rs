//! The cluster breaks in the middle of a run, on the real control plane with fake nodes: the verdict says so, the record
//! is whole, nothing is left.
//!
//! All tests share one control plane, one test at a time, and leave it as they found it. Faults that need root or
//! real nodes are in `tests/node`.

// Helpers are tests too; without this, clippy treats them as production code.
#![cfg(test)]

#[path = "../cli/bench.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line, which use all of it")]
mod bench;
mod compaction;
mod credentials;
mod descriptors;
mod lab;
mod overload;
mod run;
mod slow_network;
