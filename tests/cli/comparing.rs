//! Several runs: repeated, named, compared, calibrated, removed.

use crate::bench::{Bench, Ran, root};

/// A short scenario on a simulated cluster.
fn prepared() -> Bench {
    let bench = Bench::new();
    let read = |name: &str| std::fs::read_to_string(root().join("scenarios").join(name)).expect("a scenario");
    bench.write("templates/pod.yaml", &read("templates/pod.yaml"));
    // Slow enough to leave in time on any machine.
    let short = read("quickstart.yaml").replace("pods: 100", "pods: 10").replace("rate: 50/s", "rate: 20/s");
    bench.write("short.yaml", &short);
    bench
}

fn repeated(bench: &Bench, n: &str) -> Ran {
    bench.run(&["run", "short.yaml", "--repeat", n, "--quiet", "--output", "json"])
}

#[test]
fn repeated_runs_are_one_group_that_can_be_named_and_compared() {
    let bench = prepared();
    let before = repeated(&bench, "2").json();
    let after = repeated(&bench, "2").json();
    let group = |value: &serde_json::Value| value["group"].as_str().expect("a group").to_owned();
    assert_ne!(group(&before), group(&after));
    assert_eq!(before["runs"].as_array().map(Vec::len), Some(2));
    bench.run(&["runs", "tag", "main", &group(&before)]).ended_with(0);
    let tagged = bench.run(&["runs", "tag", "main"]).ended_with(0);
    assert_eq!(tagged.stdout.lines().count(), 2, "{}", tagged.stdout);
    let arguments = ["compare", "--allow-invalid", "--output", "json", "--baseline", "main", &group(&after)];
    let ran = bench.run(&arguments).ended_with(12);
    let comparison = ran.json();
    assert_eq!(comparison["verdict"], "inconclusive", "{comparison}");
    assert_eq!(comparison["rows"][0]["metric"], "p50(pod-latency.ready)");
    let sides = ["compare", "--allow-invalid", &group(&before), "--", &group(&after)];
    let table = bench.run(&sides).ended_with(12);
    assert!(table.stdout.contains("INCONCLUSIVE") && table.stdout.contains("B vs A"), "{}", table.stdout);
    let environment = &bench.run(&["report", "latest", "--format", "json"]).json()["environment"];
    assert_eq!(environment["nodes"][0]["count"], 10, "{environment}");
    assert!(
        environment["objectsAfter"]["nodes"] == 10 && environment["admission"].is_array(),
        "{environment}"
    );
    let id = before["runs"][0]["runId"].as_str().expect("an id");
    let tagged = bench.run(&["runs", "rm", id]).ended_with(14);
    assert!(tagged.stderr.contains("tagged `main`"), "{}", tagged.stderr);
    bench.run(&["runs", "tag", "main", "--delete"]).ended_with(0);
    bench.run(&["runs", "rm", id]).ended_with(0);
    bench.run(&["report", id]).ended_with(2);
}

#[test]
fn all_runs_of_a_folder_are_a_side() {
    let bench = prepared();
    for folder in ["before", "after"] {
        bench.run(&["run", "short.yaml", "--repeat", "2", "--quiet", "--runs", folder]);
    }
    let sides = ["compare", "--allow-invalid", "--output", "json", "before", "--", "./after/"];
    let comparison = bench.run(&sides).ended_with(12).json();
    for side in ["a", "b"] {
        assert_eq!(comparison[side]["runs"].as_array().map(Vec::len), Some(2), "{comparison}");
    }

    // A name that was given to runs means those, also where a folder is called the same.
    let one = comparison["a"]["runs"][0].as_str().expect("an id");
    bench.run(&["runs", "tag", "after", one, "--runs", "before"]).ended_with(0);
    let sides =
        ["compare", "--allow-invalid", "--output", "json", "--runs", "before", "after", "--", "./after"];
    let comparison = bench.run(&sides).ended_with(12).json();
    assert_eq!(comparison["a"]["runs"], serde_json::json!([one]), "{comparison}");
}

#[test]
fn a_scenario_says_how_often_it_is_run_and_within_which_bounds_it_is_valid() {
    let bench = prepared();
    let text = std::fs::read_to_string(bench.folder.path().join("short.yaml")).expect("the scenario");
    let text = text.replace("seed:", "repeat: 2\nseed:");
    bench.write("twice.yaml", &text.replace("validity:\n", "validity:\n  delivered: 95%\n"));
    let plan = bench.run(&["plan", "twice.yaml"]).ended_with(0);
    assert!(plan.stdout.contains(", 2 times)"), "{}", plan.stdout);
    assert!(
        plan.stdout.contains("\nvalidity delivered at least 95%, p99 lag at most 50ms or 5%"),
        "{}",
        plan.stdout
    );
    let ran = bench.run(&["run", "twice.yaml", "--quiet", "--output", "json"]).json();
    assert_eq!(ran["runs"].as_array().map(Vec::len), Some(2), "{ran}");
    let ran = bench.run(&["run", "twice.yaml", "--repeat", "1", "--quiet", "--output", "json"]).json();
    assert!(ran["run"]["group"].is_null() && ran["runs"].is_null(), "{ran}");
    assert_eq!(ran["validity"]["delivered"], 0.95, "{ran}");
}

#[test]
fn a_calibration_is_kept_and_other_scenarios_are_refused() {
    let bench = prepared();
    let ids: Vec<String> = repeated(&bench, "3").json()["runs"]
        .as_array()
        .expect("runs")
        .iter()
        .map(|run| run["runId"].as_str().expect("an id").to_owned())
        .collect();
    let text = std::fs::read_to_string(bench.folder.path().join("short.yaml")).expect("the scenario");
    bench.write("other.yaml", &text.replace("pods: 10", "pods: 11"));
    bench.run(&["run", "other.yaml", "--quiet"]);
    let other = ["compare", "--allow-invalid", &ids[0], "--", "latest"];
    let refused = bench.run(&other).ended_with(14);
    assert!(refused.stderr.contains("--allow-different scenario"), "{}", refused.stderr);
    let mut calibrate = vec!["calibrate", "--output", "json"];
    ids.iter().for_each(|id| calibrate.extend(["--from", id]));
    let ran = bench.run(&calibrate);
    if ran.code == 13 {
        // The machine was too busy to send in time, and such runs teach nothing.
        return;
    }
    let calibration = ran.ended_with(0).json();
    assert_eq!(calibration["runs"].as_array().map(Vec::len), Some(3));
    assert!(bench.folder.path().join("runs/.calibrations/quickstart.json").is_file());
}

#[test]
fn mistakes_in_comparisons_are_named() {
    let bench = prepared();
    for (arguments, code, said) in [
        (&["compare", "latest"][..], 2, "two sides are compared"),
        (&["compare", "latest", "--", "latest"], 2, "there are no runs"),
        (&["compare", "a", "--", "b", "--output", "json"], 2, "options go before `--`"),
        (&["compare", "--baseline", "gone", "latest"], 2, "no run"),
        (&["calibrate"], 2, "required"),
        (&["runs", "tag", "../x", "latest"], 2, "there are no runs"),
        (&["runs", "rm", "gone"], 2, "no run"),
    ] {
        let ran = bench.run(arguments).ended_with(code);
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
}
