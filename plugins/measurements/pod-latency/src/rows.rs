//! What is asked of a pod, and how it is read from a row.

use bench_sdk::{Row, RowKind, Subscription, events::ParseAs};

use crate::pod::{CONDITIONS, N_CONDITIONS};

/// First of the columns with times of conditions; those with their status come before.
const TRANSITIONS: usize = N_CONDITIONS;
const OTHERS: usize = 2 * N_CONDITIONS;

/// Columns after those of the conditions, in order.
const OTHER_COLUMNS: [(&str, ParseAs); 9] = [
    ("metadata.creationTimestamp", ParseAs::Time),
    ("metadata.labels['bench.dev/job']", ParseAs::Text),
    ("metadata.ownerReferences[*].kind", ParseAs::Text),
    ("spec.nodeName", ParseAs::Text),
    ("status.phase", ParseAs::Text),
    ("status.conditions[type=PodScheduled].reason", ParseAs::Text),
    ("status.conditions[type=PodScheduled].message", ParseAs::Text),
    ("$create.dueAt", ParseAs::Time),
    ("$create.sentAt", ParseAs::Time),
];

/// Types of all columns, in order.
pub fn columns() -> Vec<(String, ParseAs)> {
    let of = |field: &'static str, parse: ParseAs| {
        CONDITIONS.map(|condition| {
            (format!("status.conditions[type={}].{field}", condition.kubernetes_type()), parse)
        })
    };
    let others = OTHER_COLUMNS.map(|(path, parse)| (path.to_owned(), parse));
    [of("status", ParseAs::Text).to_vec(), of("lastTransitionTime", ParseAs::Time).to_vec(), others.to_vec()]
        .concat()
}

/// All pods of the run.
pub fn subscription(run_id: &str, label_selector: &str) -> Subscription {
    let selector = match label_selector {
        "" => format!("bench.dev/run-id={run_id}"),
        more => format!("bench.dev/run-id={run_id},{more}"),
    };
    let pods = Subscription::new("", "v1", "pods").labels(selector);
    columns().into_iter().fold(pods, |pods, (path, parse)| pods.column(path, parse))
}

/// One event of a pod.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event<'a> {
    /// What happened; the rest means nothing in a gap.
    pub kind: RowKind,
    /// `namespace/name`
    pub object: &'a str,
    /// Tells pods of one name apart.
    pub uid: &'a str,
    /// Run time.
    pub observed_at: i64,
    /// Status of each condition; `""` when the pod has none.
    pub status: [&'a str; N_CONDITIONS],
    /// When each took its status, by the API server's clock.
    pub transition: [Option<i64>; N_CONDITIONS],
    /// creationTimestamp, by the API server's clock.
    pub created: Option<i64>,
    /// Which job made it, itself or through a controller.
    pub job: &'a str,
    /// Kinds of its owners.
    pub owner: &'a str,
    /// Where it runs.
    pub node: &'a str,
    /// `Pending`, `Running`, ...
    pub phase: &'a str,
    /// Why it is not scheduled.
    pub reason: &'a str,
    /// The same for people.
    pub message: &'a str,
    /// Run time at which its own create request was due, and sent.
    pub due: Option<i64>,
    /// Run time at which its own create request was sent.
    pub sent: Option<i64>,
}

/// Reads a row of the subscription.
pub fn read<'a>(row: &Row<'a>) -> Event<'a> {
    let other = |position: usize| OTHERS + position;
    Event {
        kind: row.kind(),
        object: row.object(),
        uid: row.uid(),
        observed_at: row.observed_at(),
        status: std::array::from_fn(|condition| row.text(condition)),
        transition: std::array::from_fn(|condition| row.time(TRANSITIONS + condition)),
        created: row.time(other(0)),
        job: row.text(other(1)),
        owner: row.text(other(2)),
        node: row.text(other(3)),
        phase: row.text(other(4)),
        reason: row.text(other(5)),
        message: row.text(other(6)),
        due: row.time(other(7)),
        sent: row.time(other(8)),
    }
}

#[cfg(test)]
mod tests {
    use bench_sdk::{
        events::StringTables,
        testing::{BatchBuilder, Cell},
    };

    use super::*;

    #[test]
    fn every_column_is_read_from_its_place() {
        let parses: Vec<ParseAs> = columns().into_iter().map(|(_, parse)| parse).collect();
        let mut builder = BatchBuilder::new(&parses);
        let status = ["s0", "s1", "s2", "s3", "s4"];
        let mut cells: Vec<Cell<'_>> = status.iter().map(|text| Cell::Text(text)).collect();
        cells.extend((10..15).map(Cell::Int));
        cells.push(Cell::Int(20));
        cells.extend(["job", "Owner", "node", "Pending", "Unschedulable", "no room"].map(Cell::Text));
        cells.extend([Cell::Int(1), Cell::Int(2)]);
        builder.row(RowKind::Added, "ns/pod", "uid", 30, &cells);
        let batch = builder.take();
        let mut tables = StringTables::new();
        let row = tables.rows(&batch).expect("in order").iter().next().expect("one row");
        let expected = Event {
            kind: RowKind::Added,
            object: "ns/pod",
            uid: "uid",
            observed_at: 30,
            status,
            transition: [Some(10), Some(11), Some(12), Some(13), Some(14)],
            created: Some(20),
            job: "job",
            owner: "Owner",
            node: "node",
            phase: "Pending",
            reason: "Unschedulable",
            message: "no room",
            due: Some(1),
            sent: Some(2),
        };
        assert_eq!(read(&row), expected);
    }
}
