//! `bench runs list` and `bench runs show`.

use bench_results::{RunEntry, RunState, Store};
use serde_json::json;

use crate::{
    cli::{Output, ReportArgs, RunsListArgs},
    diagnostics::{Failure, Ui},
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
pub fn show(args: &ReportArgs, ui: &Ui) -> Result<Exit, Failure> {
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
