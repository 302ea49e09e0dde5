//! A known distribution in, the same numbers out: through the recorder and back, with what is said about how sure
//! they are held against how often it is true.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails loudly")]

#[path = "fake/run.rs"]
#[expect(dead_code, reason = "made for the other tests too")]
mod fake;
#[path = "fake/truth.rs"]
mod truth;

use bench_model::{NEVER, TimeNs};
use bench_results::{
    Confidence, ConfidenceMethod, Distribution, EstimateMethod, FindingKind, SteadyState, Summary, Verdict,
    WarmupMethod,
};
use fake::{MS, S};
use truth::{Came, Random, operations, summary};

fn response(summary: &Summary) -> &Distribution {
    &summary.jobs[0].response
}

fn confidence(distribution: &Distribution, q: f64) -> Confidence {
    distribution.quantile(q).and_then(|bounds| bounds.confidence).expect("enough values")
}

/// Whether an interval contains the truth; a side that is `null` is infinite.
fn contains(distribution: &Distribution, q: f64, truth: f64) -> bool {
    let Confidence { low, high, .. } = confidence(distribution, q);
    low.map_or(f64::INFINITY, |low| low as f64) <= truth
        && truth <= high.map_or(f64::INFINITY, |high| high as f64)
}

fn lognormal(random: &mut Random) -> u64 {
    (10e6 * (0.5 * random.normal()).exp()) as u64
}

/// Quantiles of [`lognormal`] for standard normal quantiles.
fn of_lognormal(z: f64) -> f64 {
    10e6 * (0.5 * z).exp()
}

/// 90 % between 4 and 6 ms, 10 % between 90 and 110 ms.
fn bimodal(random: &mut Random) -> u64 {
    let (slow, place) = (random.uniform() < 0.1, random.uniform());
    (if slow { 90e6 + 20e6 * place } else { 4e6 + 2e6 * place }) as u64
}

#[test]
fn a_constant_time_is_its_own_interval() {
    let summary = summary(&operations(50.0, vec![Came::After(8 * MS); 500]), &[], &[]);
    for q in [0.5, 0.9, 0.95, 0.99] {
        let Confidence { low, high, .. } = confidence(response(&summary), q);
        let (low, high) = (low.expect("came"), high.expect("came"));
        assert!(low <= 8 * MS && 8 * MS <= high && high - low <= 8 * MS / 500, "{q}: {low}..{high}");
    }
}

#[test]
fn intervals_contain_the_truth_as_often_as_they_say() {
    let (mut hits, mut all) = (0, 0);
    let mut count = |hit: bool| {
        hits += u32::from(hit);
        all += 1;
    };
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let of = |make: fn(&mut Random) -> u64, random: &mut Random| {
            let came: Vec<Came> = (0..600).map(|_| Came::After(make(random))).collect();
            summary(&operations(100.0, came), &[], &[])
        };
        let plain = of(lognormal, &mut random);
        count(contains(response(&plain), 0.5, of_lognormal(0.0)));
        count(contains(response(&plain), 0.9, of_lognormal(1.281_551_566)));
        let two = of(bimodal, &mut random);
        count(contains(response(&two), 0.5, 4e6 + 2e6 * (0.5 / 0.9)));
        count(contains(response(&two), 0.95, 90e6 + 20e6 * 0.5));
        // Failures are above every number: the median of all is a higher quantile of those that came.
        let came = (0..600).map(|_| {
            let fails = random.uniform() < 0.01;
            let after = lognormal(&mut random);
            if fails { Came::Failed } else { Came::After(after) }
        });
        let failing = summary(&operations(100.0, came.collect::<Vec<_>>()), &[], &[]);
        count(contains(response(&failing), 0.5, of_lognormal(0.012_661)));
    }
    let share = f64::from(hits) / f64::from(all);
    assert!((0.93..=0.97).contains(&share), "{hits} of {all}");
}

