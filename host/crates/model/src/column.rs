//! Watch events as columns: the values that cross to measurement plugins.

use serde::{Deserialize, Serialize};

use crate::TimeNs;

/// What the host does with a projected value before it crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ParseAs {
    /// Interned; numbers and booleans as their JSON text.
    Text,
    /// Whole numbers.
    Integer,
    /// Any JSON number.
    Floating,
    /// `true` or `false`.
    Boolean,
    /// RFC 3339 to run time.
    Time,
    /// Kubernetes quantity in its base unit: `100m` of CPU is 100, `1Gi` is bytes.
    Quantity,
    /// The JSON below the path as text.
    Raw,
}

/// One column that a subscription asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Projection {
    /// As documented in `wit/events.wit`.
    pub path: String,
    /// How the value is read.
    pub parse: ParseAs,
}

/// A watch that the host keeps open for a measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Empty for the core group.
    pub group: String,
    /// `v1`
    pub version: String,
    /// `pods`
    pub plural: String,
    /// Empty: all that the grant allows.
    pub namespaces: Vec<String>,
    /// As `kubectl -l`.
    pub label_selector: String,
    /// As `kubectl --field-selector`.
    pub field_selector: String,
    /// The columns, in order.
    pub projections: Vec<Projection>,
}

/// What a row of a batch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RowKind {
    /// It was there when the watch began.
    Initial = 0,
    /// It was created.
    Added = 1,
    /// It changed.
    Modified = 2,
    /// It went.
    Deleted = 3,
    /// What happened since the previous row may be missing.
    Gap = 4,
}

/// One column of a batch; absent cells are 2, 0, [`i64::MIN`], NaN and the empty text.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Booleans and closed codes.
    Bytes(Vec<u8>),
    /// Ids in the string table of the subscription.
    Ids(Vec<u32>),
    /// Integers, times, quantities.
    Ints(Vec<i64>),
    /// Any numbers.
    Floats(Vec<f64>),
    /// Free text.
    Texts(Vec<String>),
}

impl Column {
    /// How many cells it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(cells) => cells.len(),
            Self::Ids(cells) => cells.len(),
            Self::Ints(cells) => cells.len(),
            Self::Floats(cells) => cells.len(),
            Self::Texts(cells) => cells.len(),
        }
    }

    /// Whether it has no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Rows of one subscription in the order of the API server; every list has one entry a row.
#[derive(Debug, Clone, PartialEq)]
pub struct EventBatch {
    /// Index into the plan's subscriptions.
    pub subscription: u32,
    /// Id of the first of `new_strings`; 1 starts a new table.
    pub first_string_id: u32,
    /// Strings seen for the first time.
    pub new_strings: Vec<String>,
    /// [`RowKind`] as a number.
    pub kind: Vec<u8>,
    /// `namespace/name`, or `name`.
    pub object: Vec<u32>,
    /// `metadata.uid`
    pub uid: Vec<u32>,
    /// `metadata.resourceVersion` as a number; 0 where it is none.
    pub resource_version: Vec<u64>,
    /// When the host had read the last byte.
    pub observed_at: Vec<TimeNs>,
    /// One column for each projection.
    pub projected: Vec<Column>,
}

impl EventBatch {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.kind.len()
    }
}
