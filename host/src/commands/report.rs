//! `bench report`: the report of a recorded run, made from its files alone.

mod opensearch;

use std::path::Path;

use bench_report::{MAX_BINS, MAX_SERIES, ReportFile, ReportView, TextOptions, ViewContext};
use bench_results::{RunHistory, Store, StoreError, Summary, summarize, summarize_with_history};

use crate::{
    cli::{Output, ReportArgs, ReportFormat},
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// A report, in one text or in several files.
enum Report {
    Text(String),
    Files(Vec<ReportFile>),
}

/// Makes the report of a run again; the exit code is the run's own.
pub async fn run(args: ReportArgs, ui: &Ui) -> Result<Exit, Failure> {
    let sender = opensearch::sender(&args)?;
    let dir = Store::new(&args.runs.runs).select(&args.run).map_err(no_such_run)?;
    if let Some(sender) = &sender {
        let (summary, history) = whole(&dir)?;
        sender.send(&bench_report::kube_burner_documents(&summary, &history).map_err(bug)?, ui).await?;
        if args.output.is_none() {
            return Ok(Exit::Verdict(bench_results::exit_code(&summary)));
        }
    }
    let (report, exit) = report(&dir, args.format, ui)?;
    match (report, &args.output) {
        (Report::Text(text), None) => ui.print(&text)?,
        (Report::Text(text), Some(file)) => write(file, &text, ui)?,
        (Report::Files(files), Some(folder)) => {
            std::fs::create_dir_all(folder).map_err(|error| cannot_write(folder, &error))?;
            for file in files {
                write(&folder.join(&file.name), &file.content, ui)?;
            }
        }
        (Report::Files(_), None) => {
            let message = Message("this format has several files: name a folder for them".to_owned());
            return Err(Failure::with_help(
                Exit::Usage,
                message,
                "add --output FOLDER, or for `kube-burner` --opensearch URL",
            ));
        }
    }
    Ok(exit)
}

/// The report, and the exit code of the run.
fn report(dir: &Path, format: ReportFormat, ui: &Ui) -> Result<(Report, Exit), Failure> {
    let context = || context(dir);
    match format {
        ReportFormat::Text => of_summary(dir, |summary| Ok(as_text(summary, dir, ui))),
        ReportFormat::Json => of_summary(dir, |summary| bench_report::json(summary).map_err(bug)),
        ReportFormat::Markdown => of_summary(dir, |summary| {
            Ok(bench_report::markdown(summary, &ReportView::new(summary, &context())))
        }),
        ReportFormat::Junit => of_summary(dir, |summary| Ok(bench_report::junit(summary))),
        ReportFormat::Perfdata => of_summary(dir, |summary| Ok(bench_report::perfdata(summary))),
        ReportFormat::Openmetrics => of_summary(dir, |summary| Ok(bench_report::openmetrics(summary))),
        ReportFormat::Html => of_whole(dir, |summary, history| {
            bench_report::html(summary, history, &context()).map(Report::Text).map_err(bug)
        }),
        ReportFormat::Csv => {
            of_whole(dir, |_, history| bench_report::csv(history).map(Report::Files).map_err(bug))
        }
        ReportFormat::KubeBurner => of_whole(dir, |summary, history| {
            bench_report::kube_burner(summary, history).map(Report::Files).map_err(bug)
        }),
    }
}

fn of_summary(
    dir: &Path,
    make: impl FnOnce(&Summary) -> Result<String, Failure>,
) -> Result<(Report, Exit), Failure> {
    let summary = summarize(dir).map_err(unreadable)?;
    Ok((Report::Text(make(&summary)?), Exit::Verdict(bench_results::exit_code(&summary))))
}

fn of_whole(
    dir: &Path,
    make: impl FnOnce(&Summary, &RunHistory) -> Result<Report, Failure>,
) -> Result<(Report, Exit), Failure> {
    let (summary, history) = whole(dir)?;
    Ok((make(&summary, &history)?, Exit::Verdict(bench_results::exit_code(&summary))))
}

fn whole(dir: &Path) -> Result<(Summary, RunHistory), Failure> {
    summarize_with_history(dir, MAX_BINS, MAX_SERIES).map_err(unreadable)
}

fn bug(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::error(Exit::Bug, error)
}

fn write(path: &Path, content: &str, ui: &Ui) -> Result<(), Failure> {
    std::fs::write(path, content).map_err(|error| cannot_write(path, &error))?;
    ui.note(&format!("wrote {}", path.display()));
    Ok(())
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::error(Exit::Bug, Message(format!("failed to write {}: {error}", path.display())))
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
        Output::Json => bench_report::json(summary).map_err(bug)?,
    };
    ui.print(&text)
}

/// The shortest unique beginning of a run's id.
pub fn shown_id(dir: &Path) -> String {
    let id = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let root = dir.parent().unwrap_or(Path::new("."));
    Store::new(root).shortest_prefix(&id).unwrap_or(id)
}

fn context(dir: &Path) -> ViewContext {
    ViewContext { record: dir.display().to_string(), run: shown_id(dir) }
}

fn as_text(summary: &Summary, dir: &Path, ui: &Ui) -> String {
    let view = ReportView::new(summary, &context(dir));
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