#[test]
fn what_never_came_is_above_every_number_and_its_interval_is_open() {
    let came = (0..1000).map(|index| if index % 50 == 0 { Came::Never } else { Came::After(5 * MS) });
    let summary = summary(&operations(100.0, came), &[], &["p99(create-pods.response) < 1s"]);
    let p99 = response(&summary).quantile(0.99).expect("values");
    assert_eq!((p99.low, p99.high), (None, None));
    assert_eq!(p99.confidence.map(|c| (c.low, c.high)), Some((None, None)));
    let p95 = response(&summary).quantile(0.95).expect("values");
    assert!(p95.high.is_some() && p95.confidence.and_then(|c| c.high).is_some());
    assert_eq!(summary.thresholds[0].verdict, Verdict::Fail);
}

#[test]
fn too_few_values_have_no_interval_and_gates_on_them_no_data() {
    let few = |n: usize, gate: &str| {
        let summary = summary(&operations(100.0, vec![Came::After(MS); n]), &[], &[gate]);
        (summary.thresholds[0].verdict, summary.conclusion.exit_code)
    };
    for (gate, needed) in [("p50", 6), ("p90", 36), ("p95", 72), ("p99", 368), ("p99.9", 3688)] {
        let gate = format!("{gate}(create-pods.response) < 1s");
        assert_eq!(few(needed - 1, &gate), (Verdict::NoData, 12), "{gate}");
        assert_eq!(few(needed, &gate).0, Verdict::Pass, "{gate}");
    }
}

#[test]
fn a_stall_of_two_seconds_shows_in_the_p99() {
    let (rate, n) = (200.0, 12_000);
    let stalled = |index: usize| {
        let due = index as f64 / rate;
        let left = if (20.0..22.0).contains(&due) { 22.0 - due } else { 0.0 };
        (left * 1e9) as u64 + 8 * MS
    };
    let mut operations = operations(rate, (0..n).map(|index| Came::After(stalled(index))));
    let server = summary(&operations, &[], &[]);
    let p99 = response(&server).quantile(0.99).and_then(|q| q.high).expect("came");
    // 400 operations wait for up to 2 s; the slowest 120 are 1 % of all.
    assert!(p99.abs_diff(1_408 * MS) < 10 * MS, "{p99}");
    assert!(contains(response(&server), 0.99, 1.408e9));
    // The same stall of the generator: the server was never slow, and the run is invalid.
    for operation in &mut operations {
        operation.sent = TimeNs(operation.done.0 - 8 * MS as i64);
    }
    let generator = summary(&operations, &[], &[]);
    assert_eq!(response(&generator).quantile(0.99), response(&server).quantile(0.99));
    let service = generator.jobs[0].service.quantile(0.99).and_then(|q| q.high).expect("came");
    assert!(service < 9 * MS, "{service}");
    assert!(generator.findings.iter().any(|f| f.kind == FindingKind::LateLoad && f.invalidates));
}

/// Values as stamps of whole seconds of a clock that is off by 0.3 s, known to 2 ms.
fn stamped(
    random: &mut Random,
    n: usize,
    value: impl Fn(&mut Random) -> f64,
) -> (Vec<(TimeNs, u64, u64)>, Vec<f64>) {
    let (offset, bound) = (0.3, 0.001);
    let mut truth = Vec::new();
    let rows = (0..n).map(|index| {
        let start = 1.0 + index as f64 / 37.3;
        let took = value(random);
        truth.push(took);
        let stamp = (start + took + offset).floor();
        let low = (stamp - offset - bound - start).max(0.0);
        let high = stamp + 1.0 - offset + bound - start;
        (TimeNs(((start + took) * 1e9) as i64), (low * 1e9) as u64, (high * 1e9) as u64)
    });
    let rows = rows.collect();
    truth.sort_by(f64::total_cmp);
    (rows, truth)
}

#[test]
fn stamps_of_whole_seconds_bound_the_truth_and_the_estimate_finds_it() {
    for (median, error) in [(0.03, 0.02), (0.4, 0.06), (1.2, 0.08)] {
        let mut random = Random::new(11);
        let (rows, truth) = stamped(&mut random, 4000, |random| median * (0.4 * random.normal()).exp());
        let summary = summary(&[], &rows, &["p50(pod-latency.ready) < 10s"]);
        let ready = summary.metrics[0].distribution.as_ref().expect("a histogram");
        assert!(ready.bounded);
        for q in [0.5, 0.9, 0.99] {
            let bounds = ready.quantile(q).expect("values");
            let at = truth[(q * 4000.0).ceil() as usize - 1] * 1e9;
            let (low, high) = (bounds.low.expect("came") as f64, bounds.high.expect("came") as f64);
            assert!(low * 0.999 <= at && at <= high * 1.001, "{q}: {low}..{high} without {at}");
            let sure = bounds.confidence.expect("enough");
            assert!(sure.low.expect("came") as f64 <= low && high <= sure.high.expect("came") as f64);
        }
        let p50 = ready.quantile(0.5).and_then(|q| q.estimate).expect("spread stamps");
        let found = p50.value.expect("came") as f64 / 1e9;
        assert_eq!(p50.method, EstimateMethod::Turnbull);
        assert!((found - median).abs() < error, "{found} is not {median}");
    }
}

