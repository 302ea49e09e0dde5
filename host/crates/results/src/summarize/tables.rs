//! Tables: how many rows, and which objects were slowest and why.
//!
//! A table can be ranked when it has columns in `ns` that are durations since a common start. Read from its
//! declaration: columns named `namespace` and one of `object`, `pod`, `name` say which object; `node` where; `reason`
//! why; columns in `ns` whose name ends in `at` are moments, not durations. Objects are ranked by the column
//! `ready`, else by the last duration.

use std::path::Path;

use bench_model::TableDeclaration;
use serde_json::Value;

use super::load::Loaded;
use crate::{
    read::{ReadError, json_lines},
    summary::{SlowObject, Step, TableSummary},
};

/// Objects that are kept.
const SLOWEST: usize = 10;

type Row = serde_json::Map<String, Value>;

/// The rows that matter.
#[derive(Debug, Default)]
pub(crate) struct TableRows {
    count: u64,
    /// Worst first, at most [`SLOWEST`].
    worst: Vec<Row>,
}

impl TableRows {
    pub(crate) fn parse(
        path: &Path,
        content: &[u8],
        declaration: &TableDeclaration,
    ) -> Result<Self, ReadError> {
        let shape = Shape::of(declaration);
        let mut rows = Self::default();
        for row in json_lines::<Row>(path, content) {
            let row = row?;
            rows.count += 1;
            let Some(shape) = &shape else { continue };
            let Some(rank) = shape.rank(&row) else { continue };
            let at = rows.worst.partition_point(|other| shape.rank(other) >= Some(rank));
            if at < SLOWEST {
                rows.worst.insert(at, row);
                rows.worst.truncate(SLOWEST);
            }
        }
        Ok(rows)
    }
}

/// Which column means what.
struct Shape {
    namespace: Option<String>,
    object: String,
    node: Option<String>,
    reason: Option<String>,
    durations: Vec<String>,
    ranking: String,
}

fn plain(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    plain.strip_suffix("ns").map(str::to_owned).unwrap_or(plain)
}

impl Shape {
    fn of(declaration: &TableDeclaration) -> Option<Self> {
        let texts = declaration.columns.iter().filter(|column| column.unit == "text");
        let text = |wanted: &[&str]| {
            let found = texts.clone().find(|column| wanted.contains(&plain(&column.name).as_str()));
            found.map(|column| column.name.clone())
        };
        let durations: Vec<String> = declaration
            .columns
            .iter()
            .filter(|column| column.unit == "ns" && !plain(&column.name).ends_with("at"))
            .map(|column| column.name.clone())
            .collect();
        let named = durations.iter().find(|name| plain(name) == "ready");
        let ranking = named.or(durations.last())?.clone();
        Some(Self {
            namespace: text(&["namespace"]),
            object: text(&["object"])
                .or_else(|| text(&["pod", "name"]))
                .or_else(|| texts.clone().next().map(|c| c.name.clone()))?,
            node: text(&["node", "nodename"]),
            reason: text(&["reason", "why", "cause"]),
            durations,
            ranking,
        })
    }

    /// Higher is worse; `u64::MAX` never came. `None` when the row does not take part.
    fn rank(&self, row: &Row) -> Option<u64> {
        duration(row, &self.ranking)
    }

    fn text(row: &Row, column: Option<&String>) -> Option<String> {
        let text = row.get(column?)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn slow(&self, source: &str, row: &Row) -> SlowObject {
        let name = Self::text(row, Some(&self.object)).unwrap_or_default();
        let object = match Self::text(row, self.namespace.as_ref()) {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name,
        };
        SlowObject {
            source: source.to_owned(),
            object,
            node: Self::text(row, self.node.as_ref()),
            metric: self.ranking.clone(),
            value_ns: self.rank(row).filter(|&rank| rank != u64::MAX),
            longest: self.longest(row),
            reason: Self::text(row, self.reason.as_ref()),
        }
    }

    /// The longest time between two moments on the object's way; the first that never came wins.
    fn longest(&self, row: &Row) -> Option<Step> {
        let mut steps: Vec<(u64, &String)> =
            self.durations.iter().filter_map(|name| Some((duration(row, name)?, name))).collect();
        if steps.len() < 2 {
            return None;
        }
        // Stable: of those that never came the first in the table stays first.
        steps.sort_by_key(|(at, _)| *at);
        let mut before = 0;
        let mut longest: Option<Step> = None;
        for (at, name) in steps {
            if at == u64::MAX {
                return Some(Step { name: name.clone(), took_ns: None });
            }
            let took = at - before;
            before = at;
            if longest.as_ref().is_none_or(|step| step.took_ns < Some(took)) {
                longest = Some(Step { name: name.clone(), took_ns: Some(took) });
            }
        }
        longest
    }
}

fn duration(row: &Row, column: &str) -> Option<u64> {
    match row.get(column)? {
        Value::String(text) if text == "never" => Some(u64::MAX),
        Value::Number(number) => number.as_u64(),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

pub(crate) fn tables(loaded: &Loaded) -> Vec<TableSummary> {
    loaded
        .tables
        .iter()
        .map(|table| TableSummary {
            source: table.source.clone(),
            name: table.declaration.name.to_string(),
            file: table.file.clone(),
            rows: table.rows.count,
        })
        .collect()
}

/// Over all tables, what never came first.
pub(crate) fn slowest(loaded: &Loaded) -> Vec<SlowObject> {
    let mut slowest: Vec<SlowObject> = Vec::new();
    for table in &loaded.tables {
        let Some(shape) = Shape::of(&table.declaration) else { continue };
        slowest.extend(table.rows.worst.iter().map(|row| shape.slow(&table.source, row)));
    }
    slowest.sort_by_key(|object| std::cmp::Reverse(object.value_ns.unwrap_or(u64::MAX)));
    slowest.truncate(SLOWEST);
    slowest
}
