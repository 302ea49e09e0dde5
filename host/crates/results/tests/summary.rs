//! From events to files to a summary: what was put in comes out, and nothing else.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

#[path = "fake/run.rs"]
mod fake;

use std::fs;

use bench_model::{
    Digest, FaultKind, Gap, JobOutcome, LagBound, PluginFault, PluginName, RunEvent, Share, StopReason,
    TimeNs, ValidityBounds,
};
use bench_results::{FindingKind, Outcome, Summary, Verdict, exit_code, save_summary, summarize};
use fake::{FakeRun, MS, S};

fn summary_of(run: &FakeRun) -> Summary {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    run.record(&dir);
    summarize(&dir).expect("summarises")
}

fn check(run: &FakeRun, verdict: Verdict, code: u8, reason: &str) -> Summary {
    let summary = summary_of(run);
    assert_eq!(
        (summary.conclusion.verdict, exit_code(&summary), summary.conclusion.reason.as_str()),
        (verdict, code, reason),
        "{:#?}",
        summary.findings
    );
    summary
}

fn gate(text: &str) -> FakeRun {
    FakeRun { thresholds: vec![text.to_owned()], ..FakeRun::default() }
}

#[track_caller]
fn close(found: Option<u64>, truth: u64) {
    let found = found.expect("a value");
    assert!(found.abs_diff(truth) <= truth / 1000 + 1, "{found} is not {truth}");
}

#[test]
fn a_good_run_passes_with_the_numbers_that_were_put_in() {
    let summary = check(&FakeRun::default(), Verdict::Pass, 0, "all 2 gates passed");
    assert!(!summary.partial);
    assert_eq!(summary.findings, []);
    let job = &summary.jobs[0];
    assert_eq!((job.outcome, job.operations, job.failed), (Outcome::Completed, 500, 0));
    // First due at 1 s, last at 1 s + 499/50 s, done 8.1 ms later.
    assert_eq!(job.elapsed_ns, Some(499 * 20 * MS + 8_100_000));
    close(job.response.quantile(0.5).and_then(|q| q.high), 8_100_000);
    close(job.service.quantile(0.99).and_then(|q| q.high), 8 * MS);
    close(job.lag.quantile(0.99).and_then(|q| q.high), MS / 10);
    let queue = &job.queues[0];
    assert_eq!((queue.due, queue.sent, queue.answered, queue.delivered), (500, 500, 500, Some(1.0)));
    assert!((queue.due_rate.expect("a rate") - 50.0).abs() < 1e-6);
    assert!((queue.achieved_rate.expect("a rate") - 50.0).abs() < 1e-6);
    let ready = summary.metrics.iter().find(|metric| metric.name == "ready").expect("recorded");
    let ready = ready.distribution.as_ref().expect("a histogram");
    assert_eq!((ready.n, ready.missing, ready.bounded), (500, 0, false));
    close(ready.quantile(0.5).and_then(|q| q.low), 1498 * MS);
    let value =
        |name| summary.metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.value);
    assert_eq!((value("pods-seen"), value("running")), (Some(500.0), Some(500.0)));
    assert_eq!(summary.tables[0].rows, 500);
    let slowest = &summary.slowest[0];
    assert_eq!((slowest.object.as_str(), slowest.node.as_deref()), ("churn-4/pod-499", Some("node-9")));
    assert_eq!(slowest.longest.as_ref().map(|step| step.name.as_str()), Some("containersReady"));
    assert_eq!(summary.slowest.len(), 10);
    assert_eq!(summary.clock.map(|clock| clock.high_ns), Some(-1_900_000));
}

#[test]
fn objects_that_never_came_rank_above_every_number() {
    let run = FakeRun { unready: 10, ..gate("p99(pod-latency.ready) < 5s") };
    let summary =
        check(&run, Verdict::Fail, 10, "failed: `p99(pod-latency.ready) < 5s`, the value never came");
    let ready =
        summary.metrics.iter().find(|metric| metric.name == "ready").and_then(|m| m.distribution.clone());
    assert_eq!(ready.map(|ready| (ready.n, ready.missing, ready.max)), Some((500, 10, None)));
    assert_eq!(summary.slowest[0].value_ns, None);
    assert_eq!(summary.slowest[0].longest.as_ref().map(|step| step.took_ns), Some(None));
    assert_eq!(summary.waits[0].unmet, 10);
    assert_eq!(summary.findings[0].kind, FindingKind::UnmetWait);
}

