use bench_sdk::serde_json::Value;
use proptest::prelude::*;

use super::*;
use crate::{interval::Interval, report, table};

const EXACT_CLOCK: (i64, i64) = (0, 0);
const SECOND: i64 = 1_000_000_000;

/// An event with conditions up to the given number true; created in second 1, due at 10, sent at 12.
fn event<'a>(kind: RowKind, uid: &'a str, observed_at: i64, reached: &[Condition]) -> Event<'a> {
    let mut status = ["False"; N_CONDITIONS];
    reached.iter().for_each(|&condition| status[condition as usize] = "True");
    Event {
        kind,
        object: uid,
        uid,
        observed_at,
        status,
        transition: [None; N_CONDITIONS],
        created: Some(SECOND),
        job: "make",
        owner: "",
        node: "node-1",
        phase: "Pending",
        reason: "",
        message: "",
        due: Some(10),
        sent: Some(12),
    }
}

fn offset() -> Offset {
    Offset::from_host(EXACT_CLOCK)
}

fn seen(events: &[Event<'_>]) -> Pods {
    let mut pods = Pods::default();
    events.iter().for_each(|event| pods.see(event, offset()));
    pods
}

/// Samples after the end, as `condition low..high`, sorted by condition; missing ones as `never`.
fn check(events: &[Event<'_>], expected: &[&str]) {
    let mut pods = seen(events);
    pods.finish(offset());
    let mut samples = pods.take_samples();
    samples.sort_by_key(|sample| sample.condition);
    let show = |sample: Sample| {
        let name = CONDITIONS[sample.condition as usize].metric();
        match (sample.low, sample.high) {
            (NEVER, _) => format!("{name} never"),
            (low, high) if low == high => format!("{name} {low}"),
            (low, high) => format!("{name} {low}..{high}"),
        }
    };
    let found: Vec<String> = samples.into_iter().map(show).collect();
    assert_eq!(found, expected);
}

fn finished(events: &[Event<'_>]) -> Value {
    let mut pods = seen(events);
    pods.finish(offset());
    bench_sdk::serde_json::from_str(&report::json(&pods, 0)).expect("JSON")
}

use Condition::{ContainersReady, Initialized, Ready, SandboxReady, Scheduled};
use RowKind::{Added, Deleted, Gap, Initial, Modified};

#[test]
fn a_latency_runs_from_due_to_the_first_event_that_shows_the_condition() {
    check(
        &[
            event(Added, "a", 20, &[]),
            event(Modified, "a", 30, &[Scheduled]),
            event(Modified, "a", 50, &[Scheduled, Initialized, SandboxReady]),
            event(Modified, "a", 90, &CONDITIONS),
            event(Modified, "a", 99, &CONDITIONS),
        ],
        &["scheduled 20", "initialized 40", "sandbox-ready 40", "containers-ready 80", "ready 80"],
    );
}

#[test]
fn conditions_that_never_came_are_missing_and_the_pod_is_named() {
    let events = [event(Added, "ns/a", 20, &[Scheduled])];
    check(
        &events,
        &[
            "scheduled 10",
            "initialized never",
            "sandbox-ready never",
            "containers-ready never",
            "ready never",
        ],
    );
    let report = finished(&events);
    assert_eq!(report["examples"][0]["pod"], "ns/a");
    assert_eq!(report["examples"][0]["why"], "on node `node-1`, not ready when the measurement ended");
    assert_eq!(report["missing"][3]["condition"], "ready");
    assert_eq!((&report["pods"], &report["ready"]), (&Value::from(1), &Value::from(0)));
}

#[test]
fn the_scheduler_says_why_a_pod_is_not_scheduled() {
    let mut waiting = event(Modified, "a", 20, &[]);
    (waiting.reason, waiting.message) = ("Unschedulable", "0/3 nodes are available");
    let report = finished(&[event(Added, "a", 15, &[]), waiting]);
    assert_eq!(report["examples"][0]["why"], "Unschedulable: 0/3 nodes are available");
}

#[test]
fn a_pod_deleted_before_it_was_ready_is_missing() {
    let events = [event(Added, "a", 20, &[Scheduled]), event(Deleted, "a", 40, &[Scheduled])];
    let report = finished(&events);
    assert_eq!(report["deletedBeforeReady"], 1);
    assert_eq!(report["examples"][0]["why"], "deleted before it was ready");
}

#[test]
fn a_condition_that_no_pod_of_the_run_has_is_not_set_by_the_cluster() {
    let mut fake = event(Added, "a", 30, &[Scheduled, Initialized, ContainersReady, Ready]);
    fake.status[SandboxReady as usize] = "";
    check(&[fake], &["scheduled 20", "initialized 20", "containers-ready 20", "ready 20"]);
    let report = finished(&[fake]);
    assert_eq!(
        (&report["notSetByCluster"][0], &report["missing"]),
        (&Value::from("sandbox-ready"), &Value::Array(vec![]))
    );
    let real = event(Added, "b", 30, &CONDITIONS);
    assert_eq!(finished(&[fake, real])["missing"][0]["condition"], "sandbox-ready");
}

#[test]
fn samples_of_a_ready_pod_do_not_wait_for_the_end() {
    let mut pods = seen(&[event(Added, "a", 30, &[Scheduled, Ready])]);
    assert_eq!(pods.take_samples().len(), 2);
    assert_eq!(pods.take_done(), [0_usize; 0]);
    pods.see(&event(Modified, "a", 40, &CONDITIONS), offset());
    assert_eq!((pods.take_samples().len(), pods.take_done()), (3, vec![0]));
    pods.finish(offset());
    assert_eq!((pods.take_samples().len(), pods.take_done().len()), (0, 0));
}

#[test]
fn what_is_first_seen_in_a_relist_lies_between_two_bounds() {
    check(
        &[
            event(Added, "a", 20, &[Scheduled]),
            event(Gap, "", 0, &[]),
            event(Initial, "a", 100, &[Scheduled, Initialized]),
            event(Modified, "a", 120, &CONDITIONS),
        ],
        &["scheduled 10", "initialized 10..90", "sandbox-ready 110", "containers-ready 110", "ready 110"],
    );
}

#[test]
fn after_a_gap_without_a_relist_the_next_event_is_no_moment() {
    let lost = [event(Added, "a", 20, &[]), event(Gap, "", 0, &[]), event(Modified, "a", 70, &CONDITIONS)];
    check(
        &lost,
        &[
            "scheduled 10..60",
            "initialized 10..60",
            "sandbox-ready 10..60",
            "containers-ready 10..60",
            "ready 10..60",
        ],
    );
    let new = [event(Gap, "", 0, &[]), event(Added, "b", 70, &[Scheduled])];
    assert_eq!(seen(&new).get(0).and_then(|pod| pod.latency(Scheduled, offset())), Some((60, 60)));
}

#[test]
fn a_transition_time_narrows_what_was_not_seen() {
    let mut found = event(Initial, "a", 60 * SECOND, &[Ready]);
    found.transition[Ready as usize] = Some(30 * SECOND);
    found.due = Some(0);
    let pods = seen(&[found]);
    let ready = pods.get(0).and_then(|pod| pod.latency(Ready, offset()));
    assert_eq!(ready, Some((30 * SECOND as u64, 31 * SECOND as u64)));
}

#[test]
fn a_pod_of_a_controller_starts_within_the_second_of_its_creation() {
    let mut made = event(Added, "a", 5 * SECOND, &[Scheduled]);
    (made.due, made.sent, made.created) = (None, None, Some(4 * SECOND));
    let pods = seen(&[made]);
    let pod = pods.get(0).expect("seen");
    assert_eq!(pod.start(offset()), Interval { low: 4 * SECOND, high: 5 * SECOND });
    assert_eq!(pod.latency(Scheduled, offset()), Some((0, SECOND as u64)));
    let unknown = Offset::from_host((i64::MIN, i64::MAX));
    assert_eq!(pod.start(unknown), Interval { low: 0, high: 5 * SECOND });
    assert_eq!(finished(&[made])["fromControllers"], 1);
}

#[test]
fn a_pod_of_the_warmup_has_a_row_and_no_sample() {
    let mut pods = Pods::default();
    pods.phase_started(true, 0);
    pods.phase_started(false, 15);
    pods.see(&event(Added, "a", 20, &CONDITIONS), offset());
    pods.finish(offset());
    assert_eq!((pods.take_samples().len(), pods.take_done()), (0, vec![0]));
    let bench_sdk::Column::Texts(states) = &table::columns(&pods, &[0], offset())[4] else {
        panic!("a text column")
    };
    assert_eq!(states, &["warmup, ready"]);
}

#[test]
fn a_row_has_a_cell_for_each_column_of_the_manifest() {
    let pods = seen(&[event(Added, "a", 30, &[Scheduled, Ready]), event(Added, "b", 30, &[])]);
    let columns = table::columns(&pods, &[0, 1], offset());
    assert_eq!(columns.len(), table::COLUMNS.len());
    let ints = |name: &str| {
        let position = table::COLUMNS.iter().position(|(column, _)| *column == name).expect("a column");
        match &columns[position] {
            bench_sdk::Column::Ints(ints) => ints.clone(),
            other => panic!("{name} is {other:?}"),
        }
    };
    assert_eq!(ints("start"), [10, 10]);
    assert_eq!(ints("ready"), [20, i64::MIN]);
    assert_eq!(ints("ready-from-sent"), [18, i64::MIN]);
    assert_eq!(ints("uncertainty"), [0, 0]);
}

#[test]
fn pods_of_one_name_are_told_apart_by_uid() {
    let mut again = event(Added, "uid-2", 50, &[]);
    again.object = "uid-1";
    let pods = seen(&[event(Added, "uid-1", 20, &[]), event(Deleted, "uid-1", 40, &[]), again]);
    assert_eq!(pods.iter().filter(|pod| pod.object == "uid-1").count(), 2);
}

/// What is known in the end, without the order in which it became known.
fn outcome(events: &[Event<'_>]) -> (Vec<Sample>, Value) {
    let mut pods = seen(events);
    pods.finish(offset());
    let mut samples = pods.take_samples();
    samples.sort_unstable();
    let mut report: Value = bench_sdk::serde_json::from_str(&report::json(&pods, 0)).expect("JSON");
    if let Some(examples) = report["examples"].as_array_mut() {
        examples.sort_by_key(|example| example["pod"].to_string());
    }
    (samples, report)
}

const UIDS: [&str; 3] = ["a", "b", "c"];

proptest! {
    /// Each pod reaches conditions at its own pace. Watches of several namespaces may interleave in any way, and
    /// relists or lagging API servers may repeat any earlier state of a pod.
    #[test]
    fn interleaving_pods_and_repeating_events_changes_nothing(
        steps in prop::collection::vec((0_usize..3, prop::bits::u8::masked(31)), 1..30),
        order in prop::collection::vec(0_usize..3, 0..60),
        repeats in prop::collection::vec((0_usize..60, 0_usize..60, any::<bool>()), 0..20),
    ) {
        let mut reached = [0_u8; 3];
        let mut of_pod: [Vec<Event<'_>>; 3] = Default::default();
        for (at, &(pod, bits)) in steps.iter().enumerate() {
            reached[pod] |= bits;
            let true_now: Vec<Condition> = CONDITIONS.into_iter().filter(|&c| reached[pod] & 1 << c as u8 != 0).collect();
            let kind = if of_pod[pod].is_empty() { Added } else { Modified };
            of_pod[pod].push(event(kind, UIDS[pod], 20 + at as i64, &true_now));
        }
        let plain: Vec<Event<'_>> = of_pod.concat();
        let mut mixed = Vec::new();
        let mut next = [0; 3];
        for pod in order.into_iter().chain([0, 1, 2].into_iter().cycle().take(3 * plain.len())) {
            if let Some(event) = of_pod[pod].get(next[pod]) {
                mixed.push(*event);
                next[pod] += 1;
            }
        }
        for (from, to, initial) in repeats {
            let from = from % mixed.len();
            let to = from + 1 + to % (mixed.len() - from);
            let mut repeated = mixed[from];
            repeated.observed_at += 1000;
            repeated.kind = if initial { Initial } else { Modified };
            mixed.insert(to, repeated);
        }
        prop_assert_eq!(outcome(&plain), outcome(&mixed));
    }

    #[test]
    fn every_pod_and_condition_counts_exactly_once(
        events in prop::collection::vec((0_usize..3, 0_u8..5, prop::bits::u8::masked(31), 0_i64..1000), 0..60),
    ) {
        let kinds = [Initial, Added, Modified, Deleted, Gap];
        let events: Vec<Event<'_>> = events.iter().map(|&(pod, kind, bits, at)| {
            let true_now: Vec<Condition> = CONDITIONS.into_iter().filter(|&c| bits & 1 << c as u8 != 0).collect();
            event(kinds[kind as usize], UIDS[pod], at, &true_now)
        }).collect();
        let mut pods = seen(&events);
        pods.finish(offset());
        let (n_pods, samples) = (pods.iter().count(), pods.take_samples());
        prop_assert_eq!(samples.len(), n_pods * N_CONDITIONS);
        prop_assert!(samples.iter().all(|sample| sample.low <= sample.high));
        prop_assert_eq!(pods.take_done().len(), n_pods);
    }
}
