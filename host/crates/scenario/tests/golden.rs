//! Every file of `tests/scenarios` against its golden: `.err` for a refused one, `.scenario.json` else.
//!
//! Comments in a scenario steer its test: `# --set path=value` as on the command line; `# schema: FILE` holds
//! each job's `with:` against the schema `schemas/FILE`. `UPDATE_EXPECT=1` rewrites the goldens.
#![expect(clippy::expect_used, reason = "helpers of tests may stop with a panic")]

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bench_scenario::{Problems, Scenario, check_config, parse, validate};
use expect_test::expect_file;
use miette::{GraphicalReportHandler, GraphicalTheme};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/scenarios")
}

fn render(problems: &Problems) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    let mut out = String::new();
    handler.render_report(&mut out, problems).expect("a report");
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

/// What comments of the file say after a word.
fn told<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    text.lines().filter_map(move |line| line.strip_prefix(word).map(str::trim))
}

fn read_scenario(path: &Path) -> Result<Scenario, Problems> {
    let text = fs::read_to_string(path).expect("a scenario");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    let sets: Vec<String> = told(&text, "# --set ").map(str::to_owned).collect();
    let scenario = validate(parse(&text, name, &sets)?)?;
    let Some(schema) = told(&text, "# schema:").next() else { return Ok(scenario) };
    let schema = fs::read_to_string(folder().join("schemas").join(schema)).expect("a schema");
    let schema = serde_json::from_str(&schema).expect("JSON");
    let read = |file: &Path| -> io::Result<String> { fs::read_to_string(folder().join(file)) };
    let problems = scenario.jobs.iter().filter_map(|job| check_config(&job.config, &schema, &read).err());
    match Problems::new(name, problems.flatten().collect()) {
        Some(problems) => Err(problems),
        None => Ok(scenario),
    }
}

fn check(path: &Path) {
    let (golden, refused) = (path.with_extension("scenario.json"), path.with_extension("err"));
    let other = match read_scenario(path) {
        Ok(scenario) => {
            let json = serde_json::to_string_pretty(&scenario).expect("JSON");
            expect_file![golden].assert_eq(&(json + "\n"));
            refused
        }
        Err(problems) => {
            expect_file![refused].assert_eq(&render(&problems));
            golden
        }
    };
    assert!(!other.exists(), "{} has a golden of the other kind", path.display());
}

#[test]
fn every_scenario_is_taken_or_refused_as_its_golden_says() {
    let files = fs::read_dir(folder()).expect("tests/scenarios").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    files.sort();
    assert!(!files.is_empty());
    files.iter().for_each(|path| check(path));
}
