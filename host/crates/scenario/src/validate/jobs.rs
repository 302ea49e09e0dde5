//! `jobs:` and their queues.

use std::{collections::BTreeMap, num::NonZeroU32};

use bench_model::{Arrival, HOST_SOURCE, JobName, OnTooManyRequests, QueueName, QueueSpec};
use bench_template::yaml::{Entry, Node, Span};

use super::plugins::{Measurements, Names, Plugins};
use crate::{
    ConfigBlock, Job, Mistake, ScenarioFile,
    fields::{Fields, Report},
    value,
};

const DEFAULT_IN_FLIGHT: NonZeroU32 = NonZeroU32::MIN.saturating_add(63);
const MAX_IN_FLIGHT: u64 = 10_000;
const QUEUE_HELP: &str =
    "write for example `queue: { rate: 50/s }`, or `rate: unlimited` for as fast as answers come";

/// The jobs, and all names: a job that is wrong elsewhere can still have thresholds.
pub(super) struct Jobs {
    pub(super) used: Vec<Job>,
    pub(super) names: Vec<String>,
}

pub(super) fn jobs(
    fields: &mut Fields<'_>,
    plugins: &Plugins,
    measurements: &Measurements,
    file: &ScenarioFile,
    report: &mut Report,
) -> Jobs {
    let mut jobs = Jobs { used: Vec::new(), names: Vec::new() };
    // Jobs and measurements share one space: a threshold names either.
    let mut names =
        Names::new("name", "jobs and measurements need different names; results are grouped by them");
    for (name, span) in &measurements.names {
        declare(name, span, &mut names, report);
    }
    let help = "write for example `- { name: create-pods, plugin: objects, queue: { rate: 50/s } }`";
    let Some(node) = fields.required("jobs", help, report) else { return jobs };
    let items = value::list(node, "jobs", report).unwrap_or_default();
    if node.as_list().is_some_and(<[Node]>::is_empty) {
        let (message, help) = ("a scenario needs at least one job".to_owned(), Some(help.to_owned()));
        report.add(&node.span, Mistake::Rejected { message, label: "empty".to_owned(), help });
    }
    for item in items {
        jobs.used.extend(job(item, plugins, &mut names, &mut jobs.names, file, report));
    }
    jobs
}

/// Takes the name of a job or a measurement.
fn declare(name: &str, span: &Span, names: &mut Names, report: &mut Report) {
    if name == HOST_SOURCE {
        let message = format!("`{name}` is the name of what `bench` measures by itself");
        let help = Some("choose another `name`".to_owned());
        return report.add(span, Mistake::Rejected { message, label: "taken".to_owned(), help });
    }
    names.add(name, span, report);
}

fn job(
    item: &Node,
    plugins: &Plugins,
    names: &mut Names,
    written: &mut Vec<String>,
    file: &ScenarioFile,
    report: &mut Report,
) -> Option<Job> {
    let mut fields = Fields::of_item(item, "a job", report)?;
    let name_node = fields.required("name", "write for example `name: create-pods`", report);
    let name = name_node.and_then(|node| value::name(node, "name", JobName::parse, report));
    let text = name_node.and_then(Node::as_text);
    if let (Some(node), Some(text)) = (name_node, text) {
        declare(text, &node.span, names, report);
        written.push(text.to_owned());
    }
    let user = text.map_or("a job".to_owned(), |name| format!("job `{name}`"));
    let plugin = fields.required("plugin", "write for example `plugin: objects`", report);
    let plugin = plugin.and_then(|node| plugins.find(node, &user, report));
    let queues = queues(&mut fields, &user, report);
    let warmup = fields.optional("warmup").and_then(|node| value::duration(node, "warmup", report));
    let settle = fields.optional("settle").and_then(|node| value::duration(node, "settle", report));
    let config = ConfigBlock::of_with(&mut fields, file, report);
    fields.finish(report);
    Some(Job { name: name?, plugin: plugin?, queues: queues?, warmup, settle, config: config? })
}

