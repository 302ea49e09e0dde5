//! Rows become columns: string table, batches of up to 256 rows, gap rows.

use std::cell::LazyCell;

use bench_model::{Column, EventBatch, ParseAs, RowKind, TimeNs};
use foldhash::HashMap;

use crate::{
    CreateTimes, OwnCreates,
    projection::{Cell, OwnCreateTime, Row},
};

/// Rows of a full batch.
pub(crate) const MAX_ROWS: usize = 256;
/// A string table is started anew when it has this many strings, or this many bytes in them.
const MAX_STRINGS: usize = 65_536;
const MAX_STRING_BYTES: usize = 8 * 1024 * 1024;

/// The strings that the receiver of the batches knows.
#[derive(Debug, Default)]
struct StringTable {
    ids: HashMap<Box<str>, u32>,
    bytes: usize,
}

impl StringTable {
    fn id(&mut self, text: &str, new: &mut Vec<String>) -> u32 {
        if text.is_empty() {
            return 0;
        }
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = u32::try_from(self.ids.len()).unwrap_or(u32::MAX - 1) + 1;
        self.bytes += text.len();
        self.ids.insert(text.into(), id);
        new.push(text.to_owned());
        id
    }

    fn is_full(&self) -> bool {
        self.ids.len() >= MAX_STRINGS || self.bytes >= MAX_STRING_BYTES
    }
}

/// Collects the rows of one subscription.
#[derive(Debug)]
pub(crate) struct BatchBuilder {
    subscription: u32,
    kinds: Vec<ParseAs>,
    group: String,
    plural: String,
    strings: StringTable,
    batch: EventBatch,
    key: String,
}

/// A row whose object is known by more than the line that came.
pub(crate) struct RowHead<'a> {
    pub(crate) kind: RowKind,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
    pub(crate) resource_version: &'a str,
    pub(crate) at: TimeNs,
}

impl BatchBuilder {
    pub(crate) fn new(subscription: u32, group: &str, plural: &str, kinds: Vec<ParseAs>) -> Self {
        let strings = StringTable::default();
        let batch = empty(subscription, 1, &kinds);
        let (group, plural) = (group.to_owned(), plural.to_owned());
        Self { subscription, kinds, group, plural, strings, batch, key: String::new() }
    }

    /// Rows waiting to be taken.
    pub(crate) fn rows(&self) -> usize {
        self.batch.rows()
    }

    /// Adds a row, and returns the times of the object's create request when it is new and this run's own.
    pub(crate) fn push(
        &mut self,
        kind: RowKind,
        row: Row<'_>,
        at: TimeNs,
        creates: &OwnCreates,
    ) -> Option<CreateTimes> {
        let Row { name, namespace, uid, resource_version, cells } = row;
        self.push_head(&RowHead {
            kind,
            namespace: &namespace,
            name: &name,
            uid: &uid,
            resource_version: &resource_version,
            at,
        });
        // Looked up at most once a row.
        let own = LazyCell::new(|| creates.get(&self.group, &self.plural, &namespace, &name));
        for (column, cell) in self.batch.projected.iter_mut().zip(cells) {
            let cell = match cell {
                Cell::OwnCreate(which) => own.map_or(Cell::Absent, |times| match which {
                    OwnCreateTime::Due => Cell::Int(times.due.0),
                    OwnCreateTime::Sent if times.sent.is_never() => Cell::Absent,
                    OwnCreateTime::Sent => Cell::Int(times.sent.0),
                }),
                other @ (Cell::Absent | Cell::Text(_) | Cell::Int(_) | Cell::Float(_) | Cell::Bool(_)) => {
                    other
                }
            };
            push_cell(column, cell, &mut self.strings, &mut self.batch.new_strings);
        }
        if kind == RowKind::Added { *own } else { None }
    }

    /// A row without cells: an object that went while nobody watched.
    pub(crate) fn push_bare(&mut self, head: &RowHead<'_>) {
        self.push_head(head);
        for column in &mut self.batch.projected {
            push_cell(column, Cell::Absent, &mut self.strings, &mut self.batch.new_strings);
        }
    }

    /// A row that says that something before it may be missing.
    pub(crate) fn push_gap(&mut self, at: TimeNs) {
        let head = RowHead { kind: RowKind::Gap, namespace: "", name: "", uid: "", resource_version: "", at };
        self.push_bare(&head);
    }

    /// The batch so far; `None` when it has no rows.
    pub(crate) fn take(&mut self) -> Option<EventBatch> {
        if self.batch.rows() == 0 {
            return None;
        }
        let mut next = 1;
        if self.strings.is_full() {
            self.strings = StringTable::default();
        } else {
            next = u32::try_from(self.strings.ids.len()).unwrap_or(u32::MAX - 1) + 1;
        }
        let next = empty(self.subscription, next, &self.kinds);
        Some(std::mem::replace(&mut self.batch, next))
    }

    /// Forgets the table: the receiver did not get the batch that was taken last, nor its strings.
    ///
    /// Only right after [`BatchBuilder::take`], while there are no rows.
    pub(crate) fn restart_strings(&mut self) {
        self.strings = StringTable::default();
        self.batch = empty(self.subscription, 1, &self.kinds);
    }