#[test]
fn a_p99_of_a_hundred_pods_is_no_data() {
    let run = FakeRun { pods: 100, ..gate("p99(pod-latency.ready) < 5s") };
    let reason = "no data: `p99(pod-latency.ready) < 5s`, 100 of the 368 samples that it needs";
    check(&run, Verdict::NoData, 12, reason);
    let run = FakeRun { pods: 100, ..gate("p95(pod-latency.ready) < 5s") };
    check(&run, Verdict::Pass, 0, "the gate passed");
}

#[test]
fn no_samples_are_never_a_pass() {
    for text in [
        "p50(pod-latency.no-such-metric) < 5s",
        "count(pod-latency.ready{job=\"other\"}) >= 0",
        "rate(create-pods.errors{verb=\"delete\"}) == 0",
        "p50(nobody.ready) < 5s",
        "p50(create-pods.errors) == 0",
        "value(pod-latency.ready) == 0",
    ] {
        let summary = summary_of(&gate(text));
        assert_eq!((summary.conclusion.verdict, exit_code(&summary)), (Verdict::NoData, 12), "{text}");
    }
    let mut empty = FakeRun { pods: 0, thresholds: Vec::new(), ..FakeRun::default() };
    check(&empty, Verdict::NoData, 12, "nothing was measured");
    empty.thresholds = vec!["rate(create-pods.errors) == 0".to_owned()];
    assert_eq!(summary_of(&empty).conclusion.verdict, Verdict::NoData);
}

#[test]
fn gates_on_jobs_read_counts_rates_and_the_exact_time() {
    for (text, verdict) in [
        ("count(create-pods.operations) == 500", Verdict::Pass),
        ("count(create-pods.errors) == 5", Verdict::Pass),
        ("rate(create-pods.errors) <= 1%", Verdict::Pass),
        ("rate(create-pods.errors) < 1%", Verdict::Fail),
        ("rate(create-pods.delivered) >= 99%", Verdict::Pass),
        ("value(create-pods.elapsed) < 9.99s", Verdict::Pass),
        ("value(create-pods.elapsed) < 9.98s", Verdict::Fail),
        ("p50(create-pods.response) < 9ms", Verdict::Pass),
        ("p90(create-pods.response{code=\"201\"}) < 9ms", Verdict::Pass),
        ("missing(create-pods.response) == 5", Verdict::Pass),
        ("max(create-pods.response) < 1h", Verdict::Fail),
        ("max(create-pods.lag) < 1ms", Verdict::Pass),
        ("value(pod-latency.pods-seen) == 500", Verdict::Pass),
        ("value(pod-latency.running) > 500", Verdict::Fail),
        ("count(pod-latency.ready{job=\"create-pods\"}) == 500", Verdict::Pass),
    ] {
        let summary = summary_of(&FakeRun { failing: (5, 500), ..gate(text) });
        assert_eq!(summary.thresholds[0].verdict, verdict, "{text}: {:?}", summary.thresholds[0]);
    }
}

#[test]
fn failures_are_grouped_with_one_example_and_never_look_fast() {
    let summary = summary_of(&FakeRun { failing: (300, 500), ..FakeRun::default() });
    let error = &summary.jobs[0].errors[0];
    assert_eq!((error.verb.as_str(), error.resource.as_str(), error.http_status), ("create", "pods", 500));
    assert_eq!((error.reason.as_str(), error.count), ("InternalError", 300));
    assert_eq!(error.example, "etcdserver: request timed out");
    assert_eq!(summary.jobs[0].response.quantile(0.5).map(|q| q.low), Some(None));
}