fn queues(
    fields: &mut Fields<'_>,
    user: &str,
    report: &mut Report,
) -> Option<BTreeMap<QueueName, QueueSpec>> {
    let single = fields.entry("queue");
    let several = fields.entry("queues");
    match (single, several) {
        (Some(single), None) => {
            Some(BTreeMap::from([(QueueName::main(), queue(single, "`queue`", report)?)]))
        }
        (None, Some(several)) => named_queues(several, report),
        (None, None) => {
            let (key, within) = ("queue".to_owned(), user.to_owned());
            report.add(fields.place(), Mistake::MissingKey { key, within, help: QUEUE_HELP.to_owned() });
            None
        }
        (Some(_), Some(several)) => {
            let help = "`queue` is short for a queue named `main`: write it under `queues`";
            report.add(&several.key.span, Mistake::Exclusive { first: "queue", second: "queues", help });
            None
        }
    }
}

fn named_queues(entry: &Entry, report: &mut Report) -> Option<BTreeMap<QueueName, QueueSpec>> {
    let Some(entries) = entry.value.as_map().filter(|entries| !entries.is_empty()) else {
        let (expected, found) = ("a mapping of names to queues".to_owned(), entry_type(&entry.value));
        report.add(&entry.key.span, Mistake::WrongType { key: "`queues`".to_owned(), expected, found });
        return None;
    };
    let mut queues = BTreeMap::new();
    for entry in entries {
        let name = QueueName::parse(&entry.key.text);
        let name = name.map_err(|error| report.add(&entry.key.span, Mistake::Name(error))).ok();
        let is_setup = name.as_ref() == Some(&QueueName::setup());
        if is_setup {
            let message = "the queue `setup` is always there".to_owned();
            let help = Some("choose another name: preparations are never paced".to_owned());
            report.add(&entry.key.span, Mistake::Rejected { message, label: "reserved".to_owned(), help });
        }
        let queue = queue(entry, &format!("queue `{}`", entry.key.text), report);
        queues.extend(name.filter(|_| !is_setup).zip(queue));
    }
    (queues.len() == entries.len()).then_some(queues)
}

fn queue(entry: &Entry, within: &str, report: &mut Report) -> Option<QueueSpec> {
    let mut fields = Fields::of(&entry.value, within, &entry.key.span, report)?;
    let rate = fields.required("rate", QUEUE_HELP, report);
    let rate = rate.map(|node| match node.as_text() {
        Some("unlimited") => Some(None),
        _ => value::rate(node, "rate", report).map(Some),
    });
    let mut count = |key: &'static str, max: u64, default: NonZeroU32, report: &mut Report| {
        let Some(node) = fields.optional(key) else { return Some(default) };
        let count = value::integer(node, key, 1, max, report)?;
        u32::try_from(count).ok().and_then(NonZeroU32::new)
    };
    let burst = count("burst", u64::from(u32::MAX), NonZeroU32::MIN, report);
    let in_flight = count("inFlight", MAX_IN_FLIGHT, DEFAULT_IN_FLIGHT, report);
    let arrivals = [("constant", Arrival::Constant), ("poisson", Arrival::Poisson)];
    let arrival = fields
        .optional("arrival")
        .map(|node| value::word(node, "arrival", "an arrival process", &arrivals, report));
    let policies = [("record", OnTooManyRequests::Record), ("backoff", OnTooManyRequests::Backoff)];
    let policy = fields
        .optional("onTooManyRequests")
        .map(|node| value::word(node, "onTooManyRequests", "a policy", &policies, report));
    fields.finish(report);
    Some(QueueSpec {
        rate: rate??,
        burst: burst?,
        arrival: arrival.unwrap_or(Some(Arrival::default()))?,
        in_flight: in_flight?,
        on_too_many_requests: policy.unwrap_or(Some(OnTooManyRequests::default()))?,
    })
}

fn entry_type(node: &Node) -> String {
    match node.as_map() {
        Some(_) => "an empty mapping".to_owned(),
        None => node.type_name().to_owned(),
    }
}
