//! Lays a [`ReportView`] out for a terminal.
//!
//! Understandable without colour. Fits the width it is given: texts are cut with `…`, numbers never, and
//! what still does not fit wraps as the terminal does it.

mod columns;

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
        self.wrapped("  ", view.reason.text(), Tone::Plain);
        if let Some(partial) = &view.partial {
            let text = self.paint(partial.text(), partial.tone);
            self.line(&format!("  {text}"));
        }
    }

    /// Reasons stand in a column when there is room, else each below its gate.
    fn gates(&mut self, gates: &[GateView]) {
        if gates.is_empty() {
            return;
        }
        self.title("Gates");
        let aligns = [Align::Left, Align::Left, Align::Right, Align::Right, Align::Left];
        let cells = |gate: &GateView| {
            let GateView { verdict, text, observed, samples, reason } = gate;
            [verdict, text, observed, samples, reason].map(Clone::clone).to_vec()
        };
        let rows: Vec<Vec<Cell>> = gates.iter().map(cells).collect();
        if self.excess(&aligns, &rows) == 0 {
            self.rows(&aligns, &rows);
            return;
        }
        let short: Vec<Vec<Cell>> = rows.iter().map(|row| row.iter().take(4).cloned().collect()).collect();
        let aligns = [Align::Left, Align::Left, Align::Right, Align::Right];
        let widths = self.widths(&aligns, &short);
        for (row, gate) in short.iter().zip(gates) {
            self.row(&aligns, &widths, row);
            if !gate.reason.text().is_empty() {
                self.wrapped("        ", gate.reason.text(), gate.reason.tone);
            }
        }
    }

    fn validity(&mut self, parts: &[Cell], findings: &[FindingView]) {
        self.title("Validity");
        let mut line = String::from("  ");
        let mut used = 2;
        for (index, part) in parts.iter().enumerate() {
            let width = part.text().width();
            if index > 0 && used + 3 + width > self.options.width {
                self.line(&line);
                line = String::from("  ");
                used = 2;
            } else if index > 0 {
                line.push_str(" · ");
                used += 3;
            }
            line.push_str(&self.paint(part.text(), part.tone));
            used += width;
        }
        self.line(&line);
        for finding in findings {
            let source = finding.source.text();
            let source = if source.is_empty() { String::new() } else { format!("`{source}`: ") };
            let text = format!("{}: {source}{}", finding.weight.text(), finding.text.text());
            self.wrapped("  ", &text, finding.weight.tone);
        }
    }

    /// Lines that fit, all but the first further in. A word up to the first colon has the tone, or all of a faint text.
    fn wrapped(&mut self, indent: &str, text: &str, tone: Tone) {
        let room = self.options.width.saturating_sub(indent.width() + 2).max(MIN_TEXT);
        for (index, line) in wrap(text, room).into_iter().enumerate() {
            let line = match line.split_once(':') {
                _ if tone == Tone::Faint => self.paint(&line, tone),
                Some((word, rest)) if index == 0 => format!("{}:{rest}", self.paint(word, tone)),
                _ => line,
            };
            let deeper = if index == 0 { "" } else { "  " };
            self.line(&format!("{indent}{deeper}{line}"));
        }
    }

    /// Columns that are not missed much give way before texts are cut.
    fn table(&mut self, table: &TableView) {
        self.title(table.title);
        let mut shown: Vec<usize> = (0..table.headings.len()).collect();
        let mut left_out = Vec::new();
        let pick = |shown: &[usize]| {
            let aligns: Vec<Align> =
                shown.iter().filter_map(|&column| Some(table.headings.get(column)?.align)).collect();
            let heads = shown.iter().filter_map(|&column| table.headings.get(column));
            let mut rows = vec![heads.map(|head| Cell::toned(head.name, Tone::Faint)).collect::<Vec<_>>()];
            let cells =
                |row: &Vec<Cell>| shown.iter().filter_map(|&column| row.get(column).cloned()).collect();
            rows.extend(table.rows.iter().map(cells));
            (aligns, rows)
        };
        let (mut aligns, mut rows) = pick(&shown);
        for name in table.optional {
            if self.excess(&aligns, &rows) == 0 || !self.overflows(&aligns, &rows) {
                break;
            }
            let is_it = |column: &usize| table.headings.get(*column).is_some_and(|head| head.name == *name);
            if let Some(position) = shown.iter().position(is_it) {
                shown.remove(position);
                left_out.push(*name);
                (aligns, rows) = pick(&shown);
            }
        }
        self.rows(&aligns, &rows);
        for note in &table.notes {
            self.wrapped("  ", note.text(), note.tone);
        }
        if !left_out.is_empty() {
            self.wrapped("  ", &format!("left out on a narrow screen: {}", left_out.join(", ")), Tone::Faint);
        }
    }

    fn tail(&mut self, view: &ReportView) {
        self.text.push('\n');
        if !view.record.text().is_empty() {
            self.line(&format!("Record  {}", view.record.text()));
        }
        let widest = view.next.iter().map(|(command, _)| command.text().width()).max().unwrap_or(0);
        for (index, (command, purpose)) in view.next.iter().enumerate() {
            let label = if index == 0 { "Next  " } else { "      " };
            let blank = " ".repeat(widest.saturating_sub(command.text().width()));
            let fits = 12 + widest + purpose.text().width() <= self.options.width;
            let purpose =
                if fits { self.paint(&format!("# {}", purpose.text()), Tone::Faint) } else { String::new() };
            self.line(&format!("{label}  {}{blank}  {purpose}", command.text()));
        }
    }

    fn title(&mut self, title: &str) {
        self.text.push('\n');
        let title = self.bold(title);
        self.line(&title);
    }
}

/// The text in lines of at most `width` columns, broken at blanks; a longer word stands alone.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
