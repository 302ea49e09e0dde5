//! The only code that writes to a person: errors with their chain and source, notes, and tracing.
//!
//! stdout is data and goes through [`Ui::print`]; everything else goes to stderr.

use std::{
    error::Error,
    io::{self, IsTerminal, Write},
};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use parking_lot::Mutex;
use tracing::level_filters::LevelFilter;

use crate::{cli::ColorWhen, exit_code::Exit};

/// What stopped a command: an exit code and what to tell.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    report: Box<miette::Report>,
}

impl Failure {
    /// A failure with source text, labels and help.
    pub fn diagnostic(exit: Exit, diagnostic: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self { exit, report: Box::new(miette::Report::new(diagnostic)) }
    }

    /// A failure with a chain of causes.
    pub fn error(exit: Exit, error: impl Error + Send + Sync + 'static) -> Self {
        Self { exit, report: Box::new(miette::Report::new(Plain { error: Box::new(error), help: None })) }
    }

    /// The same with a sentence about what to do.
    pub fn with_help(exit: Exit, error: impl Error + Send + Sync + 'static, help: impl Into<String>) -> Self {
        let plain = Plain { error: Box::new(error), help: Some(help.into()) };
        Self { exit, report: Box::new(miette::Report::new(plain)) }
    }
}

/// An error without source text.
#[derive(Debug)]
struct Plain {
    error: Box<dyn Error + Send + Sync>,
    help: Option<String>,
}

impl std::fmt::Display for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Plain {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl Diagnostic for Plain {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }
}

/// A message that is an error by itself.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Message(pub String);

/// Bytes of talk that are kept while it is held; the rest is left out.
const MAX_HELD: usize = 1 << 20;

/// Talk that waits for the live view to give the terminal back; `None` when nothing is held. There is one
/// stderr in a process.
static HELD: Mutex<Option<Vec<u8>>> = Mutex::new(None);

/// Holds back what is said on stderr until it is dropped.
#[derive(Debug)]
pub struct Hold(());

impl Hold {
    /// From here on nothing is written to stderr but by whoever has the terminal.
    pub fn start() -> Self {
        HELD.lock().get_or_insert_default();
        Self(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let held = HELD.lock().take().unwrap_or_default();
        let _ = io::stderr().lock().write_all(&held);
    }
}

/// stderr, unless it is held.
struct Talk;

impl Write for Talk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(held) = HELD.lock().as_mut() {
            if held.len() + bytes.len() <= MAX_HELD {
                held.extend_from_slice(bytes);
            }
            return Ok(bytes.len());
        }
        io::stderr().lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// How to talk to whoever runs the program.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    color_stdout: bool,
    color_stderr: bool,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
}

impl Ui {
    /// Looks at the terminal once; `NO_COLOR` counts when `when` is `auto`.
    pub fn new(when: ColorWhen) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = |is_terminal: bool| match when {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => is_terminal && !no_color,
        };
        let (stdout_is_terminal, stderr_is_terminal) =
            (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            color_stdout: color(stdout_is_terminal),
            color_stderr: color(stderr_is_terminal),
            stdout_is_terminal,
            stderr_is_terminal,
        }
    }

    /// Whether stdout is coloured.
    pub fn color_stdout(&self) -> bool {
        self.color_stdout
    }

    /// Whether stderr is coloured.
    pub fn color_stderr(&self) -> bool {
        self.color_stderr
    }

    /// Whether stdout is a terminal.
    pub fn stdout_is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// Whether stderr is a terminal.
    pub fn stderr_is_terminal(&self) -> bool {
        self.stderr_is_terminal
    }

    /// Whether more than warnings was asked for.
    pub fn is_talkative(&self) -> bool {
        LevelFilter::current() > LevelFilter::WARN
    }

    /// Columns for text: the terminal's, or 100.
    pub fn width(&self) -> usize {
        std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok())
            .filter(|width| *width >= 40)
            .unwrap_or(100)
    }

    /// Writes data to stdout. A reader that went away (`| head`) is no error.
    ///
    /// # Errors
    /// When stdout cannot be written for another reason.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        let result = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        match result {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::error(Exit::Bug, Message(format!("failed to write to stdout: {error}"))))
            }
            _ => Ok(()),
        }
    }

    /// Writes one line to stderr; nothing can be done when that fails.
    pub fn note(&self, line: &str) {
        let _ = Talk.write_all(format!("{line}\n").as_bytes());
    }

    /// Writes a failure to stderr.
    pub fn print_failure(&self, failure: &Failure) {
        let theme =
            if self.color_stderr { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(self.width()).with_links(false);
        let mut text = String::new();
        if handler.render_report(&mut text, failure.report.as_ref().as_ref()).is_err() {
            text = format!("{:?}", failure.report);
        }
        self.note(text.trim_end());
    }
}

/// Sends tracing to stderr: warnings, with `-v` steps, with `-vv` details; `BENCH_LOG` overrides.
pub fn start_tracing(verbose: u8, ui: &Ui) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("BENCH_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Talk)
        // Its feature for colours is not built in: asked for them, it panics.
        .with_ansi(false)
        .without_time()
        .try_init();
    if started.is_err() {
        ui.note("warning: talk on stderr is off: it was set up before");
    }
}
