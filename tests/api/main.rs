//! What `bench` relies on in a Kubernetes API server, asked of three: the simulated cluster, a real control plane with
//! fake nodes, and one with real nodes.
//!
//! Each test is written once, as `async fn name(server: &Target)`, and appears three times: `topic::sim::name`,
//! `topic::real::name` and `topic::real_nodes::name`. The real ones decide what is right; a test that only the simulated
//! one fails is a lie of `sim`.
//! Requests are sent raw, so that status, reason, message and bytes are compared as they came.
//!
//! All real tests share one control plane and one ordinary user (see `bench_lab`); each keeps to namespaces of its own.
//! Without Go the real tests fail, they do not skip; `cargo xtask test` leaves out those on real nodes, by the name of
//! their module, where the machine cannot run any.
//!
//! `cargo test -p bench-tests --test api sim::` runs in seconds; the real half needs the programs of `bench_lab`.

// Helpers are tests too; without this, clippy treats what stands outside of `#[test]` functions as production code.
#![cfg(test)]

#[macro_use]
mod target;
mod request;

mod access;
mod conflict;
mod connection;
mod crd;
mod deletion;
mod discovery;
mod kubectl;
mod namespace;
mod objects;
mod ownership;
mod paging;
mod patch;
mod pods;
mod refusal;
mod scheduling;
mod selector;
mod services;
mod status;
mod storage;
mod table;
mod watch;
mod workload;
