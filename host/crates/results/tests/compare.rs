//! Groups of runs against each other: equal ones are called different at most as often as promised, different
//! ones are found, and what cannot be compared is refused.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

#[path = "fake/run.rs"]
mod fake;
#[path = "fake/truth.rs"]
#[expect(dead_code, reason = "only the random numbers are needed")]
mod truth;

use bench_results::{
    ChangeVerdict, CompareError, CompareOptions, Comparison, MIN_TOLERANCE, Summary, ToleranceSource,
    Verdict, calibrate, compare, read_summary, save_summary, summarize,
};
use fake::{FakeRun, MS};
use truth::Random;

/// A run whose quantiles are all moved by a factor, with an id of its own.
fn run(template: &Summary, id: u64, factor: f64) -> Summary {
    let mut summary = template.clone();
    summary.run.id = format!("run-{id}");
    let scale = |value: &mut Option<u64>| *value = value.map(|value| (value as f64 * factor) as u64);
    for quantile in summary.jobs.iter_mut().flat_map(|job| &mut job.response.quantiles) {
        scale(&mut quantile.low);
        scale(&mut quantile.high);
    }
    for threshold in &mut summary.thresholds {
        threshold.low = threshold.low.map(|low| low * factor);
        threshold.high = threshold.high.map(|high| high * factor);
    }
    summary
}

fn template(gates: &[&str]) -> Summary {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    let thresholds = gates.iter().map(|gate| (*gate).to_owned()).collect();
    FakeRun { thresholds, ..FakeRun::default() }.record(&dir);
    let mut summary = summarize(&dir).expect("summarises");
    // Gates and jobs are enough to compare, hundreds of times.
    summary.metrics.clear();
    summary
}

const GATES: [&str; 2] = ["p99(create-pods.response) < 1s", "p50(create-pods.response) < 1s"];

/// So many runs that vary by `cv` around `center`.
fn group(template: &Summary, random: &mut Random, n: u64, cv: f64, center: f64) -> Vec<Summary> {
    (0..n).map(|_| run(template, random.bits(), center * (cv * random.normal()).exp())).collect()
}

fn check(a: &[Summary], b: &[Summary]) -> Comparison {
    compare(a, b, &CompareOptions::default()).expect("compares")
}

#[test]
fn equal_groups_are_called_different_in_at_most_5_percent_of_200_pairs() {
    let template = template(&GATES);
    for (n, cv) in [(4, 0.05), (5, 0.03), (10, 0.10)] {
        let mut random = Random::new(n);
        let different = (0..200).filter(|_| {
            let a = group(&template, &mut random, n, cv, 1.0);
            let b = group(&template, &mut random, n, cv, 1.0);
            matches!(check(&a, &b).verdict, ChangeVerdict::Regression | ChangeVerdict::Improvement)
        });
        let different = different.count();
        assert!(different <= 10, "{different} of 200 pairs of {n} runs with CV {cv}");
    }
}

#[test]
fn a_change_that_is_large_for_the_noise_is_found_and_named() {
    let template = template(&GATES);
    let mut random = Random::new(1);
    let found = (0..50).filter(|_| {
        let a = group(&template, &mut random, 8, 0.03, 1.0);
        let b = group(&template, &mut random, 8, 0.03, 1.2);
        let comparison = check(&a, &b);
        comparison.exit_code == 11 && comparison.reason.contains("got worse by")
    });
    assert!(found.count() >= 45);
    let a = group(&template, &mut random, 8, 0.03, 1.0);
    let better = check(&a, &group(&template, &mut random, 8, 0.03, 0.8));
    assert_eq!((better.verdict, better.exit_code), (ChangeVerdict::Improvement, 0));
}

#[test]
fn equal_values_are_no_regression_and_few_runs_are_inconclusive() {
    let template = template(&GATES);
    let same = |from: u64, n: u64| (from..from + n).map(|id| run(&template, id, 1.0)).collect::<Vec<_>>();
    let comparison = check(&same(0, 5), &same(10, 5));
    assert_eq!((comparison.verdict, comparison.exit_code), (ChangeVerdict::NoRegression, 0));
    let row = &comparison.rows[0];
    assert_eq!((row.ratio, row.low, row.high, row.p), (Some(1.0), Some(1.0), Some(1.0), 1.0));
    let comparison = check(&same(0, 1), &same(10, 1));
    assert_eq!((comparison.verdict, comparison.exit_code), (ChangeVerdict::Inconclusive, 12));
    // Two metrics decide together: five runs on each side are the fewest with an interval.
    assert_eq!(comparison.rows[0].more_runs, Some(4));
    assert!(comparison.reason.contains("needs about 4 more runs"), "{}", comparison.reason);
}

