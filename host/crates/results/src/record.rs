//! Writes the record of a run while it happens.
//!
//! Consumes [`RunEvent`]s in order, on one thread; takes its time from them and from [`Recorder::tick`],
//! never from a clock. Everything is appended and committed at least every two seconds of the run (and at
//! once when a phase, job or run ends), so that `kill -9` costs at most that. Decides nothing about
//! numbers: see `summarize`.

mod append;
mod encode;
mod error;
mod instruments;
mod interval;
mod operations;
mod phases;
mod series;
mod table;
mod urgency;
mod write;

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use bench_model::{JournalEntry, RunEvent, TableId, TimeNs};

pub use self::error::RecordError;
use self::{
    append::FileSet,
    instruments::Instruments,
    operations::Queues,
    phases::Phases,
    series::{MAX_SERIES, SeriesSet, second_of},
    urgency::{Urgency, urgency},
    write::{TableFile, append_json, pretty},
};
use crate::{event_line::EventLine, header::RunHeader, journal::Journal, layout};

/// Longest time of the run between two commits.
const COMMIT_EVERY_NS: i64 = 2_000_000_000;

/// An open record; see the module's documentation.
pub struct Recorder {
    dir: PathBuf,
    files: FileSet,
    series: SeriesSet,
    queues: Queues,
    instruments: Instruments,
    phases: Phases,
    tables: HashMap<TableId, TableFile>,
    artifacts: HashSet<String>,
    journal: Journal,
    /// Held until the run ends; the system lets go of it when the process dies.
    lock: File,
    now: TimeNs,
    committed_at: TimeNs,
    /// Events for queues, instruments and tables that were never announced.
    unannounced: u64,
    bytes: Vec<u8>,
}

