//! The report as one file for a browser: works from disk, without network, and says so to the browser.
//!
//! [`page`] puts summary and history into words and numbers, `assets/html/report.html` lays them out, [`policy`]
//! allows exactly the scripts and the style that are ours. Everything can be read without scripts; charts are then
//! the static ones of [`svg`]. Every text from the record is cleaned by [`crate::sanitize`] and escaped by the
//! template; the charts' data is compressed and in base64, so that nothing in it can end its element.

mod api;
mod charts;
mod environment;
mod number;
mod objects;
mod page;
mod policy;
mod svg;
mod tables;
mod timeline;
mod validity;

use bench_results::{ReadError, RunHistory, Summary};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, value::Serde};

use crate::view::ViewContext;

/// Most intervals of a chart.
pub const MAX_BINS: usize = 600;
/// Most histograms of plugins that are charted.
pub const MAX_SERIES: usize = 60;

const TEMPLATE: &str = include_str!("../assets/html/report.html");
const CSS: &str =
    concat!(include_str!("../assets/uplot/uPlot.min.css"), include_str!("../assets/html/report.css"));
const UPLOT: &str = include_str!("../assets/uplot/uPlot.iife.min.js");
const JS: &str = concat!(
    include_str!("../assets/html/base.js"),
    include_str!("../assets/html/charts.js"),
    include_str!("../assets/html/distribution.js"),
    include_str!("../assets/html/objects.js"),
    include_str!("../assets/html/main.js"),
);

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// A row of a table cannot be read.
    #[error("failed to read the tables of the record")]
    Read(#[source] ReadError),
    /// The data of the charts cannot be written.
    #[error("failed to pack the data of the charts: {reason}")]
    Data {
        /// Why.
        reason: String,
    },
    /// The template is wrong: a bug.
    #[error("failed to lay out the page: {reason}")]
    Template {
        /// Where and why.
        reason: String,
    },
}

/// The page, whole. `history` is best read with [`MAX_BINS`] and [`MAX_SERIES`].
///
/// # Errors
/// When a row of a table in the record is not valid.
pub fn html(summary: &Summary, history: &RunHistory, context: &ViewContext) -> Result<String, HtmlError> {
    let tables = objects::read(history)?;
    let data = charts::pack(summary, history, &tables)?;
    let page = page::Page::new(summary, history, context, &tables, data);
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let template = |error: minijinja::Error| HtmlError::Template { reason: format!("{error:#}") };
    environment.add_template("report.html", TEMPLATE).map_err(template)?;
    environment.get_template("report.html").and_then(|page_of| page_of.render(Serde(&page))).map_err(template)
}
