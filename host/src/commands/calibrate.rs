//! `bench calibrate`: runs that should be equal, and what they differ by.

use bench_report::TextOptions;
use bench_results::{Store, Summary};

use super::{
    compare::{refused, summaries},
    load::load,
    run::repeat,
};
use crate::{
    cli::{CalibrateArgs, Output, ProgressWhen, RunArgs, RunOutput, ScenarioArgs},
    diagnostics::{Failure, Ui},
    exit_code::Exit,
};

/// Calibrates a scenario, prints what it found and keeps it for `bench compare`.
pub async fn run(args: CalibrateArgs, ui: &Ui) -> Result<Exit, Failure> {
    let store = Store::new(&args.runs.runs);
    let output = args.output;
    let runs: Vec<Summary> = match args.scenario {
        None => summaries(&store, &args.from)?,
        Some(scenario) => {
            let run = RunArgs {
                scenario: ScenarioArgs { scenario, sets: args.sets },
                cluster: args.cluster,
                runs: args.runs,
                // Only its runs are made here: what they say is printed below.
                output: RunOutput::Text,
                progress: ProgressWhen::Auto,
                quiet: args.quiet,
                repeat: Some(args.repeat),
            };
            let loaded = load(&run.scenario).await?;
            let repeated = repeat::all(&run, loaded, args.repeat, ui).await?;
            if let Some(exit) = repeated.stopped {
                return Ok(exit);
            }
            repeated.runs.into_iter().map(|one| one.summary).collect()
        }
    };
    let calibration = bench_results::calibrate(&runs).map_err(refused)?;
    let path = store.save_calibration(&calibration).map_err(|error| Failure::error(Exit::Bug, error))?;
    let text = match output {
        Output::Json => {
            bench_report::to_json(&calibration).map_err(|error| Failure::error(Exit::Bug, error))?
        }
        Output::Text => {
            let options = TextOptions { width: ui.width(), color: ui.color_stdout() };
            bench_report::render_page(&bench_report::calibration_page(&calibration), options)
        }
    };
    ui.print(&text)?;
    ui.note(&format!("kept in {}", path.display()));
    Ok(Exit::Pass)
}
