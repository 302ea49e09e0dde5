//! Measurement `pod-latency`: from the moment a pod was wanted to each of its conditions.
//!
//! *Start*: for pods that the run created itself, the time at which the schedule wanted the request sent, so that a slow
//! client or server lengthens the latency instead of hiding it; for pods that a controller made, their
//! creationTimestamp as an interval (whole seconds, the API server's clock). *End*: when the host had read the first
//! event that shows the condition. What was first seen after a break of the watch lies between two bounds.
//! A condition that never came counts as missing, which ranks above every number; pods are never left out.
//!
//! The logic is [`pods`] and [`pod`], free of host calls; [`rows`] reads events, [`report`] writes results.
//! Pods that started in a warmup phase are in the table and in no distribution.

pub mod interval;
pub mod pod;
pub mod pods;
pub mod report;
pub mod rows;
pub mod table;

use bench_sdk::{
    Manifest, Measurement, Plan, Plugin, Rows, Rule, label,
    metrics::{Histogram, Table},
    run, warn,
};
use serde::Deserialize;

use crate::{
    interval::Offset,
    pod::{CONDITIONS, Condition},
    pods::{Pods, Sample},
};

/// The measurement's block of the scenario; see `config-schema.json`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    label_selector: String,
    #[serde(default = "yes")]
    table: bool,
}

fn yes() -> bool {
    true
}

/// The plugin, while it measures.
#[derive(Debug)]
pub struct PodLatency {
    pods: Pods,
    /// By number of the job, then by condition.
    histograms: Vec<Vec<Histogram>>,
    /// `None` when there is none, or when it is full.
    table: Option<Table>,
    rows_left_out: u64,
}

impl Plugin for PodLatency {
    fn manifest() -> Manifest {
        let manifest = Manifest::measurement(
            "pod-latency",
            env!("CARGO_PKG_VERSION"),
            "How long pods take to be scheduled, initialized and ready",
        )
        .allow(Rule::new("", "pods", &["get", "list", "watch"]))
        .table(table::NAME, table::COLUMNS);
        CONDITIONS.iter().fold(manifest, |manifest, condition| {
            manifest.histogram(condition.metric(), "ns", condition.meaning(), &["job"])
        })
    }

    fn config_schema() -> String {
        include_str!("../config-schema.json").to_owned()
    }
}

impl Measurement for PodLatency {
    type Config = Config;

    fn setup(config: Config) -> Result<(Self, Plan), String> {
        let table = config.table.then(|| Table::open(table::NAME)).transpose();
        let table = table.map_err(|failure| failure.explain("open the table of pods"))?;
        let plan = Plan::new().watch(rows::subscription(&run::run_id(), &config.label_selector));
        Ok((Self { pods: Pods::default(), histograms: Vec::new(), table, rows_left_out: 0 }, plan))
    }

    fn on_events(&mut self, rows: &Rows<'_>) -> Result<(), String> {
        let offset = Offset::from_host(run::clock_offset());
        for row in rows.iter() {
            self.pods.see(&rows::read(&row), offset);
        }
        self.record(offset)
    }

    fn on_phase(&mut self, name: &str, at: i64) -> Result<(), String> {
        self.pods.phase_started(name == "warmup", at);
        Ok(())
    }

    fn finish(&mut self) -> Result<String, String> {
        let offset = Offset::from_host(run::clock_offset());
        self.pods.finish(offset);
        self.record(offset)?;
        Ok(report::json(&self.pods, self.rows_left_out))
    }
}

impl PodLatency {
    /// Gives the host what the pods have to say since the last time.
    fn record(&mut self, offset: Offset) -> Result<(), String> {
        for sample in self.pods.take_samples() {
            let histogram = self.histogram(&sample)?;
            match (sample.low, sample.high) {
                (low, high) if low == high => histogram.observe(low),
                (low, high) => histogram.observe_between(low, high),
            }
        }
        let done = self.pods.take_done();
        self.write_rows(&done, offset);
        self.pods.forget_texts(&done);
        Ok(())
    }

    /// Adds rows to the table, until the host says that it is full.
    fn write_rows(&mut self, done: &[usize], offset: Offset) {
        let mut written = 0;
        if let Some(table) = &self.table {
            for part in done.chunks(table::MAX_ROWS) {
                if let Err(failure) =
                    table.append(part.len() as u32, &table::columns(&self.pods, part, offset))
                {
                    warn!("the table of pods takes no more rows; distributions go on"; "reason" => failure.reason);
                    self.table = None;
                    break;
                }
                written += part.len();
            }
        }
        self.rows_left_out += (done.len() - written) as u64;
    }

    fn histogram(&mut self, sample: &Sample) -> Result<&mut Histogram, String> {
        while self.histograms.len() <= sample.job {
            let job = self.pods.job_name(self.histograms.len());
            let open =
                |condition: &Condition| Histogram::open(condition.metric(), "ns", &[label("job", job)]);
            let opened: Result<Vec<Histogram>, _> = CONDITIONS.iter().map(open).collect();
            let opened =
                opened.map_err(|failure| failure.explain(&format!("open histograms of job `{job}`")))?;
            self.histograms.push(opened);
        }
        let of_job = self.histograms.get_mut(sample.job);
        let found = of_job.and_then(|histograms| histograms.get_mut(sample.condition as usize));
        found.ok_or_else(|| "a sample of an unknown condition".to_owned())
    }
}

bench_sdk::export_measurement!(PodLatency);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_one_that_the_host_reads() {
        let manifest: bench_model::Manifest =
            bench_sdk::serde_json::from_str(&PodLatency::manifest().to_json()).expect("the host's form");
        assert_eq!(manifest.kinds, [bench_model::PluginKind::Measurement]);
        let names: Vec<&str> = manifest.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["scheduled", "initialized", "sandbox-ready", "containers-ready", "ready"]);
        assert!(!manifest.permissions.raw);
    }

    #[test]
    fn the_schema_accepts_what_the_type_reads() {
        let schema = bench_sdk::serde_json::from_str(&PodLatency::config_schema()).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        for (json, accepted) in
            [("{}", true), (r#"{"table":false,"labelSelector":"a=b"}"#, true), (r#"{"tables":1}"#, false)]
        {
            let value = bench_sdk::serde_json::from_str(json).expect("JSON");
            assert_eq!(validator.is_valid(&value), accepted, "{json}");
            assert_eq!(bench_sdk::config::parse::<Config>(json).is_ok(), accepted, "{json}");
        }
    }
}
