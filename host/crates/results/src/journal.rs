//! The file `journal`: what a run is about to create, on disk before the request leaves.
//!
//! Has its own handle, so that the engine can wait for the disk without waiting for the recorder.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use bench_model::JournalEntry;

use crate::layout;

/// Largest journal that is read.
const MAX_BYTES: u64 = 256 << 20;

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("failed to access journal {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line in the middle is no entry.
    #[error("line {line} of journal {path} is damaged")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What the JSON parser says.
        #[source]
        source: serde_json::Error,
    },
    /// Larger than any run writes.
    #[error("journal {path} has {bytes} bytes, more than {MAX_BYTES}")]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens the journal of a run directory, which must exist; creates the file when it is not there.
    ///
    /// # Errors
    /// When the file cannot be created or the directory not be synchronised.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let path = dir.join(layout::JOURNAL);
        let open = || {
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
            // The name must survive a power failure too, not only the content.
            File::open(dir)?.sync_all()?;
            Ok(file)
        };
        match open() {
            Ok(file) => Ok(Self { file, path }),
            Err(source) => Err(JournalError::Io { path, source }),
        }
    }

    /// Appends an entry; it is on the disk when this returns.
    ///
    /// # Errors
    /// When writing or synchronising fails; the object must not be created then.
    pub fn append(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        let io = |source| JournalError::Io { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(entry).map_err(|error| io(error.into()))?;
        line.push(b'\n');
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).map_err(io)
    }
}

/// Reads the journal of a run directory. A last line without its end is left out: it was never
/// acknowledged, so nothing was created for it.
///
/// # Errors
/// When the file is missing, unreadable, too large, or damaged before its last line.
pub fn read_journal(dir: &Path) -> Result<Vec<JournalEntry>, JournalError> {
    let path = dir.join(layout::JOURNAL);
    let io = |source| JournalError::Io { path: path.clone(), source };
    let bytes = std::fs::metadata(&path).map_err(io)?.len();
    if bytes > MAX_BYTES {
        return Err(JournalError::TooLarge { path, bytes });
    }
    let content = std::fs::read(&path).map_err(io)?;
    let Some(end) = content.iter().rposition(|&byte| byte == b'\n') else { return Ok(Vec::new()) };
    let whole = content.get(..end).unwrap_or_default();
    whole
        .split(|&byte| byte == b'\n')
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|source| JournalError::Damaged {
                path: path.clone(),
                line: index + 1,
                source,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use bench_model::CreatedNamespace;

    use super::*;

    fn entries() -> [JournalEntry; 2] {
        [
            JournalEntry::WillCreateNamespace { name: "churn-0".to_owned() },
            JournalEntry::NamespaceCreated(CreatedNamespace {
                name: "churn-0".to_owned(),
                uid: Some("u-1".to_owned()),
            }),
        ]
    }

    #[test]
    fn a_torn_last_line_is_left_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut journal = Journal::open(dir.path()).expect("opens");
        entries().iter().for_each(|entry| journal.append(entry).expect("appends"));
        assert_eq!(read_journal(dir.path()).expect("reads"), entries());
        let path = dir.path().join(layout::JOURNAL);
        let mut content = std::fs::read(&path).expect("reads");
        content.truncate(content.len() - 3);
        std::fs::write(&path, &content).expect("writes");
        assert_eq!(read_journal(dir.path()).expect("reads"), entries()[..1]);
    }

    #[test]
    fn a_damaged_line_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut journal = Journal::open(dir.path()).expect("opens");
        entries().iter().for_each(|entry| journal.append(entry).expect("appends"));
        let path = dir.path().join(layout::JOURNAL);
        let content = std::fs::read_to_string(&path).expect("reads").replacen('{', "[", 1);
        std::fs::write(&path, content).expect("writes");
        assert!(matches!(read_journal(dir.path()), Err(JournalError::Damaged { line: 1, .. })));
    }
}
