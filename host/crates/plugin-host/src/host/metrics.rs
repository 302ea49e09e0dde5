//! `bench:base/metrics`: instruments, tables and artifacts, as the manifest declares them.
//!
//! What a guest records becomes events of the run; nothing is aggregated here but what comes faster than
//! anyone needs it: small lists of values are joined, counters summed up, gauges thinned out, for at most
//! [`HOLD`] and never past the end of a call.

use std::collections::{BTreeMap, BTreeSet};

use bench_model::{InstrumentId, InstrumentKind, Label, RunEvent, TableId, TimeNs};
use wasmtime::component::Resource;

use crate::{
    bindings::bench::base::{metrics, types},
    host::{
        HostState,
        error::{BrokenContract, HostCallError, HostError, invalid, limit_exceeded},
    },
};

mod artifact;
mod table;

pub use artifact::Artifact;
pub use table::Table;

/// Most label sets of all instruments of a plugin together.
const MAX_SERIES: usize = 1_000;
/// Longest value of a label, in bytes.
const MAX_LABEL: usize = 256;
/// Values of a histogram that are joined into one event.
const MAX_HELD: usize = 256;
/// How long values are held back: 100 ms.
const HOLD: u64 = 100_000_000;

/// A distribution that the guest has open.
pub struct Histogram(InstrumentId);
/// A counter that the guest has open.
pub struct Counter(InstrumentId);
/// A gauge that the guest has open.
pub struct Gauge(InstrumentId);

/// What the instance has opened, and what it recorded that was not handed on yet.
#[derive(Debug, Default)]
pub(crate) struct Instruments {
    series: BTreeSet<(String, Vec<Label>)>,
    tables: BTreeMap<String, TableId>,
    artifacts: BTreeSet<String>,
    artifact_bytes: u64,
    held: BTreeMap<InstrumentId, Held>,
    held_since: Option<TimeNs>,
}

#[derive(Debug)]
enum Held {
    Values(Vec<u64>),
    Count(u64),
    Gauge { at: TimeNs, value: f64 },
}

impl Held {
    fn into_event(self, instrument: InstrumentId, at: TimeNs) -> RunEvent {
        match self {
            Self::Values(values) => RunEvent::Observed { instrument, at, values },
            Self::Count(n) => RunEvent::Counted { instrument, at, n },
            Self::Gauge { at, value } => RunEvent::Gauged { instrument, at, value },
        }
    }
}

impl HostState {
    /// Hands on what is held back.
    pub(crate) async fn flush_instruments(&mut self) -> Result<(), HostError> {
        self.instruments.held_since = None;
        let at = self.now();
        for (instrument, held) in std::mem::take(&mut self.instruments.held) {
            self.send(held.into_event(instrument, at)).await?;
        }
        Ok(())
    }

    /// Hands on what is held back if that has been so for long enough.
    async fn flush_if_due(&mut self) -> Result<(), HostError> {
        let now = self.now();
        let since = *self.instruments.held_since.get_or_insert(now);
        if now.since(since) >= HOLD { self.flush_instruments().await } else { Ok(()) }
    }

    async fn open_instrument(
        &mut self,
        kind: InstrumentKind,
        name: String,
        unit: String,
        labels: Vec<types::Label>,
    ) -> Result<InstrumentId, HostCallError> {
        let (instrument, source) = {
            let context = self.context("metrics.open")?;
            (context.services.ids.instrument(), context.user.clone())
        };
        let Some(declared) = self.manifest.metrics.iter().find(|metric| metric.name.as_str() == name) else {
            return Err(undeclared("metric", &name).into());
        };
        if (declared.kind, declared.unit.as_str()) != (kind, unit.as_str()) {
            let message = format!(
                "opened metric `{name}` as a {kind:?} in `{unit}`; its manifest declares a {:?} in `{}`",
                declared.kind, declared.unit
            );
            return Err(BrokenContract(message).into());
        }
        let labels = check_labels(&name, &declared.labels, labels)?;
        let metric = declared.name.clone();
        if self.instruments.series.len() >= MAX_SERIES {
            return Err(limit_exceeded(format!("a plugin has at most {MAX_SERIES} label sets in all")));
        }
        if !self.instruments.series.insert((name.clone(), labels.clone())) {
            return Err(invalid(format!("metric `{name}` is already open with these labels")));
        }
        let event = RunEvent::InstrumentOpened { instrument, source, name: metric, kind, unit, labels };
        self.send(event).await?;
        Ok(instrument)
    }
}

fn undeclared(what: &str, name: &str) -> BrokenContract {
    BrokenContract(format!("opened {what} `{}`, which its manifest does not declare", name.escape_debug()))
}

/// Labels sorted by name; each one declared, once, and not too long.
fn check_labels(
    metric: &str,
    declared: &[String],
    labels: Vec<types::Label>,
) -> Result<Vec<Label>, HostCallError> {
    let mut sorted = BTreeMap::new();
    for types::Label { name, value } in labels {
        if !declared.contains(&name) {
            let name = name.escape_debug();
            let message =
                format!("opened metric `{metric}` with label `{name}`, which its manifest does not declare");
            return Err(BrokenContract(message).into());
        }
        if value.len() > MAX_LABEL {
            return Err(limit_exceeded(format!(
                "the value of label `{name}` is longer than {MAX_LABEL} bytes"
            )));
        }
        if let Some(twice) = sorted.insert(name, value) {
            return Err(invalid(format!("a label stands twice in `{metric}`, once as `{twice}`")));
        }
    }
    Ok(sorted.into_iter().map(|(name, value)| Label { name, value }).collect())
}

impl metrics::Host for HostState {}