#[test]
fn values_between_bounds_pass_only_with_the_worst_bound() {
    let bounded = |text| FakeRun { bounded: true, ..gate(text) };
    // Truth 1 s to 2 s, known to half a second.
    check(&bounded("p90(pod-latency.ready) < 2.5s"), Verdict::Pass, 0, "the gate passed");
    let reason = "no data: `p90(pod-latency.ready) < 2s`, the limit lies between the bounds of the value";
    check(&bounded("p90(pod-latency.ready) < 2s"), Verdict::NoData, 12, reason);
    let reason = "failed: `p90(pod-latency.ready) < 1s`, it was between 1.4s and 2.4s";
    let summary = check(&bounded("p90(pod-latency.ready) < 1s"), Verdict::Fail, 10, reason);
    close(summary.thresholds[0].low.map(|low| low as u64), 1398 * MS);
    close(summary.thresholds[0].high.map(|high| high as u64), 2398 * MS);
}

#[test]
fn undelivered_and_late_load_and_429_make_a_run_invalid() {
    let run = FakeRun { unsent: 10, ..FakeRun::default() };
    let reason = "`create-pods`: queue `main` sent 490 of 500 due operations (98.0 %, at least 99 %)";
    let summary = summary_of(&run);
    assert_eq!(summary.conclusion.exit_code, 13);
    assert!(summary.conclusion.reason.starts_with(reason), "{}", summary.conclusion.reason);
    let run = FakeRun { lag_ns: 2 * MS, ..FakeRun::default() };
    check(&run, Verdict::Invalid, 13, "`create-pods`: queue `main` sent late: p99 lag 2ms, limit 1ms");
    // 5 % of a slow response are more than 2 ms.
    let run = FakeRun { lag_ns: 2 * MS, service_ns: 100 * MS, ..FakeRun::default() };
    check(&run, Verdict::Pass, 0, "all 2 gates passed");
    let run = FakeRun { failing: (3, 429), ..FakeRun::default() };
    let reason = "`create-pods`: the server refused 3 operations of queue `main` with 429";
    check(&run, Verdict::Invalid, 13, reason);
}

#[test]
fn requests_that_were_sent_again_are_told_and_do_not_make_a_run_invalid() {
    let run = FakeRun { sent_again: 3, ..FakeRun::default() };
    let summary = check(&run, Verdict::Pass, 0, "all 2 gates passed");
    assert_eq!(summary.jobs[0].queues[0].sent_again, 3);
    let [finding] = summary.findings.as_slice() else { panic!("one finding: {:?}", summary.findings) };
    let text = "the server answered 429 to 3 requests of queue `main`, each sent again after the wait";
    assert!(finding.message.starts_with(text), "{}", finding.message);
}

#[test]
fn a_scenario_may_say_how_much_of_that_is_too_much() {
    let share = |text| Share::parse(text).expect("a share");
    let bounds = ValidityBounds {
        delivered: share("95%"),
        lag: LagBound { time_ns: 3 * MS, response_share: Share::NONE },
        lost_observations: 2,
        too_many_requests: share("1%"),
    };
    let gap = RunEvent::Gap(Gap {
        measurement: "pod-latency".to_owned(),
        target: fake::pods(),
        at: TimeNs(3 * S),
        reason: "queue overflow".to_owned(),
        rows: Some(7),
        relisted: false,
    });
    let run = FakeRun { validity: bounds, thresholds: Vec::new(), ..FakeRun::default() };
    let within =
        FakeRun { lag_ns: 2 * MS, failing: (5, 429), extra: vec![gap.clone(), gap.clone()], ..run.clone() };
    let summary = check(&within, Verdict::Pass, 0, "no gates; nothing speaks against the numbers");
    let kinds: Vec<FindingKind> = summary.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(
        kinds,
        [FindingKind::TooManyRequests, FindingKind::LostObservations],
        "they are told all the same"
    );
    assert_eq!((summary.validity.delivered, summary.validity.lag_ns), (0.95, 3 * MS));
    let outside = [
        (FakeRun { unsent: 26, ..run.clone() }, FindingKind::NotDelivered, "94.8 %, at least 95 %"),
        (FakeRun { lag_ns: 4 * MS, ..run.clone() }, FindingKind::LateLoad, "limit 3ms"),
        (
            FakeRun { failing: (6, 429), ..run.clone() },
            FindingKind::TooManyRequests,
            "at most 1 % of them may be",
        ),
        (FakeRun { extra: vec![gap; 3], ..run }, FindingKind::LostObservations, "3 times"),
    ];
    for (run, kind, words) in outside {
        let summary = summary_of(&run);
        let finding = summary.findings.iter().find(|finding| finding.kind == kind).expect("found");
        assert!(finding.invalidates && finding.message.contains(words), "{finding:?}");
        assert_eq!(summary.conclusion.verdict, Verdict::Invalid);
    }
}

