//! `bench runs`: list, show, tag, rm.

use std::path::Path;

use bench_results::{RunEntry, RunState, Store, StoreError, read_summary};
use serde_json::json;

use crate::{
    cli::{Output, RunsListArgs, RunsRmArgs, RunsShowArgs, RunsTagArgs},
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// Lists recorded runs, newest first.
pub fn list(args: &RunsListArgs, ui: &Ui) -> Result<Exit, Failure> {
    let store = Store::new(&args.runs.runs);
    let entries = store.list().map_err(|error| Failure::error(Exit::Bug, error))?;
    let text = match args.output {
        Output::Json => format!(
            "{:#}\n",
            json!({ "schemaVersion": 1, "runs": entries.iter().map(as_json).collect::<Vec<_>>() })
        ),
        Output::Text if entries.is_empty() => {
            ui.note(&format!("no run is recorded in `{}`", args.runs.runs.display()));
            String::new()
        }
        Output::Text => table(&store, &entries),
    };
    ui.print(&text)?;
    Ok(Exit::Pass)
}

fn as_json(entry: &RunEntry) -> serde_json::Value {
    json!({
        "runId": entry.id,
        "scenario": entry.scenario,
        "startedAt": entry.started_at,
        "state": state(&entry.state),
        "group": entry.group,
        "dir": entry.dir,
    })
}

fn state(state: &RunState) -> String {
    match state {
        RunState::Running { .. } => "running".to_owned(),
        RunState::Partial => "partial".to_owned(),
        RunState::Finished { verdict: Some(verdict) } => {
            // The word of the JSON report.
            json!(verdict).as_str().unwrap_or_default().to_owned()
        }
        RunState::Finished { verdict: None } => "finished".to_owned(),
        RunState::Unreadable => "unreadable".to_owned(),
    }
}

fn table(store: &Store, entries: &[RunEntry]) -> String {
    let prefix = |id: &str| store.shortest_prefix(id).unwrap_or_else(|_| id.to_owned());
    let rows: Vec<_> = entries.iter().map(|entry| (prefix(&entry.id), state(&entry.state), entry)).collect();
    let width =
        |cells: &mut dyn Iterator<Item = usize>, title: &str| cells.max().unwrap_or(0).max(title.len());
    let run = width(&mut rows.iter().map(|row| row.0.len()), "RUN");
    let state = width(&mut rows.iter().map(|row| row.1.len()), "STATE");
    let mut text = format!("{:<run$}  {:<24}  {:<state$}  SCENARIO\n", "RUN", "STARTED", "STATE");
    for (id, state_text, entry) in &rows {
        text.push_str(&format!(
            "{id:<run$}  {:<24}  {state_text:<state$}  {}\n",
            entry.started_at, entry.scenario
        ));
    }
    text
}

/// Shows where a run's record is and what is in it.
pub fn show(args: &RunsShowArgs, ui: &Ui) -> Result<Exit, Failure> {
    let dir = Store::new(&args.runs.runs).select(&args.run).map_err(super::report::no_such_run)?;
    let summary = bench_results::summarize(&dir).map_err(super::report::unreadable)?;
    match args.output {
        Output::Json => super::report::print(&summary, &dir, Output::Json, ui)?,
        Output::Text => {
            ui.print(&format!("{}\n", dir.display()))?;
            super::report::print(&summary, &dir, Output::Text, ui)?;
        }
    }
    Ok(Exit::Pass)
}

/// Names runs, shows names, or forgets one.
pub fn tag(args: &RunsTagArgs, ui: &Ui) -> Result<Exit, Failure> {
    let store = Store::new(&args.runs.runs);
    let Some(name) = &args.tag else {
        let tags = store.tags().map_err(failed)?;
        let lines = tags.iter().map(|tag| format!("{}  {}\n", tag.name, tag.runs.join(" ")));
        ui.print(&lines.collect::<String>())?;
        return Ok(Exit::Pass);
    };
    if args.delete {
        store.untag(name).map_err(failed)?;
        return Ok(Exit::Pass);
    }
    if args.select.is_empty() {
        let tag = store.tagged(name).map_err(failed)?;
        let tag = tag.ok_or_else(|| failed(StoreError::NoTag { name: name.clone() }))?;
        ui.print(&tag.runs.iter().map(|run| format!("{run}\n")).collect::<String>())?;
        return Ok(Exit::Pass);
    }
    let mut runs = Vec::new();
    for selector in &args.select {
        for dir in store.select_all(selector).map_err(super::report::no_such_run)? {
            runs.push(stored(&store, &dir)?);
        }
    }
    store.tag(name, &runs).map_err(failed)?;
    Ok(Exit::Pass)
}

/// The id of a run of this store.
fn stored(store: &Store, dir: &Path) -> Result<String, Failure> {
    let entry = store.list().map_err(failed)?.into_iter().find(|entry| entry.dir == dir);
    entry.map(|entry| entry.id).ok_or_else(|| failed(StoreError::Elsewhere { path: dir.to_owned() }))
}

/// Removes records; all are checked before the first one goes.
pub fn rm(args: &RunsRmArgs, ui: &Ui) -> Result<Exit, Failure> {
    let store = Store::new(&args.runs.runs);
    let mut dirs = Vec::new();
    for selector in &args.select {
        dirs.extend(store.select_all(selector).map_err(super::report::no_such_run)?);
    }
    dirs.sort();
    dirs.dedup();
    if !args.force {
        dirs.iter().try_for_each(|dir| refuse_needed(dir))?;
    }
    for dir in &dirs {
        store.remove(dir).map_err(failed)?;
        ui.note(&format!("removed {}", dir.display()));
    }
    Ok(Exit::Pass)
}

/// A run that may have left objects on a real cluster is cleaned up by its record.
fn refuse_needed(dir: &Path) -> Result<(), Failure> {
    let Ok(summary) = read_summary(dir) else { return Ok(()) };
    let is_clean = summary.cleanup.is_some_and(|cleanup| cleanup.remaining.is_empty());
    if is_clean || summary.run.simulated {
        return Ok(());
    }
    let id = summary.run.id;
    let text = format!("run {id} may have left objects on the cluster at {}", summary.run.server);
    let help = format!("`bench cleanup {id}` removes them; --force removes the record all the same");
    Err(Failure::with_help(Exit::Refused, Message(text), help))
}

fn failed(error: StoreError) -> Failure {
    let exit = match &error {
        StoreError::Io { .. } => Exit::Bug,
        StoreError::Running { .. } | StoreError::Tagged { .. } | StoreError::Elsewhere { .. } => {
            Exit::Refused
        }
        StoreError::Empty { .. }
        | StoreError::NotFound { .. }
        | StoreError::Ambiguous { .. }
        | StoreError::TagName { .. }
        | StoreError::NoTag { .. } => Exit::Usage,
    };
    Failure::error(exit, error)
}
