//! The record of a run: written as things happen, read back as if written by a stranger.
//!
//! [`Recorder`] turns the events of a run into the files of one directory; [`summarize`] makes a
//! [`Summary`] with a verdict from these files alone, also when the writer was killed; [`Store`] finds
//! runs. Nothing here prints, colours or talks to a cluster; see `report` for what people see.

mod compare;
mod event_line;
mod header;
mod history;
mod journal;
mod layout;
mod number_line;
mod read;
mod record;
mod statistics;
mod store;
mod summarize;
mod summary;
mod tag;

pub use compare::{
    CalibratedMetric, Calibration, ChangeRow, ChangeVerdict, CompareError, CompareOptions, Comparison,
    Difference, MIN_TOLERANCE, RunsForChange, Side, SideNumbers, ToleranceSource, calibrate, compare,
    comparison_schema,
};
pub use event_line::EventLine;
pub use header::{
    BenchFacts, ClusterFacts, HostFacts, PluginFacts, RUN_SCHEMA_VERSION, RunHeader, ScenarioFacts, rfc3339,
};
pub use history::{
    HeatCell, NumberHistory, ObjectRow, ObjectTable, OperationGroup, OperationTotals, QueueHistory,
    RunHistory, SeriesBin, SeriesHistory, SpectrumPoint, TableRowsHistory, TotalQuantiles, heat_row_floor,
};
pub use journal::{Journal, JournalError, read_journal};
pub use read::ReadError;
pub use record::{RecordError, Recorder};
pub use statistics::order::{confidence_ranks, minimum_samples};
pub use store::{RunEntry, RunState, Store, StoreError, Tag};
pub use summarize::{
    SaveError, SoFar, judge_so_far, read_summary, save_summary, summarize, summarize_with_history,
};
pub use summary::{
    CleanupSummary, ClockSummary, Conclusion, Confidence, ConfidenceMethod, Distribution, DriftSummary,
    EnvironmentSummary, ErrorSummary, Estimate, EstimateMethod, FaultSummary, Finding, FindingKind,
    GapSummary, GroupFacts, JobSummary, LogSummary, MarkSummary, MetricSummary, NodeShape, Outcome,
    PhaseSummary, QuantileBounds, QueueSummary, ReportSummary, RunFacts, SUMMARY_SCHEMA_VERSION, SlowObject,
    SteadyState, SteadySummary, Step, Summary, TableSummary, ThresholdConfidence, ThresholdSummary,
    ThresholdVerdict, ValiditySummary, Verdict, WaitSummary, WarmupMethod, exit_code, schema,
};
