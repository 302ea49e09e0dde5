//! Watch events: what to ask for, and the rows that come.
//!
//! Columns and string ids are how batches cross cheaply; here they are rows again. A cell is read by the
//! position of its projection in the subscription and costs an index, not a copy.

pub use crate::bindings::measurement::bench::plugin::events::{EventBatch, ParseAs};
use crate::{
    Column,
    bindings::measurement::{bench::plugin::events, exports::bench::plugin::measurement},
};

/// What a measurement wants to be called for.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    subscriptions: Vec<Subscription>,
    tick_every_ns: u64,
}

impl Plan {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a watch; rows name it by its position, from 0.
    pub fn watch(mut self, subscription: Subscription) -> Self {
        self.subscriptions.push(subscription);
        self
    }

    /// Asks for `on_tick` every so many nanoseconds.
    pub fn tick_every_ns(mut self, ns: u64) -> Self {
        self.tick_every_ns = ns;
        self
    }

    pub(crate) fn into_wit(self) -> measurement::Plan {
        let subscriptions = self.subscriptions.into_iter().map(|subscription| subscription.wit).collect();
        measurement::Plan { subscriptions, tick_every_ns: self.tick_every_ns, options: Vec::new() }
    }
}

/// A watch on one resource in every namespace that the grant allows, until narrowed.
#[derive(Debug, Clone)]
pub struct Subscription {
    wit: events::Subscription,
}

impl Subscription {
    /// `group` `""` is the core group; `plural` as in RBAC.
    pub fn new(group: &str, version: &str, plural: &str) -> Self {
        let wit = events::Subscription {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            namespaces: Vec::new(),
            label_selector: String::new(),
            field_selector: String::new(),
            projections: Vec::new(),
            options: Vec::new(),
        };
        Self { wit }
    }

    /// Only objects with these labels, as `kubectl -l`.
    pub fn labels(mut self, selector: impl Into<String>) -> Self {
        self.wit.label_selector = selector.into();
        self
    }

    /// Only objects with these fields, as `kubectl --field-selector`.
    pub fn fields(mut self, selector: impl Into<String>) -> Self {
        self.wit.field_selector = selector.into();
        self
    }

    /// Only this namespace; may be called again.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.wit.namespaces.push(name.into());
        self
    }

    /// Adds a column; cells are read by its position, from 0. Paths are documented in `wit/events.wit`.
    pub fn column(mut self, path: impl Into<String>, parse: ParseAs) -> Self {
        self.wit.projections.push(events::Projection { path: path.into(), parse });
        self
    }
}

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// It was there when the watch began, or when it began anew after a gap.
    Initial,
    /// It was created.
    Added,
    /// It changed.
    Modified,
    /// It went.
    Deleted,
    /// What happened since the previous row may be missing; the row has no object.
    Gap,
}

/// The strings of one subscription by their ids.
#[derive(Debug, Default)]
struct StringTable {
    /// Id 1 is the first.
    texts: Vec<String>,
}

impl StringTable {
    fn get(&self, id: u32) -> &str {
        let position = (id as usize).checked_sub(1);
        position.and_then(|position| self.texts.get(position)).map_or("", String::as_str)
    }

    fn extend(&mut self, batch: &EventBatch) -> Result<(), String> {
        if batch.first_string_id == 1 {
            self.texts.clear();
        }
        if batch.new_strings.is_empty() {
            return Ok(());
        }
        if batch.first_string_id as usize != self.texts.len() + 1 {
            let (first, known) = (batch.first_string_id, self.texts.len());
            return Err(format!("batch adds strings from id {first} to a table of {known}"));
        }
        self.texts.extend(batch.new_strings.iter().cloned());
        Ok(())
    }
}

/// The string tables of all subscriptions of a plan; the SDK keeps them between calls.
#[derive(Debug, Default)]
pub struct StringTables {
    tables: Vec<StringTable>,
}

impl StringTables {
    /// No strings yet.
    pub const fn new() -> Self {
        Self { tables: Vec::new() }
    }

