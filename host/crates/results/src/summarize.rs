//! Makes a [`Summary`] from the files of a record, and from nothing else.
//!
//! `load` reads, the other modules compute: `jobs`, `metrics`, `tables`, `validity` one part each,
//! `judge` the gates, `conclude` the verdict. The same files always give the same summary.

mod clock;
mod conclude;
mod distribution;
mod evidence;
pub(crate) mod jobs;
mod judge;
pub(crate) mod load;
mod metrics;
mod saved;
pub(crate) mod seconds;
mod steady;
pub(crate) mod tables;
mod validity;

use std::{collections::BTreeMap, path::Path};

use bench_model::{LogLevel, TimeNs};

pub use self::judge::{SoFar, judge_so_far};
pub use self::saved::{SaveError, read_summary, save_summary};
use self::{clock::Clock, load::Loaded};
use crate::{
    event_line::EventLine,
    header::RunHeader,
    history::{self, RunHistory},
    read::ReadError,
    summary::{
        CleanupSummary, Conclusion, EnvironmentSummary, FaultSummary, GapSummary, LogSummary, MarkSummary,
        PhaseSummary, ReportSummary, RunFacts, SUMMARY_SCHEMA_VERSION, Summary, Verdict, WaitSummary,
    },
};

/// Log messages that are kept in a summary.
const MAX_LOGS: usize = 100;

/// Marked moments that are kept in a summary.
const MAX_MARKS: usize = 1000;

/// Summarises the run in this directory, also one that is being written or was killed.
///
/// # Errors
/// When it is no run directory, of a newer version, or damaged. Not when it merely ends early: the summary
/// then says `partial`, why, and is invalid.
pub fn summarize(dir: &Path) -> Result<Summary, ReadError> {
    Loaded::read(dir).map(|loaded| summary_of(&loaded))
}

/// The summary of a run, and its series of at most `max_bins` bins with at most `max_series` histograms of plugins, from
/// one reading of the record.
///
/// # Errors
/// As [`summarize`].
pub fn summarize_with_history(
    dir: &Path,
    max_bins: usize,
    max_series: usize,
) -> Result<(Summary, RunHistory), ReadError> {
    let loaded = Loaded::read(dir)?;
    let (summary, history) =
        rayon::join(|| summary_of(&loaded), || history::history(&loaded, max_bins, max_series));
    Ok((summary, history?))
}

fn summary_of(loaded: &Loaded) -> Summary {
    let Clock { summary: clock, was_set: clock_was_set } = Clock::of(loaded);
    let mut summary = Summary {
        schema_version: SUMMARY_SCHEMA_VERSION,
        run: run_facts(loaded),
        // Replaced below, when everything it depends on is known.
        conclusion: Conclusion { verdict: Verdict::Invalid, exit_code: 13, reason: String::new() },
        partial: !loaded.partial.is_empty(),
        partial_reasons: loaded.partial.clone(),
        length_ns: length_ns(loaded),
        phases: phases(loaded),
        thresholds: Vec::new(),
        findings: Vec::new(),
        validity: loaded.header.validity.into(),
        jobs: jobs::jobs(loaded),
        metrics: metrics::metrics(loaded),
        reports: reports(loaded),
        tables: tables::tables(loaded),
        slowest: tables::slowest(loaded),
        waits: waits(loaded),
        gaps: gaps(loaded),
        faults: faults(loaded),
        logs: logs(loaded),
        marks: marks(loaded),
        clock,
        cleanup: cleanup(loaded),
        steady: Vec::new(),
        environment: environment(loaded),
    };
    summary.steady = steady::steady(loaded, &summary.jobs);
    summary.thresholds = judge::thresholds(loaded, &summary.jobs);
    summary.findings = validity::findings(loaded, clock_was_set, &summary);
    summary.conclusion = conclude::conclude(loaded, &summary);
    summary
}

fn run_facts(loaded: &Loaded) -> RunFacts {
    let header = &loaded.header;
    let plugins =
        header.plugins.iter().map(|plugin| (plugin.name.to_string(), plugin.digest.to_string())).collect();
    RunFacts {
        id: header.run_id.to_string(),
        scenario: header.scenario.name.clone(),
        scenario_digest: header.scenario.digest.clone(),
        load_digest: header.scenario.load_digest.clone(),
        started_at: header.started_at.clone(),
        seed: header.seed,
        bench_version: header.bench.version.clone(),
        server: header.cluster.server.clone(),
        server_version: header.cluster.version.clone(),
        simulated: header.cluster.simulated,
        plugins,
        group: header.group.clone(),
    }
}

fn environment(loaded: &Loaded) -> EnvironmentSummary {
    let RunHeader { cluster, host, bench, .. } = &loaded.header;
    let after = loaded.events.iter().rev().find_map(|event| match event {
        EventLine::EnvironmentSeen { objects, throttled_periods } => Some((objects, *throttled_periods)),
        _ => None,
    });
    EnvironmentSummary {
        cluster_uid: cluster.uid.clone(),
        server_build: cluster.build.clone(),
        api_servers: cluster.api_servers.clone(),
        api_servers_found_by: cluster.api_servers_found_by.clone(),
        nodes: cluster.node_shapes.clone(),
        objects_before: cluster.objects.clone(),
        objects_after: after.map(|(objects, _)| objects.clone()).unwrap_or_default(),
        admission: cluster.admission.clone(),
        feature_gates: cluster.feature_gates.clone(),
        bench_digest: bench.digest.clone(),
        live_view: bench.live_view,
        host_cpus: host.cpus,
        host_cpu_model: host.cpu_model.clone(),
        host_cores: host.cores,
        host_cpu_limit_millis: host.cpu_limit_millis,
        host_memory_bytes: host.memory_bytes,
        host_system: format!("{} {} {}", host.os, host.kernel, host.arch).trim().to_owned(),
        host_throttled_periods: after.and_then(|(_, periods)| periods),
    }
}

