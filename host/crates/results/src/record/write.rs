//! What is appended as it is: events and other lines of JSON, rows of tables, artifacts, whole files.

use bench_model::{Column, TableDeclaration, TableId};
use serde::Serialize;

use super::{RecordError, Recorder, append::FileSet, table};
use crate::{
    event_line::{EventLine, VersionedLine},
    header::RUN_SCHEMA_VERSION,
    layout,
};

pub(super) struct TableFile {
    pub(super) declaration: TableDeclaration,
    pub(super) file: String,
}

impl Recorder {
    pub(super) fn append_event(&mut self, event: &EventLine) -> Result<(), RecordError> {
        append_json(
            &mut self.files,
            layout::EVENTS,
            &VersionedLine { schema_version: RUN_SCHEMA_VERSION, event },
        )
    }

    pub(super) fn write_rows(&mut self, table: TableId, columns: &[Column]) -> Result<bool, RecordError> {
        let Some(of) = self.tables.get(&table) else { return Ok(false) };
        self.bytes.clear();
        table::write_rows(&mut self.bytes, &of.declaration, columns);
        let file = self.files.open(&of.file);
        self.files.append(file, &self.bytes)?;
        Ok(true)
    }

    pub(super) fn write_artifact(
        &mut self,
        source: &str,
        name: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(), RecordError> {
        let file = layout::artifact(source, name);
        if self.artifacts.insert(file.clone()) {
            let line = EventLine::Artifact {
                source: source.to_owned(),
                name: name.to_owned(),
                media_type: media_type.to_owned(),
                file: file.clone(),
            };
            self.append_event(&line)?;
        }
        let id = self.files.open(&file);
        self.files.append(id, bytes)
    }

    pub(super) fn write_whole(&mut self, name: &str, bytes: &[u8]) -> Result<(), RecordError> {
        let id = self.files.open(name);
        self.files.append(id, bytes)
    }
}

pub(super) fn pretty(value: &impl Serialize) -> Result<Vec<u8>, RecordError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|source| RecordError::Json { source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Appends one line of JSON to the file of this name.
pub(super) fn append_json(
    files: &mut FileSet,
    name: &str,
    value: &impl Serialize,
) -> Result<(), RecordError> {
    let mut line = serde_json::to_vec(value).map_err(|source| RecordError::Json { source })?;
    line.push(b'\n');
    let file = files.open(name);
    files.append(file, &line)
}
