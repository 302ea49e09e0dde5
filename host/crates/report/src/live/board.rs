//! Pods on nodes: a fold of the rows of one watch.
//!
//! Each pod has a place on its node that it keeps until it is gone, so that a grid of them fills and empties
//! where things happen. A node keeps the places that it once had.

use std::collections::HashMap;

use bench_model::{Column, EventBatch, ParseAs, Projection, RowKind, RunId, Subscription};

use crate::sanitize::sanitize;

/// Columns of the watch, in the order of [`subscription`].
const NODE: usize = 0;
const PHASE: usize = 1;
const READY: usize = 2;
const DELETED: usize = 3;
const PATHS: [&str; 4] =
    ["spec.nodeName", "status.phase", "status.conditions[type=Ready].status", "metadata.deletionTimestamp"];

/// All pods of a run, with what the board needs to know of them.
pub(super) fn subscription(run_id: RunId) -> Subscription {
    let projection = |path: &str| Projection { path: path.to_owned(), parse: ParseAs::Text };
    Subscription {
        group: String::new(),
        version: "v1".to_owned(),
        plural: "pods".to_owned(),
        namespaces: Vec::new(),
        label_selector: format!("bench.dev/run-id={run_id}"),
        field_selector: String::new(),
        projections: PATHS.map(projection).to_vec(),
    }
}

/// How far a pod is; of several the last one stands for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum PodPhase {
    /// Ready.
    Ready,
    /// It ended well.
    Succeeded,
    /// Its containers run.
    Running,
    /// It has a node.
    Pending,
    /// It has none.
    Unscheduled,
    /// It is being deleted.
    Terminating,
    /// It ended badly.
    Failed,
}

impl PodPhase {
    /// In the order of a life.
    pub(crate) const ALL: [Self; 7] = [
        Self::Unscheduled,
        Self::Pending,
        Self::Running,
        Self::Ready,
        Self::Succeeded,
        Self::Failed,
        Self::Terminating,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Succeeded => "succeeded",
            Self::Running => "running",
            Self::Pending => "pending",
            Self::Unscheduled => "unscheduled",
            Self::Terminating => "terminating",
            Self::Failed => "failed",
        }
    }
}

/// A node with the places of its pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Harmless.
    pub(crate) name: String,
    pub(crate) places: Vec<Option<PodPhase>>,
}

impl Node {
    pub(crate) fn pods(&self) -> usize {
        self.places.iter().flatten().count()
    }

    pub(crate) fn worst(&self) -> Option<PodPhase> {
        self.places.iter().flatten().max().copied()
    }
}

#[derive(Debug, Clone, Copy)]
struct Pod {
    /// Position of its node, and place there.
    place: Option<(usize, usize)>,
    phase: PodPhase,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct PodBoard {
    /// By the id that batches use.
    strings: Vec<String>,
    /// By uid.
    pods: HashMap<String, Pod>,
    nodes: Vec<Node>,
    by_name: HashMap<String, usize>,
    /// Positions in `nodes`, in the order of their names.
    order: Vec<usize>,
    counts: HashMap<PodPhase, u64>,
    /// Pods that are gone.
    gone: u64,
    /// Why there is nothing to see.
    note: Option<String>,
}

impl PodBoard {
    /// Names nodes that are there without pods.
    pub(super) fn add_nodes(&mut self, names: Vec<String>) {
        for name in names {
            self.node(&name);
        }
        self.sort();
    }

    pub(super) fn set_note(&mut self, note: &str) {
        self.note = Some(sanitize(note));
    }

    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// In the order of their names.
    pub(crate) fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> + Clone {
        self.order.iter().map(|position| self.nodes.get(*position).unwrap_or(&NOBODY))
    }

    /// Places of the node with the most of them.
    pub(crate) fn capacity(&self) -> usize {
        self.nodes.iter().map(|node| node.places.len()).max().unwrap_or(0)
    }

    pub(crate) fn count(&self, phase: PodPhase) -> u64 {
        self.counts.get(&phase).copied().unwrap_or(0)
    }

    /// Pods that came and are gone.
    pub(crate) fn gone(&self) -> u64 {
        self.gone
    }

