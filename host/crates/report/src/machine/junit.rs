//! JUnit XML, as CI systems read it: a test case for each gate, each job, and for the validity of the run.
//!
//! Only a pass is a pass: a gate that failed is a failure; one without data, or on an invalid run, is an error; what
//! was not run is skipped.

use std::fmt::Write as _;

use bench_results::{Outcome, Summary, Verdict};

use super::escape_markup;
use crate::{format, sanitize::sanitize};

/// How a case ended: element, type, message.
type Ending = Option<(&'static str, &'static str, String)>;

struct Case {
    class: &'static str,
    name: String,
    ending: Ending,
}

/// The run as a test suite.
pub fn junit(summary: &Summary) -> String {
    let mut cases: Vec<Case> = vec![validity(summary)];
    cases.extend(summary.thresholds.iter().map(|gate| Case {
        class: "gates",
        name: gate.text.clone(),
        ending: gate_ending(gate),
    }));
    cases.extend(summary.jobs.iter().map(|job| Case {
        class: "jobs",
        name: job.name.clone(),
        ending: job_ending(job),
    }));
    let count = |element: &str| cases.iter().filter(|case| is(&case.ending, element)).count();
    let (failures, errors, skipped) = (count("failure"), count("error"), count("skipped"));
    let name = text(&summary.run.scenario);
    let seconds = summary.length_ns as f64 / 1e9;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let numbers = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{seconds:.3}\"",
        cases.len()
    );
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "<testsuites name=\"bench\" {numbers}>");
    let timestamp = text(summary.run.started_at.trim_end_matches('Z'));
    let _ = writeln!(out, "  <testsuite name=\"{name}\" {numbers} timestamp=\"{timestamp}\">");
    properties(&mut out, summary);
    for case in &cases {
        write_case(&mut out, &name, case);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn is(ending: &Ending, element: &str) -> bool {
    ending.as_ref().is_some_and(|(found, _, _)| *found == element)
}

fn text(text: &str) -> String {
    escape_markup(&sanitize(text))
}

fn properties(out: &mut String, summary: &Summary) {
    let run = &summary.run;
    let properties = [
        ("run", run.id.as_str()),
        ("scenarioDigest", &run.scenario_digest),
        ("server", &run.server),
        ("serverVersion", &run.server_version),
        ("benchVersion", &run.bench_version),
        ("reason", &summary.conclusion.reason),
    ];
    out.push_str("    <properties>\n");
    for (name, value) in properties {
        let _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", text(value));
    }
    out.push_str("    </properties>\n");
}

fn write_case(out: &mut String, suite: &str, case: &Case) {
    let _ = write!(out, "    <testcase classname=\"{suite}.{}\" name=\"{}\"", case.class, text(&case.name));
    let Some((element, kind, message)) = &case.ending else {
        out.push_str("/>\n");
        return;
    };
    let _ =
        writeln!(out, ">\n      <{element} type=\"{kind}\" message=\"{}\"/>\n    </testcase>", text(message));
}

fn validity(summary: &Summary) -> Case {
    let broken: Vec<&str> =
        summary.findings.iter().filter(|f| f.invalidates).map(|finding| finding.message.as_str()).collect();
    let ending = (!broken.is_empty()).then(|| ("error", "invalid", broken.join("; ")));
    Case { class: "validity", name: "the run is valid".to_owned(), ending }
}

fn gate_ending(gate: &bench_results::ThresholdSummary) -> Ending {
    let observed =
        if gate.observed { format::range(gate.low, gate.high, &gate.unit) } else { "nothing".to_owned() };
    let message = format!("observed {observed}, n={}: {}", gate.n, gate.reason);
    match gate.verdict {
        Verdict::Pass => None,
        Verdict::Fail => Some(("failure", "fail", message)),
        Verdict::NoData => Some(("error", "no data", message)),
        Verdict::Invalid => Some(("error", "invalid", message)),
        Verdict::Skipped => Some(("skipped", "skipped", message)),
    }
}

fn job_ending(job: &bench_results::JobSummary) -> Ending {
    let message = job.message.clone().unwrap_or_default();
    match job.outcome {
        Outcome::Completed => None,
        Outcome::Failed => Some(("failure", "gave up", message)),
        Outcome::Faulted => Some(("error", "plugin broke", message)),
        Outcome::Stopped => Some(("error", "stopped", "the run stopped first".to_owned())),
        Outcome::Unfinished => Some(("error", "unfinished", "the record ends first".to_owned())),
        Outcome::Skipped => Some(("skipped", "skipped", "it never started".to_owned())),
    }
}
