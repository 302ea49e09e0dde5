//! The client against scripted servers on loopback: every answer is written down in the test.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

#[path = "cluster/server.rs"]
mod server;

#[path = "cluster/cleanup.rs"]
mod cleanup;
#[path = "cluster/credentials.rs"]
mod credentials;
#[path = "cluster/requests.rs"]
mod requests;
#[path = "cluster/wait.rs"]
mod wait;
#[path = "cluster/watch.rs"]
mod watch;
