//! Markdown for a pull request: verdict, gates, what to know, jobs.
//!
//! Texts from the record stand in `<code>`, where neither Markdown nor mentions of people work.

use std::fmt::Write as _;

use bench_results::{Summary, Verdict};

use super::escape_markup;
use crate::view::{Cell, GateView, ReportView, TableView};

/// Tables that a reviewer wants to see at once.
const TABLES: [&str; 3] = ["Jobs (response: done - due)", "Errors", "Measurements"];

/// The report in the words of the terminal.
pub fn markdown(summary: &Summary, view: &ReportView) -> String {
    let sign = match summary.conclusion.verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::NoData | Verdict::Skipped => "⚠️",
        Verdict::Invalid => "⛔",
    };
    // Writing to a `String` cannot fail.
    let mut out = String::new();
    let _ = writeln!(out, "### {sign} {} {}\n", view.verdict.text(), code(&summary.run.scenario));
    let _ = writeln!(out, "{}  \n<sub>{}</sub>\n", code(view.reason.text()), code(view.headline.text()));
    if let Some(partial) = &view.partial {
        let _ = writeln!(out, "> {}\n", code(partial.text()));
    }
    gates(&mut out, &view.gates);
    let validity: Vec<String> = view.validity.iter().map(|part| escape(part.text())).collect();
    let _ = writeln!(out, "**Validity** {}\n", validity.join(" · "));
    for finding in &view.findings {
        let source = if finding.source.text().is_empty() {
            String::new()
        } else {
            format!("{}: ", code(finding.source.text()))
        };
        let _ = writeln!(out, "- **{}** {source}{}", finding.weight.text(), code(finding.text.text()));
    }
    if !view.findings.is_empty() {
        out.push('\n');
    }
    for shown in view.tables.iter().filter(|table| TABLES.contains(&table.title)) {
        let _ = writeln!(out, "<details><summary>{}</summary>\n", escape(shown.title));
        table(&mut out, shown);
        out.push_str("</details>\n\n");
    }
    out
}

fn gates(out: &mut String, gates: &[GateView]) {
    if gates.is_empty() {
        return;
    }
    out.push_str("| | gate | observed | n | why |\n|---|---|--:|--:|---|\n");
    for gate in gates {
        let n = gate.samples.text().trim_start_matches("n=");
        let cells = [
            escape(gate.verdict.text()),
            code(gate.text.text()),
            escape(gate.observed.text()),
            escape(n),
            code(gate.reason.text()),
        ];
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
}

fn table(out: &mut String, table: &TableView) {
    let heads: Vec<&str> = table.headings.iter().map(|heading| heading.name).collect();
    let lines: Vec<&str> = table
        .headings
        .iter()
        .map(|heading| match heading.align {
            crate::view::Align::Left => "---",
            crate::view::Align::Right => "--:",
        })
        .collect();
    let _ = writeln!(out, "| {} |\n|{}|", heads.join(" | "), lines.join("|"));
    for row in &table.rows {
        let cell = |(cell, heading): (&Cell, &crate::view::Heading)| match heading.align {
            crate::view::Align::Left => code(cell.text()),
            crate::view::Align::Right => escape(cell.text()),
        };
        let cells: Vec<String> = row.iter().zip(&table.headings).map(cell).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
    for note in &table.notes {
        let _ = writeln!(out, "<sub>{}</sub>\n", escape(note.text()));
    }
}

/// Text in which nothing is markup.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in escape_markup(text).chars() {
        match c {
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '!' | '~' | '@' | ':' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            other => out.push(other),
        }
    }
    out
}

/// A text from the record.
fn code(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() { String::new() } else { format!("<code>{}</code>", escape(text)) }
}
