//! Rows of tables, and the objects in them with the steps on their way.

use std::path::PathBuf;

use bench_model::TableDeclaration;
use serde_json::Value;

use crate::{
    event_line::EventLine,
    layout,
    read::{ReadError, RecordFiles, json_lines},
    summarize::tables::{Row, Shape, duration, is_moment, plain},
};

/// A table with its rows, which are parsed when asked for.
#[derive(Debug, Clone)]
pub struct TableRowsHistory {
    /// Name of the measurement or job.
    pub source: String,
    /// Its columns.
    pub declaration: TableDeclaration,
    path: PathBuf,
    content: Vec<u8>,
}

/// A table whose rows are objects with durations since a common start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectTable {
    /// Columns with durations, in the order in which objects reach them; the last one ranks.
    pub steps: Vec<String>,
    /// One for each row.
    pub objects: Vec<ObjectRow>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    /// `namespace/name`, as far as the table tells.
    pub object: String,
    /// Where it ran, when the table tells.
    pub node: Option<String>,
    /// Of which job, when the table tells.
    pub job: Option<String>,
    /// When it was wanted or made; `None` when the table has no such column.
    pub start_ns: Option<i64>,
    /// Time from the start to each step; `None` for one that never came.
    pub steps: Vec<Option<u64>>,
    /// The table's own word, when it is more than that it arrived.
    pub reason: Option<String>,
}

impl TableRowsHistory {
    /// Rows as objects, keys in the order of the declaration.
    ///
    /// # Errors
    /// For a row that is no JSON object.
    pub fn rows(&self) -> impl Iterator<Item = Result<serde_json::Map<String, Value>, ReadError>> + '_ {
        json_lines::<Row>(&self.path, &self.content)
    }

    /// The rows as objects with steps; `None` when the table is of another kind.
    ///
    /// # Errors
    /// For a row that is no JSON object.
    pub fn objects(&self) -> Result<Option<ObjectTable>, ReadError> {
        let Some(shape) = Shape::of(&self.declaration) else { return Ok(None) };
        let start = self
            .declaration
            .columns
            .iter()
            .find(|column| column.unit == "ns" && is_moment(&plain(&column.name)))
            .map(|column| column.name.as_str());
        let mut objects = Vec::new();
        for row in self.rows() {
            let row = row?;
            let slow = shape.slow(&self.source, &row);
            let step = |name: &String| duration(&row, name).filter(|&at| at != u64::MAX);
            objects.push(ObjectRow {
                job: row.get("job").and_then(Value::as_str).map(str::to_owned),
                start_ns: start.and_then(|name| row.get(name)?.as_i64()),
                steps: shape.durations.iter().map(step).collect(),
                object: slow.object,
                node: slow.node,
                reason: slow.reason,
            });
        }
        Ok(Some(ObjectTable { steps: shape.durations, objects }))
    }
}

pub(super) fn read(files: &RecordFiles, events: &[EventLine]) -> Result<Vec<TableRowsHistory>, ReadError> {
    let mut tables: Vec<TableRowsHistory> = Vec::new();
    for event in events {
        let EventLine::TableOpened { source, declaration, .. } = event else { continue };
        // The recorder makes the names of files itself; the one in the event is not trusted.
        let name = layout::table(source, declaration.name.as_str());
        let path = files.path(&name);
        if tables.iter().any(|table| table.path == path) {
            continue;
        }
        let content = files.read(&name)?;
        tables.push(TableRowsHistory {
            source: source.clone(),
            declaration: declaration.clone(),
            path,
            content,
        });
    }
    Ok(tables)
}
