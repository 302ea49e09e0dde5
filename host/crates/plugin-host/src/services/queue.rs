//! What a guest asks of a queue, and what comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bench_model::{ResourceRef, TimeNs, Verb};
use bench_template::{ParamValue, Template};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// The guest's end of a queue; all instances of a job share it.
#[derive(Debug, Clone)]
pub struct QueuePort {
    /// Bounded: a full queue makes the guest wait.
    pub commands: mpsc::Sender<QueueCommand>,
    /// Id of the next operation.
    pub next_op: Arc<AtomicU64>,
}

/// What a guest asks of a queue.
#[derive(Debug)]
pub enum QueueCommand {
    /// Operations to pace and send.
    Write(WriteBatch),
    /// Answered when nothing is queued or in flight.
    Drain {
        /// Dropped unanswered when the queue closes first.
        reply: oneshot::Sender<()>,
    },
    /// Answered with at least one completion, or with none after `timeout`.
    Completions {
        /// Most rows wanted.
        max: u32,
        /// How long to wait for the first.
        timeout: Duration,
        /// Where to.
        reply: oneshot::Sender<CompletionBatch>,
    },
}

/// Operations with consecutive ids.
#[derive(Debug)]
pub struct WriteBatch {
    /// Id of row 0.
    pub first_op: u64,
    /// How many.
    pub rows: u64,
    /// What each does.
    pub action: WriteAction,
}

/// What the rows of a batch do. Verb and resource are granted; the namespace of each row is for whoever
/// sends it to check, with [`Grants::allows`](crate::Grants::allows).
#[derive(Debug)]
pub enum WriteAction {
    /// POST of what a template makes.
    Create {
        /// Compiled, with the run's labels in it.
        template: Arc<Template>,
        /// Namespace empty: each row has its own, or the kind has none.
        target: ResourceRef,
        /// Whether the kind is namespaced.
        namespaced: bool,
        /// One for each parameter, in the template's order.
        params: Vec<ParamColumn>,
        /// Told of every row that ends without success.
        failures: Failures,
    },
    /// POST of whole objects, one a row, that carry the run's labels.
    CreateRaw {
        /// All in this namespace.
        target: ResourceRef,
        /// JSON.
        bodies: Vec<Bytes>,
    },
    /// PATCH by name, one name a row.
    Patch {
        /// Of what.
        target: ResourceRef,
        /// Whom.
        names: Vec<String>,
        /// Which content type.
        how: PatchType,
        /// The patch.
        template: Arc<Template>,
        /// One for each parameter, in the template's order.
        params: Vec<ParamColumn>,
    },
    /// DELETE by name, one name a row; only objects of this run.
    Delete {
        /// Of what.
        target: ResourceRef,
        /// Whom.
        names: Vec<String>,
        /// `DeleteOptions` as JSON; empty for none.
        body: Bytes,
    },
    /// GET by name, one name a row, or LIST: the answer is dropped.
    Read {
        /// Of what.
        target: ResourceRef,
        /// [`Verb::Get`] or [`Verb::List`].
        verb: Verb,
        /// One a row for `Get`, empty for `List`.
        names: Vec<String>,
        /// Percent-encoded, without `?`.
        query: String,
    },
}

/// Counts the creates of one template that ended without success; clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Failures(Arc<AtomicU64>);

impl Failures {
    /// Notes one more.
    pub fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a patch is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchType {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own.
    Strategic,
    /// Server-side apply.
    Apply,
}

impl PatchType {
    /// The content type of its body.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }
}

/// The values of one parameter for all rows of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamColumn {
    /// One for each row.
    Texts(Vec<String>),
    /// One for each row.
    Ints(Vec<i64>),
    /// Row `i` gets `start + i`.
    Sequence(i64),
    /// All the same.
    Constant(String),
    /// Row `i` gets `start + i / each`.
    Repeated {
        /// Of row 0.
        start: i64,
        /// Rows for each value, at least 1.
        each: u32,
    },
    /// Row `i` gets `start + i % length`.
    Cycle {
        /// Of row 0.
        start: i64,
        /// Values before it starts again, at least 1.
        length: u32,
    },
}

impl ParamColumn {
    /// The value of a row; an empty text past the end of a list.
    pub fn value(&self, row: u64) -> ParamValue<'_> {
        let offset = i64::try_from(row).unwrap_or(i64::MAX);
        let at = usize::try_from(row).unwrap_or(usize::MAX);
        match self {
            Self::Texts(texts) => ParamValue::Text(texts.get(at).map_or("", String::as_str)),
            Self::Ints(ints) => ints.get(at).map_or(ParamValue::Text(""), |int| ParamValue::Int(*int)),
            Self::Sequence(start) => ParamValue::Int(start.wrapping_add(offset)),
            Self::Constant(text) => ParamValue::Text(text),
            Self::Repeated { start, each } => {
                ParamValue::Int(start.wrapping_add(offset / i64::from((*each).max(1))))
            }
            Self::Cycle { start, length } => {
                ParamValue::Int(start.wrapping_add(offset % i64::from((*length).max(1))))
            }
        }
    }
}

/// Operations that ended; every list has one entry a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompletionBatch {
    /// Id.
    pub op: Vec<u64>,
    /// When the schedule wanted it sent.
    pub due_at: Vec<TimeNs>,
    /// When it was sent.
    pub sent_at: Vec<TimeNs>,
    /// When the answer ended.
    pub done_at: Vec<TimeNs>,
    /// 0 when there was no answer.
    pub http_status: Vec<u16>,
    /// Requests sent for it.
    pub attempts: Vec<u8>,
    /// Index into `reasons`; 0 means success.
    pub reason: Vec<u32>,
    /// `""` and then the reasons.
    pub reasons: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(column: ParamColumn, expected: [ParamValue<'_>; 4]) {
        assert_eq!(std::array::from_fn(|row| column.value(row as u64)), expected);
    }

    #[test]
    fn generated_columns_count_as_their_names_say() {
        let ints = |values: [i64; 4]| values.map(ParamValue::Int);
        check(ParamColumn::Sequence(7), ints([7, 8, 9, 10]));
        check(ParamColumn::Repeated { start: 1, each: 2 }, ints([1, 1, 2, 2]));
        check(ParamColumn::Cycle { start: 1, length: 3 }, ints([1, 2, 3, 1]));
        check(ParamColumn::Ints(vec![4, 3, 2, 1]), ints([4, 3, 2, 1]));
        check(ParamColumn::Constant("a".to_owned()), [ParamValue::Text("a"); 4]);
    }

    #[test]
    fn a_row_past_the_end_is_empty_and_extremes_wrap() {
        assert_eq!(ParamColumn::Texts(Vec::new()).value(3), ParamValue::Text(""));
        assert_eq!(ParamColumn::Sequence(i64::MAX).value(1), ParamValue::Int(i64::MIN));
        assert_eq!(ParamColumn::Repeated { start: 0, each: 0 }.value(9), ParamValue::Int(9));
    }
}
