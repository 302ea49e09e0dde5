//! What people and machines see of a run.
//!
//! [`ReportView`] puts a summary into words, formatted and in order; [`render`] lays it out for a terminal,
//! [`json`] writes the summary for machines, [`Progress`] shows a run while it goes on. Computes no
//! statistics: deleting this crate could not change a number.

mod compare;
mod format;
mod html;
mod json;
mod machine;
mod progress;
mod sanitize;
mod text;
mod view;

pub use compare::{Page, calibration_page, comparison_page, group_page};
pub use html::{HtmlError, MAX_BINS, MAX_SERIES, html};
pub use json::{json, json_schema, to_json};
pub use machine::{
    ReportFile, csv, junit, kube_burner, kube_burner_documents, markdown, openmetrics, perfdata,
};
pub use progress::{Progress, ProgressKind};
pub use sanitize::{escape_json, sanitize};
pub use text::{TextOptions, render, render_page};
pub use view::{Align, Cell, FindingView, GateView, Heading, ReportView, TableView, Tone, ViewContext};