    /// Takes the new strings of a batch and gives its rows.
    ///
    /// # Errors
    /// When strings between this batch and the one before are missing.
    pub fn rows<'a>(&'a mut self, batch: &'a EventBatch) -> Result<Rows<'a>, String> {
        let subscription = batch.subscription as usize;
        if self.tables.len() <= subscription {
            self.tables.resize_with(subscription + 1, StringTable::default);
        }
        let Some(strings) = self.tables.get_mut(subscription) else {
            return Err(format!("no subscription {subscription}"));
        };
        strings.extend(batch)?;
        Ok(Rows { batch, strings })
    }
}

/// A batch of rows in the order of the API server.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    batch: &'a EventBatch,
    strings: &'a StringTable,
}

impl<'a> Rows<'a> {
    /// Position of the subscription in the plan.
    pub fn subscription(&self) -> usize {
        self.batch.subscription as usize
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.batch.kind.len()
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.batch.kind.is_empty()
    }

    /// The rows, first first.
    pub fn iter(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let rows = *self;
        (0..self.len()).map(move |position| Row { rows, position })
    }
}

/// One event.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    rows: Rows<'a>,
    position: usize,
}

impl<'a> Row<'a> {
    /// What it says; a code of a newer host is a gap: something happened that is not known here.
    pub fn kind(&self) -> RowKind {
        match self.cell(&self.rows.batch.kind) {
            Some(0) => RowKind::Initial,
            Some(1) => RowKind::Added,
            Some(2) => RowKind::Modified,
            Some(3) => RowKind::Deleted,
            _ => RowKind::Gap,
        }
    }

    /// `namespace/name`, or `name`.
    pub fn object(&self) -> &'a str {
        self.rows.strings.get(self.cell(&self.rows.batch.object).unwrap_or(0))
    }

    /// `metadata.uid`
    pub fn uid(&self) -> &'a str {
        self.rows.strings.get(self.cell(&self.rows.batch.uid).unwrap_or(0))
    }

    /// `metadata.resourceVersion`
    pub fn resource_version(&self) -> u64 {
        self.cell(&self.rows.batch.resource_version).unwrap_or(0)
    }

    /// Run time at which the host had read the event, in nanoseconds.
    pub fn observed_at(&self) -> i64 {
        self.cell(&self.rows.batch.observed_at).unwrap_or(0)
    }

    /// Text, or raw JSON; `""` when absent.
    pub fn text(&self, column: usize) -> &'a str {
        match self.column(column) {
            Some(Column::Ids(ids)) => self.rows.strings.get(self.cell(ids).unwrap_or(0)),
            Some(Column::Texts(texts)) => texts.get(self.position).map_or("", String::as_str),
            _ => "",
        }
    }

    /// A whole number, or a quantity in its base unit.
    pub fn int(&self, column: usize) -> Option<i64> {
        match self.column(column)? {
            Column::Ints(ints) => self.cell(ints).filter(|&int| int != i64::MIN),
            _ => None,
        }
    }

    /// A time in nanoseconds of the run, by the API server's clock unless the path says otherwise.
    pub fn time(&self, column: usize) -> Option<i64> {
        self.int(column)
    }

    /// A number.
    pub fn float(&self, column: usize) -> Option<f64> {
        match self.column(column)? {
            Column::Floats(floats) => self.cell(floats).filter(|float| !float.is_nan()),
            _ => None,
        }
    }

    /// A boolean.
    pub fn flag(&self, column: usize) -> Option<bool> {
        match self.column(column)? {
            Column::Bytes(bytes) => match self.cell(bytes)? {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            },
            _ => None,
        }
    }

    fn column(&self, column: usize) -> Option<&'a Column> {
        self.rows.batch.projected.get(column)
    }

    fn cell<T: Copy>(&self, cells: &[T]) -> Option<T> {
        cells.get(self.position).copied()
    }
}

#[cfg(test)]
mod tests;
