//! What happened when: a record as series over time, for charts.
//!
//! Where a summary has one number for the whole run, this has one for each *bin*: so many whole seconds that the
//! run fits into a given number of bins. Histograms of the seconds of a bin are merged exactly, quantiles are never
//! averaged. Values known between bounds count with their upper one. Judges nothing: see `summarize`.

mod bins;
mod numbers;
mod objects;
mod operations;
mod series;

use bench_model::TimeNs;

use self::bins::Bins;
pub use self::{
    numbers::{NumberHistory, QueueHistory},
    objects::{ObjectRow, ObjectTable, TableRowsHistory},
    operations::{OperationGroup, OperationTotals},
    series::{HeatCell, SeriesBin, SeriesHistory, SpectrumPoint, TotalQuantiles, heat_row_floor},
};
use crate::{
    event_line::EventLine, header::RunHeader, layout, number_line::NumberLine, read::ReadError,
    summarize::load::Loaded,
};

/// A record as series over time; see the module's documentation.
#[derive(Debug, Clone)]
pub struct RunHistory {
    /// What was known at the start.
    pub header: RunHeader,
    /// The scenario as it was given.
    pub scenario: String,
    /// Length of a bin.
    pub bin_seconds: u64,
    /// How many bins there are; every series has as many values.
    pub bins: usize,
    /// Queues with their load, `setup` last.
    pub queues: Vec<QueueHistory>,
    /// One response series a job, without its queue `setup`.
    pub operations: Vec<OperationGroup>,
    /// Operations by what was asked and what came of it.
    pub totals: Vec<OperationTotals>,
    /// Histograms of plugins, one for each label set; those that a gate is about, then those with most values.
    pub series: Vec<SeriesHistory>,
    /// Histograms that were left out because there were too many.
    pub series_left_out: usize,
    /// Counters and gauges of plugins.
    pub numbers: Vec<NumberHistory>,
    /// Tables of plugins.
    pub tables: Vec<TableRowsHistory>,
    /// Everything else that happened.
    pub events: Vec<EventLine>,
}

impl RunHistory {
    /// The wall-clock time of a moment of the run, to milliseconds.
    pub fn rfc3339(&self, at_ns: i64) -> String {
        let start = self.header.started_at.parse::<jiff::Timestamp>().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let at = start.checked_add(jiff::SignedDuration::from_nanos(at_ns)).unwrap_or(start);
        format!("{at:.3}")
    }
}

/// A record as series of at most `max_bins` bins, with at most `max_series` histograms of plugins.
pub(crate) fn history(loaded: &Loaded, max_bins: usize, max_series: usize) -> Result<RunHistory, ReadError> {
    let Loaded { files, header, events, numbers, .. } = loaded;
    let scenario = String::from_utf8_lossy(&files.read(layout::SCENARIO)?).into_owned();
    let bins = Bins::new(last_second(events, numbers), max_bins);
    let (mut series, series_left_out) = series::all(loaded, bins, max_series);
    // Those that a gate is about come first.
    series.sort_by_key(|series| {
        let name = format!("({}.{}", series.source, series.name);
        let is_judged = header.thresholds.iter().any(|gate| gate.contains(&name));
        (!is_judged, std::cmp::Reverse(series.total.n))
    });
    Ok(RunHistory {
        header: header.clone(),
        scenario,
        bin_seconds: bins.seconds,
        bins: bins.count,
        queues: numbers::queues(events, numbers, bins),
        operations: operations::groups(loaded, bins),
        totals: operations::totals(loaded),
        series,
        series_left_out,
        numbers: numbers::instruments(events, numbers, bins),
        tables: objects::read(files, events)?,
        events: events.clone(),
    })
}

/// The last second in which something happened; what claims to be later goes into the last bin.
fn last_second(events: &[EventLine], numbers: &[NumberLine]) -> u64 {
    let events = events.iter().filter_map(EventLine::at);
    let spans = numbers.iter().filter_map(|line| match line {
        NumberLine::Span { last_done, .. } => Some(*last_done),
        NumberLine::Missing { .. }
        | NumberLine::Load { .. }
        | NumberLine::Counter { .. }
        | NumberLine::Gauge { .. } => None,
    });
    let last = events.chain(spans).filter(|at| !at.is_never()).max();
    last.map_or(0, |at| at.since(TimeNs::ZERO) / 1_000_000_000)
}
