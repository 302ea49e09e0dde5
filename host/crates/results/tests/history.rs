//! Series over time agree with the summary of the same record.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails loudly")]

#[path = "fake/run.rs"]
mod fake;

use bench_model::{InstrumentId, NEVER, RunEvent, TimeNs};
use bench_results::{RunHistory, Summary, TotalQuantiles, summarize, summarize_with_history};
use fake::FakeRun;

fn read(run: &FakeRun, max_bins: usize) -> (Summary, RunHistory) {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    run.record(&dir);
    let (summary, history) = summarize_with_history(&dir, max_bins, 10).expect("reads");
    assert_eq!(summary, summarize(&dir).expect("summarises"));
    (summary, history)
}

fn bad() -> FakeRun {
    FakeRun { failing: (20, 429), unanswered: 2, unready: 12, bounded: true, ..FakeRun::default() }
}

/// Lower and upper bound of the smallest quantile at or above `q`.
fn at_rank(total: &TotalQuantiles, q: f64) -> (Option<u64>, Option<u64>) {
    let point = total.points.iter().find(|point| point.q >= q - 1e-9).expect("reaches that far");
    (point.low, point.high)
}

fn check_totals(run: &FakeRun, max_bins: usize) {
    let (summary, history) = read(run, max_bins);
    let (job, group) = (&summary.jobs[0], &history.operations[0]);
    assert_eq!((group.response_total.n, group.service_total.n), (job.response.n, job.service.n));
    assert_eq!(group.response_total.missing, job.response.missing);
    assert_eq!(group.response.iter().map(|bin| bin.n).sum::<u64>(), job.operations);
    assert_eq!(group.failed.iter().sum::<u64>(), job.failed);
    assert_eq!(history.totals.iter().map(|totals| totals.n).sum::<u64>(), job.operations);
    let p90 = job.response.quantile(0.9).expect("a quantile");
    assert_eq!(at_rank(&group.response_total, 0.9), (p90.low, p90.high));
    let main = &history.queues[0];
    assert_eq!(main.due.iter().sum::<u64>(), job.queues[0].due);
    assert_eq!(main.sent.iter().sum::<u64>(), job.queues[0].sent);
    assert_eq!(main.answered.iter().sum::<u64>(), job.queues[0].answered);
    for series in &history.series {
        let metric =
            summary.metrics.iter().find(|metric| metric.name == series.name).expect("is in the summary");
        let truth = metric.distribution.as_ref().expect("a distribution");
        assert_eq!((series.total.n, series.total.missing), (truth.n, truth.missing), "{}", series.name);
        assert_eq!(series.bins.iter().map(|bin| bin.n).sum::<u64>(), truth.n, "{}", series.name);
        let heat: u64 = series.bins.iter().flat_map(|bin| &bin.heat).map(|cell| cell.count).sum();
        assert_eq!(heat + truth.missing, truth.n, "{}", series.name);
        let p90 = truth.quantile(0.9).expect("a quantile");
        // Charts have the upper bound alone.
        assert_eq!(at_rank(&series.total, 0.9).1, p90.high, "{}", series.name);
    }
}

#[test]
fn a_good_run_adds_up() {
    check_totals(&FakeRun::default(), 600);
}

#[test]
fn a_run_with_failures_and_bounds_adds_up() {
    check_totals(&bad(), 600);
}

#[test]
fn longer_bins_add_up_to_the_same() {
    check_totals(&bad(), 5);
    assert_eq!(read(&bad(), 5).1.bin_seconds, 5);
}

#[test]
fn series_that_gates_are_about_come_first() {
    let (_, history) = read(&FakeRun::default(), 600);
    let names: Vec<&str> = history.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["ready", "scheduled"]);
}

#[test]
fn requests_refused_with_429_are_counted_apart() {
    let (_, history) = read(&FakeRun { failing: (20, 429), ..FakeRun::default() }, 600);
    assert_eq!(history.operations[0].too_many.iter().sum::<u64>(), 20);
}

#[test]
fn objects_have_their_steps() {
    let (_, history) = read(&bad(), 600);
    let table = history.tables[0].objects().expect("reads").expect("is about objects");
    assert_eq!(table.steps, ["scheduled", "containersReady", "ready"]);
    assert_eq!(table.objects.len(), 500);
    let (first, last) = (&table.objects[0], &table.objects[499]);
    assert_eq!(first.start_ns, Some(1_000_000_000));
    assert_eq!(first.steps, [Some(30_000_000), Some(995_000_000), Some(1_000_000_000)]);
    assert_eq!(
        (last.steps.as_slice(), last.node.as_deref()),
        ([Some(30_000_000), None, None].as_slice(), Some("node-9"))
    );
}

#[test]
fn a_value_with_a_lower_bound_only_ranks_above_all_in_charts() {
    let at = TimeNs(11 * fake::S);
    let (low, high) = (vec![2_000 * fake::MS; 3], vec![NEVER; 3]);
    let open = RunEvent::ObservedBetween { instrument: InstrumentId(1), at, low, high };
    let (_, history) = read(&FakeRun { extra: vec![open], ..FakeRun::default() }, 600);
    let ready = history.series.iter().find(|series| series.name == "ready").expect("a series");
    assert_eq!(ready.bins.iter().map(|bin| bin.n).sum::<u64>(), 503);
    let open: Vec<_> = ready.bins.iter().filter(|bin| bin.missing > 0).collect();
    assert_eq!((open[0].missing, open[0].quantiles[3], open.len()), (3, None, 1));
    let (low, high) = at_rank(&ready.total, 1.0);
    assert!(low.is_some_and(|low| low.abs_diff(2_000 * fake::MS) <= 2 * fake::MS), "{low:?}");
    assert_eq!(high, None);
}
