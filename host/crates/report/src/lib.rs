//! What people and machines see of a run.
//!
//! [`ReportView`] puts a summary into words, formatted and in order; [`render`] lays it out for a terminal,
//! [`json`] writes the summary for machines; [`Progress`], [`LiveView`] and [`Stream`] show a run while it goes
//! on. Computes no number of a summary: deleting this crate could not change one.

mod compare;
mod format;
mod html;
mod json;
mod live;
mod machine;
mod now;
mod progress;
mod sanitize;
mod stream;
#[cfg(test)]
mod test_sink;
mod text;
mod view;

pub use compare::{Page, calibration_page, comparison_page, group_page};
pub use html::{HtmlError, MAX_BINS, MAX_SERIES, html};
pub use json::{json, json_schema, to_json};
pub use live::{Action, LiveView, Look};
pub use machine::{
    ReportFile, csv, junit, kube_burner, kube_burner_documents, markdown, openmetrics, perfdata,
};
pub use now::{RunTitle, What};
pub use progress::{Progress, Shown};
pub use sanitize::{escape_json, sanitize};
pub use stream::{
    GateLine, ResponseNow, STREAM_SCHEMA_VERSION, SecondLine, Stream, StreamEvent, StreamLine, Weight,
    stream_schema,
};
pub use text::{TextOptions, render, render_page};
pub use view::{Align, Cell, FindingView, GateView, Heading, ReportView, TableView, Tone, ViewContext};
