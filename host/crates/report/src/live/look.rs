//! Colours and glyphs. Colours are the terminal's own sixteen; every meaning has a glyph or a word besides.

use bench_results::Verdict;
use ratatui::style::{Color, Modifier, Style};

use super::board::PodPhase;
use crate::view::Tone;

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether colours are wanted.
    pub color: bool,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
}

impl Look {
    fn colored(self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new() }
    }

    pub(super) fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Good => self.colored(Color::Green),
            Tone::Bad => self.colored(Color::Red).add_modifier(Modifier::BOLD),
            Tone::Warning => self.colored(Color::Yellow),
            Tone::Plain => Style::new(),
            Tone::Faint => Style::new().add_modifier(Modifier::DIM),
        }
    }

    pub(super) fn faint(self) -> Style {
        self.tone(Tone::Faint)
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn bar(self) -> Style {
        self.colored(Color::Cyan)
    }

    pub(super) fn mark(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// One or the other.
    pub(super) fn glyph(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    pub(super) fn pod(self, phase: Option<PodPhase>) -> (&'static str, Style) {
        let Some(phase) = phase else { return (self.glyph("·", "."), self.faint()) };
        let (unicode, ascii, color) = match phase {
            PodPhase::Unscheduled => ("?", "?", Color::Yellow),
            PodPhase::Pending => ("◦", "-", Color::Yellow),
            PodPhase::Running => ("○", "o", Color::Cyan),
            PodPhase::Ready => ("●", "#", Color::Green),
            PodPhase::Succeeded => ("✓", "s", Color::Blue),
            PodPhase::Failed => ("!", "!", Color::Red),
            PodPhase::Terminating => ("×", "x", Color::Magenta),
        };
        (self.glyph(unicode, ascii), self.colored(color))
    }

    /// `eighths` of a cell, from below.
    pub(super) fn level(self, eighths: usize) -> &'static str {
        let unicode = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
        let ascii = [" ", ".", ".", ".", ":", ":", "|", "#", "#"];
        let levels = if self.unicode { unicode } else { ascii };
        levels.get(eighths.min(8)).copied().unwrap_or(" ")
    }

    pub(super) fn verdict(self, verdict: Verdict) -> (&'static str, Style) {
        match verdict {
            Verdict::Pass => (self.glyph("✓", "+"), self.tone(Tone::Good)),
            Verdict::Fail | Verdict::Invalid => (self.glyph("✗", "!"), self.tone(Tone::Bad)),
            Verdict::NoData | Verdict::Skipped => (self.glyph("…", "?"), self.tone(Tone::Warning)),
        }
    }
}