    /// Takes note of rows.
    pub(super) fn see(&mut self, batch: &EventBatch) {
        if batch.first_string_id == 1 {
            self.strings = vec![String::new()];
        }
        self.strings.extend(batch.new_strings.iter().cloned());
        let n_nodes = self.nodes.len();
        for row in 0..batch.rows() {
            self.row(batch, row);
        }
        if self.nodes.len() > n_nodes {
            self.sort();
        }
    }

    fn row(&mut self, batch: &EventBatch, row: usize) {
        let gap = RowKind::Gap as u8;
        let deleted = RowKind::Deleted as u8;
        let kind = batch.kind.get(row).copied().unwrap_or(gap);
        // What was missed shows with the next row of its pod, or with a new list.
        if kind == gap {
            return;
        }
        let Some(uid) = batch.uid.get(row).and_then(|id| self.string(*id)) else { return };
        if kind == deleted {
            if let Some(pod) = self.pods.remove(&uid) {
                self.leave(pod);
                self.gone += 1;
            }
            return;
        }
        let cell = |column: usize| match batch.projected.get(column) {
            Some(Column::Ids(ids)) => ids.get(row).and_then(|id| self.string(*id)).unwrap_or_default(),
            Some(Column::Bytes(_) | Column::Ints(_) | Column::Floats(_) | Column::Texts(_)) | None => {
                String::new()
            }
        };
        let node = cell(NODE);
        let phase = phase(&node, &cell(PHASE), &cell(READY), &cell(DELETED));
        let known = self.pods.get(&uid).copied();
        let mut place = known.and_then(|pod| pod.place);
        if place.is_none() && !node.is_empty() {
            let node = self.node(&node);
            place = self.nodes.get_mut(node).map(|at| (node, free_place(at)));
        }
        if let Some(pod) = known {
            self.uncount(pod.phase);
        }
        *self.counts.entry(phase).or_default() += 1;
        self.put(place, Some(phase));
        self.pods.insert(uid, Pod { place, phase });
    }

    fn string(&self, id: u32) -> Option<String> {
        self.strings.get(usize::try_from(id).ok()?).cloned()
    }

    fn leave(&mut self, pod: Pod) {
        self.uncount(pod.phase);
        self.put(pod.place, None);
    }

    fn uncount(&mut self, phase: PodPhase) {
        if let Some(count) = self.counts.get_mut(&phase) {
            *count = count.saturating_sub(1);
        }
    }

    fn put(&mut self, place: Option<(usize, usize)>, phase: Option<PodPhase>) {
        let Some((node, place)) = place else { return };
        if let Some(cell) = self.nodes.get_mut(node).and_then(|node| node.places.get_mut(place)) {
            *cell = phase;
        }
    }

    /// The position of a node, which is made when it is new.
    fn node(&mut self, name: &str) -> usize {
        if let Some(position) = self.by_name.get(name) {
            return *position;
        }
        let position = self.nodes.len();
        self.nodes.push(Node { name: sanitize(name), places: Vec::new() });
        self.by_name.insert(name.to_owned(), position);
        position
    }

    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_cached_key(|position| {
            let name = self.nodes.get(*position).map_or("", |node| node.name.as_str());
            let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
            let number: u64 = name.get(stem.len()..).and_then(|digits| digits.parse().ok()).unwrap_or(0);
            (stem.to_owned(), number, name.to_owned())
        });
        self.order = order;
    }
}

/// Stands for a position that is no node's; there is none.
static NOBODY: Node = Node { name: String::new(), places: Vec::new() };

fn free_place(node: &mut Node) -> usize {
    node.places.iter().position(Option::is_none).unwrap_or_else(|| {
        node.places.push(None);
        node.places.len() - 1
    })
}

fn phase(node: &str, phase: &str, ready: &str, deleted: &str) -> PodPhase {
    match phase {
        "Failed" => PodPhase::Failed,
        "Succeeded" => PodPhase::Succeeded,
        _ if !deleted.is_empty() => PodPhase::Terminating,
        "Running" if ready == "True" => PodPhase::Ready,
        "Running" => PodPhase::Running,
        _ if node.is_empty() => PodPhase::Unscheduled,
        _ => PodPhase::Pending,
    }
}

#[cfg(test)]
pub(super) mod tests;
