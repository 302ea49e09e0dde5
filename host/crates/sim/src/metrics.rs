//! `/metrics`: the few series of the real server that benchmarks read, in Prometheus text form.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use parking_lot::Mutex;

use crate::route::Target;

/// Upper bounds of `apiserver_request_duration_seconds`, as upstream.
const BUCKETS: [f64; 21] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0,
    20.0, 30.0,
];
/// Most label sets; what comes after is counted under one name, since clients choose the labels.
const MAX_SERIES: usize = 2000;

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Labels {
    group: String,
    version: String,
    resource: String,
    subresource: String,
    scope: &'static str,
    verb: &'static str,
}

#[derive(Debug, Default)]
struct Histogram {
    counts: [u64; BUCKETS.len()],
    n: u64,
    sum: f64,
}

/// Counters of one server.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    series: Mutex<Series>,
}

#[derive(Debug, Default)]
struct Series {
    totals: BTreeMap<(Labels, u16), u64>,
    durations: BTreeMap<Labels, Histogram>,
}

impl Metrics {
    /// Counts an answer. Unknown resources (404 without a kind) share one label set.
    pub(crate) fn record(&self, target: &Target, code: u16, took: Duration) {
        let mut series = self.series.lock();
        let mut labels = labels(target);
        if series.durations.len() >= MAX_SERIES && !series.durations.contains_key(&labels) {
            labels = Labels::default();
        }
        *series.totals.entry((labels.clone(), code)).or_default() += 1;
        if labels.verb != "WATCH" {
            series.durations.entry(labels).or_default().record(took.as_secs_f64());
        }
    }

    /// The text of `/metrics`. `n_objects` is by resource.
    pub(crate) fn text(&self, n_objects: &[(String, usize)], start_seconds: f64) -> String {
        let mut out = String::new();
        // Writing into a `String` cannot fail.
        let _ = self.write(&mut out, n_objects, start_seconds);
        out
    }

    fn write(&self, out: &mut String, n_objects: &[(String, usize)], start: f64) -> std::fmt::Result {
        let series = self.series.lock();
        writeln!(out, "# HELP apiserver_request_total Counter of apiserver requests.")?;
        writeln!(out, "# TYPE apiserver_request_total counter")?;
        for ((labels, code), count) in &series.totals {
            writeln!(out, "apiserver_request_total{{code=\"{code}\",{}}} {count}", labels.text())?;
        }
        writeln!(out, "# HELP apiserver_request_duration_seconds Response latency distribution in seconds.")?;
        writeln!(out, "# TYPE apiserver_request_duration_seconds histogram")?;
        for (labels, histogram) in &series.durations {
            histogram.write(out, &labels.text())?;
        }
        writeln!(out, "# HELP apiserver_storage_objects Number of stored objects.")?;
        writeln!(out, "# TYPE apiserver_storage_objects gauge")?;
        for (resource, count) in n_objects {
            writeln!(out, "apiserver_storage_objects{{resource=\"{resource}\"}} {count}")?;
        }
        writeln!(
            out,
            "# HELP process_start_time_seconds Start time of the process since unix epoch in seconds."
        )?;
        writeln!(out, "# TYPE process_start_time_seconds gauge")?;
        writeln!(out, "process_start_time_seconds {start}")
    }
}

impl Labels {
    fn text(&self) -> String {
        format!(
            "component=\"apiserver\",dry_run=\"\",group=\"{}\",resource=\"{}\",scope=\"{}\",subresource=\"{}\",\
             verb=\"{}\",version=\"{}\"",
            escape(&self.group),
            escape(&self.resource),
            self.scope,
            escape(&self.subresource),
            self.verb,
            escape(&self.version)
        )
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl Histogram {
    fn record(&mut self, seconds: f64) {
        for (bound, count) in BUCKETS.iter().zip(&mut self.counts) {
            if seconds <= *bound {
                *count += 1;
            }
        }
        self.n += 1;
        self.sum += seconds;
    }

    fn write(&self, out: &mut String, labels: &str) -> std::fmt::Result {
        const NAME: &str = "apiserver_request_duration_seconds";
        for (bound, count) in BUCKETS.iter().zip(&self.counts) {
            writeln!(out, "{NAME}_bucket{{{labels},le=\"{bound}\"}} {count}")?;
        }
        writeln!(out, "{NAME}_bucket{{{labels},le=\"+Inf\"}} {}", self.n)?;
        writeln!(out, "{NAME}_sum{{{labels}}} {}", self.sum)?;
        writeln!(out, "{NAME}_count{{{labels}}} {}", self.n)
    }
}

fn labels(target: &Target) -> Labels {
    let Target::Resource(target) = target else {
        return Labels { verb: "GET", ..Labels::default() };
    };
    Labels {
        group: target.group.clone(),
        version: target.version.clone(),
        resource: target.plural.clone(),
        subresource: target.subresource.clone(),
        scope: match (&target.name, &target.namespace) {
            (Some(_), _) => "resource",
            (None, Some(_)) if target.verb != "create" => "namespace",
            (None, Some(_)) => "resource",
            (None, None) => "cluster",
        },
        verb: match target.verb {
            "get" => "GET",
            "list" => "LIST",
            "watch" => "WATCH",
            "create" => "POST",
            "update" => "PUT",
            "patch" => "PATCH",
            "delete" => "DELETE",
            "deletecollection" => "DELETECOLLECTION",
            _ => "",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::ResourceTarget;

    #[test]
    fn answers_are_counted_by_code_and_timed_in_cumulative_buckets() {
        let metrics = Metrics::default();
        let target = Target::Resource(ResourceTarget {
            verb: "list",
            version: "v1".to_owned(),
            plural: "pods".to_owned(),
            ..ResourceTarget::default()
        });
        metrics.record(&target, 200, Duration::from_millis(30));
        let text = metrics.text(&[("pods".to_owned(), 3)], 1.5);
        let labels = "component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"pods\",scope=\"cluster\",\
                      subresource=\"\",verb=\"LIST\",version=\"v1\"";
        assert!(text.contains(&format!("apiserver_request_total{{code=\"200\",{labels}}} 1\n")), "{text}");
        assert!(text.contains(&format!("_bucket{{{labels},le=\"0.025\"}} 0\n")), "{text}");
        assert!(text.contains(&format!("_bucket{{{labels},le=\"0.05\"}} 1\n")), "{text}");
        assert!(text.contains("apiserver_storage_objects{resource=\"pods\"} 3\n"), "{text}");
    }
}
