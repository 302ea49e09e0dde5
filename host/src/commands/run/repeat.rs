//! `bench run --repeat N`, or `repeat: N` in the scenario: the same scenario again and again, each time as a run of its own.
//!
//! Each run connects anew and makes its own namespaces; a simulated cluster is a new one each time. All have
//! the id of one group, by which `bench compare` and `bench runs` find them.

use bench_report::TextOptions;
use bench_results::{GroupFacts, Summary};
use serde_json::json;

use super::{One, once};
use crate::{
    cli::{ProgressWhen, RunArgs, RunOutput},
    commands::load::{Loaded, load},
    diagnostics::{Failure, Ui},
    exit_code::Exit,
};

/// Runs that were made together.
pub struct Repeated {
    /// Those that ended.
    pub runs: Vec<One>,
    /// Set when one was stopped from outside; the rest was not started.
    pub stopped: Option<Exit>,
}

/// Runs a scenario several times and prints all verdicts; the exit code is the worst one.
pub async fn run(args: &RunArgs, loaded: Loaded, times: u32, ui: &Ui) -> Result<Exit, Failure> {
    let repeated = all(args, loaded, times, ui).await?;
    let exit = repeated.stopped.unwrap_or_else(|| Exit::Verdict(worst(&repeated.runs)));
    let text = match args.output {
        RunOutput::Json => format!("{:#}\n", as_json(&repeated, exit)),
        RunOutput::Ndjson => {
            let mut line = as_json(&repeated, exit);
            if let Some(fields) = line.as_object_mut() {
                fields.insert("type".to_owned(), "group".into());
            }
            format!("{line}\n")
        }
        RunOutput::Text => {
            let runs: Vec<(String, Summary)> = repeated
                .runs
                .iter()
                .map(|one| (super::report::shown_id(&one.dir), one.summary.clone()))
                .collect();
            let options = TextOptions { width: ui.width(), color: ui.color_stdout() };
            bench_report::render_page(&bench_report::group_page(&runs), options)
        }
    };
    ui.print(&if args.output == RunOutput::Text { text } else { bench_report::escape_json(&text) })?;
    Ok(exit)
}

/// Runs a scenario several times; it is loaded already for the first time, and read again for each other.
pub async fn all(args: &RunArgs, loaded: Loaded, times: u32, ui: &Ui) -> Result<Repeated, Failure> {
    let id = super::new_run_id().to_string();
    let mut repeated = Repeated { runs: Vec::new(), stopped: None };
    let mut first = Some(loaded);
    for index in 1..=times {
        if !args.quiet && args.progress != ProgressWhen::Off {
            ui.note(&format!("run {index} of {times}"));
        }
        let group = GroupFacts { id: id.clone(), index, of: times };
        let loaded = match first.take() {
            Some(loaded) => loaded,
            None => load(&args.scenario).await?,
        };
        let one = once(args, loaded, ui, Some(group)).await?;
        let code = one.summary.conclusion.exit_code;
        repeated.runs.push(one);
        // The deadline is one of the run, an interrupt is one of the user.
        if matches!(code, 130 | 143) {
            repeated.stopped = Some(Exit::Verdict(code));
            break;
        }
    }
    Ok(repeated)
}

/// Of several verdicts the one that says most against the numbers.
fn worst(runs: &[One]) -> u8 {
    let order = [20, 13, 10, 12, 15];
    let codes: Vec<u8> = runs.iter().map(|one| one.summary.conclusion.exit_code).collect();
    order.into_iter().find(|code| codes.contains(code)).unwrap_or(0)
}

fn as_json(repeated: &Repeated, exit: Exit) -> serde_json::Value {
    let runs: Vec<_> = repeated
        .runs
        .iter()
        .map(|one| {
            json!({
                "runId": one.summary.run.id,
                "dir": one.dir,
                "conclusion": one.summary.conclusion,
            })
        })
        .collect();
    let summaries: Vec<Summary> = repeated.runs.iter().map(|one| one.summary.clone()).collect();
    let group = repeated.runs.first().and_then(|one| one.summary.run.group.as_ref()).map(|group| &group.id);
    json!({
        "schemaVersion": 1,
        "group": group,
        "exitCode": exit.code(),
        "runs": runs,
        // Absent when the runs cannot be taken together.
        "variation": bench_results::calibrate(&summaries).ok(),
    })
}