#[test]
fn stamps_at_one_place_of_a_second_get_bounds_and_no_estimate() {
    let rows: Vec<_> = (0..500).map(|index| (TimeNs(S * (1 + index)), 200 * MS, 1200 * MS)).collect();
    let summary = summary(&[], &rows, &[]);
    let ready = summary.metrics[0].distribution.as_ref().expect("a histogram");
    let p50 = ready.quantile(0.5).expect("values");
    assert_eq!(p50.estimate, None);
    assert!(p50.low.expect("came") <= 201 * MS && p50.high.expect("came") >= 1200 * MS);
}

#[test]
fn values_without_an_end_count_as_never_in_the_upper_bound_only() {
    let rows: Vec<_> =
        (0..100).map(|i| (TimeNs(S + i * S / 50), 100 * MS, if i < 20 { NEVER } else { 900 * MS })).collect();
    let summary = summary(&[], &rows, &[]);
    let p90 =
        summary.metrics[0].distribution.as_ref().and_then(|d| d.quantile(0.9).copied()).expect("values");
    assert!(p90.low.is_some() && p90.high.is_none());
}

/// Response of a minute and more: `base` plus what `extra` says for the second.
fn over_time(seconds: usize, seed: u64, extra: impl Fn(f64) -> f64) -> Summary {
    let mut random = Random::new(seed);
    let came: Vec<Came> = (0..seconds * 40)
        .map(|index| {
            let base = 10e6 * (1.0 + extra(index as f64 / 40.0));
            Came::After((base * (0.1 * random.normal()).exp()) as u64)
        })
        .collect();
    summary(&operations(40.0, came), &[], &[])
}

#[test]
fn a_warm_up_is_told_and_not_cut() {
    let summary = over_time(120, 3, |at| 2.0 * (-at / 6.0).exp());
    let steady = &summary.steady[0];
    assert_eq!((steady.state, steady.method), (SteadyState::WarmedUp, Some(WarmupMethod::Mser5)));
    let cut = steady.warmup_seconds.expect("a cut");
    assert!((10..=45).contains(&cut), "{cut}");
    assert!(steady.p50_settled_ns < steady.p50_ns);
    // What is left after the cut is within a few per cent of the base.
    assert!((9_700_000..=11_500_000).contains(&steady.p50_settled_ns.expect("a median")), "{steady:?}");
    assert_eq!(response(&summary).n, 4800, "nothing is left out");
    assert!(summary.findings.iter().any(|f| f.kind == FindingKind::WarmupIncluded && !f.invalidates));
}

#[test]
fn a_steady_a_drifting_and_an_unsettled_response_are_told_apart() {
    let state = |summary: &Summary| summary.steady[0].state;
    let steady = over_time(90, 4, |_| 0.0);
    assert_eq!((state(&steady), steady.findings.len()), (SteadyState::Steady, 0));
    assert_eq!(confidence(response(&steady), 0.5).method, ConfidenceMethod::BatchMeans);
    let drifting = over_time(90, 5, |at| at / 180.0);
    assert!(
        matches!(state(&drifting), SteadyState::Drifting | SteadyState::NotSteady),
        "{:?}",
        drifting.steady
    );
    let growing = over_time(90, 6, |at| 4.0 * (-at / 200.0).exp());
    assert!(
        growing.findings.iter().any(|f| {
            matches!(f.kind, FindingKind::NoSteadyState | FindingKind::Drifting) && !f.invalidates
        })
    );
    let short = over_time(20, 7, |_| 0.0);
    assert_eq!((state(&short), short.findings.len()), (SteadyState::TooShort, 0));
}
