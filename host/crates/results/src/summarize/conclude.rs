//! The verdict on the run, and the exit code.
//!
//! Order: stopped from outside (20, 130, 143) → invalid (13) → fail (10) → skipped, no data (12) → cleanup
//! incomplete (15) → pass (0). Invalid wins over fail, because a gate that failed on numbers nobody can
//! trust says nothing; an incomplete cleanup comes last, because it does not change a number.

use bench_model::StopReason;

use super::load::Loaded;
use crate::{
    event_line::EventLine,
    summary::{Conclusion, FindingKind, Outcome, Summary, ThresholdSummary, Verdict},
};

pub(crate) fn conclude(loaded: &Loaded, summary: &Summary) -> Conclusion {
    stopped(loaded)
        .or_else(|| invalid(summary))
        .or_else(|| failed(summary))
        .or_else(|| without_data(loaded, summary))
        .unwrap_or_else(|| passed(summary))
}

fn conclusion(verdict: Verdict, exit_code: u8, reason: String) -> Conclusion {
    Conclusion { verdict, exit_code, reason }
}

fn stopped(loaded: &Loaded) -> Option<Conclusion> {
    let reason = loaded.events.iter().find_map(|event| match event {
        EventLine::Stopping { reason, .. } => Some(*reason),
        _ => None,
    })?;
    let (exit_code, text) = match reason {
        StopReason::Deadline => (20, "stopped at the deadline"),
        StopReason::Interrupt => (130, "interrupted"),
        StopReason::Terminate => (143, "terminated"),
        // Nobody asked for these: they are findings that make the run invalid.
        StopReason::ClusterLost | StopReason::RecordFailed => return None,
    };
    Some(conclusion(Verdict::Invalid, exit_code, text.to_owned()))
}

fn invalid(summary: &Summary) -> Option<Conclusion> {
    let mut reasons = summary.findings.iter().filter(|finding| finding.invalidates);
    let first = reasons.next()?;
    let more = reasons.count();
    let source = if first.source.is_empty() { String::new() } else { format!("`{}`: ", first.source) };
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    Some(conclusion(Verdict::Invalid, 13, format!("{source}{}{more}", first.message)))
}

fn failed(summary: &Summary) -> Option<Conclusion> {
    let broken = of_verdict(summary, Verdict::Fail);
    if let Some(reason) = name_gates(&broken, "failed") {
        return Some(conclusion(Verdict::Fail, 10, reason));
    }
    let job = summary.jobs.iter().find(|job| job.outcome == Outcome::Failed)?;
    let message = job.message.as_deref().unwrap_or_default();
    Some(conclusion(Verdict::Fail, 10, format!("job `{}` gave up: {message}", job.name)))
}

fn without_data(loaded: &Loaded, summary: &Summary) -> Option<Conclusion> {
    if !summary.jobs.is_empty() && summary.jobs.iter().all(|job| job.outcome == Outcome::Skipped) {
        return Some(conclusion(Verdict::Skipped, 12, "no job was started".to_owned()));
    }
    if let Some(reason) = name_gates(&of_verdict(summary, Verdict::NoData), "no data") {
        return Some(conclusion(Verdict::NoData, 12, reason));
    }
    if let Some(reason) = name_gates(&of_verdict(summary, Verdict::Skipped), "skipped") {
        return Some(conclusion(Verdict::NoData, 12, reason));
    }
    let is_empty = summary.jobs.iter().all(|job| job.operations == 0)
        && loaded.instruments.iter().all(|instrument| instrument.histogram.count() == 0);
    is_empty.then(|| conclusion(Verdict::NoData, 12, "nothing was measured".to_owned()))
}

fn passed(summary: &Summary) -> Conclusion {
    let reason = match summary.thresholds.len() {
        0 => "no gates; nothing speaks against the numbers".to_owned(),
        1 => "the gate passed".to_owned(),
        n => format!("all {n} gates passed"),
    };
    let leftovers = summary.findings.iter().find(|finding| finding.kind == FindingKind::CleanupIncomplete);
    match leftovers {
        Some(finding) => conclusion(Verdict::Pass, 15, format!("{reason}, but {}", finding.message)),
        None => conclusion(Verdict::Pass, 0, reason),
    }
}

fn of_verdict(summary: &Summary, verdict: Verdict) -> Vec<&ThresholdSummary> {
    summary.thresholds.iter().filter(|threshold| threshold.verdict == verdict).collect()
}

fn name_gates(gates: &[&ThresholdSummary], what: &str) -> Option<String> {
    let first = gates.first()?;
    let more = gates.len() - 1;
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    let found = if first.verdict == Verdict::Fail { observed(first) } else { first.reason.clone() };
    Some(format!("{what}: `{}`, {found}{more}", first.text))
}

/// `it was 8.2s`; the bound that came nearest to passing is not worth a line.
fn observed(threshold: &ThresholdSummary) -> String {
    let text = |bound: Option<f64>| match bound {
        None => "never".to_owned(),
        Some(ns) if threshold.unit == "ns" => {
            bench_model::format_duration(std::time::Duration::from_nanos(ns.max(0.0).round() as u64))
        }
        Some(number) => number.to_string(),
    };
    let (low, high) = (text(threshold.low), text(threshold.high));
    if low == "never" {
        return threshold.reason.clone();
    }
    if low == high { format!("it was {low}") } else { format!("it was between {low} and {high}") }
}
