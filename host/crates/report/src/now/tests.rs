use std::num::NonZeroU32;

use bench_model::{
    Arrival, JobName, Label, MetricName, OnTooManyRequests, QueueName, QueueSpec, QueueTotals, Rate,
    ReasonId, ResourceId,
};
use bench_results::Verdict;
use proptest::prelude::*;

use super::{queues::Offered, *};

const MS: i64 = 1_000_000;

fn job() -> JobName {
    JobName::parse("create-pods").expect("a name")
}

fn spec(rate: Option<f64>) -> QueueSpec {
    QueueSpec {
        rate: rate.map(|rate| Rate::try_new(rate).expect("a rate")),
        burst: NonZeroU32::MIN,
        arrival: Arrival::Constant,
        in_flight: NonZeroU32::MIN,
        on_too_many_requests: OnTooManyRequests::Record,
    }
}

fn opened(gates: &[&str], rate: Option<f64>) -> RunNow {
    let gates = gates.iter().map(|gate| (*gate).to_owned()).collect();
    let mut now = RunNow::new(RunTitle { gates, ..RunTitle::default() });
    let at = TimeNs(0);
    let (queue, name) = (QueueId(1), QueueName::main());
    now.add(&RunEvent::PhaseStarted { phase: Phase::Measure, at });
    now.add(&RunEvent::QueueOpened { queue, job: job(), name, spec: spec(rate), at });
    now
}

fn operation(due: i64, took: i64, http_status: u16) -> Operation {
    Operation {
        index: 0,
        due: TimeNs(due),
        sent: TimeNs(due),
        done: TimeNs(due + took),
        http_status,
        attempts: 1,
        verb: Verb::Create,
        resource: ResourceId(1),
        reason: ReasonId(u32::from(http_status >= 300)),
    }
}

fn ended(now: &mut RunNow, operations: Vec<Operation>) {
    now.add(&RunEvent::Operations { queue: QueueId(1), operations });
}

fn counted(now: &mut RunNow, at: i64, asked: u64, due: u64, sent: u64) {
    let totals = QueueTotals { asked, due, sent, ..QueueTotals::default() };
    now.add(&RunEvent::QueueCounted { queue: QueueId(1), totals, at: TimeNs(at) });
}

/// The verdict so far after operations with these times and statuses.
fn check_gate(gate: &str, operations: &[(i64, u16)], expected: Verdict) {
    let mut now = opened(&[gate], Some(10.0));
    let operations = operations.iter().map(|(took, status)| operation(0, *took, *status)).collect();
    ended(&mut now, operations);
    let so_far = now.gates[0].so_far(&now.queues);
    assert_eq!(so_far.verdict, expected, "{gate}: {so_far:?}");
}

#[test]
fn what_is_offered_is_the_schedule_while_there_is_something_to_send() {
    let mut now = opened(&[], Some(50.0));
    assert_eq!(now.queues.offered(), None);
    counted(&mut now, 1000 * MS, 100, 1, 1);
    assert_eq!(now.queues.offered(), Some(Offered::Rate(50.0)));
    // Only five could be sent in this second; the schedule wanted fifty.
    counted(&mut now, 2000 * MS, 100, 6, 6);
    let last = now.seconds.last(2, 2);
    assert_eq!((last[0].1.offered, last[1].1.offered), (1.0, 50.0));
    counted(&mut now, 3000 * MS, 100, 100, 100);
    assert_eq!(now.queues.offered(), None);
}

#[test]
fn an_unpaced_queue_offers_what_it_sends() {
    let mut now = opened(&[], None);
    counted(&mut now, 500 * MS, 100, 30, 30);
    assert_eq!(now.queues.offered(), Some(Offered::Unpaced));
    assert_eq!(now.seconds.last(0, 1)[0].1.offered, 30.0);
}

#[test]
fn in_flight_is_what_left_and_did_not_come_back() {
    let mut now = opened(&[], Some(50.0));
    let never = Operation { sent: TimeNs::NEVER, done: TimeNs::NEVER, ..operation(0, MS, 0) };
    ended(&mut now, vec![operation(0, MS, 201), never]);
    counted(&mut now, 100 * MS, 10, 4, 3);
    assert_eq!(now.queues.in_flight(), 2);
}

