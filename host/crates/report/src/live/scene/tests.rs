use std::num::NonZeroU32;

use bench_model::{
    Arrival, JobName, OnTooManyRequests, Operation, QueueId, QueueName, QueueSpec, QueueTotals, Rate,
    ReasonId, ResourceId, RowKind, RunEvent, TimeNs, Verb,
};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, style::Color};

use super::*;
use crate::{
    live::board::tests::{Row, batch},
    now::RunTitle,
    progress::tests::events,
};

const PLAIN: Look = Look { color: false, unicode: true };

/// Twelve seconds of load, a mark, and a second queue that goes on.
fn now() -> RunNow {
    let gates = [
        "p50(pod-latency.ready) < 5s",
        "p99(create-pods.response) < 1s",
        "rate(create-pods.errors) == 0",
        "count(pod-latency.lost) == 0",
    ];
    let mut now = RunNow::new(RunTitle {
        scenario: "quickstart".to_owned(),
        run: "0198c0de".to_owned(),
        cluster: "simulated, 20 nodes".to_owned(),
        deadline: Some(std::time::Duration::from_secs(120)),
        gates: gates.map(str::to_owned).to_vec(),
    });
    let before_the_end =
        |event: &&RunEvent| !matches!(event, RunEvent::JobFinished { .. } | RunEvent::CleanedUp { .. });
    for (index, event) in events().iter().filter(before_the_end).enumerate() {
        if index == 600 {
            now.add(&RunEvent::Marked { number: 1, at: now.now });
        }
        if index % 25 == 24 {
            now.add(&counted(1000, index as u64 / 2, index as u64 / 2 + 3, now.now));
        }
        now.add(event);
    }
    now
}

fn counted(asked: u64, due: u64, sent: u64, at: TimeNs) -> RunEvent {
    let totals = QueueTotals { asked, due, sent, ..QueueTotals::default() };
    RunEvent::QueueCounted { queue: QueueId(1), totals, at }
}

/// So many nodes with pods in every phase; the last node has none.
fn board(nodes: usize, pods: usize) -> PodBoard {
    let mut board = PodBoard::default();
    board.add_nodes((1..=nodes).map(|n| format!("node-{n}")).collect());
    let names: Vec<(String, String)> = (0..pods)
        .map(|pod| (format!("uid-{pod}"), format!("node-{}", pod % (nodes - 1).max(1) + 1)))
        .collect();
    let rows: Vec<Row<'_>> = names
        .iter()
        .enumerate()
        .map(|(index, (uid, node))| {
            let (node, phase, ready, deleted) = match index % 16 {
                0 => ("", "Pending", false, false),
                1 | 2 => (node.as_str(), "Pending", false, false),
                3 => (node.as_str(), "Running", false, false),
                4 => (node.as_str(), "Running", true, true),
                5 => (node.as_str(), "Failed", false, false),
                6 => (node.as_str(), "Succeeded", false, false),
                _ => (node.as_str(), "Running", true, false),
            };
            (RowKind::Added, uid.as_str(), node, phase, ready, deleted)
        })
        .collect();
    for some in rows.chunks(256) {
        board.see(&batch(some));
    }
    board
}

fn drawn(scene: &Scene<'_>, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    let picture = |frame: &mut ratatui::Frame<'_>| {
        draw(scene, frame.area(), frame.buffer_mut());
    };
    terminal.draw(picture).expect("drawn");
    terminal
}

fn check(name: &str, board: &PodBoard, chosen: Chosen, look: Look, (width, height): (u16, u16)) {
    let now = now();
    let scene = Scene { now: &now, board, chosen, look };
    insta::assert_snapshot!(name, drawn(&scene, width, height).backend());
}

#[test]
fn eighty_columns_have_every_part() {
    check("80x24", &board(10, 100), Chosen::default(), PLAIN, (80, 24));
}

#[test]
fn more_room_goes_to_pods_and_charts() {
    check("120x40", &board(20, 400), Chosen::default(), PLAIN, (120, 40));
    check("200x60", &board(20, 1000), Chosen::default(), PLAIN, (200, 60));
}

