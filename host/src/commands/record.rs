//! Keeps the record while a run goes on: events on one thread, the journal on another.
//!
//! Files are written away from the runtime that sends, so that a slow disk shows as a late record and not as
//! late load. The journal has its own thread: a create waits for it.

use std::{path::Path, thread::JoinHandle, time::Duration};

use bench_engine::{Journal, JournalRequest, Stop};
use bench_limiter::RunClock;
use bench_model::{JournalEntry, RunEvent, StopReason};
use bench_report::Progress;
use bench_results::{RecordError, Recorder};
use tokio::sync::mpsc;

use crate::{
    diagnostics::{Failure, Message},
    exit_code::Exit,
};

/// Events that wait for the recorder; the run waits when it is further behind.
const EVENTS: usize = 1024;

/// Journal entries that wait.
const ENTRIES: usize = 64;

/// A record being written.
pub struct Record {
    /// Where events go.
    pub events: mpsc::Sender<RunEvent>,
    /// Where journal entries go.
    pub journal: Journal,
    events_thread: JoinHandle<Result<(), RecordError>>,
    journal_thread: JoinHandle<()>,
}

impl Record {
    /// Starts the threads; the journal gets its first line.
    ///
    /// # Errors
    /// When the journal cannot be opened or written.
    pub fn start(
        recorder: Recorder,
        first: &JournalEntry,
        clock: RunClock,
        progress: Progress,
        stop: Stop,
    ) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::error(Exit::Bug, Message(format!("failed to keep the record of the run: {error}")))
        };
        let mut journal = open_journal(recorder.dir(), first).map_err(|e| failed(&e))?;
        let (events, received) = mpsc::channel(EVENTS);
        let (requests, mut entries) = mpsc::channel::<JournalRequest>(ENTRIES);
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let events_thread = thread("record")
            .spawn(move || keep(recorder, received, clock, progress, &stop))
            .map_err(|e| failed(&e))?;
        let journal_thread = thread("journal")
            .spawn(move || {
                while let Some(JournalRequest { entry, written }) = entries.blocking_recv() {
                    let result = journal.append(&entry);
                    if let Err(error) = &result {
                        tracing::error!(%error, "failed to write the journal");
                    }
                    let _ = written.send(result.is_ok());
                }
            })
            .map_err(|e| failed(&e))?;
        Ok(Self { events, journal: Journal::new(requests), events_thread, journal_thread })
    }

    /// Waits until everything is on disk. Every other sender must be gone.
    ///
    /// # Errors
    /// When the record could not be written to its end.
    pub fn finish(self) -> Result<(), Failure> {
        let Self { events, journal, events_thread, journal_thread } = self;
        drop((events, journal));
        let failed = |text: String| Failure::error(Exit::Bug, Message(text));
        journal_thread.join().map_err(|_| failed("the journal's thread panicked".to_owned()))?;
        match events_thread.join() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failure::error(Exit::Bug, error)),
            Err(_) => Err(failed("the recorder's thread panicked".to_owned())),
        }
    }
}

fn open_journal(
    dir: &Path,
    first: &JournalEntry,
) -> Result<bench_results::Journal, bench_results::JournalError> {
    let mut journal = bench_results::Journal::open(dir)?;
    journal.append(first)?;
    Ok(journal)
}

/// Records events until the last sender is gone; a record that fails stops the run.
fn keep(
    mut recorder: Recorder,
    mut events: mpsc::Receiver<RunEvent>,
    clock: RunClock,
    mut progress: Progress,
    stop: &Stop,
) -> Result<(), RecordError> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(source) => {
            stop.stop(StopReason::RecordFailed);
            return Err(RecordError::Io { path: recorder.dir().to_owned(), source });
        }
    };
    let result = runtime.block_on(async {
        loop {
            match tokio::time::timeout(Duration::from_millis(500), events.recv()).await {
                Ok(Some(event)) => {
                    progress.event(&event);
                    recorder.record(&event)?;
                }
                Ok(None) => return Ok(()),
                Err(_) => {
                    recorder.tick(clock.now())?;
                    progress.tick(clock.now());
                }
            }
        }
    });
    // The record is whole before anything waits for a reader of the stream.
    let result = match result {
        Ok(()) => recorder.finish(clock.now()),
        Err(error) => {
            stop.stop(StopReason::RecordFailed);
            Err(error)
        }
    };
    progress.finish();
    result
}
