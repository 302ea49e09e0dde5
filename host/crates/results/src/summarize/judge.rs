//! Gates: what was observed, between which bounds, and whether that passes.
//!
//! Closed on failure: a gate passes only when its worst bound passes, fails only when its best bound fails, and
//! says *no data* for everything else: nothing observed, too few samples for the quantile, a limit that
//! lies between the bounds, a metric that does not exist.

mod observe;

use bench_model::{Aggregate, Comparison, Histogram, NEVER, Threshold};

use self::observe::observe;
use super::load::Loaded;
use crate::{
    statistics::order::minimum_samples,
    summary::{Confidence, JobSummary, Outcome, ThresholdConfidence, ThresholdSummary, Verdict},
};

/// What a gate is judged on; infinite where a value never came.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Observed {
    low: f64,
    high: f64,
    n: u64,
    needed: u64,
    confidence: Option<Confidence>,
}

/// Why there is nothing to judge.
type NoData = String;

pub(crate) fn thresholds(loaded: &Loaded, jobs: &[JobSummary]) -> Vec<ThresholdSummary> {
    loaded.header.thresholds.iter().map(|text| threshold(loaded, jobs, text)).collect()
}

fn threshold(loaded: &Loaded, jobs: &[JobSummary], text: &str) -> ThresholdSummary {
    let mut summary = ThresholdSummary {
        text: text.to_owned(),
        verdict: Verdict::NoData,
        unit: "1".to_owned(),
        low: None,
        high: None,
        observed: false,
        limit: 0.0,
        n: 0,
        needed: 1,
        confidence: None,
        reason: String::new(),
    };
    let threshold: Threshold = match text.parse() {
        Ok(threshold) => threshold,
        Err(error) => {
            summary.reason = format!("not a threshold: {error}");
            return summary;
        }
    };
    summary.limit = threshold.limit;
    let skipped =
        jobs.iter().any(|job| job.name == threshold.metric.source && job.outcome == Outcome::Skipped);
    if skipped {
        summary.verdict = Verdict::Skipped;
        summary.reason = format!("job `{}` never started", threshold.metric.source);
        return summary;
    }
    match observe(loaded, jobs, &threshold) {
        Err(reason) => summary.reason = reason,
        Ok((unit, observed)) => {
            let finite = |value: f64| value.is_finite().then_some(value);
            summary.unit = unit;
            summary.low = finite(observed.low);
            summary.high = finite(observed.high);
            summary.observed = true;
            summary.n = observed.n;
            summary.needed = observed.needed;
            let number = |end: Option<u64>| end.map(|end| end as f64);
            summary.confidence =
                observed.confidence.map(|c| ThresholdConfidence { low: number(c.low), high: number(c.high) });
            (summary.verdict, summary.reason) = judge(&threshold, observed);
        }
    }
    summary
}

/// What is known of a gate's metric while the run goes on.
#[derive(Debug, Clone, Copy)]
pub enum SoFar<'a> {
    /// A distribution.
    Distribution(&'a Histogram),
    /// A number that is known exactly.
    Number {
        /// The number.
        value: f64,
        /// What it was counted from; 0 means that there is none yet.
        n: u64,
    },
}

/// What a gate would say if the run ended now, with the bounds of its value, infinite where it never came;
/// no data when there is nothing to judge yet. The verdict on the run is made from its record, not from this.
pub fn judge_so_far(threshold: &Threshold, so_far: SoFar<'_>) -> (Verdict, Option<(f64, f64)>) {
    let observed = match so_far {
        SoFar::Distribution(histogram) => of_histogram(histogram, threshold.aggregate),
        SoFar::Number { n: 0, .. } => Err(String::new()),
        SoFar::Number { value, n } => plain_value(threshold.aggregate, value, n, "it"),
    };
    match observed {
        Ok(observed) => (judge(threshold, observed).0, Some((observed.low, observed.high))),
        Err(_) => (Verdict::NoData, None),
    }
}

fn judge(threshold: &Threshold, observed: Observed) -> (Verdict, String) {
    let Observed { low, high, n, needed, .. } = observed;
    if n < needed {
        return (Verdict::NoData, format!("{n} of the {needed} samples that it needs"));
    }
    let (comparison, limit) = (threshold.comparison, threshold.limit);
    let (at_low, at_high) = (comparison.holds(low, limit), comparison.holds(high, limit));
    let inside = low < limit && limit < high;
    let (always, sometimes) = match comparison {
        Comparison::Equal => (at_low && at_high, at_low || at_high || inside),
        Comparison::NotEqual => (at_low && at_high && !inside, at_low || at_high),
        Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {
            (at_low && at_high, at_low || at_high)
        }
    };
    if always {
        return (Verdict::Pass, String::new());
    }
    if sometimes {
        return (Verdict::NoData, "the limit lies between the bounds of the value".to_owned());
    }
    let reason = if low.is_infinite() { "the value never came" } else { "the limit is broken" };
    (Verdict::Fail, reason.to_owned())
}

