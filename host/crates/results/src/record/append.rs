//! Files that only grow, and the line that commits them.
//!
//! What stands in a file counts only up to the length that the last whole line of `checks.ndjson` says,
//! with the checksum that it says: a reader of a killed run sees one moment of all files, and a flipped
//! byte is found. Files are opened for each flush, so that the number of series is not bounded by open files.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use bench_model::TimeNs;

use crate::{layout, record::RecordError};

/// Buffered bytes that are written before the next commit asks for it.
const FLUSH_BYTES: usize = 256 << 10;

/// A file of a [`FileSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileId(usize);

#[derive(Debug)]
struct AppendFile {
    name: String,
    buffer: Vec<u8>,
    checksum: crc32fast::Hasher,
    length: u64,
    committed: u64,
}

/// All files of a run directory but the journal.
#[derive(Debug)]
pub(crate) struct FileSet {
    dir: PathBuf,
    files: Vec<AppendFile>,
}

impl FileSet {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), files: Vec::new() }
    }

    /// The file of this name, below the run directory; made at its first flush.
    pub(crate) fn open(&mut self, name: &str) -> FileId {
        if let Some(index) = self.files.iter().position(|file| file.name == name) {
            return FileId(index);
        }
        self.files.push(AppendFile {
            name: name.to_owned(),
            buffer: Vec::new(),
            checksum: crc32fast::Hasher::new(),
            length: 0,
            committed: 0,
        });
        FileId(self.files.len() - 1)
    }

    /// Whether nothing was ever appended.
    pub(crate) fn is_empty(&self, id: FileId) -> bool {
        self.files.get(id.0).is_none_or(|file| file.length == 0)
    }

    /// Appends; in the file after the next commit at the latest.
    pub(crate) fn append(&mut self, id: FileId, bytes: &[u8]) -> Result<(), RecordError> {
        let Some(file) = self.files.get_mut(id.0) else { return Ok(()) };
        file.buffer.extend_from_slice(bytes);
        file.checksum.update(bytes);
        file.length += bytes.len() as u64;
        if file.buffer.len() >= FLUSH_BYTES { file.flush(&self.dir, false) } else { Ok(()) }
    }

    /// Writes everything out and commits it; with `sync` also to the disk.
    pub(crate) fn commit(&mut self, at: TimeNs, sync: bool) -> Result<(), RecordError> {
        let mut line = format!(r#"{{"at":{},"files":{{"#, at.0);
        let mut grown = 0;
        for file in &mut self.files {
            if file.length == file.committed && !sync {
                continue;
            }
            file.flush(&self.dir, sync)?;
            if file.length == file.committed {
                continue;
            }
            let comma = if grown == 0 { "" } else { "," };
            // Names are made of letters, digits and `._-/` only: no escaping needed.
            let sum = file.checksum.clone().finalize();
            line.push_str(&format!(r#"{comma}"{}":[{},{sum}]"#, file.name, file.length));
            file.committed = file.length;
            grown += 1;
        }
        if grown == 0 {
            return Ok(());
        }
        line.push_str("}}");
        let line = format!("{{\"crc\":{},\"commit\":{line}}}\n", crc32fast::hash(line.as_bytes()));
        append_to(&self.dir.join(layout::CHECKS), line.as_bytes(), sync)
    }
}

impl AppendFile {
    fn flush(&mut self, dir: &Path, sync: bool) -> Result<(), RecordError> {
        if self.length > 0 && (sync || !self.buffer.is_empty()) {
            append_to(&dir.join(&self.name), &self.buffer, sync)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

fn append_to(path: &Path, bytes: &[u8], sync: bool) -> Result<(), RecordError> {
    let append = || {
        let mut file: File = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        if sync { file.sync_data() } else { Ok(()) }
    };
    append().map_err(|source| RecordError::Io { path: path.to_owned(), source })
}
