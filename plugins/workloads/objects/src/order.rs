//! Which calls fill the queues, in which order.
//!
//! Pure: from iterations and objects to calls. The order is that of iterations where several objects
//! share a queue; an object that has a queue for itself goes there in as few calls as possible, whatever the number of
//! namespaces: a queue takes a million rows as easily as one, and what is due at once is then at hand at once. Of a sharded job each instance takes every n-th operation of each
//! queue, as the host's schedule does: all together they make what one would, in the same order.

use std::ops::Range;

use crate::config::Object;

/// Most rows that the host takes in one call.
const MAX_ROWS: u32 = 1_000_000;
/// Most rows of one call when values of each cross as a list.
const MAX_LIST_ROWS: u32 = 4096;

/// One `create` call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Position in the list of objects.
    pub object: usize,
    /// All replicas of these.
    pub iterations: Range<u32>,
}

/// Operations of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// All replicas of all iterations, in order.
    All {
        /// These.
        iterations: Range<u32>,
        /// In each.
        replicas: u32,
    },
    /// One instance's: iteration, and replica from 1.
    Some {
        /// In order.
        rows: Vec<(u32, u32)>,
        /// In each iteration, all instances together.
        replicas: u32,
    },
}

impl Rows {
    /// How many.
    pub fn len(&self) -> u32 {
        match self {
            Self::All { iterations, replicas } => iterations.len() as u32 * replicas,
            Self::Some { rows, .. } => rows.len() as u32,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The rows of a call that are this instance's.
pub fn rows(shapes: &[Shape<'_>], call: &Call, (index, count): (u32, u32)) -> Rows {
    let replicas = shapes.get(call.object).map_or(1, |shape| shape.replicas);
    if count <= 1 {
        return Rows::All { iterations: call.iterations.clone(), replicas };
    }
    let queue = shapes.get(call.object).map_or("", |shape| shape.queue);
    let on_queue = || shapes.iter().enumerate().filter(|(_, shape)| shape.queue == queue);
    let sum = |sum: u64, (_, shape): (usize, &Shape<'_>)| sum + u64::from(shape.replicas);
    let per_iteration = on_queue().fold(0, sum);
    let before = on_queue().filter(|(object, _)| *object < call.object).fold(0, sum);
    let is_mine = |&(iteration, replica): &(u32, u32)| {
        let number = u64::from(iteration) * per_iteration + before + u64::from(replica) - 1;
        number % u64::from(count) == u64::from(index)
    };
    let all =
        call.iterations.clone().flat_map(|iteration| (1..=replicas).map(move |replica| (iteration, replica)));
    Rows::Some { rows: all.filter(is_mine).collect(), replicas }
}

/// What a call needs to know of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape<'a> {
    /// Its queue.
    pub queue: &'a str,
    /// In each iteration.
    pub replicas: u32,
    /// Whether each row has a value of its own that crosses in a list.
    pub has_list: bool,
}

impl<'a> Shape<'a> {
    /// Of an entry of the list.
    pub fn of(object: &'a Object, has_list: bool) -> Self {
        Self { queue: &object.queue, replicas: object.replicas, has_list }
    }

    /// As many iterations as fit one call.
    fn iterations_per_call(&self) -> u32 {
        let rows = if self.has_list { MAX_LIST_ROWS } else { MAX_ROWS };
        (rows / self.replicas.max(1)).max(1)
    }
}

/// All calls for these iterations, in order; queues take turns.
pub fn calls(shapes: &[Shape<'_>], iterations: Range<u32>) -> Vec<Call> {
    let mut calls = Vec::new();
    let queues = queues(shapes);
    let step = shapes.iter().map(Shape::iterations_per_call).min().unwrap_or(1);
    let mut start = iterations.start;
    while start < iterations.end {
        let end = start.saturating_add(step).min(iterations.end);
        for objects in &queues {
            fill(&mut calls, objects, start..end);
        }
        start = end;
    }
    calls
}

/// The objects of each queue, queues in the order of their first one.
fn queues(shapes: &[Shape<'_>]) -> Vec<Vec<usize>> {
    let mut queues: Vec<(&str, Vec<usize>)> = Vec::new();
    for (object, shape) in shapes.iter().enumerate() {
        match queues.iter_mut().find(|(queue, _)| *queue == shape.queue) {
            Some((_, objects)) => objects.push(object),
            None => queues.push((shape.queue, vec![object])),
        }
    }
    queues.into_iter().map(|(_, objects)| objects).collect()
}

fn fill(calls: &mut Vec<Call>, objects: &[usize], iterations: Range<u32>) {
    if let [object] = *objects {
        calls.push(Call { object, iterations });
        return;
    }
    for iteration in iterations {
        calls.extend(objects.iter().map(|&object| Call { object, iterations: iteration..iteration + 1 }));
    }
}

#[cfg(test)]
mod tests;