#[test]
fn a_tiny_terminal_has_the_numbers_and_the_keys() {
    check("40x10", &board(10, 100), Chosen::default(), PLAIN, (40, 10));
}

#[test]
fn a_thousand_nodes_are_a_cell_each() {
    check("nodes", &board(1000, 9000), Chosen::default(), PLAIN, (120, 40));
}

#[test]
fn what_does_not_fit_is_scrolled() {
    let chosen = Chosen { scroll: 5, ..Chosen::default() };
    check("scrolled", &board(20, 1000), chosen, PLAIN, (80, 24));
}

#[test]
fn help_takes_the_place_of_the_pods() {
    check("help", &board(10, 100), Chosen { help: true, ..Chosen::default() }, PLAIN, (100, 30));
}

#[test]
fn a_terminal_without_unicode_gets_ascii() {
    let look = Look { color: false, unicode: false };
    check("ascii", &board(10, 100), Chosen::default(), look, (80, 24));
    let (now, board) = (now(), board(10, 100));
    let scene = Scene { now: &now, board: &board, chosen: Chosen::default(), look };
    let terminal = drawn(&scene, 80, 24);
    let symbols = terminal.backend().buffer().content.iter().map(ratatui::buffer::Cell::symbol);
    assert_eq!(symbols.filter(|symbol| !symbol.is_ascii()).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn before_anything_happened_and_without_pods_it_says_so() {
    let now = RunNow::new(RunTitle { scenario: "empty".to_owned(), ..RunTitle::default() });
    let mut board = PodBoard::default();
    board.set_note("pods cannot be watched: forbidden\u{1b}[2J");
    let scene = Scene { now: &now, board: &board, chosen: Chosen::default(), look: PLAIN };
    insta::assert_snapshot!("nothing", drawn(&scene, 80, 16).backend());
}

#[test]
fn colours_are_the_terminals_own_and_absent_when_not_wanted() {
    let (now, board) = (now(), board(10, 100));
    let colors = |color| {
        let look = Look { color, unicode: true };
        let scene = Scene { now: &now, board: &board, chosen: Chosen::default(), look };
        let terminal = drawn(&scene, 80, 24);
        let cells = terminal.backend().buffer().content.iter().flat_map(|cell| [cell.fg, cell.bg]);
        cells.filter(|color| *color != Color::Reset).collect::<std::collections::HashSet<_>>()
    };
    assert!(colors(false).is_empty());
    assert!(colors(true).contains(&Color::Green));
    assert!(colors(true).iter().all(|color| !matches!(color, Color::Rgb(..) | Color::Indexed(_))));
}

#[test]
fn what_never_came_back_is_called_never() {
    let mut now = RunNow::new(RunTitle::default());
    let at = TimeNs(0);
    let spec = QueueSpec {
        rate: Some(Rate::try_new(1.0).expect("a rate")),
        burst: NonZeroU32::MIN,
        arrival: Arrival::Constant,
        in_flight: NonZeroU32::MIN,
        on_too_many_requests: OnTooManyRequests::Record,
    };
    let job = JobName::parse("j").expect("a name");
    now.add(&RunEvent::QueueOpened { queue: QueueId(1), job, name: QueueName::main(), spec, at });
    let operation = Operation {
        index: 0,
        due: at,
        sent: at,
        done: TimeNs(5),
        http_status: 429,
        attempts: 1,
        verb: Verb::Create,
        resource: ResourceId(1),
        reason: ReasonId(1),
    };
    now.add(&RunEvent::Operations { queue: QueueId(1), operations: vec![operation] });
    let lines = lines::numbers(&now, &PodBoard::default(), PLAIN, 80);
    let text = lines[1].to_string();
    assert!(text.contains("p99 never"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_size_can_be_drawn(width in 1_u16..220, height in 1_u16..70, nodes in 2_usize..40,
                               pods in 0_usize..300, scroll in 0_usize..1000, kind in 0_u8..3) {
        let (now, board) = (now(), board(nodes, pods));
        let grid = [GridKind::Auto, GridKind::Pods, GridKind::Nodes][usize::from(kind)];
        let chosen = Chosen { grid, scroll, help: false };
        drawn(&Scene { now: &now, board: &board, chosen, look: PLAIN }, width, height);
    }
}
