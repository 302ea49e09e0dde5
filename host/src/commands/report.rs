//! `bench report`: the report of a recorded run, from its files alone.

use std::path::Path;

use bench_report::{ReportView, TextOptions, ViewContext};
use bench_results::{Store, StoreError, Summary, summarize};

use crate::{
    cli::{Output, ReportArgs},
    diagnostics::{Failure, Ui},
    exit_code::Exit,
};

/// Prints the report of a run again; the exit code is the run's own.
pub fn run(args: &ReportArgs, ui: &Ui) -> Result<Exit, Failure> {
    let dir = Store::new(&args.runs.runs).select(&args.run).map_err(no_such_run)?;
    let summary = summarize(&dir).map_err(unreadable)?;
    print(&summary, &dir, args.output, ui)?;
    Ok(Exit::Verdict(bench_results::exit_code(&summary)))
}

/// A record that is damaged, of a newer version, or no record at all.
pub fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::with_help(
        Exit::UnreadableRecord,
        error,
        "`bench runs list` shows which records are whole; --runs names another folder",
    )
}

/// Prints a summary to stdout.
pub fn print(summary: &Summary, dir: &Path, output: Output, ui: &Ui) -> Result<(), Failure> {
    let text = match output {
        Output::Text => as_text(summary, dir, ui),
        Output::Json => bench_report::json(summary).map_err(|error| Failure::error(Exit::Bug, error))?,
    };
    ui.print(&text)
}

/// The shortest unique beginning of a run's id.
pub fn shown_id(dir: &Path) -> String {
    let id = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let root = dir.parent().unwrap_or(Path::new("."));
    Store::new(root).shortest_prefix(&id).unwrap_or(id)
}

fn as_text(summary: &Summary, dir: &Path, ui: &Ui) -> String {
    let run = shown_id(dir);
    let view = ReportView::new(summary, &ViewContext { record: dir.display().to_string(), run });
    bench_report::render(&view, TextOptions { width: ui.width(), color: ui.color_stdout() })
}

/// A selector that names no run, or several.
pub fn no_such_run(error: StoreError) -> Failure {
    Failure::with_help(
        Exit::Usage,
        error,
        "`bench runs list` shows recorded runs; --runs names another folder",
    )
}
