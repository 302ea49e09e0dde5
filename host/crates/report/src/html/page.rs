//! All that the template shows.

use bench_results::{RunHistory, Summary, Verdict};
use serde::Serialize;

use super::{
    CSS, JS, UPLOT, api, charts,
    environment::{self, Fact, Group, Repeat},
    number::Number,
    objects::{self, Objects},
    policy::policy,
    svg::{self, Drawings},
    tables::{self, Table, Tables, tone_name},
    timeline::Timeline,
    validity::Validity,
};
use crate::{
    sanitize::sanitize,
    view::{Tone, ViewContext},
};

/// The verdict in a word.
#[derive(Debug, Clone, Serialize)]
struct VerdictLine {
    word: &'static str,
    tone: &'static str,
    reason: String,
}

/// A section in the navigation.
#[derive(Debug, Clone, Serialize)]
struct Link {
    id: &'static str,
    name: &'static str,
}

/// Everything on the page; see `assets/html/report.html`.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    policy: String,
    css: &'static str,
    uplot: &'static str,
    js: &'static str,
    data: String,
    bench_version: &'static str,
    scenario: String,
    run: String,
    run_id: String,
    sections: Vec<Link>,
    verdict: VerdictLine,
    partial: Option<String>,
    strip: Vec<Fact>,
    validity: Validity,
    gates: Table,
    tables: Tables,
    timeline: Timeline,
    svg: Drawings,
    objects: objects::Section,
    api: Table,
    environment: Vec<Group>,
    method: Vec<Fact>,
    repeat: Repeat,
    raw: String,
}

const SECTIONS: [(&str, &str); 11] = [
    ("validity", "Validity"),
    ("gates", "Gates"),
    ("timeline", "Timeline"),
    ("heatmap", "Heat map"),
    ("curve", "Percentiles"),
    ("objects", "Objects"),
    ("api", "API"),
    ("environment", "Environment"),
    ("method", "Method"),
    ("repeat", "Repeat"),
    ("raw", "Raw data"),
];

impl Page {
    pub(super) fn new(
        summary: &Summary,
        history: &RunHistory,
        context: &ViewContext,
        tables: &[Objects],
        data: String,
    ) -> Self {
        let run = if context.run.is_empty() { &summary.run.id } else { &context.run };
        let scenario =
            if summary.run.scenario.is_empty() { "unnamed scenario" } else { &summary.run.scenario };
        let record = if context.record.is_empty() {
            "the run directory".to_owned()
        } else {
            format!("`{}`", context.record)
        };
        Self {
            policy: policy(&[UPLOT, JS], CSS),
            css: CSS,
            uplot: UPLOT,
            js: JS,
            data,
            bench_version: env!("CARGO_PKG_VERSION"),
            scenario: sanitize(scenario),
            run: sanitize(run),
            run_id: sanitize(&summary.run.id),
            sections: SECTIONS.map(|(id, name)| Link { id, name }).to_vec(),
            verdict: verdict(summary),
            partial: partial(summary),
            strip: strip(summary),
            validity: Validity::new(summary),
            gates: tables::gates(summary),
            tables: Tables::new(summary),
            timeline: Timeline::new(history, sanitize(&charts::first_latency(history))),
            svg: svg::draw(history),
            objects: objects::section(summary, tables),
            api: api::matrix(history),
            environment: environment::environment(summary, history),
            method: environment::method(history),
            repeat: environment::repeat(summary, history, context),
            raw: sanitize(&format!(
                "The record in {record} has everything: each second's histograms (series/*.hlog, readable by HdrHistogram \
                 tools), tables, events, summary.json. Enclosed here are the summary and the data of the charts."
            )),
        }
    }
}

fn verdict(summary: &Summary) -> VerdictLine {
    let (word, tone) = match summary.conclusion.verdict {
        Verdict::Pass => ("PASS", Tone::Good),
        Verdict::Fail => ("FAIL", Tone::Bad),
        Verdict::NoData => ("NO DATA", Tone::Warning),
        Verdict::Invalid => ("INVALID", Tone::Bad),
        Verdict::Skipped => ("SKIPPED", Tone::Warning),
    };
    let mut reason = sanitize(&summary.conclusion.reason);
    if let Some(first) = reason.get(..1).map(str::to_uppercase) {
        reason.replace_range(..1, &first);
    }
    VerdictLine { word, tone: tone_name(tone), reason }
}

fn partial(summary: &Summary) -> Option<String> {
    summary.partial.then(|| format!("Partial: {}", sanitize(&summary.partial_reasons.join("; "))))
}

fn strip(summary: &Summary) -> Vec<Fact> {
    let run = &summary.run;
    let cluster = if run.simulated { "simulated".to_owned() } else { run.server.clone() };
    let started = run.started_at.replace('T', " ").replace(".000Z", " UTC").replace('Z', " UTC");
    vec![
        Fact::number("Length", Number::duration(Some(summary.length_ns), "/lengthNs")),
        Fact::new("Started", &started),
        Fact::new("Cluster", format!("{cluster} {}", run.server_version).trim()),
        Fact::new("Exit code", &summary.conclusion.exit_code.to_string()),
        Fact::mono("Run", &run.id),
        Fact::mono("Scenario", &short_digest(&run.scenario_digest)),
    ]
}

/// The first characters, which are enough to tell two apart; the whole is under Environment.
fn short_digest(digest: &str) -> String {
    let short: String = digest.chars().take("sha256:".len() + 12).collect();
    if short.len() < digest.len() { format!("{short}…") } else { short }
}
