//! Batches of events made by hand, for native tests of measurements.

use std::collections::HashMap;

use crate::{
    Column, RowKind,
    events::{EventBatch, ParseAs},
};

/// One projected value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// The path is not in the object.
    Absent,
    /// Text or raw JSON.
    Text(&'a str),
    /// A whole number, a time or a quantity.
    Int(i64),
    /// A number.
    Float(f64),
    /// A boolean.
    Flag(bool),
}

/// Gathers rows and gives them as the host would: columns, with strings sent once.
#[derive(Debug)]
pub struct BatchBuilder {
    columns: Vec<ParseAs>,
    ids: HashMap<String, u32>,
    batch: EventBatch,
}

impl BatchBuilder {
    /// For subscription 0 with these projections.
    pub fn new(columns: &[ParseAs]) -> Self {
        Self { columns: columns.to_vec(), ids: HashMap::new(), batch: empty(columns, 1) }
    }

    /// Adds a row; cells that are left out are absent, and so is one of another type than its projection.
    pub fn row(&mut self, kind: RowKind, object: &str, uid: &str, observed_at: i64, cells: &[Cell<'_>]) {
        let (object, uid) = (self.id(object), self.id(uid));
        self.batch.kind.push(kind as u8);
        self.batch.object.push(object);
        self.batch.uid.push(uid);
        self.batch.resource_version.push(0);
        self.batch.observed_at.push(observed_at);
        for position in 0..self.columns.len() {
            let cell = cells.get(position).copied().unwrap_or(Cell::Absent);
            let id = if let Cell::Text(text) = cell { self.id(text) } else { 0 };
            match (self.batch.projected.get_mut(position), cell) {
                (Some(Column::Ids(column)), _) => column.push(id),
                (Some(Column::Texts(column)), Cell::Text(text)) => column.push(text.to_owned()),
                (Some(Column::Texts(column)), _) => column.push(String::new()),
                (Some(Column::Ints(column)), Cell::Int(int)) => column.push(int),
                (Some(Column::Ints(column)), _) => column.push(i64::MIN),
                (Some(Column::Floats(column)), Cell::Float(float)) => column.push(float),
                (Some(Column::Floats(column)), _) => column.push(f64::NAN),
                (Some(Column::Bytes(column)), Cell::Flag(flag)) => column.push(u8::from(flag)),
                (Some(Column::Bytes(column)), _) => column.push(2),
                (None, _) => {}
            }
        }
    }

    /// The rows so far as a batch; the next one goes on with the same string table.
    pub fn take(&mut self) -> EventBatch {
        let next = empty(&self.columns, self.ids.len() as u32 + 1);
        std::mem::replace(&mut self.batch, next)
    }

    /// Starts a new string table, as the host does when one has grown large. Call it between batches.
    pub fn restart_strings(&mut self) {
        self.ids.clear();
        self.batch = empty(&self.columns, 1);
    }

    fn id(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        if let Some(&id) = self.ids.get(text) {
            return id;
        }
        let id = self.ids.len() as u32 + 1;
        self.ids.insert(text.to_owned(), id);
        self.batch.new_strings.push(text.to_owned());
        id
    }
}

fn empty(columns: &[ParseAs], first_string_id: u32) -> EventBatch {
    let column = |parse: &ParseAs| match parse {
        ParseAs::Text => Column::Ids(Vec::new()),
        ParseAs::Integer | ParseAs::Time | ParseAs::Quantity => Column::Ints(Vec::new()),
        ParseAs::Floating => Column::Floats(Vec::new()),
        ParseAs::Boolean => Column::Bytes(Vec::new()),
        ParseAs::Raw => Column::Texts(Vec::new()),
    };
    EventBatch {
        subscription: 0,
        first_string_id,
        new_strings: Vec::new(),
        kind: Vec::new(),
        object: Vec::new(),
        uid: Vec::new(),
        resource_version: Vec::new(),
        observed_at: Vec::new(),
        projected: columns.iter().map(column).collect(),
    }
}