    fn push_head(&mut self, head: &RowHead<'_>) {
        self.key.clear();
        if !head.namespace.is_empty() {
            self.key.push_str(head.namespace);
            self.key.push('/');
        }
        self.key.push_str(head.name);
        let new = &mut self.batch.new_strings;
        self.batch.object.push(self.strings.id(&self.key, new));
        self.batch.uid.push(self.strings.id(head.uid, new));
        self.batch.kind.push(head.kind as u8);
        self.batch.resource_version.push(head.resource_version.parse().unwrap_or(0));
        self.batch.observed_at.push(head.at);
    }
}

fn empty(subscription: u32, first_string_id: u32, kinds: &[ParseAs]) -> EventBatch {
    let column = |kind: &ParseAs| match kind {
        ParseAs::Text => Column::Ids(Vec::new()),
        ParseAs::Integer | ParseAs::Time | ParseAs::Quantity => Column::Ints(Vec::new()),
        ParseAs::Floating => Column::Floats(Vec::new()),
        ParseAs::Boolean => Column::Bytes(Vec::new()),
        ParseAs::Raw => Column::Texts(Vec::new()),
    };
    EventBatch {
        subscription,
        first_string_id,
        new_strings: Vec::new(),
        kind: Vec::new(),
        object: Vec::new(),
        uid: Vec::new(),
        resource_version: Vec::new(),
        observed_at: Vec::new(),
        projected: kinds.iter().map(column).collect(),
    }
}

/// A cell of another kind than its column is absent.
fn push_cell(column: &mut Column, cell: Cell<'_>, strings: &mut StringTable, new: &mut Vec<String>) {
    match column {
        Column::Bytes(cells) => cells.push(match cell {
            Cell::Bool(value) => u8::from(value),
            _ => 2,
        }),
        Column::Ids(cells) => cells.push(match cell {
            Cell::Text(text) => strings.id(&text, new),
            _ => 0,
        }),
        Column::Ints(cells) => cells.push(match cell {
            Cell::Int(value) => value,
            _ => i64::MIN,
        }),
        Column::Floats(cells) => cells.push(match cell {
            Cell::Float(value) => value,
            _ => f64::NAN,
        }),
        Column::Texts(cells) => cells.push(match cell {
            Cell::Text(text) => text.into_owned(),
            _ => String::new(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn row<'a>(name: &'a str, phase: &'a str) -> Row<'a> {
        Row {
            name: name.into(),
            namespace: "ns".into(),
            uid: "u".into(),
            resource_version: "12".into(),
            cells: vec![Cell::Text(Cow::Borrowed(phase)), Cell::OwnCreate(OwnCreateTime::Due)],
        }
    }

    fn builder() -> BatchBuilder {
        BatchBuilder::new(3, "", "pods", vec![ParseAs::Text, ParseAs::Time])
    }

    #[test]
    fn strings_cross_once() {
        let (mut builder, creates) = (builder(), OwnCreates::default());
        let pods = bench_model::ResourceRef {
            group: String::new(),
            version: "v1".to_owned(),
            plural: "pods".to_owned(),
            namespace: "ns".to_owned(),
        };
        creates.register(&pods, "a", TimeNs(9));
        builder.push(RowKind::Added, row("a", "Pending"), TimeNs(5), &creates);
        builder.push(RowKind::Modified, row("a", "Running"), TimeNs(6), &creates);
        let first = builder.take().expect("rows");
        assert_eq!(first.first_string_id, 1);
        assert_eq!(first.new_strings, ["ns/a", "u", "Pending", "Running"]);
        assert_eq!(
            (&first.kind[..], &first.object[..], &first.resource_version[..]),
            (&[1, 2][..], &[1, 1][..], &[12, 12][..])
        );
        assert_eq!(first.projected, [Column::Ids(vec![3, 4]), Column::Ints(vec![9, 9])]);

        builder.push(RowKind::Added, row("b", "Pending"), TimeNs(7), &creates);
        let second = builder.take().expect("rows");
        assert_eq!((second.first_string_id, &second.new_strings[..]), (5, &["ns/b".to_owned()][..]));
        assert_eq!(second.projected, [Column::Ids(vec![3]), Column::Ints(vec![i64::MIN])]);
        assert!(builder.take().is_none());
    }

    #[test]
    fn a_lost_batch_starts_a_new_table() {
        let (mut builder, creates) = (builder(), OwnCreates::default());
        builder.push(RowKind::Added, row("a", "Pending"), TimeNs(5), &creates);
        builder.take().expect("rows");
        builder.restart_strings();
        builder.push_gap(TimeNs(6));
        builder.push(RowKind::Added, row("a", "Pending"), TimeNs(7), &creates);
        let batch = builder.take().expect("rows");
        assert_eq!(
            (batch.first_string_id, &batch.kind[..], &batch.object[..]),
            (1, &[4, 1][..], &[0, 1][..])
        );
        assert_eq!(batch.new_strings, ["ns/a", "u", "Pending"]);
    }
}
