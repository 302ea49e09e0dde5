//! Reports for machines, and Markdown for a pull request: functions of the record alone.
//!
//! Each format has its own idea of a number that never came, and of a text that must not do anything: see the
//! modules. None has a way to say more than the summary does.

mod csv;
mod junit;
mod kube_burner;
mod markdown;
mod openmetrics;
mod perfdata;

pub use self::{
    csv::csv,
    junit::junit,
    kube_burner::{kube_burner, kube_burner_documents},
    markdown::markdown,
    openmetrics::openmetrics,
    perfdata::perfdata,
};

/// A file to write: a name without a path, and its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// Letters, digits, `-`, `_` and dots.
    pub name: String,
    /// Its content.
    pub content: String,
}

/// The text as a part of a file name.
fn file_part(text: &str) -> String {
    let harmless = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let kept: String = text.chars().take(80).map(harmless).collect();
    let kept = kept.trim_matches('.');
    if kept.is_empty() { "_".to_owned() } else { kept.to_owned() }
}

/// The text with what XML and HTML read as markup replaced.
fn escape_markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no way to write these two.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
