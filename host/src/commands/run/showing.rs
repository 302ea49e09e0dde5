//! What is shown while a run goes on, and where: chosen once, from the flags and the terminal.

use std::{io, path::Path};

use bench_report::{LiveView, Look, Progress, RunTitle, Shown, Stream};
use bench_results::RunHeader;

use crate::{
    cli::{ProgressWhen, RunArgs, RunOutput},
    commands::{load::Loaded, report},
    diagnostics::{Failure, Hold, Message, Ui},
    exit_code::Exit,
};

/// What is shown on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Showing {
    /// The live view.
    Live,
    /// Lines.
    Lines,
    /// Nothing.
    Off,
}

/// A terminal that is taken, and what is drawn on it.
pub struct Opened {
    /// The view.
    pub view: LiveView,
    /// What it shows.
    pub shown: Shown,
    /// Keeps everybody else off the terminal.
    pub hold: Hold,
}

/// What the flags ask for, or what fits.
pub fn kind(args: &RunArgs, ui: &Ui) -> Showing {
    match args.progress {
        _ if args.quiet => Showing::Off,
        ProgressWhen::Off => Showing::Off,
        ProgressWhen::Lines => Showing::Lines,
        ProgressWhen::Live => Showing::Live,
        // The stream on the same terminal shows how it goes.
        ProgressWhen::Auto if args.output == RunOutput::Ndjson && ui.stdout_is_terminal() => Showing::Off,
        ProgressWhen::Auto if ui.stderr_is_terminal() && !ui.is_talkative() && is_for_a_person() => {
            Showing::Live
        }
        ProgressWhen::Auto => Showing::Lines,
    }
}

/// Whether somebody is likely to sit at the terminal, and it can be drawn on.
fn is_for_a_person() -> bool {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let is_drawable = variable("TERM").is_some_and(|term| term != "dumb");
    // A process in the background that changes the terminal is stopped by it.
    let is_in_front = match rustix::termios::tcgetpgrp(io::stderr()) {
        Ok(group) => group == rustix::process::getpgrp(),
        Err(_) => true,
    };
    is_drawable && is_in_front && variable("CI").is_none()
}

/// Whether the terminal shows more than ASCII, as far as the locale tells.
fn is_unicode() -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
    let says_utf8 = locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    says_utf8 && variable("TERM").as_deref() != Some("linux")
}

/// What the view says about the run.
pub fn title(loaded: &Loaded, header: &RunHeader, dir: &Path) -> RunTitle {
    let cluster = &header.cluster;
    let cluster = match (cluster.simulated, cluster.nodes) {
        (true, Some(nodes)) => format!("simulated, {nodes} nodes"),
        (true, None) => "simulated".to_owned(),
        (false, _) => format!("{} {}", cluster.server, cluster.version),
    };
    RunTitle {
        scenario: header.scenario.name.clone(),
        run: report::shown_id(dir),
        cluster,
        deadline: Some(loaded.plan.deadline),
        gates: header.thresholds.clone(),
    }
}

/// Opens what was chosen; a terminal that does not let itself be taken gets lines.
pub fn open(
    kind: Showing,
    title: RunTitle,
    args: &RunArgs,
    header: &RunHeader,
    ui: &Ui,
) -> Result<(Progress, Option<Opened>), Failure> {
    let stream = match args.output {
        RunOutput::Text | RunOutput::Json => None,
        RunOutput::Ndjson => Some(stream(&title, header, args)?),
    };
    let mut progress = Progress::new(title);
    if let Some(stream) = stream {
        progress = progress.with_stream(stream);
    }
    let lines = |progress: Progress| progress.with_lines(Box::new(io::stderr()));
    match kind {
        Showing::Off => Ok((progress, None)),
        Showing::Lines => Ok((lines(progress), None)),
        Showing::Live => {
            let look = Look { color: ui.color_stderr(), unicode: is_unicode() };
            let shown = progress.shown();
            let taken = if ui.stderr_is_terminal() {
                LiveView::open(shown.clone(), look)
            } else {
                Err(io::Error::other("stderr is no terminal"))
            };
            match taken {
                Ok(view) => Ok((progress, Some(Opened { view, shown, hold: Hold::start() }))),
                Err(error) => {
                    ui.note(&format!("no live view: {error}"));
                    Ok((lines(progress), None))
                }
            }
        }
    }
}

fn stream(title: &RunTitle, header: &RunHeader, args: &RunArgs) -> Result<Stream, Failure> {
    let failed =
        |error: io::Error| Failure::error(Exit::Bug, Message(format!("failed to start the stream: {error}")));
    let mut stream = Stream::start(Box::new(io::stdout())).map_err(failed)?;
    let record = args.runs.runs.join(header.run_id.to_string());
    stream.started(title, header.run_id.to_string(), header.started_at.clone(), record.display().to_string());
    Ok(stream)
}
