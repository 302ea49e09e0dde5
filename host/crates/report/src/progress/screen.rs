//! Lines that change in place, drawn by indicatif on whatever the caller writes to.

use std::{
    fmt,
    io::{self, Write},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use parking_lot::Mutex;

/// A writer as indicatif wants to see it: cursor movements as ANSI sequences.
pub(super) struct Terminal {
    out: Mutex<Box<dyn Write + Send>>,
    width: u16,
}

impl Terminal {
    pub(super) fn new(out: Box<dyn Write + Send>, width: u16) -> Self {
        Self { out: Mutex::new(out), width }
    }

    fn move_cursor(&self, n: usize, direction: char) -> io::Result<()> {
        if n == 0 { Ok(()) } else { write!(self.out.lock(), "\u{1b}[{n}{direction}") }
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").field("width", &self.width).finish_non_exhaustive()
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.width
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        writeln!(self.out.lock(), "{text}")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.out.lock().write_all(text.as_bytes())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.out.lock().write_all(b"\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        self.out.lock().flush()
    }
}

/// The lines on a terminal.
pub(super) struct Screen {
    all: MultiProgress,
    bars: Vec<ProgressBar>,
}

impl Screen {
    pub(super) fn new(terminal: Terminal) -> Self {
        let target = ProgressDrawTarget::term_like(Box::new(terminal));
        Self { all: MultiProgress::with_draw_target(target), bars: Vec::new() }
    }

    /// Replaces what was drawn.
    pub(super) fn draw(&mut self, lines: &[String]) {
        while self.bars.len() > lines.len() {
            if let Some(bar) = self.bars.pop() {
                self.all.remove(&bar);
            }
        }
        while self.bars.len() < lines.len() {
            // `wide_msg` cuts at the width of the terminal; without it a long line would leave traces.
            let style =
                ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            self.bars.push(self.all.add(ProgressBar::new_spinner().with_style(style)));
        }
        for (bar, line) in self.bars.iter().zip(lines) {
            bar.set_message(line.clone());
        }
    }

    /// A line that stays, above those that change.
    pub(super) fn say(&self, line: &str) {
        let _ = self.all.println(line);
    }

    pub(super) fn clear(self) {
        let _ = self.all.clear();
    }
}
