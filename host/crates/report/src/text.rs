//! Lays a [`ReportView`] out for a terminal.
//!
//! Understandable without colour. Fits the width it is given: texts are cut with `…`, numbers never, and
//! what still does not fit wraps as the terminal does it.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use crate::{
    compare::Page,
    view::{Align, Cell, FindingView, GateView, ReportView, TableView, Tone},
};

/// How a report is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextOptions {
    /// Columns of the screen.
    pub width: usize,
    /// Whether ANSI colours may be used; off for `NO_COLOR` and for what is no terminal.
    pub color: bool,
}

impl Default for TextOptions {
    /// 100 columns, no colours.
    fn default() -> Self {
        Self { width: 100, color: false }
    }
}

/// Narrowest that a column of texts is cut to.
const MIN_TEXT: usize = 10;

/// The report as text, with a line break at its end.
pub fn render(view: &ReportView, options: TextOptions) -> String {
    let mut out = Layout { text: String::new(), options };
    out.head(view);
    out.gates(&view.gates);
    out.validity(&view.validity, &view.findings);
    view.tables.iter().for_each(|table| out.table(table));
    out.tail(view);
    out.text
}

/// A page of tables as text, with a line break at its end.
pub fn render_page(page: &Page, options: TextOptions) -> String {
    let mut out = Layout { text: String::new(), options };
    let verdict = out.paint(&out.bold(page.verdict.text()), page.verdict.tone);
    out.line(&format!("{verdict}  {}", page.headline.text()));
    out.line(&format!("  {}", page.reason.text()));
    page.tables.iter().for_each(|table| out.table(table));
    if !page.notes.is_empty() {
        out.text.push('\n');
    }
    for note in &page.notes {
        let note = out.paint(note.text(), note.tone);
        out.line(&note);
    }
    out.text
}

struct Layout {
    text: String,
    options: TextOptions,
}

impl Layout {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn paint(&self, text: &str, tone: Tone) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Warning => "33",
            Tone::Faint => "2",
            Tone::Plain => return text.to_owned(),
        };
        if self.options.color && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.options.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn head(&mut self, view: &ReportView) {
        let verdict = self.paint(&self.bold(view.verdict.text()), view.verdict.tone);
        self.line(&format!("{verdict}  {}", view.headline.text()));
        self.line(&format!("  {}", view.reason.text()));
        if let Some(partial) = &view.partial {
            let text = self.paint(partial.text(), partial.tone);
            self.line(&format!("  {text}"));
        }
    }

    fn gates(&mut self, gates: &[GateView]) {
        if gates.is_empty() {
            return;
        }
        self.title("Gates");
        let rows = gates
            .iter()
            .map(|gate| {
                let GateView { verdict, text, observed, samples, reason } = gate;
                [verdict, text, observed, samples, reason].map(Clone::clone).to_vec()
            })
            .collect::<Vec<_>>();
        let aligns = [Align::Left, Align::Left, Align::Right, Align::Right, Align::Left];
        self.rows(&aligns, &rows);
    }

    fn validity(&mut self, parts: &[Cell], findings: &[FindingView]) {
        self.title("Validity");
        let parts: Vec<String> = parts.iter().map(|part| self.paint(part.text(), part.tone)).collect();
        self.line(&format!("  {}", parts.join(" · ")));
        for finding in findings {
            let weight = self.paint(finding.weight.text(), finding.weight.tone);
            let source = finding.source.text();
            let source = if source.is_empty() { String::new() } else { format!("`{source}`: ") };
            self.line(&format!("  {weight}: {source}{}", finding.text.text()));
        }
    }

    fn table(&mut self, table: &TableView) {
        self.title(table.title);
        let aligns: Vec<Align> = table.headings.iter().map(|heading| heading.align).collect();
        let head = table.headings.iter().map(|heading| Cell::toned(heading.name, Tone::Faint)).collect();
        let rows: Vec<Vec<Cell>> = std::iter::once(head).chain(table.rows.iter().cloned()).collect();
        self.rows(&aligns, &rows);
        for note in &table.notes {
            let note = self.paint(note.text(), note.tone);
            self.line(&format!("  {note}"));
        }
    }

    fn tail(&mut self, view: &ReportView) {
        self.text.push('\n');
        if !view.record.text().is_empty() {
            self.line(&format!("Record  {}", view.record.text()));
        }
        for (index, (command, purpose)) in view.next.iter().enumerate() {
            let label = if index == 0 { "Next  " } else { "      " };
            let purpose = self.paint(&format!("# {}", purpose.text()), Tone::Faint);
            self.line(&format!("{label}  {}  {purpose}", command.text()));
        }
    }

    fn title(&mut self, title: &str) {
        self.text.push('\n');
        let title = self.bold(title);
        self.line(&title);
    }

    fn rows(&mut self, aligns: &[Align], rows: &[Vec<Cell>]) {
        let widths = self.widths(aligns, rows);
        for row in rows {
            let mut line = String::from("  ");
            for ((cell, &width), &align) in row.iter().zip(&widths).zip(aligns) {
                let text = cut(cell.text(), width);
                let blank = " ".repeat(width.saturating_sub(text.width()));
                let text = self.paint(&text, cell.tone);
                // Writing to a `String` cannot fail.
                let _ = match align {
                    Align::Left => write!(line, "{text}{blank}  "),
                    Align::Right => write!(line, "{blank}{text}  "),
                };
            }
            self.line(&line);
        }
    }

    /// Natural widths; then the last column of texts gives way until the line fits, then the widest ones.
    fn widths(&self, aligns: &[Align], rows: &[Vec<Cell>]) -> Vec<usize> {
        let widest = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text().width()).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..aligns.len()).map(widest).collect();
        // Two blanks in front, two between.
        let mut excess = (widths.iter().sum::<usize>() + 2 * widths.len()).saturating_sub(self.options.width);
        if let (Some(width), Some(Align::Left)) = (widths.last_mut(), aligns.last()) {
            let given = excess.min(width.saturating_sub(MIN_TEXT));
            *width -= given;
            excess -= given;
        }
        while excess > 0 {
            let texts = widths.iter_mut().zip(aligns).filter(|(_, align)| **align == Align::Left);
            let widest = texts.map(|(width, _)| width).max_by_key(|width| **width);
            let Some(width) = widest.filter(|width| **width > MIN_TEXT) else { break };
            *width -= 1;
            excess -= 1;
        }
        widths
    }
}

/// The text in at most `width` columns, cut with `…`.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_columns_not_by_bytes() {
        assert_eq!(cut("pods", 4), "pods");
        assert_eq!(cut("deployments", 5), "depl…");
        assert_eq!(cut("世界世界", 5), "世界…");
        assert_eq!(cut("世界世界", 4), "世…");
    }
}
