//! `bench cleanup`: removes what a run left, by its label and its journal; no scenario is needed.

use bench_limiter::RunClock;
use bench_model::{CleanupOutcome, CreatedNamespace, JournalEntry, RunId, TimeNs};
use bench_results::Store;
use serde_json::json;

use super::connect::connect_by_flags;
use crate::{
    cli::{CleanupArgs, Output},
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// What the journal of a run says.
struct Known {
    run_id: RunId,
    cluster_uid: Option<String>,
    namespaces: Vec<CreatedNamespace>,
}

/// Removes everything that carries the label of a run.
pub async fn run(args: CleanupArgs, ui: &Ui) -> Result<Exit, Failure> {
    let known = known(&args)?;
    let clock = RunClock::start();
    let cluster = connect_by_flags(&args.cluster, clock).await?;
    let found = cluster.facts().kube_system_uid.clone();
    if let (Some(expected), Some(found)) = (&known.cluster_uid, &found)
        && expected != found
    {
        let text = format!("run {} was on the cluster `{expected}`, but this is `{found}`", known.run_id);
        return Err(Failure::with_help(
            Exit::Refused,
            Message(text),
            "choose the run's cluster with --kubeconfig and --context",
        ));
    }
    let outcome = cluster.cleanup(&known.run_id, &known.namespaces, |_| {}).await;
    print(&args, &known.run_id, &outcome, ui)?;
    if !outcome.is_complete() {
        return Ok(Exit::CleanupIncomplete);
    }
    note_in_journal(&args);
    Ok(Exit::Pass)
}

/// A recorded run by its prefix, or any run by its whole id: then only labels tell what is its.
fn known(args: &CleanupArgs) -> Result<Known, Failure> {
    let dir = Store::new(&args.runs.runs).select(&args.run);
    let entries = match (dir, args.run.parse::<RunId>()) {
        (Ok(dir), _) => {
            bench_results::read_journal(&dir).map_err(|error| Failure::error(Exit::Bug, error))?
        }
        (Err(_), Ok(run_id)) => return Ok(Known { run_id, cluster_uid: None, namespaces: Vec::new() }),
        (Err(error), Err(_)) => return Err(super::report::no_such_run(error)),
    };
    let mut run = None;
    let mut namespaces = Vec::new();
    for entry in entries {
        match entry {
            JournalEntry::Run { run_id, cluster_uid, .. } => run = Some((run_id, cluster_uid)),
            JournalEntry::NamespaceCreated(namespace) => namespaces.push(namespace),
            JournalEntry::WillCreate { .. }
            | JournalEntry::WillCreateNamespace { .. }
            | JournalEntry::CleanedUp { .. } => {}
        }
    }
    let missing =
        || Failure::error(Exit::Bug, Message("the journal of the run does not name the run".to_owned()));
    let (run_id, cluster_uid) = run.ok_or_else(missing)?;
    Ok(Known { run_id, cluster_uid: Some(cluster_uid).filter(|uid| !uid.is_empty()), namespaces })
}

fn print(args: &CleanupArgs, run_id: &RunId, outcome: &CleanupOutcome, ui: &Ui) -> Result<(), Failure> {
    if args.output == Output::Json {
        return ui
            .print(&format!("{:#}\n", json!({ "schemaVersion": 1, "runId": run_id, "outcome": outcome })));
    }
    let plural = if outcome.deleted == 1 { "" } else { "s" };
    let mut text = format!("run {run_id}: {} object{plural} deleted\n", outcome.deleted);
    for left in &outcome.remaining {
        text.push_str(&format!("still there: {left}\n"));
    }
    for error in &outcome.errors {
        text.push_str(&format!("failed: {error}\n"));
    }
    ui.print(&text)
}

fn note_in_journal(args: &CleanupArgs) {
    let Ok(dir) = Store::new(&args.runs.runs).select(&args.run) else { return };
    let noted = bench_results::Journal::open(&dir)
        .and_then(|mut journal| journal.append(&JournalEntry::CleanedUp { at: TimeNs::NEVER }));
    if let Err(error) = noted {
        tracing::warn!(%error, "failed to note in the journal that the run is cleaned up");
    }
}
