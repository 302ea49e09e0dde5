use bench_model::TimeNs;
use proptest::prelude::*;

use super::*;

/// A pod as a row shows it: uid, node, phase, whether it is ready, whether it is being deleted.
pub(in crate::live) type Row<'a> = (RowKind, &'a str, &'a str, &'a str, bool, bool);

/// A batch as the host makes them, with a string table of its own.
pub(in crate::live) fn batch(rows: &[Row<'_>]) -> EventBatch {
    let mut strings: Vec<String> = Vec::new();
    let mut id = |text: &str| {
        if text.is_empty() {
            return 0;
        }
        let known = strings.iter().position(|string| string == text);
        let position = known.unwrap_or_else(|| {
            strings.push(text.to_owned());
            strings.len() - 1
        });
        u32::try_from(position + 1).expect("few")
    };
    let mut columns = vec![Vec::new(); PATHS.len()];
    let (mut kind, mut uid) = (Vec::new(), Vec::new());
    for (row_kind, row_uid, node, phase, ready, deleted) in rows {
        kind.push(*row_kind as u8);
        uid.push(id(row_uid));
        columns[NODE].push(id(node));
        columns[PHASE].push(id(phase));
        columns[READY].push(id(if *ready { "True" } else { "False" }));
        columns[DELETED].push(id(if *deleted { "2026-01-01T00:00:00Z" } else { "" }));
    }
    let n = rows.len();
    EventBatch {
        subscription: 0,
        first_string_id: 1,
        new_strings: strings,
        kind,
        object: vec![0; n],
        uid,
        resource_version: vec![0; n],
        observed_at: vec![TimeNs(0); n],
        projected: columns.into_iter().map(Column::Ids).collect(),
    }
}

fn seen(rows: &[Row<'_>]) -> PodBoard {
    let mut board = PodBoard::default();
    board.see(&batch(rows));
    board
}

fn places(board: &PodBoard) -> Vec<(&str, Vec<Option<PodPhase>>)> {
    board.nodes().map(|node| (node.name.as_str(), node.places.clone())).collect()
}

#[test]
fn a_pod_goes_from_nowhere_to_its_node_and_on() {
    let added = RowKind::Added;
    let mut board = seen(&[(added, "a", "", "Pending", false, false)]);
    assert_eq!((board.count(PodPhase::Unscheduled), board.nodes().len()), (1, 0));
    let steps = [
        ("Pending", false, false, PodPhase::Pending),
        ("Running", false, false, PodPhase::Running),
        ("Running", true, false, PodPhase::Ready),
        ("Running", true, true, PodPhase::Terminating),
        ("Succeeded", false, true, PodPhase::Succeeded),
        ("Failed", false, false, PodPhase::Failed),
    ];
    for (phase, ready, deleted, expected) in steps {
        board.see(&batch(&[(RowKind::Modified, "a", "node-1", phase, ready, deleted)]));
        assert_eq!(places(&board), [("node-1", vec![Some(expected)])]);
        assert_eq!(board.count(expected), 1);
    }
    board.see(&batch(&[(RowKind::Deleted, "a", "node-1", "Failed", false, false)]));
    assert_eq!(places(&board), [("node-1", vec![None])]);
    assert_eq!((board.count(PodPhase::Failed), board.gone()), (0, 1));
}

#[test]
fn a_place_that_is_free_is_taken_by_the_next_pod_and_no_other_moves() {
    let added = RowKind::Added;
    let running = |uid| (added, uid, "n", "Running", true, false);
    let mut board = seen(&[running("a"), running("b"), running("c")]);
    board.see(&batch(&[(RowKind::Deleted, "b", "n", "", false, false)]));
    let ready = Some(PodPhase::Ready);
    assert_eq!(places(&board), [("n", vec![ready, None, ready])]);
    board.see(&batch(&[(added, "d", "n", "Pending", false, false)]));
    assert_eq!(places(&board), [("n", vec![ready, Some(PodPhase::Pending), ready])]);
}

#[test]
fn nodes_are_in_the_order_of_their_numbers_and_seen_without_pods() {
    let mut board = PodBoard::default();
    board.add_nodes(["node-10", "node-9", "node-\u{1b}[2J"].map(str::to_owned).to_vec());
    let names: Vec<&str> = board.nodes().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["node-9", "node-10", "node-\\u{1b}[2J"]);
}

proptest! {
    #[test]
    fn every_pod_is_counted_once_and_has_at_most_one_place(
        steps in prop::collection::vec((0_usize..4, 0_usize..12, 0_usize..3, 0_usize..3), 0..200),
    ) {
        let kinds = [RowKind::Added, RowKind::Modified, RowKind::Deleted, RowKind::Gap];
        let (nodes, phases) = (["", "n-1", "n-2"], ["Pending", "Running", "Failed"]);
        let mut board = PodBoard::default();
        for (kind, uid, node, phase) in steps {
            board.see(&batch(&[(kinds[kind], &format!("uid-{uid}"), nodes[node], phases[phase], false, false)]));
        }
        let counted: u64 = PodPhase::ALL.into_iter().map(|phase| board.count(phase)).sum();
        prop_assert_eq!(counted, board.pods.len() as u64);
        let placed = board.pods.values().filter(|pod| pod.place.is_some()).count();
        prop_assert_eq!(board.nodes().map(Node::pods).sum::<usize>(), placed);
    }
}
