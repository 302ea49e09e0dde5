//! The small languages of a scenario: thresholds, durations, rates, quantities, names, conditions. What is read and
//! written again reads the same.
#![no_main]

use bench_cluster::Condition;
use bench_model::{JobName, Rate, RunId, Threshold, format_duration, parse_duration};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(threshold) = text.parse::<Threshold>() {
        let again: Threshold = threshold.to_string().parse().expect("its own words");
        assert_eq!(again.to_string(), threshold.to_string());
    }
    if let Ok(duration) = parse_duration(text) {
        // Written for people, so rounded.
        assert!(parse_duration(&format_duration(duration)).is_ok(), "{duration:?}");
    }
    if let Ok(rate) = Rate::parse(text) {
        assert!(rate.per_second() > 0.0 && rate.per_second().is_finite());
    }
    if let Ok(name) = JobName::parse(text) {
        assert_eq!(name.as_str(), text);
    }
    let _ = text.parse::<RunId>();
    let _ = bench_scenario::parse_bytes(text);
    let _ = Condition::parse(text);
});
