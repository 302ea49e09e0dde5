//! Which calls fill the queues, in which order.
//!
//! Pure: from iterations, namespaces and objects to calls. The order is that of iterations where several objects
//! share a queue; an object that has a queue for itself goes there in as few calls as possible, because a
//! queue takes a million rows as easily as one. Sharded jobs split iterations into runs of neighbours.

use std::ops::Range;

use crate::config::Object;

/// Most rows that the host takes in one call.
const MAX_ROWS: u32 = 1_000_000;
/// Most rows of one call when each has text of its own, which crosses as a list.
const MAX_TEXT_ROWS: u32 = 4096;

/// One `create` call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Position in the list of objects.
    pub object: usize,
    /// Number of the namespace.
    pub namespace: u32,
    /// All replicas of these.
    pub iterations: Range<u32>,
}

/// The iterations of instance `index` of `count`; together they are all, none twice.
pub fn share(iterations: u32, (index, count): (u32, u32)) -> Range<u32> {
    let count = u64::from(count.max(1));
    let edge = |index: u32| (u64::from(iterations) * u64::from(index).min(count) / count) as u32;
    edge(index)..edge(index.saturating_add(1))
}

/// Numbers of the namespaces of these iterations.
pub fn namespaces(iterations: &Range<u32>, per_namespace: Option<u32>) -> Range<u32> {
    let Some(per_namespace) = per_namespace.map(|n| n.max(1)) else {
        return 0..u32::from(!iterations.is_empty());
    };
    if iterations.is_empty() {
        return 0..0;
    }
    iterations.start / per_namespace..(iterations.end - 1) / per_namespace + 1
}

/// What a call needs to know of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape<'a> {
    /// Its queue.
    pub queue: &'a str,
    /// In each iteration.
    pub replicas: u32,
    /// Whether each row has text of its own.
    pub has_text: bool,
}

impl<'a> Shape<'a> {
    /// Of an entry of the list.
    pub fn of(object: &'a Object, has_text: bool) -> Self {
        Self { queue: &object.queue, replicas: object.replicas, has_text }
    }

    /// As many iterations as fit one call.
    fn iterations_per_call(&self) -> u32 {
        let rows = if self.has_text { MAX_TEXT_ROWS } else { MAX_ROWS };
        (rows / self.replicas.max(1)).max(1)
    }
}

/// All calls for these iterations, in order.
pub fn calls(shapes: &[Shape<'_>], iterations: Range<u32>, per_namespace: Option<u32>) -> Vec<Call> {
    let mut calls = Vec::new();
    for namespace in namespaces(&iterations, per_namespace) {
        let here = within(&iterations, namespace, per_namespace);
        for queue in queues(shapes) {
            fill(&mut calls, shapes, queue, namespace, &here);
        }
    }
    calls
}

fn within(iterations: &Range<u32>, namespace: u32, per_namespace: Option<u32>) -> Range<u32> {
    let Some(per_namespace) = per_namespace else { return iterations.clone() };
    let start = namespace.saturating_mul(per_namespace);
    iterations.start.max(start)..iterations.end.min(start.saturating_add(per_namespace))
}

/// Names of the queues in the order of their first object.
fn queues<'a>(shapes: &[Shape<'a>]) -> Vec<&'a str> {
    let mut queues = Vec::new();
    for shape in shapes {
        if !queues.contains(&shape.queue) {
            queues.push(shape.queue);
        }
    }
    queues
}

fn fill(calls: &mut Vec<Call>, shapes: &[Shape<'_>], queue: &str, namespace: u32, here: &Range<u32>) {
    let on_queue: Vec<(usize, &Shape<'_>)> =
        shapes.iter().enumerate().filter(|(_, shape)| shape.queue == queue).collect();
    let alone = on_queue.len() == 1;
    let step = match on_queue.first() {
        Some((_, shape)) if alone => shape.iterations_per_call(),
        _ => 1,
    };
    let mut start = here.start;
    while start < here.end {
        let end = start.saturating_add(step).min(here.end);
        calls.extend(on_queue.iter().map(|&(object, _)| Call { object, namespace, iterations: start..end }));
        start = end;
    }
}

#[cfg(test)]
mod tests;
