//! What is known of a run without reading its numbers: whose it is, and whether it is complete.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{
    header::RunHeader,
    layout,
    summary::{GroupFacts, Summary, Verdict},
};

/// Largest `run.json` or `summary.json` that a listing reads.
const MAX_BYTES: u64 = 64 << 20;

/// What is known of a run without reading its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunState {
    /// Being written by this process.
    Running {
        /// Absent when the lock does not say.
        pid: Option<u32>,
    },
    /// Its writer died.
    Partial,
    /// Complete; what `summary.json` concludes, when it can be read.
    Finished {
        /// The verdict.
        verdict: Option<Verdict>,
    },
    /// Its `run.json` cannot be read.
    Unreadable,
}

/// A run in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEntry {
    /// Name of the directory: the run's id.
    pub id: String,
    /// Where it is.
    pub dir: PathBuf,
    /// Name of the scenario; empty when unknown.
    pub scenario: String,
    /// RFC 3339; empty when unknown.
    pub started_at: String,
    /// Set when it is one of several runs that were made together.
    pub group: Option<GroupFacts>,
    /// Whether it is complete.
    pub state: RunState,
}

pub(super) fn read_entry(id: String, dir: PathBuf) -> RunEntry {
    let header: Option<RunHeader> = read_json(&dir.join(layout::RUN));
    let state = match &header {
        None => RunState::Unreadable,
        Some(_) => state(&dir),
    };
    let group = header.as_ref().and_then(|header| header.group.clone());
    let (scenario, started_at) =
        header.map(|header| (header.scenario.name, header.started_at)).unwrap_or_default();
    RunEntry { id, dir, scenario, started_at, group, state }
}

fn state(dir: &Path) -> RunState {
    let path = dir.join(layout::LOCK);
    let Ok(lock) = File::open(&path) else {
        let summary: Option<Summary> = read_json(&dir.join(layout::SUMMARY));
        return RunState::Finished { verdict: summary.map(|summary| summary.conclusion.verdict) };
    };
    // The system drops the lock of a process that died.
    match lock.try_lock_shared() {
        Ok(()) => RunState::Partial,
        Err(fs::TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            RunState::Running { pid }
        }
        Err(fs::TryLockError::Error(_)) => RunState::Partial,
    }
}

pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    let small = fs::metadata(path).ok()?.len() <= MAX_BYTES;
    small.then(|| fs::read(path).ok()).flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}