#[test]
fn noise_asks_for_more_runs_and_a_calibration_widens_the_tolerance() {
    let template = template(&GATES);
    let mut random = Random::new(8);
    let a = group(&template, &mut random, 5, 0.15, 1.0);
    let b = group(&template, &mut random, 5, 0.15, 1.1);
    let comparison = check(&a, &b);
    assert_eq!(comparison.verdict, ChangeVerdict::Inconclusive, "{comparison:#?}");
    assert!(comparison.rows[0].more_runs.is_some_and(|more| more > 3), "{:?}", comparison.rows[0]);
    let calibration = calibrate(&group(&template, &mut random, 40, 0.15, 1.0)).expect("calibrates");
    assert!(calibration.fits(&a[0]));
    let metric = calibration.metrics.iter().find(|m| m.metric == "p99(create-pods.response)").expect("there");
    assert!((0.1..0.2).contains(&metric.cv), "{}", metric.cv);
    assert!(metric.detectable > metric.tolerance / 2.0);
    let runs_for =
        |change: f64| metric.runs_for.iter().find(|plan| plan.change == change).map(|plan| plan.runs);
    assert!(runs_for(0.05) > runs_for(0.2));
    let options = CompareOptions { calibration: Some(calibration), ..CompareOptions::default() };
    let row = &compare(&a, &b, &options).expect("compares").rows[0];
    assert_eq!(row.tolerance_from, ToleranceSource::Calibration);
    assert!(row.tolerance > MIN_TOLERANCE);
    let options = CompareOptions { tolerance: Some(0.5), ..CompareOptions::default() };
    let row = &compare(&a, &b, &options).expect("compares").rows[0];
    assert_eq!((row.tolerance, row.tolerance_from), (0.5, ToleranceSource::Given));
}

#[test]
fn other_conditions_are_refused_until_they_are_allowed_by_name() {
    let template = template(&GATES);
    let a: Vec<Summary> = (0..4).map(|id| run(&template, id, 1.0)).collect();
    let mut b: Vec<Summary> = (10..14).map(|id| run(&template, id, 1.0)).collect();
    for summary in &mut b {
        summary.run.server_version = "v1.37.0".to_owned();
        summary.run.seed = 8;
    }
    let Err(CompareError::Different { differences }) = compare(&a, &b, &CompareOptions::default()) else {
        unreachable!("another server version is another condition");
    };
    assert_eq!(differences.iter().map(|d| d.key.as_str()).collect::<Vec<_>>(), ["server-version"]);
    let options =
        CompareOptions { allow_different: ["server-version".to_owned()].into(), ..CompareOptions::default() };
    let comparison = compare(&a, &b, &options).expect("allowed");
    let keys: Vec<(&str, bool)> = comparison.differences.iter().map(|d| (d.key.as_str(), d.hard)).collect();
    assert_eq!(keys, [("server-version", true), ("seed", false)]);
}

#[test]
fn another_number_of_api_servers_is_refused_and_other_feature_gates_are_named() {
    let template = template(&GATES);
    let of_gates = |id, on: &str, servers: usize| {
        let mut summary = run(&template, id, 1.0);
        let gates = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];
        let environment = &mut summary.environment;
        environment.feature_gates = gates.iter().map(|gate| ((*gate).to_owned(), *gate == on)).collect();
        environment.api_servers_found_by = "leases in kube-system".to_owned();
        environment.api_servers = (0..servers).map(|n| format!("apiserver-{id}-{n}")).collect();
        summary
    };
    let a: Vec<Summary> = (0..4).map(|id| of_gates(id, "A", 3)).collect();
    let b: Vec<Summary> = (10..14).map(|id| of_gates(id, "B", 3)).collect();
    let comparison = check(&a, &b);
    let differences: Vec<_> =
        comparison.differences.iter().map(|d| (d.key.as_str(), d.hard, d.a.as_str())).collect();
    assert_eq!(differences, [("feature-gates", false, "A=true, B=false")], "names of servers may differ");
    let fewer: Vec<Summary> = (10..14).map(|id| of_gates(id, "A", 1)).collect();
    let Err(CompareError::Different { differences }) = compare(&a, &fewer, &CompareOptions::default()) else {
        unreachable!("fewer servers are another cluster");
    };
    assert_eq!((differences[0].key.as_str(), differences[0].b.as_str()), ("api-servers", "1"));
    let unknown: Vec<Summary> = (10..14).map(|id| of_gates(id, "A", 0)).collect();
    assert_eq!(check(&a, &unknown).differences, [], "what could not be read is not compared");
}

