//! `bench cleanup`: removes what runs left, by their label and their journal; no scenario is needed.

use std::path::PathBuf;

use bench_cluster::{CLEANUP_TIMEOUT, Cluster};
use bench_limiter::RunClock;
use bench_model::{CleanupOutcome, CreatedNamespace, JournalEntry, RunId, TimeNs};
use bench_results::{RunEntry, RunState, Store};
use serde_json::{Value, json};

use super::connect::connect_by_flags;
use crate::{
    cli::{CleanupArgs, Output},
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// A run whose objects are to be removed, and what its journal says.
struct Known {
    /// Value of the label.
    run_id: String,
    cluster_uid: Option<String>,
    namespaces: Vec<CreatedNamespace>,
    /// Its record, when it is here.
    dir: Option<PathBuf>,
}

/// What became of one run.
struct Cleaned {
    run_id: String,
    outcome: CleanupOutcome,
}

/// Removes everything that carries the label of a run, or of all runs.
pub async fn run(args: CleanupArgs, ui: &Ui) -> Result<Exit, Failure> {
    let store = Store::new(&args.runs.runs);
    let named = args.run.as_deref().map(|run| named(&store, run)).transpose()?;
    let cluster = connect_by_flags(&args.cluster, RunClock::start()).await?;
    let known = match named {
        Some(known) => {
            refuse_another_cluster(&known, &cluster)?;
            vec![known]
        }
        None => all_on(&cluster, &store, ui).await?,
    };
    let mut cleaned = Vec::with_capacity(known.len());
    for run in known {
        let outcome = cluster.cleanup_within(&run.run_id, &run.namespaces, CLEANUP_TIMEOUT).await;
        if outcome.is_complete() {
            note_in_journal(&run);
        }
        cleaned.push(Cleaned { run_id: run.run_id, outcome });
    }
    ui.print(&show(&args, &cleaned))?;
    let is_complete = cleaned.iter().all(|run| run.outcome.is_complete());
    Ok(if is_complete { Exit::Pass } else { Exit::CleanupIncomplete })
}

/// A recorded run by its prefix, or any run by its whole id: then only labels tell what is its.
fn named(store: &Store, run: &str) -> Result<Known, Failure> {
    match (store.select(run), run.parse::<RunId>()) {
        (Ok(dir), _) => recorded(dir),
        (Err(_), Ok(run_id)) => Ok(unrecorded(run_id.to_string())),
        (Err(error), Err(_)) => Err(super::report::no_such_run(error)),
    }
}

fn unrecorded(run_id: String) -> Known {
    Known { run_id, cluster_uid: None, namespaces: Vec::new(), dir: None }
}

/// What the journal of a record says.
fn recorded(dir: PathBuf) -> Result<Known, Failure> {
    let entries = bench_results::read_journal(&dir).map_err(super::report::unreadable)?;
    let mut run = None;
    let mut namespaces: Vec<CreatedNamespace> = Vec::new();
    let mut announced = Vec::new();
    for entry in entries {
        match entry {
            JournalEntry::Run { run_id, cluster_uid, .. } => run = Some((run_id, cluster_uid)),
            JournalEntry::NamespaceCreated(namespace) => namespaces.push(namespace),
            JournalEntry::WillCreateNamespace { name } => announced.push(name),
            JournalEntry::WillCreate { .. } | JournalEntry::CleanedUp { .. } => {}
        }
    }
    announced.retain(|name| !namespaces.iter().any(|made| made.name == *name));
    namespaces.extend(announced.into_iter().map(|name| CreatedNamespace { name, uid: None }));
    let missing =
        || super::report::unreadable(Message("the journal of the run does not name the run".to_owned()));
    let (run_id, cluster_uid) = run.ok_or_else(missing)?;
    let cluster_uid = Some(cluster_uid).filter(|uid| !uid.is_empty());
    Ok(Known { run_id: run_id.to_string(), cluster_uid, namespaces, dir: Some(dir) })
}

fn refuse_another_cluster(known: &Known, cluster: &Cluster) -> Result<(), Failure> {
    let found = &cluster.facts().kube_system_uid;
    match (&known.cluster_uid, found) {
        (Some(expected), Some(found)) if expected != found => {
            let text = format!("run {} was on the cluster `{expected}`, but this is `{found}`", known.run_id);
            let help = "choose the run's cluster with --kubeconfig and --context";
            Err(Failure::with_help(Exit::Refused, Message(text), help))
        }
        _ => Ok(()),
    }
}

/// Every recorded run that left something on the cluster. Runs that go on, and runs of others, which may go on
/// too, are left alone and said.
async fn all_on(cluster: &Cluster, store: &Store, ui: &Ui) -> Result<Vec<Known>, Failure> {
    let found = cluster.runs_on_cluster().await.map_err(|error| Failure::error(Exit::Unreachable, error))?;
    let records = store.list().map_err(super::report::unreadable)?;
    let mut known = Vec::with_capacity(found.len());
    for run in found {
        match records.iter().find(|record| record.id == run.run_id) {
            Some(RunEntry { state: RunState::Running { .. }, .. }) => {
                ui.note(&format!("run {} still goes on: left alone", run.run_id));
            }
            Some(record) => known.push(recorded(record.dir.clone())?),
            None => ui.note(&format!(
                "run {} left {} objects, but is not recorded here: `bench cleanup {}` when it has ended",
                run.run_id, run.objects, run.run_id
            )),
        }
    }
    Ok(known)
}

fn show(args: &CleanupArgs, cleaned: &[Cleaned]) -> String {
    match (args.output, cleaned) {
        (Output::Json, [run]) if !args.all => {
            format!("{:#}\n", json!({ "schemaVersion": 1, "runId": run.run_id, "outcome": run.outcome }))
        }
        (Output::Json, runs) => {
            let runs: Vec<Value> =
                runs.iter().map(|run| json!({ "runId": run.run_id, "outcome": run.outcome })).collect();
            format!("{:#}\n", json!({ "schemaVersion": 1, "runs": runs }))
        }
        (Output::Text, []) => "nothing of any run is on the cluster\n".to_owned(),
        (Output::Text, runs) => runs.iter().map(as_text).collect(),
    }
}

fn as_text(run: &Cleaned) -> String {
    let mut text = format!("run {}: {} deleted\n", run.run_id, run.outcome.gone());
    for left in &run.outcome.remaining {
        text.push_str(&format!("  still there: {left}\n"));
    }
    for error in &run.outcome.errors {
        text.push_str(&format!("  failed: {error}\n"));
    }
    text
}

fn note_in_journal(run: &Known) {
    let Some(dir) = &run.dir else { return };
    let noted = bench_results::Journal::open(dir)
        .and_then(|mut journal| journal.append(&JournalEntry::CleanedUp { at: TimeNs::NEVER }));
    if let Err(error) = noted {
        tracing::warn!(%error, "failed to note in the journal that the run is cleaned up");
    }
}