#[test]
fn lost_observations_and_faults_make_a_run_invalid_and_relists_do_not() {
    let gap = |relisted| {
        RunEvent::Gap(Gap {
            measurement: "pod-latency".to_owned(),
            target: fake::pods(),
            at: TimeNs(3 * S),
            reason: "queue overflow".to_owned(),
            rows: Some(7),
            relisted,
        })
    };
    let run = FakeRun { extra: vec![gap(false), gap(false)], ..FakeRun::default() };
    let reason = "`pod-latency`: watch of pods: queue overflow (2 times, 14 rows), observations lost";
    check(&run, Verdict::Invalid, 13, reason);
    let run = FakeRun { extra: vec![gap(true)], ..FakeRun::default() };
    let summary = check(&run, Verdict::Pass, 0, "all 2 gates passed");
    assert_eq!(summary.findings[0].kind, FindingKind::Relisted);
    let fault = PluginFault {
        plugin: PluginName::parse("objects").expect("a name"),
        digest: Digest::sha256([1; 32]),
        user: "create-pods".to_owned(),
        function: "run".to_owned(),
        kind: FaultKind::Trapped,
        message: "unreachable".to_owned(),
    };
    let run = FakeRun { outcome: JobOutcome::Faulted { fault }, ..FakeRun::default() };
    let summary = check(&run, Verdict::Invalid, 13, "`create-pods`: the plugin broke: unreachable");
    assert_eq!(summary.faults[0].plugin, "objects");
}

#[test]
fn stops_have_their_own_exit_codes() {
    for (reason, code, text) in [
        (StopReason::Deadline, 20, "stopped at the deadline"),
        (StopReason::Interrupt, 130, "interrupted"),
        (StopReason::Terminate, 143, "terminated"),
        (StopReason::ClusterLost, 13, "the cluster could not be reached any more"),
    ] {
        let stopping = RunEvent::Stopping { reason, at: TimeNs(2 * S) };
        let run = FakeRun { outcome: JobOutcome::Stopped, extra: vec![stopping], ..FakeRun::default() };
        check(&run, Verdict::Invalid, code, text);
    }
}

#[test]
fn marked_moments_are_kept_and_change_no_verdict() {
    let marked = |number: u32, second: i64| RunEvent::Marked { number, at: TimeNs(second * S) };
    let run = FakeRun { extra: vec![marked(1, 2), marked(2, 3)], ..FakeRun::default() };
    let (summary, without) = (summary_of(&run), summary_of(&FakeRun::default()));
    let marks: Vec<(u32, i64)> = summary.marks.iter().map(|mark| (mark.number, mark.at_ns)).collect();
    assert_eq!(marks, [(1, 2 * S), (2, 3 * S)]);
    assert_eq!((summary.conclusion, summary.thresholds), (without.conclusion, without.thresholds));
    assert!(without.marks.is_empty());
}

#[test]
fn a_job_that_gives_up_fails_and_an_incomplete_cleanup_shows_last() {
    let run = FakeRun { outcome: JobOutcome::Failed { message: "quota".to_owned() }, ..FakeRun::default() };
    check(&run, Verdict::Fail, 10, "job `create-pods` gave up: quota");
    let mut run = FakeRun::default();
    run.cleanup.remaining = vec!["pods churn-0/pod-1".to_owned()];
    check(&run, Verdict::Pass, 15, "all 2 gates passed, but 1 object left on the cluster, 0 errors");
}

