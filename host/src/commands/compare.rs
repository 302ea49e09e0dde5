//! `bench compare`: two groups of recorded runs against each other.

use std::path::{Path, PathBuf};

use bench_report::TextOptions;
use bench_results::{CompareError, CompareOptions, Store, StoreError, Summary, read_summary};

use crate::{
    cli::{CompareArgs, Output},
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// Compares runs and prints what that says; the exit code is the verdict.
pub fn run(args: &CompareArgs, ui: &Ui) -> Result<Exit, Failure> {
    let store = Store::new(&args.runs.runs);
    let (a, b) = sides(args)?;
    let (a, b) = (summaries(&store, &a)?, summaries(&store, &b)?);
    let options = CompareOptions {
        tolerance: args.tolerance.as_deref().map(tolerance).transpose()?,
        allow_different: args.allow_different.iter().cloned().collect(),
        allow_invalid: args.allow_invalid,
        metrics: args.metrics.clone(),
        calibration: calibration(&store, &b),
    };
    let comparison = bench_results::compare(&a, &b, &options).map_err(refused)?;
    let text = match args.output {
        Output::Json => {
            bench_report::to_json(&comparison).map_err(|error| Failure::error(Exit::Bug, error))?
        }
        Output::Text => {
            let options = TextOptions { width: ui.width(), color: ui.color_stdout() };
            bench_report::render_page(&bench_report::comparison_page(&comparison), options)
        }
    };
    ui.print(&text)?;
    Ok(Exit::Verdict(comparison.exit_code))
}

/// Selectors of both sides.
fn sides(args: &CompareArgs) -> Result<(Vec<String>, Vec<String>), Failure> {
    let usage = |text: &str| Failure::error(Exit::Usage, Message(text.to_owned()));
    if let Some(option) = args.b.iter().find(|selector| selector.starts_with("--")) {
        return Err(usage(&format!("options go before `--`: `{option}` stands after it")));
    }
    let sides = match (&args.baseline, args.b.is_empty()) {
        (Some(tag), true) => (vec![tag.clone()], args.a.clone()),
        (Some(tag), false) if args.a.is_empty() => (vec![tag.clone()], args.b.clone()),
        (Some(_), false) => return Err(usage("with --baseline all runs named are side B: leave out `--`")),
        (None, _) => (args.a.clone(), args.b.clone()),
    };
    if sides.0.is_empty() || sides.1.is_empty() {
        return Err(usage("two sides are compared: `bench compare A… -- B…`, or `--baseline TAG B…`"));
    }
    Ok(sides)
}

/// The summaries of all runs that selectors mean, each once; a folder of runs means all of them.
pub fn summaries(store: &Store, selectors: &[String]) -> Result<Vec<Summary>, Failure> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    for selector in selectors {
        for dir in meant(store, selector).map_err(super::report::no_such_run)? {
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
    }
    dirs.iter().map(|dir| summary(dir)).collect()
}

/// What a selector means: a run, a tag or a group of the store, or else the runs in a folder of this name.
fn meant(store: &Store, selector: &str) -> Result<Vec<PathBuf>, StoreError> {
    let found = store.select_all(selector);
    if !matches!(found, Err(StoreError::NotFound { .. })) || !Path::new(selector).is_dir() {
        return found;
    }
    let runs = Store::new(selector).list()?;
    if runs.is_empty() { found } else { Ok(runs.into_iter().map(|run| run.dir).collect()) }
}

fn summary(dir: &Path) -> Result<Summary, Failure> {
    read_summary(dir).map_err(|error| Failure::error(Exit::InvalidScenario, error))
}

/// `3%` or `0.03`.
fn tolerance(text: &str) -> Result<f64, Failure> {
    let (digits, scale) = text.trim().strip_suffix('%').map_or((text, 1.0), |digits| (digits, 100.0));
    let number = digits.trim().parse::<f64>().ok().map(|number| number / scale);
    number.filter(|share| (0.0..=10.0).contains(share)).ok_or_else(|| {
        Failure::error(Exit::Usage, Message(format!("`{text}` is no tolerance: write for example `3%`")))
    })
}

/// The calibration of the scenario, when it was made under the same conditions.
fn calibration(store: &Store, runs: &[Summary]) -> Option<bench_results::Calibration> {
    let first = runs.first()?;
    store.calibration(&first.run.scenario).filter(|calibration| calibration.fits(first))
}

/// Why runs are not compared, with a way out.
pub fn refused(error: CompareError) -> Failure {
    match &error {
        CompareError::Empty { .. } | CompareError::OnBothSides { .. } => Failure::error(Exit::Usage, error),
        CompareError::UnknownMetric { .. } | CompareError::NothingInCommon => {
            Failure::error(Exit::Verdict(12), error)
        }
        CompareError::Invalid { .. } => {
            let help = "`bench report RUN` says why; --allow-invalid compares all the same";
            Failure::with_help(Exit::Verdict(13), error, help)
        }
        CompareError::Different { differences } => {
            let keys: Vec<&str> = differences.iter().map(|difference| difference.key.as_str()).collect();
            let help = format!(
                "if that is the change to be judged, repeat with `--allow-different {}`",
                keys.join(",")
            );
            Failure::with_help(Exit::Refused, error, help)
        }
    }
}
