//! From a watch line to the cells of its row, in one pass.
//!
//! All paths of a subscription and the object's own name, namespace, UID and resource version are compiled
//! into one trie ([`trie`]). A line is deserialized once with a visitor that follows the trie and skips
//! everything else: neither typed objects nor `serde_json::Value` (both five times as slow). Values that
//! are found go, in document order, into a list of writes; what a selector such as `[type=Ready]` does not
//! want is taken out of the list when its element ends, so the selector's key may come last.

mod parse;
mod path;
mod quantity;
mod trie;
mod walk;

use std::{borrow::Cow, fmt::Write as _};

use bench_limiter::RunClock;
use bench_model::{ParseAs, Projection, TimeNs};
use serde::{Deserializer, de};

pub(crate) use path::OwnCreateTime;
pub use path::ProjectionError;

use self::{
    parse::Scalar,
    path::{Source, Step},
    trie::Trie,
    walk::{Envelope, Writes},
};

/// Slots of what every row has, behind those of the projections.
const OWN_PATHS: [&str; 4] =
    ["metadata.name", "metadata.namespace", "metadata.uid", "metadata.resourceVersion"];

/// Paths of a subscription, ready to be applied to lines.
#[derive(Debug)]
pub(crate) struct Projector {
    trie: Trie,
    columns: Vec<ColumnPlan>,
}

/// Whether a text is the path of a text column.
pub(crate) fn is_path(path: &str) -> bool {
    let projection = Projection { path: path.to_owned(), parse: ParseAs::Text };
    matches!(path::parse(&projection), Ok(Source::Object(_)))
}

/// What becomes of one projection's values.
#[derive(Debug)]
struct ColumnPlan {
    parse: ParseAs,
    source: Source,
    is_cpu: bool,
}

/// The kind of a watch event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// One object's row, borrowed from its line.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) namespace: Cow<'a, str>,
    pub(crate) uid: Cow<'a, str>,
    pub(crate) resource_version: Cow<'a, str>,
    pub(crate) cells: Vec<Cell<'a>>,
}

/// One cell before it is put into a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    Absent,
    Text(Cow<'a, str>),
    Int(i64),
    Float(f64),
    Bool(bool),
    OwnCreate(OwnCreateTime),
}

impl Projector {
    /// Compiles paths.
    ///
    /// # Errors
    /// The first path that is none, or more than 120 of them.
    pub(crate) fn compile(projections: &[Projection]) -> Result<Self, ProjectionError> {
        if projections.len() > trie::MAX_SLOTS - OWN_PATHS.len() {
            return Err(ProjectionError::TooMany { n: projections.len() });
        }
        let mut trie = Trie::default();
        let mut columns = Vec::with_capacity(projections.len());
        for (slot, projection) in projections.iter().enumerate() {
            let source = path::parse(projection)?;
            if let Source::Object(steps) = &source {
                trie.insert(slot, steps, projection.parse == ParseAs::Raw);
            }
            let is_cpu = source.ends_in("cpu");
            columns.push(ColumnPlan { parse: projection.parse, source, is_cpu });
        }
        for (i, own) in OWN_PATHS.iter().enumerate() {
            let steps: Vec<Step> = own.split('.').map(|name| Step::Field(name.into())).collect();
            trie.insert(columns.len() + i, &steps, false);
        }
        Ok(Self { trie, columns })
    }

    /// The kinds of the columns, in order.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = ParseAs> {
        self.columns.iter().map(|column| column.parse)
    }

    /// Reads a watch event. `None` when it has no known type.
    ///
    /// # Errors
    /// When the line is not JSON of the form of a watch event.
    pub(crate) fn event<'a>(
        &self,
        line: &'a [u8],
        clock: &RunClock,
    ) -> Result<Option<(EventKind, Row<'a>)>, serde_json::Error> {
        // Checked once as a whole: checking each string by itself costs several times as much.
        let line = std::str::from_utf8(line).map_err(de::Error::custom)?;
        let mut writes = self.writes();
        let mut deserializer = serde_json::Deserializer::from_str(line);
        let kind = deserializer.deserialize_map(Envelope { trie: &self.trie, writes: &mut writes })?;
        deserializer.end()?;
        Ok(kind.map(|kind| (kind, self.row(writes, clock))))
    }

    /// Reads an object.
    ///
    /// # Errors
    /// When it is not JSON.
    pub(crate) fn object<'a>(&self, json: &'a [u8], clock: &RunClock) -> Result<Row<'a>, serde_json::Error> {
        let json = std::str::from_utf8(json).map_err(de::Error::custom)?;
        let mut writes = self.writes();
        let mut matched = 0;
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let walk = walk::Walk { node: &self.trie.root, writes: &mut writes, matched: &mut matched };
        de::DeserializeSeed::deserialize(walk, &mut deserializer)?;
        deserializer.end()?;
        Ok(self.row(writes, clock))
    }

    /// Room for a value of every slot, and for those of one list element that may be taken out again.
    fn writes<'a>(&self) -> Writes<'a> {
        Writes(Vec::with_capacity(2 * (self.columns.len() + OWN_PATHS.len())))
    }

    fn row<'a>(&self, writes: Writes<'a>, clock: &RunClock) -> Row<'a> {
        let n = self.columns.len();
        let mut values: Vec<Option<Scalar<'a>>> = Vec::new();
        values.resize_with(n + OWN_PATHS.len(), || None);
        for (slot, value) in writes.0 {
            let joins = self.columns.get(slot).is_some_and(|column| column.source.joins());
            if let Some(place) = values.get_mut(slot) {
                *place = match place.take() {
                    Some(before) if joins => Some(join(before, &value)),
                    Some(_) | None => Some(value),
                };
            }
        }
        let mut own = values.split_off(n).into_iter().map(|value| match value {
            Some(Scalar::Text(text)) => text,
            Some(_) | None => Cow::Borrowed(""),
        });
        let mut next = || own.next().unwrap_or_default();
        let (name, namespace, uid, resource_version) = (next(), next(), next(), next());
        let cells =
            self.columns.iter().zip(values).map(|(column, value)| column.cell(value, clock)).collect();
        Row { name, namespace, uid, resource_version, cells }
    }
}

impl ColumnPlan {
    fn cell<'a>(&self, value: Option<Scalar<'a>>, clock: &RunClock) -> Cell<'a> {
        if let Source::OwnCreate(time) = self.source {
            return Cell::OwnCreate(time);
        }
        let Some(value) = value else { return Cell::Absent };
        match self.parse {
            ParseAs::Text | ParseAs::Raw => Cell::Text(value.into_text()),
            ParseAs::Integer => value.as_integer().map_or(Cell::Absent, Cell::Int),
            ParseAs::Floating => value.as_float().map_or(Cell::Absent, Cell::Float),
            ParseAs::Boolean => value.as_bool().map_or(Cell::Absent, Cell::Bool),
            ParseAs::Time => value.as_time(clock).map_or(Cell::Absent, |TimeNs(at)| Cell::Int(at)),
            ParseAs::Quantity => value.as_quantity(self.is_cpu).map_or(Cell::Absent, Cell::Int),
        }
    }
}

fn join<'a>(before: Scalar<'a>, value: &Scalar<'a>) -> Scalar<'a> {
    let mut text = before.into_text().into_owned();
    text.push(',');
    // Writing into a string cannot fail.
    let _ = write!(text, "{value}");
    Scalar::Text(Cow::Owned(text))
}

#[cfg(test)]
mod tests;
