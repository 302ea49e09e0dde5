//! What people and machines see of a run.
//!
//! [`ReportView`] puts a summary into words, formatted and in order; [`render`] lays it out for a terminal,
//! [`json`] writes the summary for machines, [`Progress`] shows a run while it goes on. Computes no
//! statistics: deleting this crate could not change a number.

mod format;
mod json;
mod progress;
mod sanitize;
mod text;
mod view;

pub use json::{json, json_schema};
pub use progress::{Progress, ProgressKind};
pub use sanitize::{escape_json, sanitize};
pub use text::{TextOptions, render};
pub use view::{Align, Cell, FindingView, GateView, Heading, ReportView, TableView, Tone, ViewContext};
