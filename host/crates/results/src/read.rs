//! Reads the files of a record, trusting nothing in them.
//!
//! Only what the last whole line of `checks.ndjson` commits is read, and only when its checksum is right: a
//! killed writer costs the last seconds, a flipped byte is an error, and neither makes a wrong number. Sizes
//! and nesting are bounded; nothing here panics on any content.

pub(crate) mod commits;
pub(crate) mod interval_log;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use parking_lot::Mutex;
use serde::de::DeserializeOwned;

use self::commits::Commits;

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 30;

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no run in this directory.
    #[error("{path} is not a run directory: it has no `{missing}`")]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// The file that every run has.
        missing: &'static str,
    },
    /// The file system refused.
    #[error("failed to read {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Written by a newer version.
    #[error("{path} has schema version {found}, this version reads up to {supported}")]
    Newer {
        /// Which file.
        path: PathBuf,
        /// The version in it.
        found: u64,
        /// The newest that is known.
        supported: u32,
    },
    /// Bytes are not those that were written.
    #[error("{path} is damaged between lines {first_line} and {last_line}: its checksum is wrong")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// From 1.
        first_line: usize,
        /// The same or later.
        last_line: usize,
    },
    /// A line is not what it should be.
    #[error("line {line} of {path} is not valid: {reason}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Larger than any run writes.
    #[error("{path} has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most that is read.
        limit: u64,
    },
}

/// A run directory, opened for reading.
pub(crate) struct RecordFiles {
    dir: PathBuf,
    commits: Commits,
    /// Why the record is not whole, for people.
    partial: Mutex<BTreeSet<String>>,
}

impl RecordFiles {
    /// # Errors
    /// When it is no run directory, or its list of commits is damaged.
    pub(crate) fn open(dir: &Path) -> Result<Self, ReadError> {
        for missing in [crate::layout::RUN, crate::layout::CHECKS] {
            if !dir.join(missing).is_file() {
                return Err(ReadError::NotARun { path: dir.to_owned(), missing });
            }
        }
        let path = dir.join(crate::layout::CHECKS);
        let (commits, torn) = Commits::parse(&path, &read_bounded(&path)?)?;
        let files = Self { dir: dir.to_owned(), commits, partial: Mutex::default() };
        if torn {
            files.lacks("the last commit was not written to its end".to_owned());
        }
        Ok(files)
    }

    fn lacks(&self, reason: String) {
        self.partial.lock().insert(reason);
    }

    /// Why the record is not whole, as far as it was read.
    pub(crate) fn partial(&self) -> Vec<String> {
        self.partial.lock().iter().cloned().collect()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The committed content of a file; empty when there is none.
    ///
    /// # Errors
    /// When the file cannot be read, is too large, or is not what was committed. Not when it is
    /// shorter than that (power failure): what is there is checked and the record marked as partial.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, ReadError> {
        let Some(marks) = self.commits.of(name) else { return Ok(Vec::new()) };
        let path = self.dir.join(name);
        let mut content = match read_bounded(&path) {
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                self.lacks(format!("`{name}` is missing"));
                return Ok(Vec::new());
            }
            other => other?,
        };
        let found = content.len() as u64;
        let committed = commits::verify(&path, &content, marks)?;
        let written = marks.last().map_or(0, |mark| mark.length);
        if found < written {
            self.lacks(format!("`{name}` has {found} of {written} bytes"));
        }
        content.truncate(usize::try_from(committed).unwrap_or(usize::MAX));
        Ok(content)
    }

    /// The lines of a file of JSON values.
    ///
    /// # Errors
    /// As [`RecordFiles::read`], and when a line is no such value.
    pub(crate) fn read_lines<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, ReadError> {
        let content = self.read(name)?;
        let path = self.path(name);
        json_lines(&path, &content).collect()
    }
}

/// Parses lines of JSON one after the other.
pub(crate) fn json_lines<'a, T: DeserializeOwned>(
    path: &'a Path,
    content: &'a [u8],
) -> impl Iterator<Item = Result<T, ReadError>> + 'a {
    content.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()).map(
        move |(index, line)| {
            serde_json::from_slice(line).map_err(|error| ReadError::Line {
                path: path.to_owned(),
                line: index + 1,
                reason: error.to_string(),
            })
        },
    )
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(io(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
    }
    if metadata.len() > MAX_BYTES {
        return Err(ReadError::TooLarge { path: path.to_owned(), bytes: metadata.len(), limit: MAX_BYTES });
    }
    fs::read(path).map_err(io)
}