impl Recorder {
    /// Makes the run directory, which must not exist, and writes what is known at the start. `given` is the
    /// scenario as read, `resolved` with everything filled in; neither may hold secrets.
    ///
    /// # Errors
    /// When the directory exists or cannot be written.
    pub fn create(
        dir: &Path,
        header: &RunHeader,
        given: &str,
        resolved: &serde_json::Value,
    ) -> Result<Self, RecordError> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => RecordError::Exists { path: dir.to_owned() },
            _ => RecordError::Io { path: dir.to_owned(), source },
        };
        layout::create_private_dir(dir).map_err(io)?;
        let lock = take_lock(dir)?;
        for name in layout::DIRECTORIES {
            layout::create_private_dir(&dir.join(name)).map_err(io)?;
        }
        let journal = Journal::open(dir).map_err(|source| RecordError::Journal { source })?;
        let mut recorder = Self {
            dir: dir.to_owned(),
            files: FileSet::new(dir),
            series: SeriesSet::new(header.started_at_unix()),
            queues: Queues::default(),
            instruments: Instruments::default(),
            phases: Phases::default(),
            tables: HashMap::new(),
            artifacts: HashSet::new(),
            journal,
            lock,
            now: TimeNs::ZERO,
            committed_at: TimeNs::ZERO,
            unannounced: 0,
            bytes: Vec::new(),
        };
        recorder.write_whole(layout::RUN, &pretty(header)?)?;
        recorder.write_whole(layout::SCENARIO, given.as_bytes())?;
        recorder.write_whole(layout::SCENARIO_RESOLVED, &pretty(resolved)?)?;
        recorder.files.commit(TimeNs::ZERO, true)?;
        Ok(recorder)
    }

    /// The run directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Records one event.
    ///
    /// # Errors
    /// When a file cannot be written; the record is then incomplete and says so when it is read.
    pub fn record(&mut self, event: &RunEvent) -> Result<(), RecordError> {
        let announced = match event {
            RunEvent::Operations { queue, operations } => {
                let latest = operations.iter().map(|op| op.done).filter(|done| !done.is_never()).max();
                self.advance(latest)?;
                let Self { files, series, queues, phases, now, .. } = self;
                queues.record(files, series, phases, *now, *queue, operations)?
            }
            RunEvent::Observed { instrument, at, values } => {
                self.advance(Some(*at))?;
                let Self { files, series, instruments, phases, .. } = self;
                match instruments.series(files, series, phases, *instrument, *at) {
                    Some(id) => series.record_all(files, id, second_of(*at), values).map(|()| true)?,
                    None => false,
                }
            }
            RunEvent::ObservedBetween { instrument, at, low, high } => {
                self.advance(Some(*at))?;
                let Self { files, series, instruments, phases, .. } = self;
                match instruments.series(files, series, phases, *instrument, *at) {
                    Some(id) => series.record_between(files, id, second_of(*at), low, high).map(|()| true)?,
                    None => false,
                }
            }
            RunEvent::Counted { instrument, at, n } => {
                self.advance(Some(*at))?;
                self.instruments.count(&self.phases, *instrument, *at, *n)
            }
            RunEvent::Gauged { instrument, at, value } => {
                self.advance(Some(*at))?;
                self.instruments.set(&self.phases, *instrument, *at, *value)
            }
            RunEvent::Rows { table, columns } => self.write_rows(*table, columns)?,
            RunEvent::Artifact { source, name, media_type, bytes } => {
                self.write_artifact(source, name, media_type, bytes)?;
                true
            }
            cold => self.record_cold(cold)?,
        };
        self.unannounced += u64::from(!announced);
        Ok(())
    }

    /// Says what time it is; to be called at least once a second while no events come, so that what came
    /// before is committed in time.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn tick(&mut self, now: TimeNs) -> Result<(), RecordError> {
        self.advance(Some(now))
    }

    /// Appends to the journal; on the disk when this returns. See also [`Journal::open`] for a handle of
    /// one's own.
    ///
    /// # Errors
    /// When writing fails; nothing may be created then.
    pub fn journal(&mut self, entry: &JournalEntry) -> Result<(), RecordError> {
        self.journal.append(entry).map_err(|source| RecordError::Journal { source })
    }

    /// Writes the rest, marks the record as complete and lets go of it.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn finish(mut self, at: TimeNs) -> Result<(), RecordError> {
        self.advance(Some(at))?;
        if self.unannounced > 0 {
            let n = self.unannounced;
            self.doubt(format!("{n} events were for queues, instruments or tables that nobody announced"))?;
        }
        if self.series.overflowed > 0 {
            let n = self.series.overflowed;
            self.doubt(format!(
                "{n} label sets past the first {MAX_SERIES} share one series for each metric"
            ))?;
        }
        self.series.close_before(&mut self.files, i64::MAX)?;
        self.append_event(&EventLine::Finished { at })?;
        self.commit(true)?;
        let path = self.dir.join(layout::LOCK);
        drop(self.lock);
        fs::remove_file(&path).map_err(|source| RecordError::Io { path, source })
    }

    fn doubt(&mut self, message: String) -> Result<(), RecordError> {
        self.append_event(&EventLine::Doubt { message })
    }

    fn record_cold(&mut self, event: &RunEvent) -> Result<bool, RecordError> {
        let Some(line) = EventLine::of(event) else { return Ok(true) };
        self.advance(line.at().filter(|at| !at.is_never()))?;
        self.learn(&line);
        self.append_event(&line)?;
        match urgency(&line) {
            Urgency::None => Ok(true),
            Urgency::Commit => self.commit(false).map(|()| true),
            Urgency::Sync => self.commit(true).map(|()| true),
        }
    }

    /// Keeps what later events refer to.
    fn learn(&mut self, line: &EventLine) {
        match line {
            EventLine::PhaseStarted { phase, at } => self.phases.start(*phase, *at),
            EventLine::QueueOpened { queue, job, name, .. } => {
                self.queues.open(*queue, job.clone(), name.clone())
            }
            EventLine::ResourceSeen { resource, target } => {
                self.queues.name_resource(*resource, target.to_string())
            }
            EventLine::ReasonSeen { reason, text, .. } => self.queues.name_reason(*reason, text.clone()),
            EventLine::InstrumentOpened { instrument, source, name, labels, .. } => {
                self.instruments.open(*instrument, source.clone(), name.to_string(), labels.clone());
            }
            EventLine::TableOpened { table, declaration, file, .. } => {
                let of = TableFile { declaration: declaration.clone(), file: file.clone() };
                self.tables.insert(*table, of);
            }
            EventLine::JobStarted { .. }
            | EventLine::JobFinished { .. }
            | EventLine::QueueClosed { .. }
            | EventLine::Artifact { .. }
            | EventLine::MeasurementReport { .. }
            | EventLine::Log { .. }
            | EventLine::LogsDropped { .. }
            | EventLine::Gap(_)
            | EventLine::Waited { .. }
            | EventLine::MeasurementFailed { .. }
            | EventLine::ClockOffset { .. }
            | EventLine::EnvironmentSeen { .. }
            | EventLine::Doubt { .. }
            | EventLine::Marked { .. }
            | EventLine::Stopping { .. }
            | EventLine::CleanedUp { .. }
            | EventLine::Finished { .. } => {}
        }
    }

    /// Takes note of the time and commits when it is due.
    fn advance(&mut self, at: Option<TimeNs>) -> Result<(), RecordError> {
        let Some(at) = at else { return Ok(()) };
        self.now = self.now.max(at);
        if self.now.0.saturating_sub(self.committed_at.0) < COMMIT_EVERY_NS {
            Ok(())
        } else {
            self.commit(false)
        }
    }

    fn commit(&mut self, sync: bool) -> Result<(), RecordError> {
        self.committed_at = self.now;
        self.series.close_before(&mut self.files, second_of(self.now))?;
        self.queues.write_load(&mut self.files)?;
        self.instruments.write_numbers(&mut self.files)?;
        self.files.commit(self.now, sync)
    }
}

fn take_lock(dir: &Path) -> Result<File, RecordError> {
    let path = dir.join(layout::LOCK);
    let take = || {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
        file.lock()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(file)
    };
    take().map_err(|source| RecordError::Io { path: path.clone(), source })
}
