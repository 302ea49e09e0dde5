//! What makes a run invalid, and what is kept and removed all the same.

use std::{path::PathBuf, process::Command, sync::OnceLock, time::Duration};

use bench_plugin_host::GuestLimits;
use bench_results::{FindingKind, Outcome, Verdict};

use crate::harness::{Ran, Setup, job, root, run};

const TARGET: &str = "wasm32-wasip2";

/// A guest of `tests/guests` that breaks; building them is part of the first test.
fn guest(name: &str) -> PathBuf {
    static GUESTS: OnceLock<PathBuf> = OnceLock::new();
    let folder = GUESTS.get_or_init(|| {
        let target = root().join("target/guests");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(root().join("tests/guests"));
        cargo.args(["build", "--quiet", "--examples", "--target", TARGET, "--target-dir"]).arg(&target);
        // What the outer cargo set for the host must not reach the guests.
        for variable in ["RUSTC_WORKSPACE_WRAPPER", "RUSTC_WRAPPER", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"] {
            cargo.env_remove(variable);
        }
        assert!(cargo.status().expect("cargo runs").success(), "the guests need the target {TARGET}");
        target.join(TARGET).join("debug/examples")
    });
    folder.join(format!("{name}.wasm"))
}

fn findings(ran: &Ran) -> Vec<FindingKind> {
    ran.summary.findings.iter().filter(|finding| finding.invalidates).map(|finding| finding.kind).collect()
}

/// A job that creates ten pods, then one whose plugin breaks: the run is invalid, its record whole, its objects gone.
async fn check_fault(name: &str, limits: GuestLimits, message: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(guest(name), folder.path().join("guest.wasm")).expect("copied");
    std::fs::copy(root().join("tests/pipeline/pod.yaml"), folder.path().join("pod.yaml")).expect("copied");
    let jobs = job("create", "{ rate: 100/s }", 10)
        + "  - name: broken\n    plugin: guest\n    queue: { rate: 1/s }\n";
    let more = "  guest: { from: ./guest.wasm }";
    let setup = Setup { folder: folder.path().to_owned(), limits: Some(limits), ..Setup::pods(&jobs, more) };
    let ran = run(setup).await;
    let conclusion = &ran.summary.conclusion;
    assert_eq!((conclusion.verdict, conclusion.exit_code), (Verdict::Invalid, 13));
    assert_eq!(findings(&ran), [FindingKind::PluginFault]);
    let [created, broken] = ran.summary.jobs.as_slice() else { panic!("two jobs") };
    assert_eq!((created.outcome, created.operations), (Outcome::Completed, 10));
    assert_eq!(broken.outcome, Outcome::Faulted);
    let found = broken.message.as_deref().unwrap_or_default();
    assert!(found.contains(message), "{found}");
    assert!(!ran.summary.partial);
    assert_eq!(ran.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_traps_makes_the_run_invalid() {
    check_fault("traps_in_run", GuestLimits::default(), "unreachable").await;
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_never_returns_makes_the_run_invalid() {
    let limits = GuestLimits { run: Duration::from_millis(200), ..GuestLimits::default() };
    check_fault("loops_in_run", limits, "computed for more than 200 ms").await;
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_hoards_memory_makes_the_run_invalid() {
    let limits = GuestLimits { memory_bytes: 16 << 20, ..GuestLimits::default() };
    check_fault("hoards_memory", limits, "its limit is 16.0 MiB").await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_read_makes_the_run_invalid() {
    let more = "  pod-latency: { from: builtin:pod-latency }\nmeasurements: [ { plugin: pod-latency } ]";
    let setup = Setup::pods(&job("create", "{ rate: 10/s }", 30), more);
    let ran = run(Setup { garbage_after: Some(Duration::from_secs(2)), ..setup }).await;
    assert_eq!(ran.summary.conclusion.verdict, Verdict::Invalid);
    assert_eq!(findings(&ran), [FindingKind::LostObservations]);
    assert_eq!(ran.summary.gaps[0].rows, Some(1));
    assert_eq!(ran.left(), 0);
}
