//! `summary.json`: what was made of a record, kept so that it need not be made again.
//!
//! `summary.check.json` says of which record and by which form of the program it was made, with checksums; when
//! anything of that does not fit, the summary is made again from the record.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::summarize;
use crate::{layout, read::ReadError, store::read_json, summary::Summary};

/// Changed with everything that makes another summary of the same record.
const REVISION: u32 = 2;
/// Largest file that is read.
const MAX_BYTES: u64 = 64 << 20;

/// Content of `summary.check.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    revision: u32,
    /// CRC-32 of `summary.json`.
    summary: u32,
    /// CRC-32 of `checks.ndjson`, which has those of all other files.
    record: u32,
}

/// Why a summary cannot be saved.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {path}")]
pub struct SaveError {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Writes `summary.json`, whole or not at all.
///
/// # Errors
/// When the directory cannot be written.
pub fn save_summary(dir: &Path, summary: &Summary) -> Result<(), SaveError> {
    let path = dir.join(layout::SUMMARY);
    let save = || {
        let mut bytes = serde_json::to_vec_pretty(summary)?;
        bytes.push(b'\n');
        let record = fs::read(dir.join(layout::CHECKS)).unwrap_or_default();
        let check =
            Check { revision: REVISION, summary: crc32fast::hash(&bytes), record: crc32fast::hash(&record) };
        write_whole(dir, layout::SUMMARY, &bytes)?;
        write_whole(dir, layout::SUMMARY_CHECK, &serde_json::to_vec(&check)?)
    };
    save().map_err(|source| SaveError { path: path.clone(), source })
}

fn write_whole(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = dir.join(format!(".{name}.new"));
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&temporary, dir.join(name))
}

/// The saved summary of a run when it is of this very record, otherwise a new one.
///
/// # Errors
/// As [`summarize`].
pub fn read_summary(dir: &Path) -> Result<Summary, ReadError> {
    saved(dir).map_or_else(|| summarize(dir), Ok)
}

fn saved(dir: &Path) -> Option<Summary> {
    let check: Check = read_json(&dir.join(layout::SUMMARY_CHECK))?;
    let read = |name| {
        let path = dir.join(name);
        fs::metadata(&path)
            .ok()
            .filter(|metadata| metadata.len() <= MAX_BYTES)
            .and_then(|_| fs::read(&path).ok())
    };
    let (summary, record): (Vec<u8>, Vec<u8>) = (read(layout::SUMMARY)?, read(layout::CHECKS)?);
    let found =
        Check { revision: REVISION, summary: crc32fast::hash(&summary), record: crc32fast::hash(&record) };
    // A record that is still being written has no last word yet.
    let is_finished = !dir.join(layout::LOCK).exists();
    (found == check && is_finished).then(|| serde_json::from_slice(&summary).ok()).flatten()
}