impl metrics::HostHistogram for HostState {
    async fn open(
        &mut self,
        name: String,
        unit: String,
        labels: Vec<types::Label>,
    ) -> Result<Resource<Histogram>, HostCallError> {
        let instrument = self.open_instrument(InstrumentKind::Histogram, name, unit, labels).await?;
        self.keep(Histogram(instrument))
    }

    async fn observe(&mut self, histogram: Resource<Histogram>, values: Vec<u64>) -> wasmtime::Result<()> {
        let instrument = self.table.get(&histogram)?.0;
        if values.is_empty() {
            return Ok(());
        }
        let held = self.instruments.held.entry(instrument).or_insert_with(|| Held::Values(Vec::new()));
        let Held::Values(joined) = held else { return Ok(()) };
        joined.extend(values);
        if joined.len() >= MAX_HELD {
            let values = std::mem::take(joined);
            self.instruments.held.remove(&instrument);
            let at = self.now();
            self.send(RunEvent::Observed { instrument, at, values }).await?;
        }
        Ok(self.flush_if_due().await?)
    }

    async fn observe_between(
        &mut self,
        histogram: Resource<Histogram>,
        low: Vec<u64>,
        high: Vec<u64>,
    ) -> wasmtime::Result<()> {
        let instrument = self.table.get(&histogram)?.0;
        if low.len() != high.len() {
            let message = format!(
                "`histogram.observe-between` got {} lower and {} upper bounds; both lists have the same length",
                low.len(),
                high.len()
            );
            return Err(BrokenContract(message).into());
        }
        if let Some((low, high)) = low.iter().zip(&high).find(|(low, high)| low > high) {
            let message =
                format!("`histogram.observe-between` got the lower bound {low} above the upper bound {high}");
            return Err(BrokenContract(message).into());
        }
        if low.is_empty() {
            return Ok(());
        }
        let at = self.now();
        Ok(self.send(RunEvent::ObservedBetween { instrument, at, low, high }).await?)
    }

    async fn drop(&mut self, histogram: Resource<Histogram>) -> wasmtime::Result<()> {
        self.table.delete(histogram)?;
        Ok(())
    }
}

impl metrics::HostCounter for HostState {
    async fn open(
        &mut self,
        name: String,
        unit: String,
        labels: Vec<types::Label>,
    ) -> Result<Resource<Counter>, HostCallError> {
        let instrument = self.open_instrument(InstrumentKind::Counter, name, unit, labels).await?;
        self.keep(Counter(instrument))
    }

    async fn add(&mut self, counter: Resource<Counter>, n: u64) -> wasmtime::Result<()> {
        let instrument = self.table.get(&counter)?.0;
        let held = self.instruments.held.entry(instrument).or_insert(Held::Count(0));
        if let Held::Count(total) = held {
            *total = total.saturating_add(n);
        }
        Ok(self.flush_if_due().await?)
    }

    async fn drop(&mut self, counter: Resource<Counter>) -> wasmtime::Result<()> {
        self.table.delete(counter)?;
        Ok(())
    }
}

impl metrics::HostGauge for HostState {
    async fn open(
        &mut self,
        name: String,
        unit: String,
        labels: Vec<types::Label>,
    ) -> Result<Resource<Gauge>, HostCallError> {
        let instrument = self.open_instrument(InstrumentKind::Gauge, name, unit, labels).await?;
        self.keep(Gauge(instrument))
    }

    async fn set(&mut self, gauge: Resource<Gauge>, value: f64) -> wasmtime::Result<()> {
        let instrument = self.table.get(&gauge)?.0;
        let at = self.now();
        self.instruments.held.insert(instrument, Held::Gauge { at, value });
        Ok(self.flush_if_due().await?)
    }

    async fn drop(&mut self, gauge: Resource<Gauge>) -> wasmtime::Result<()> {
        self.table.delete(gauge)?;
        Ok(())
    }
}

impl HostState {
    /// Gives the guest a handle of a WIT resource.
    pub(crate) fn keep<T: Send + 'static>(&mut self, resource: T) -> Result<Resource<T>, HostCallError> {
        self.table.push(resource).map_err(|_| {
            let limit = crate::limits::MAX_HANDLES;
            HostCallError::from(BrokenContract(format!(
                "holds more than {limit} handles; it must drop what it no longer uses"
            )))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Vec<types::Label> {
        pairs
            .iter()
            .map(|&(name, value)| types::Label { name: name.to_owned(), value: value.to_owned() })
            .collect()
    }

    fn check(given: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let declared = ["b".to_owned(), "a".to_owned()];
        match check_labels("m", &declared, labels(given)) {
            Ok(labels) => {
                Ok(labels.into_iter().map(|label| format!("{}={}", label.name, label.value)).collect())
            }
            Err(HostCallError::Failure(failure)) => Err(failure.reason),
            Err(HostCallError::Trap(error)) => Err(error.to_string()),
        }
    }

    #[test]
    fn labels_are_sorted_so_that_their_order_makes_no_second_series() {
        assert_eq!(check(&[("b", "2"), ("a", "1")]), Ok(vec!["a=1".to_owned(), "b=2".to_owned()]));
    }

    #[test]
    fn labels_must_be_declared_once_and_short() {
        let undeclared = "opened metric `m` with label `c`, which its manifest does not declare";
        assert_eq!(check(&[("c", "1")]), Err(undeclared.to_owned()));
        assert_eq!(check(&[("a", "1"), ("a", "2")]), Err("invalid-argument".to_owned()));
        assert_eq!(check(&[("a", &"x".repeat(257))]), Err("limit-exceeded".to_owned()));
    }
}
