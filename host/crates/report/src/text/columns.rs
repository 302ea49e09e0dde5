//! Cells in columns that fit the width: how wide each is, and where texts are cut.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::{Layout, MIN_TEXT};
use crate::view::{Align, Cell};

impl Layout {
    pub(super) fn rows(&mut self, aligns: &[Align], rows: &[Vec<Cell>]) {
        let widths = self.widths(aligns, rows);
        for row in rows {
            self.row(aligns, &widths, row);
        }
    }

    pub(super) fn row(&mut self, aligns: &[Align], widths: &[usize], row: &[Cell]) {
        let mut line = String::from("  ");
        for ((cell, &width), &align) in row.iter().zip(widths).zip(aligns) {
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

    /// By how many columns the rows are too wide.
    pub(super) fn excess(&self, aligns: &[Align], rows: &[Vec<Cell>]) -> usize {
        let widths = natural(aligns, rows);
        (widths.iter().sum::<usize>() + 2 * widths.len()).saturating_sub(self.options.width)
    }

    /// Whether they are too wide even with texts cut.
    pub(super) fn overflows(&self, aligns: &[Align], rows: &[Vec<Cell>]) -> bool {
        let widths = self.widths(aligns, rows);
        widths.iter().sum::<usize>() + 2 * widths.len() > self.options.width
    }

    /// Natural widths; then the last column of texts gives way until the line fits, then the widest ones.
    pub(super) fn widths(&self, aligns: &[Align], rows: &[Vec<Cell>]) -> Vec<usize> {
        let mut widths = natural(aligns, rows);
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

/// The widest cell of each column.
fn natural(aligns: &[Align], rows: &[Vec<Cell>]) -> Vec<usize> {
    let widest = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text().width()).max().unwrap_or(0)
    };
    (0..aligns.len()).map(widest).collect()
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
