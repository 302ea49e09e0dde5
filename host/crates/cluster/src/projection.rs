//! From a watch line to the cells of its row, in one pass.
//!
//! All paths of a subscription and the object's own name, namespace, UID and resource version are compiled
//! into one trie ([`trie`]). A line is read once, along the trie ([`walk`]), and everything else is skipped
//! ([`skip`]): neither typed objects nor `serde_json::Value`. Values that are found go, in document order,
//! into a list of writes; what a selector such as `[type=Ready]` does not want is taken out of the list when
//! its element ends, so the selector's key may come last.

mod json;
mod parse;
mod path;
mod quantity;
mod skip;
mod trie;
mod walk;

use std::{borrow::Cow, fmt::Write as _};

use bench_limiter::RunClock;
use bench_model::{ParseAs, Projection, TimeNs};

pub(crate) use json::NotJson;
pub(crate) use path::OwnCreateTime;
pub use path::ProjectionError;

use self::{
    json::Cursor,
    parse::Scalar,
    path::{Source, Step},
    trie::Trie,
    walk::{Walk, Writes},
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
    ) -> Result<Option<(EventKind, Row<'a>)>, NotJson> {
        let (kind, writes) = self.walk(line, |walk| walk.event(&self.trie.root))?;
        Ok(kind.map(|kind| (kind, self.row(writes, clock))))
    }

    /// Reads an object.
    ///
    /// # Errors
    /// When it is not JSON.
    pub(crate) fn object<'a>(&self, json: &'a [u8], clock: &RunClock) -> Result<Row<'a>, NotJson> {
        let ((), writes) = self.walk(json, |walk| walk.value(&self.trie.root, &mut 0))?;
        Ok(self.row(writes, clock))
    }

    fn walk<'a, T>(
        &self,
        json: &'a [u8],
        read: impl FnOnce(&mut Walk<'a, '_>) -> Result<T, NotJson>,
    ) -> Result<(T, Writes<'a>), NotJson> {
        let mut writes = self.writes();
        let mut walk = Walk { cursor: Cursor::new(json), writes: &mut writes };
        let found = read(&mut walk)?;
        walk.cursor.end()?;
        Ok((found, writes))
    }

    /// Room for a value of every slot, and for those of one list element that may be taken out again.
    fn writes<'a>(&self) -> Writes<'a> {
        Writes(Vec::with_capacity(2 * (self.columns.len() + OWN_PATHS.len())))
    }

    fn row<'a>(&self, writes: Writes<'a>, clock: &RunClock) -> Row<'a> {
        let mut values: Vec<Option<Scalar<'a>>> = Vec::new();
        values.resize_with(self.columns.len() + OWN_PATHS.len(), || None);
        for (mut slots, value) in writes.0 {
            while slots != 0 {
                let slot = slots.trailing_zeros() as usize;
                slots &= slots - 1;
                let joins = self.columns.get(slot).is_some_and(|column| column.source.joins());
                let Some(place) = values.get_mut(slot) else { continue };
                *place = Some(match place.take() {
                    Some(before) if joins => join(before, &value),
                    Some(_) | None => value.clone(),
                });
            }
        }
        let mut values = values.into_iter();
        let cells = self.columns.iter().zip(values.by_ref()).map(|(column, value)| column.cell(value, clock));
        let cells = cells.collect();
        let mut next = || match values.next() {
            Some(Some(Scalar::Text(text))) => text,
            Some(_) | None => Cow::Borrowed(""),
        };
        let (name, namespace, uid, resource_version) = (next(), next(), next(), next());
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