#[test]
fn a_run_whose_writer_died_is_partial_and_invalid_with_its_numbers() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    let run = FakeRun::default();
    let mut recorder = run.start(&dir);
    let events = run.events();
    for event in &events[..events.len() / 2] {
        recorder.record(event).expect("records");
    }
    drop(recorder);
    let summary = summarize(&dir).expect("summarises");
    assert!(summary.partial);
    assert_eq!((summary.conclusion.verdict, exit_code(&summary)), (Verdict::Invalid, 13));
    assert_eq!(summary.jobs[0].outcome, Outcome::Unfinished);
    // About half of ten seconds of load, less what was not committed.
    let n = summary.jobs[0].operations;
    assert!((150..=300).contains(&n), "{n}");
    close(summary.jobs[0].response.quantile(0.5).and_then(|q| q.high), 8_100_000);
}

#[test]
fn what_is_not_of_the_measured_phases_does_not_count() {
    let mut run = gate("count(create-pods.operations) == 250");
    run.extra = Vec::new();
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    let mut recorder = run.start(&dir);
    for event in run.events() {
        // Load begins in warm-up; its second half counts.
        let event = match event {
            RunEvent::PhaseStarted { phase: bench_model::Phase::Measure, at } => {
                recorder
                    .record(&RunEvent::PhaseStarted { phase: bench_model::Phase::Warmup, at })
                    .expect("records");
                RunEvent::PhaseStarted { phase: bench_model::Phase::Measure, at: run.due(250) }
            }
            other => other,
        };
        recorder.record(&event).expect("records");
    }
    recorder.finish(run.end()).expect("finishes");
    let summary = summarize(&dir).expect("summarises");
    assert_eq!(summary.thresholds[0].verdict, Verdict::Pass, "{:?}", summary.thresholds);
    let job = &summary.jobs[0];
    assert_eq!(job.elapsed_ns, Some(249 * 20 * MS + 8_100_000), "from the first operation that counts");
    let queue = &job.queues[0];
    assert_eq!((queue.asked, queue.due, queue.sent, queue.answered), (500, 250, 250, 250));
    assert_eq!(queue.delivered, Some(1.0));
    assert!((queue.due_rate.expect("a rate") - 50.0).abs() < 1e-6);
}

#[test]
fn load_that_was_held_back_only_in_warm_up_is_delivered() {
    let run = gate("rate(create-pods.delivered) == 100%");
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    let mut recorder = run.start(&dir);
    for event in run.events() {
        let event = match event {
            RunEvent::PhaseStarted { phase: bench_model::Phase::Measure, at } => {
                let warmup = RunEvent::PhaseStarted { phase: bench_model::Phase::Warmup, at };
                recorder.record(&warmup).expect("records");
                RunEvent::PhaseStarted { phase: bench_model::Phase::Measure, at: run.due(250) }
            }
            RunEvent::Operations { queue, mut operations } => {
                for operation in operations.iter_mut().filter(|operation| operation.index < 100) {
                    (operation.sent, operation.done) = (TimeNs::NEVER, TimeNs::NEVER);
                }
                RunEvent::Operations { queue, operations }
            }
            other => other,
        };
        recorder.record(&event).expect("records");
    }
    recorder.finish(run.end()).expect("finishes");
    let summary = summarize(&dir).expect("summarises");
    assert_eq!((summary.conclusion.verdict, &summary.findings[..]), (Verdict::Pass, &[][..]));
}

#[test]
fn a_saved_summary_reads_back_the_same_and_fits_its_schema() {
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("run");
    FakeRun { unready: 3, failing: (5, 500), ..FakeRun::default() }.record(&dir);
    let summary = summarize(&dir).expect("summarises");
    save_summary(&dir, &summary).expect("saves");
    let read: Summary =
        serde_json::from_slice(&fs::read(dir.join("summary.json")).expect("reads")).expect("parses");
    assert_eq!(read, summary);
    let again = summarize(&dir).expect("summarises");
    assert_eq!(again, summary, "the summary is a function of the record");
    let schema = bench_results::schema();
    assert_eq!(schema["title"], "Summary");
}
