//! The API server has forgotten what a watch asks for.

use bench_lab::Component;
use serde_json::Value;

use crate::bench::eventually;
use crate::lab::{lab, nothing_is_left};
use crate::run::{Ended, Running};

/// What a slow machine needs to tell that a pod is ready.
const LATE_NS: i128 = 5_000_000_000;
const SECOND_NS: i128 = 1_000_000_000;

/// A pod as the API server has it: name, and when it became ready, in whole seconds.
fn ready_at(pod: &Value) -> Option<(String, i128)> {
    let metadata = &pod["metadata"];
    let name = format!("{}/{}", metadata["namespace"].as_str()?, metadata["name"].as_str()?);
    let conditions = pod["status"]["conditions"].as_array()?;
    let ready = conditions.iter().find(|one| one["type"] == "Ready" && one["status"] == "True")?;
    Some((name, timestamp(ready["lastTransitionTime"].as_str()?)))
}

fn timestamp(text: &str) -> i128 {
    text.parse::<jiff::Timestamp>().expect("RFC 3339").as_nanosecond()
}

/// Fails unless the bounds of a row contain the second in which the API server says that the pod became ready.
fn check_row(row: &Value, started_at: i128, truth: i128) {
    let number =
        |name: &str| i128::from(row[name].as_i64().unwrap_or_else(|| panic!("no `{name}` in {row}")));
    let high = started_at + number("start") + number("ready");
    let low = high - number("uncertainty");
    // Ten milliseconds: clocks are read one after the other.
    assert!(high + SECOND_NS / 100 >= truth, "ready {} ns before it was: {row}", truth - high);
    assert!(low <= truth + SECOND_NS + LATE_NS, "ready {} ns after it was: {row}", low - truth);
}

fn gaps(ended: &Ended) -> Vec<(&str, bool)> {
    let gaps = ended.summary["gaps"].as_array().expect("gaps").iter();
    gaps.filter_map(|gap| Some((gap["reason"].as_str()?, gap["relisted"].as_bool()?))).collect()
}

#[test]
fn a_watch_that_was_compacted_lists_again_and_no_row_is_wrong() {
    let mut lab = lab();
    // So many a second that some are due while nothing listens: a server that starts takes connections long before it
    // answers, and what waits for it does not fail.
    let mut running = Running::start(&lab, &["variables.pods=300", "variables.rate=20/s"]);
    lab.kill(Component::ApiServer).expect("killed");
    lab.compact().expect("compacted");
    lab.restart(Component::ApiServer).expect("it comes back");
    // All creations are over when each of them has failed or its pod is ready; then the run settles.
    let pods = eventually("the run to settle", || {
        running.assert_goes_on();
        let list = lab.kubectl(&["get", "pods", "-A", "-l", "bench.dev/run-id", "-o", "json"]).ok()?;
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let pods = list["items"].as_array().expect("items").clone();
        let is_last = |pod: &Value| pod["metadata"]["name"] == "pod-299";
        let all: Option<Vec<(String, i128)>> = pods.iter().map(ready_at).collect();
        all.filter(|_| pods.iter().any(is_last))
    });
    let ended = running.ended_with(&[10, 13]);

    assert!(gaps(&ended).contains(&("watch expired", true)), "{:?}", gaps(&ended));
    assert_eq!(gaps(&ended).iter().find(|(_, relisted)| !relisted), None);
    assert_eq!(ended.findings("relisted").len(), gaps(&ended).len());
    assert!(ended.text.contains("watch expired"), "{}", ended.text);
    // A create whose answer was lost with the connection may have been done.
    let created = 300 - ended.count("failed") as usize;
    assert!(created < 300, "{}", ended.job());
    let rows = ended.rows();
    assert!(rows.len() == pods.len() && pods.len() >= created, "{} rows, {} pods", rows.len(), pods.len());
    let started_at = timestamp(ended.summary["run"]["startedAt"].as_str().expect("a time"));
    for row in &rows {
        let (_, truth) = pods.iter().find(|(name, _)| row["pod"] == name.as_str()).expect("the row's pod");
        check_row(row, started_at, *truth);
    }
    nothing_is_left(&lab);
}
