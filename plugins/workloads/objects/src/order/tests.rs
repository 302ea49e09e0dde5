use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn shape(queue: &str, replicas: u32) -> Shape<'_> {
    Shape { queue, replicas, has_list: false }
}

/// Calls as `object:start..end`.
fn check(shapes: &[Shape<'_>], iterations: Range<u32>, expected: &[&str]) {
    let found: Vec<String> = calls(shapes, iterations)
        .into_iter()
        .map(|call| format!("{}:{:?}", call.object, call.iterations))
        .collect();
    assert_eq!(found, expected);
}

fn listed(rows: Rows) -> Vec<(u32, u32)> {
    match rows {
        Rows::All { iterations, replicas } => {
            iterations.flat_map(|iteration| (1..=replicas).map(move |replica| (iteration, replica))).collect()
        }
        Rows::Some { rows, .. } => rows,
    }
}

#[test]
fn an_object_alone_on_its_queue_needs_one_call() {
    check(&[shape("main", 1)], 0..500, &["0:0..500"]);
    check(&[shape("main", 3)], 150..210, &["0:150..210"]);
}

#[test]
fn objects_on_one_queue_come_iteration_by_iteration() {
    let shapes = [shape("main", 1), shape("main", 2)];
    check(&shapes, 0..2, &["0:0..1", "1:0..1", "0:1..2", "1:1..2"]);
}

#[test]
fn objects_on_different_queues_do_not_chop_each_other() {
    check(&[shape("a", 1), shape("b", 1)], 0..9, &["0:0..9", "1:0..9"]);
}

#[test]
fn rows_with_values_of_their_own_come_in_pieces_and_queues_take_turns() {
    let shapes = [Shape { has_list: true, ..shape("a", 2) }, shape("b", 1)];
    let expected = ["0:0..2048", "1:0..2048", "0:2048..4096", "1:2048..4096", "0:4096..5000", "1:4096..5000"];
    check(&shapes, 0..5000, &expected);
}

proptest! {
    #[test]
    fn instances_take_turns_on_each_queue_and_leave_nothing_out(
        iterations in 0_u32..40, count in 1_u32..6,
        objects in prop::collection::vec((0_usize..2, 1_u32..5), 1..4),
    ) {
        let names = ["a", "b"];
        let shapes: Vec<Shape<'_>> =
            objects.iter().map(|&(queue, replicas)| shape(names[queue], replicas)).collect();
        let operations = |instance, queue| {
            let calls = calls(&shapes, 0..iterations).into_iter();
            let calls = calls.filter(|call| shapes[call.object].queue == queue);
            calls.flat_map(|call| listed(rows(&shapes, &call, instance)).into_iter().map(move |row| (call.object, row)))
                .collect::<Vec<_>>()
        };
        for queue in names {
            let parts: Vec<_> = (0..count).map(|index| operations((index, count), queue)).collect();
            let whole = operations((0, 1), queue);
            let woven: Vec<_> = (0..whole.len())
                .map(|at| parts[at % count as usize][at / count as usize]).collect();
            prop_assert_eq!(woven, whole);
        }
    }

    #[test]
    fn every_iteration_of_every_object_is_created_once(
        iterations in 0_u32..300, start in 0_u32..300,
        queues in prop::collection::vec(0_usize..3, 1..5), has_list: bool,
    ) {
        let names = ["a", "b", "c"];
        let shapes: Vec<Shape<'_>> = queues.iter()
            .map(|&queue| Shape { queue: names[queue], replicas: 100, has_list }).collect();
        let mut seen = BTreeSet::new();
        for call in calls(&shapes, start..start + iterations) {
            for iteration in call.iterations {
                prop_assert!(seen.insert((call.object, iteration)));
            }
        }
        prop_assert_eq!(seen.len(), shapes.len() * iterations as usize);
    }
}
