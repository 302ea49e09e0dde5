//! Whatever a file or `--set` holds, it is read or refused with a place; nothing panics or hangs.
#![expect(clippy::expect_used, reason = "helpers of tests may stop with a panic")]

use std::path::Path;

use bench_scenario::{Mistake, Problems, parse, validate};
use bench_template::yaml::{MAX_BYTES, YamlMistake};
use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

const EVERYTHING: &str = include_str!("../../../../tests/scenarios/everything.yaml");

fn check(text: &str, sets: &[String]) -> Option<Problems> {
    let problems = parse(text, "x.yaml", sets).and_then(validate).err()?;
    assert!(!problems.list().is_empty());
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    let mut out = String::new();
    handler.render_report(&mut out, &problems).expect("a report");
    assert!(!out.contains("Failed to read contents"), "{out}");
    Some(problems)
}

#[test]
fn a_file_over_one_mebibyte_is_refused() {
    let text = format!("{EVERYTHING}\n# {}", "x".repeat(MAX_BYTES));
    let problems = check(&text, &[]).expect("a problem");
    assert!(matches!(problems.list()[0].mistake(), Mistake::Yaml(YamlMistake::TooLong { .. })));
}

#[test]
fn a_set_value_is_shown_where_it_was_typed() {
    let problems = check(EVERYTHING, &["jobs.churn.queue.rate=7".to_owned()]).expect("a problem");
    assert_eq!(problems.list().len(), 1);
    assert_eq!((problems.list()[0].file(), problems.list()[0].span()), ("--set", 22..23));
}

#[test]
fn text_from_the_command_line_may_be_written_in_quotes() {
    let set = |text: &str| {
        let file = parse(EVERYTHING, "x.yaml", &[text.to_owned()]).expect("YAML");
        file.to_json()["variables"]["pods"].clone()
    };
    assert_eq!(set("variables.pods=10"), 10);
    assert_eq!(set("variables.pods=\"10\""), "10");
    assert_eq!(set("variables.pods=registry.example/pause:3.10"), "registry.example/pause:3.10");
    assert_eq!(set("variables.pods="), "");
}

#[test]
fn an_empty_cluster_set_over_a_simulated_one_means_the_kubeconfig() {
    let file = parse(EVERYTHING, "x.yaml", &["cluster={}".to_owned()]).expect("YAML");
    let scenario = validate(file).expect("a scenario");
    assert!(matches!(
        scenario.cluster,
        bench_scenario::ClusterSource::Kubeconfig { path: None, context: None }
    ));
}

#[test]
fn a_later_step_can_report_at_any_place_of_the_file() {
    let scenario = validate(parse(EVERYTHING, "x.yaml", &[]).expect("YAML")).expect("a scenario");
    let problem = scenario.problem("/jobs/0/plugin", "`objects` is no workload", "not a workload", None);
    assert_eq!(EVERYTHING.get(problem.span()), Some("objects"));
    let problem = scenario.jobs[0].config.problem("/iterations/5", "too many", "here", None);
    assert_eq!(EVERYTHING.get(problem.span()), Some("\"${pods}\""));
    let unknown = scenario.unknown_metrics(|_| Some(vec!["scheduled".to_owned()]));
    assert_eq!(unknown.len(), 2);
    assert_eq!(EVERYTHING.get(unknown[0].span()), Some("p99(pod-latency.ready) < 5s"));
}

#[test]
fn files_for_plugins_are_named_relative_to_the_scenario() {
    let text = "apiVersion: bench.dev/v1alpha1\nkind: Scenario\nmetadata: { name: x }\nplugins: { p: { from: builtin:p } }\njobs: [ { name: a, plugin: p, queue: { rate: 1/s }, with: { script: a/b.sh } } ]\n";
    let scenario = validate(parse(text, "x.yaml", &[]).expect("YAML")).expect("a scenario");
    let schema = serde_json::json!({"properties": {"script": {"type": "string", "format": "bench-file"}, "n": {"default": 3}}});
    let read = |path: &Path| Ok(format!("text of {}", path.display()));
    let config =
        bench_scenario::check_config(&scenario.jobs[0].config, &schema, &read).expect("a config").config;
    assert_eq!(config, serde_json::json!({"script": "text of a/b.sh", "n": 3}));
}

proptest! {
    #[test]
    fn a_file_with_a_line_replaced_is_read_or_refused(line in 0_usize..70, text in "[ -~äé]{0,30}") {
        let lines = EVERYTHING.lines().enumerate();
        let changed: Vec<&str> = lines.map(|(index, old)| if index == line { text.as_str() } else { old }).collect();
        check(&changed.join("\n"), &[]);
    }

    #[test]
    fn a_file_cut_anywhere_is_read_or_refused(at in 0..EVERYTHING.len()) {
        check(EVERYTHING.get(..at).unwrap_or_default(), &[]);
    }

    #[test]
    fn any_set_is_applied_or_refused(set in "[a-z0-9.=\\[\\]{}$: -]{0,30}") {
        check(EVERYTHING, &[set]);
    }
}
