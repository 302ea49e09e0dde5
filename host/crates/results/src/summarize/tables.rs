//! Tables: how many rows, and which objects were slowest and why.
//!
//! A table can be ranked when it has columns in `ns` that are durations since a common start. Read from its
//! declaration: columns named `namespace` and one of `object`, `pod`, `name` say which object; `node` where; `reason`
//! or `state` why; columns in `ns` named `start` or ending in `at` are moments, not durations. Objects are ranked by
//! the column `ready`, else by the last duration; an absent cell there never came. The durations up to
//! that column are the steps on an object's way.

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

pub(crate) type Row = serde_json::Map<String, Value>;

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
            let rank = shape.rank(&row);
            let at = rows.worst.partition_point(|other| shape.rank(other) >= rank);
            if at < SLOWEST {
                rows.worst.insert(at, row);
                rows.worst.truncate(SLOWEST);
            }
        }
        Ok(rows)
    }
}

/// Which column means what.
pub(crate) struct Shape {
    namespace: Option<String>,
    object: String,
    node: Option<String>,
    reason: Option<String>,
    pub(crate) durations: Vec<String>,
    ranking: String,
}

pub(crate) fn plain(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    plain.strip_suffix("ns").map(str::to_owned).unwrap_or(plain)
}

pub(crate) fn is_moment(plain: &str) -> bool {
    plain == "start" || plain.ends_with("at")
}

impl Shape {
    pub(crate) fn of(declaration: &TableDeclaration) -> Option<Self> {
        let texts = declaration.columns.iter().filter(|column| column.unit == "text");
        let text = |wanted: &[&str]| {
            let found = texts.clone().find(|column| wanted.contains(&plain(&column.name).as_str()));
            found.map(|column| column.name.clone())
        };
        let mut durations: Vec<String> = declaration
            .columns
            .iter()
            .filter(|column| column.unit == "ns" && !is_moment(&plain(&column.name)))
            .map(|column| column.name.clone())
            .collect();
        let ranking =
            durations.iter().position(|name| plain(name) == "ready").or(durations.len().checked_sub(1))?;
        durations.truncate(ranking + 1);
        let ranking = durations.last()?.clone();
        Some(Self {
            namespace: text(&["namespace"]),
            object: text(&["object"])
                .or_else(|| text(&["pod", "name"]))
                .or_else(|| texts.clone().next().map(|c| c.name.clone()))?,
            node: text(&["node", "nodename"]),
            reason: text(&["reason", "state"]),
            durations,
            ranking,
        })
    }

    /// Higher is worse; `u64::MAX` never came.
    fn rank(&self, row: &Row) -> u64 {
        duration(row, &self.ranking).unwrap_or(u64::MAX)
    }

    fn text(row: &Row, column: Option<&String>) -> Option<String> {
        let text = row.get(column?)?.as_str()?;
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(crate) fn slow(&self, source: &str, row: &Row) -> SlowObject {
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
            value_ns: Some(self.rank(row)).filter(|&rank| rank != u64::MAX),
            longest: self.longest(row),
            // A state that says no more than that it arrived is no reason.
            reason: Self::text(row, self.reason.as_ref()).filter(|text| plain(text) != plain(&self.ranking)),
        }
    }

    /// The longest step between two moments on the object's way; for an object that never arrived the step after
    /// the last one that it took.
    fn longest(&self, row: &Row) -> Option<Step> {
        let came = |name: &String| duration(row, name).filter(|&at| at != u64::MAX);
        if self.rank(row) == u64::MAX {
            let next =
                self.durations.iter().rposition(|name| came(name).is_some()).map_or(0, |last| last + 1);
            return self.durations.get(next).map(|name| Step { name: name.clone(), took_ns: None });
        }
        let mut steps: Vec<(u64, &String)> =
            self.durations.iter().filter_map(|name| Some((came(name)?, name))).collect();
        if steps.len() < 2 {
            return None;
        }
        steps.sort_by_key(|(at, _)| *at);
        let starts = std::iter::once(0).chain(steps.iter().map(|(at, _)| *at));
        let longest = starts.zip(&steps).max_by_key(|(start, (at, _))| at - start);
        longest.map(|(start, (at, name))| Step { name: (*name).clone(), took_ns: Some(at - start) })
    }
}

pub(crate) fn duration(row: &Row, column: &str) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use bench_model::{ColumnDeclaration, MetricName};

    use super::*;

    /// Columns as `pod-latency` declares them.
    fn declaration() -> TableDeclaration {
        let columns = [
            ("pod", "text"),
            ("node", "text"),
            ("state", "text"),
            ("start", "ns"),
            ("scheduled", "ns"),
            ("sandbox-ready", "ns"),
            ("ready", "ns"),
            ("uncertainty", "ns"),
        ];
        let column =
            |(name, unit): (&str, &str)| ColumnDeclaration { name: name.to_owned(), unit: unit.to_owned() };
        let name = MetricName::parse("pods").expect("a name");
        TableDeclaration { name, columns: columns.map(column).to_vec() }
    }

    fn check(row: &str, value_ns: Option<u64>, step: (&str, Option<u64>), reason: Option<&str>) {
        let shape = Shape::of(&declaration()).expect("can be ranked");
        let slow = shape.slow("pod-latency", &serde_json::from_str(row).expect("a row"));
        let longest = slow.longest.map(|step| (step.name, step.took_ns));
        assert_eq!((slow.value_ns, slow.reason.as_deref()), (value_ns, reason));
        assert_eq!(longest, Some((step.0.to_owned(), step.1)));
    }

    #[test]
    fn the_longest_step_says_why() {
        let row = r#"{"pod":"a/b","node":"n","state":"ready","start":9000,"scheduled":30,"sandbox-ready":null,"ready":90,"uncertainty":5}"#;
        check(row, Some(90), ("ready", Some(60)), None);
    }

    #[test]
    fn an_object_that_never_arrived_stopped_after_its_last_step() {
        let row = r#"{"pod":"a/b","state":"ImagePullBackOff","start":9000,"scheduled":30,"sandbox-ready":40,"ready":null}"#;
        check(row, None, ("ready", None), Some("ImagePullBackOff"));
        let row = r#"{"pod":"a/b","state":"","scheduled":null,"ready":"never"}"#;
        check(row, None, ("scheduled", None), None);
    }
}