/// A number that is known exactly; `n` is what it was counted from.
fn plain_value(aggregate: Aggregate, value: f64, n: u64, what: &str) -> Result<Observed, NoData> {
    match aggregate {
        Aggregate::Rate
        | Aggregate::Count
        | Aggregate::Value
        | Aggregate::Min
        | Aggregate::Max
        | Aggregate::Mean => Ok(Observed { low: value, high: value, n, needed: 1, confidence: None }),
        Aggregate::Quantile(_) | Aggregate::Missing => {
            Err(format!("{what} is a single number, not a distribution"))
        }
    }
}

fn of_histogram(histogram: &Histogram, aggregate: Aggregate) -> Result<Observed, NoData> {
    let n = histogram.count();
    if n == 0 {
        return Err("there were no samples".to_owned());
    }
    let number = |value: u64| if value == NEVER { f64::INFINITY } else { value as f64 };
    let exact = |value: f64| Observed { low: value, high: value, n, needed: 1, confidence: None };
    let at = |q: f64| {
        let (low, high) = histogram.quantile(q).unwrap_or((NEVER, NEVER));
        Observed { low: number(low), high: number(high), n, needed: minimum_samples(q), confidence: None }
    };
    Ok(match aggregate {
        Aggregate::Quantile(q) => at(q),
        Aggregate::Min => at(0.0),
        Aggregate::Max => at(1.0),
        // The mean of what came says nothing when something never came.
        Aggregate::Mean if histogram.missing() + histogram.missing_upper() > 0 => exact(f64::INFINITY),
        Aggregate::Mean => mean(histogram, n),
        Aggregate::Count => exact(n as f64),
        Aggregate::Missing => exact(histogram.missing() as f64),
        Aggregate::Rate => exact(histogram.missing() as f64 / n as f64),
        Aggregate::Value => {
            return Err("a distribution has no single value: use a quantile, min, max or mean".to_owned());
        }
    })
}

fn mean(histogram: &Histogram, n: u64) -> Observed {
    let (low, high) = (histogram.lower().mean(), histogram.upper().mean());
    Observed { low, high, n, needed: 1, confidence: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, low: f64, high: f64, n: u64, expected: Verdict) {
        let threshold: Threshold = text.parse().expect(text);
        let needed = match threshold.aggregate {
            Aggregate::Quantile(q) => minimum_samples(q),
            _ => 1,
        };
        assert_eq!(
            judge(&threshold, Observed { low, high, n, needed, confidence: None }).0,
            expected,
            "{text} on {low}..{high}"
        );
    }

    #[test]
    fn a_gate_passes_only_with_its_worst_bound() {
        check("p50(a.b) < 100", 90.0, 99.0, 10, Verdict::Pass);
        check("p50(a.b) < 100", 90.0, 101.0, 10, Verdict::NoData);
        check("p50(a.b) < 100", 100.0, 101.0, 10, Verdict::Fail);
        check("p50(a.b) > 100", 90.0, 101.0, 10, Verdict::NoData);
        check("p50(a.b) > 100", 101.0, 102.0, 10, Verdict::Pass);
        check("count(a.b) == 100", 100.0, 100.0, 1, Verdict::Pass);
        check("max(a.b) == 100", 90.0, 110.0, 1, Verdict::NoData);
        check("max(a.b) == 100", 101.0, 110.0, 1, Verdict::Fail);
        check("max(a.b) != 100", 101.0, 110.0, 1, Verdict::Pass);
        check("max(a.b) != 100", 90.0, 110.0, 1, Verdict::NoData);
        check("max(a.b) != 100", 100.0, 100.0, 1, Verdict::Fail);
    }

    #[test]
    fn a_gate_is_judged_so_far_as_in_the_end() {
        let threshold: Threshold = "p50(a.b) < 100".parse().expect("a gate");
        let mut histogram = Histogram::new();
        let so_far = |histogram: &Histogram| judge_so_far(&threshold, SoFar::Distribution(histogram));
        assert_eq!(so_far(&histogram), (Verdict::NoData, None));
        (0..10).for_each(|_| histogram.record(90));
        assert_eq!(so_far(&histogram), (Verdict::Pass, Some((90.0, 90.0))));
        let rate: Threshold = "rate(a.errors) == 0".parse().expect("a gate");
        let of = |value, n| judge_so_far(&rate, SoFar::Number { value, n }).0;
        assert_eq!([of(0.0, 0), of(0.0, 5), of(0.2, 5)], [Verdict::NoData, Verdict::Pass, Verdict::Fail]);
    }

    #[test]
    fn what_never_came_fails_and_too_few_samples_are_no_data() {
        check("p99(a.b) < 5s", f64::INFINITY, f64::INFINITY, 400, Verdict::Fail);
        check("p99(a.b) < 5s", 1.0, 1.0, 367, Verdict::NoData);
        check("p99(a.b) < 5s", 1.0, 1.0, 368, Verdict::Pass);
        check("p99(a.b) < 5s", 9e9, 9e9, 100, Verdict::NoData);
    }
}