#[test]
fn gates_say_what_they_would_say_in_the_end() {
    let quick = [(5 * MS, 201); 20];
    check_gate("p50(create-pods.response) < 10ms", &quick, Verdict::Pass);
    check_gate("p50(create-pods.response) < 1ms", &quick, Verdict::Fail);
    check_gate("p99(create-pods.response) < 10ms", &quick, Verdict::NoData);
    check_gate("p50(create-pods.response) < 10ms", &[], Verdict::NoData);
    check_gate("rate(create-pods.errors) == 0", &quick, Verdict::Pass);
    check_gate("rate(create-pods.errors) == 0", &[(MS, 201), (MS, 500)], Verdict::Fail);
    check_gate("count(create-pods.operations{verb=\"delete\"}) == 0", &quick, Verdict::NoData);
    check_gate("p50(create-pods.response{code=\"201\"}) < 10ms", &quick, Verdict::Pass);
    check_gate("p50(other.response) < 10ms", &quick, Verdict::NoData);
    check_gate("not a gate", &quick, Verdict::NoData);
}

#[test]
fn a_refusal_is_not_fast() {
    check_gate("p50(create-pods.response) < 10ms", &[(MS, 429); 10], Verdict::Fail);
}

#[test]
fn what_a_measurement_declares_wins_over_a_job_of_its_name() {
    let mut now = opened(&["max(create-pods.response) < 5"], Some(10.0));
    let label = Label { name: "job".to_owned(), value: "create-pods".to_owned() };
    now.add(&RunEvent::InstrumentOpened {
        instrument: InstrumentId(3),
        source: "create-pods".to_owned(),
        name: MetricName::parse("response").expect("a name"),
        kind: InstrumentKind::Histogram,
        unit: "{pod}".to_owned(),
        labels: vec![label],
    });
    ended(&mut now, vec![operation(0, MS, 201)]);
    now.add(&RunEvent::Observed { instrument: InstrumentId(3), at: TimeNs(MS), values: vec![4] });
    let so_far = now.gates[0].so_far(&now.queues);
    assert_eq!((so_far.verdict, so_far.n, so_far.unit.as_str()), (Verdict::Pass, 1, "{pod}"));
}

#[test]
fn warmup_is_shown_and_counts_for_no_gate() {
    let mut now = opened(&["count(create-pods.operations) > 0"], Some(10.0));
    now.add(&RunEvent::PhaseStarted { phase: Phase::Warmup, at: TimeNs(MS) });
    ended(&mut now, vec![operation(2 * MS, MS, 201)]);
    assert_eq!(now.gates[0].so_far(&now.queues).verdict, Verdict::NoData);
    assert_eq!((now.seconds.total().count(), now.seconds.lately(0).count()), (0, 1));
}

#[test]
fn a_second_keeps_its_quantile_when_its_distribution_is_gone() {
    let mut now = opened(&[], Some(10.0));
    for second in 0..30 {
        ended(&mut now, vec![operation(second * SECOND_NS, (second + 1) * MS, 201)]);
    }
    let last = now.seconds.last(29, 30);
    let off = |(second, at): &(i64, Second)| {
        let expected = u64::try_from((second + 1) * MS).expect("positive");
        at.p99.is_none_or(|p99| p99.abs_diff(expected) > expected / 500)
    };
    assert_eq!(last.iter().filter(|second| off(second)).count(), 0, "{last:?}");
}

proptest! {
    #[test]
    fn no_answer_is_lost_while_its_second_is_kept(dones in prop::collection::vec(0_i64..500, 1..200)) {
        let mut now = opened(&[], Some(10.0));
        for done in &dones {
            ended(&mut now, vec![operation(0, done * SECOND_NS, 201)]);
        }
        let latest = dones.iter().max().copied().unwrap_or(0);
        let kept: u64 = now.seconds.last(latest, 600).iter().map(|(_, second)| second.answered).sum();
        // What is older than the first second that was ever seen has no place.
        let first = dones[0];
        prop_assert_eq!(kept, dones.iter().filter(|done| **done >= first).count() as u64);
    }

    #[test]
    fn times_from_anywhere_cost_no_memory(seconds in prop::collection::vec(any::<i32>(), 1..50)) {
        let mut seconds_now = Seconds::default();
        for second in seconds {
            seconds_now.answer(i64::from(second), &operation(0, 1, 201), 1, true);
        }
        prop_assert!(seconds_now.last(0, 2000).len() == 2000);
    }
}