fn length_ns(loaded: &Loaded) -> u64 {
    let events = loaded.events.iter().filter_map(EventLine::at);
    let spans = loaded.queues.values().map(|queue| queue.span.last_done);
    let last = events.chain(spans).filter(|at| !at.is_never()).max();
    last.map_or(0, |at| at.since(TimeNs::ZERO))
}

fn phases(loaded: &Loaded) -> Vec<PhaseSummary> {
    loaded
        .events
        .iter()
        .filter_map(|event| match event {
            EventLine::PhaseStarted { phase, at } => Some(PhaseSummary::new(*phase, at.0)),
            _ => None,
        })
        .collect()
}

fn reports(loaded: &Loaded) -> Vec<ReportSummary> {
    loaded
        .events
        .iter()
        .filter_map(|event| match event {
            EventLine::MeasurementReport { source, report } => {
                Some(ReportSummary { source: source.clone(), report: report.clone() })
            }
            _ => None,
        })
        .collect()
}

fn waits(loaded: &Loaded) -> Vec<WaitSummary> {
    loaded
        .events
        .iter()
        .filter_map(|event| match event {
            EventLine::Waited { job, outcome, .. } => Some(WaitSummary {
                job: job.to_string(),
                resource: outcome.target.to_string(),
                namespace: outcome.target.namespace.clone(),
                condition: outcome.condition.clone(),
                met: outcome.met,
                unmet: outcome.unmet,
                examples: outcome.examples.iter().take(20).cloned().collect(),
                causes: outcome.causes.iter().take(20).map(cause).collect(),
            }),
            _ => None,
        })
        .collect()
}

fn cause(cause: &bench_model::StuckCause) -> String {
    let plural = if cause.pods == 1 { "" } else { "s" };
    format!("{} pod{plural} {}: {}", cause.pods, cause.reason, cause.message)
}

/// Gaps of the same kind counted together: a bad connection makes thousands.
fn gaps(loaded: &Loaded) -> Vec<GapSummary> {
    let mut groups: BTreeMap<_, (u64, Option<u64>)> = BTreeMap::new();
    for event in &loaded.events {
        let EventLine::Gap(gap) = event else { continue };
        let key = (gap.measurement.clone(), gap.target.to_string(), gap.reason.clone(), gap.relisted);
        let (count, rows) = groups.entry(key).or_insert((0, Some(0)));
        *count += 1;
        *rows = rows.zip(gap.rows).map(|(sum, rows)| sum.saturating_add(rows));
    }
    groups
        .into_iter()
        .map(|((measurement, resource, reason, relisted), (count, rows))| GapSummary {
            measurement,
            resource,
            reason,
            count,
            rows,
            relisted,
        })
        .collect()
}

fn faults(loaded: &Loaded) -> Vec<FaultSummary> {
    loaded
        .events
        .iter()
        .filter_map(|event| match event {
            EventLine::JobFinished { outcome: bench_model::JobOutcome::Faulted { fault }, .. } => Some(fault),
            EventLine::MeasurementFailed { fault, .. } => fault.as_ref(),
            _ => None,
        })
        .map(|fault| FaultSummary {
            plugin: fault.plugin.to_string(),
            digest: fault.digest.to_string(),
            user: fault.user.clone(),
            function: fault.function.clone(),
            message: fault.message.clone(),
        })
        .collect()
}

fn logs(loaded: &Loaded) -> Vec<LogSummary> {
    loaded
        .events
        .iter()
        .filter_map(|event| match event {
            EventLine::Log { source, level, at, message, .. } if *level >= LogLevel::Warn => {
                Some(LogSummary {
                    source: source.clone(),
                    level: if *level == LogLevel::Warn { "warn" } else { "error" }.to_owned(),
                    at_ns: at.0,
                    message: message.clone(),
                })
            }
            _ => None,
        })
        .take(MAX_LOGS)
        .collect()
}

fn marks(loaded: &Loaded) -> Vec<MarkSummary> {
    let marks = loaded.events.iter().filter_map(|event| match event {
        EventLine::Marked { number, at } => Some(MarkSummary { number: *number, at_ns: at.0 }),
        _ => None,
    });
    marks.take(MAX_MARKS).collect()
}

fn cleanup(loaded: &Loaded) -> Option<CleanupSummary> {
    loaded.events.iter().rev().find_map(|event| match event {
        EventLine::CleanedUp { outcome, .. } => Some(CleanupSummary {
            deleted: outcome.deleted,
            namespaces: outcome.namespaces,
            remaining: outcome.remaining.clone(),
            errors: outcome.errors.clone(),
        }),
        _ => None,
    })
}