#[test]
fn runs_that_cannot_be_trusted_or_count_twice_are_refused() {
    let template = template(&GATES);
    let a: Vec<Summary> = (0..4).map(|id| run(&template, id, 1.0)).collect();
    let mut b: Vec<Summary> = (10..14).map(|id| run(&template, id, 1.0)).collect();
    b[0].conclusion.verdict = Verdict::Invalid;
    let options = CompareOptions::default();
    assert!(matches!(compare(&a, &b, &options), Err(CompareError::Invalid { runs }) if runs.len() == 1));
    let allowed = CompareOptions { allow_invalid: true, ..CompareOptions::default() };
    assert!(compare(&a, &b, &allowed).is_ok());
    assert!(matches!(compare(&a, &a, &options), Err(CompareError::OnBothSides { .. })));
    assert!(matches!(compare(&a, &[], &options), Err(CompareError::Empty { side: "B" })));
    let unknown = CompareOptions { metrics: vec!["p50(nobody.x)".to_owned()], ..CompareOptions::default() };
    assert!(matches!(compare(&a, &b[1..], &unknown), Err(CompareError::UnknownMetric { .. })));
}

#[test]
fn a_metric_with_too_few_samples_decides_nothing() {
    let mut template = template(&GATES);
    template.thresholds[0].n = 100;
    let a: Vec<Summary> = (0..5).map(|id| run(&template, id, 1.0)).collect();
    let b: Vec<Summary> = (10..15).map(|id| run(&template, id, 2.0)).collect();
    let comparison = compare(&a, &b, &CompareOptions::default()).expect("compares");
    let verdict = |metric| comparison.rows.iter().find(|row| row.metric == metric).map(|row| row.verdict);
    assert_eq!(verdict("p99(create-pods.response)"), Some(ChangeVerdict::NoData));
    assert_eq!(verdict("p50(create-pods.response)"), Some(ChangeVerdict::Regression));
}

#[test]
fn what_never_came_on_one_side_is_worse_than_any_number() {
    let template = template(&GATES);
    let a: Vec<Summary> = (0..5).map(|id| run(&template, id, 1.0)).collect();
    let mut b: Vec<Summary> = (10..15).map(|id| run(&template, id, 1.0)).collect();
    for quantile in b.iter_mut().flat_map(|run| &mut run.jobs[0].response.quantiles) {
        (quantile.low, quantile.high) = (None, None);
    }
    let comparison = check(&a, &b);
    assert_eq!(comparison.verdict, ChangeVerdict::Regression);
    assert_eq!((comparison.rows[0].ratio, comparison.rows[0].high), (None, None));
}

#[test]
fn a_saved_summary_counts_only_for_its_own_record() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    FakeRun::default().record(&dir);
    let truth = summarize(&dir).expect("summarises");
    let mut other = truth.clone();
    other.jobs[0].operations = 1;
    save_summary(&dir, &other).expect("saves");
    assert_eq!(read_summary(&dir).expect("reads").jobs[0].operations, 1, "the saved one is taken");
    let path = dir.join("summary.json");
    let text = std::fs::read_to_string(&path).expect("reads");
    std::fs::write(&path, text.replace("\"failed\": 0", "\"failed\": 7")).expect("writes");
    assert_eq!(read_summary(&dir).expect("reads"), truth, "a changed one is not");
    save_summary(&dir, &other).expect("saves");
    let checks = dir.join("checks.ndjson");
    let mut bytes = std::fs::read(&checks).expect("reads");
    bytes.push(b'{');
    std::fs::write(&checks, bytes).expect("writes");
    assert!(read_summary(&dir).expect("reads").partial, "nor one of another record");
}

#[test]
fn the_table_of_times_has_the_unit_of_the_gate() {
    let comparison = {
        let template = template(&["p50(pod-latency.ready) < 5s"]);
        let side = |from: u64| (from..from + 4).map(|id| run(&template, id, 1.0)).collect::<Vec<_>>();
        check(&side(0), &side(10))
    };
    let row = comparison.rows.iter().find(|row| row.primary).expect("a gate decides");
    assert_eq!((row.metric.as_str(), row.unit.as_str()), ("p50(pod-latency.ready)", "ns"));
    let median = row.a.median.expect("came");
    assert!((median - 1498.0 * MS as f64).abs() < 2.0 * MS as f64, "{median}");
}
