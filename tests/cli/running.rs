//! Runs that go well, on the simulated cluster and on the real control plane.

use serde_json::Value;

use crate::bench::{Bench, SimProcess, root};

fn scenario(name: &str) -> String {
    root().join("scenarios").join(name).to_str().expect("UTF-8").to_owned()
}

fn metric<'s>(summary: &'s Value, source: &str, name: &str) -> &'s Value {
    let metrics = summary["metrics"].as_array().expect("metrics");
    let found = metrics.iter().find(|metric| metric["source"] == source && metric["name"] == name);
    found.unwrap_or_else(|| panic!("no metric {source}.{name} in {metrics:?}"))
}

#[test]
fn the_quickstart_passes_and_every_pod_is_measured() {
    let bench = Bench::new();
    let ran = bench.run(&["run", &scenario("quickstart.yaml"), "--output", "json"]).ended_with_or_late(0);
    let summary = ran.json();
    let gates = summary["thresholds"].as_array().expect("gates");
    assert!(gates.iter().all(|gate| gate["verdict"] == "pass"), "{gates:?}");
    let ready = metric(&summary, "pod-latency", "ready");
    assert_eq!((&ready["distribution"]["n"], &ready["distribution"]["missing"]), (&100.into(), &0.into()));
    let again = bench.run(&["report", "latest", "--format", "json"]).ended_with(ran.code);
    assert_eq!(again.json(), summary, "a report is a function of the record alone");
    let list = bench.run(&["runs", "list"]).ended_with(0);
    assert!(list.stdout.contains("quickstart"), "{}", list.stdout);
}

#[test]
fn the_same_scenario_runs_on_a_real_control_plane_and_leaves_nothing() {
    let lab = bench_lab::shared().expect("the real control plane");
    let kubeconfig = lab.kubeconfig();
    let bench = Bench::new();
    let kubeconfig = kubeconfig.to_str().expect("UTF-8");
    let ran = bench
        .run(&["run", &scenario("quickstart.yaml"), "--kubeconfig", kubeconfig, "--output", "json"])
        .ended_with_or_late(0);
    let summary = ran.json();
    let ready = metric(&summary, "pod-latency", "ready");
    assert_eq!((&ready["distribution"]["n"], &ready["distribution"]["missing"]), (&100.into(), &0.into()));
    let left = lab
        .kubectl(&["get", "namespaces,pods", "-A", "-l", "bench.dev/run-id", "-o", "name"])
        .expect("kubectl");
    assert_eq!(left.trim(), "");
}

#[test]
fn who_may_not_look_for_what_controllers_put_into_namespaces_is_told_and_the_load_leaves() {
    let bench = Bench::new();
    let rules = "{ verbs: [list, watch], apiGroups: ['*'], resources: ['*'] }, \
                 { verbs: ['*'], apiGroups: [''], resources: [namespaces, pods, configmaps] }";
    let config = format!("nodes: 2\nusers: [ {{ name: loader, token: t, rules: [ {rules} ] }} ]\n");
    let sim = SimProcess::start(bench.folder.path(), &config);
    let quickstart = scenario("quickstart.yaml");
    let twenty = ["--set", "variables.pods=20", "--output", "json"];
    let arguments = [&["run", &quickstart, "--kubeconfig", sim.path()], twenty.as_slice()].concat();
    let summary = bench.run(&arguments).ended_with_or_late(0).json();
    let [log] = summary["logs"].as_array().expect("logs").as_slice() else { panic!("{}", summary["logs"]) };
    let message = log["message"].as_str().expect("a message");
    for part in ["may have competed", "serviceaccounts `default`", "forbidden"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(summary["jobs"][0]["operations"], 20);
}

#[test]
fn a_gate_that_does_not_hold_is_exit_10_and_no_data_is_exit_12() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(scenario("quickstart.yaml")).expect("the scenario");
    let template = std::fs::read_to_string(scenario("templates/pod.yaml")).expect("the template");
    bench.write("templates/pod.yaml", &template);
    let short =
        |gate: &str| text.replace("pods: 100", "pods: 20").replace("p50(pod-latency.ready) < 5s", gate);
    let failing = bench.write("failing.yaml", &short("p50(pod-latency.ready) < 1ns"));
    bench.run(&["run", &failing, "--quiet"]).ended_with_or_late(10);
    let too_few = bench.write("too-few.yaml", &short("p99(pod-latency.ready) < 5s"));
    let ran = bench.run(&["run", &too_few, "--quiet"]).ended_with_or_late(12);
    assert!(ran.stdout.to_lowercase().contains("no data"), "{}", ran.stdout);
}

#[test]
fn rows_of_the_first_lab_never_end_before_arithmetic_says() {
    // (file, operations, rate, burst)
    let rows = [("2-03-iterations-5.yaml", 5.0, 1.0, 1.0), ("2-07-rate-10-burst-10.yaml", 20.0, 10.0, 10.0)];
    for (file, n, rate, burst) in rows {
        let bench = Bench::new();
        let path = scenario(&format!("kube-burner-lab/{file}"));
        let simulated = ["run", &path, "--output", "json", "--set", "cluster={simulated: {nodes: 1}}"];
        let ran = bench.run(&simulated);
        let summary = ran.json();
        let elapsed = summary["jobs"][0]["elapsedNs"].as_f64().expect("elapsed") / 1e9;
        let truth = (n - burst) / rate;
        // Never early; how late is a matter of the machine, and a benchmark's to say.
        assert!(elapsed >= truth, "{file}: {elapsed} s, arithmetic says {truth} s");
        let queues = summary["jobs"][0]["queues"].as_array().expect("queues");
        assert!(queues.iter().any(|queue| queue["sent"] == n as u64), "{queues:?}");
    }
}

#[test]
fn a_stream_has_a_line_each_second_and_ends_with_the_verdict() {
    let bench = Bench::new();
    let arguments = ["run", &scenario("quickstart.yaml"), "--output", "ndjson", "--quiet"];
    let ran = bench.run(&arguments);
    let lines: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON on each line")).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    assert!(lines.iter().all(|line| line["schemaVersion"] == 1 && line["atNs"].is_i64()), "{}", ran.stdout);
    let last_second = of("second").last().copied().expect("a second").clone();
    assert_eq!(last_second["ended"], 100, "{last_second}");
    assert_eq!(lines[0]["type"], "started");
    let last = lines.last().expect("a line");
    assert_eq!((&last["type"], &last["conclusion"]["exitCode"]), (&"ended".into(), &ran.code.into()));
    assert_eq!((of("started").len(), of("ended").len()), (1, 1));
    assert!(of("happened").iter().any(|line| line["what"] == "jobEnded"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn validate_plan_inspect_schema_and_completion_say_something_useful() {
    let bench = Bench::new();
    let quickstart = scenario("quickstart.yaml");
    assert!(bench.run(&["validate", &quickstart]).ended_with(0).stdout.contains("valid"));
    let plan = bench.run(&["plan", &quickstart]).ended_with(0).stdout;
    assert!(plan.contains("may") && plan.contains("50/s, burst 10"), "{plan}");
    assert_eq!(
        bench.run(&["plan", &quickstart, "-o", "json"]).ended_with(0).json()["scenario"],
        "quickstart"
    );
    assert!(
        bench.run(&["plugin", "inspect", "builtin:pod-latency"]).ended_with(0).stdout.contains("sha256:")
    );
    assert!(bench.run(&["schema"]).ended_with(0).json()["properties"].is_object());
    assert!(bench.run(&["schema", "summary"]).ended_with(0).json().is_object());
    assert!(bench.run(&["schema", "stream"]).ended_with(0).json()["$defs"].is_object());
    assert!(bench.run(&["completion", "bash"]).ended_with(0).stdout.contains("bench"));
}

#[test]
fn a_measurement_in_javascript_goes_through_the_same_door() {
    let plugin = root().join("target/plugins/other/node-conditions-js.wasm");
    assert!(plugin.exists(), "`cargo xtask test` builds {}", plugin.display());
    let bench = Bench::new();
    std::fs::copy(plugin, bench.folder.path().join("js.wasm")).expect("copied");
    let template = std::fs::read_to_string(scenario("templates/pod.yaml")).expect("the template");
    bench.write("templates/pod.yaml", &template);
    let text = std::fs::read_to_string(scenario("quickstart.yaml")).expect("the scenario");
    let text = text
        .replace("builtin:pod-latency", "./js.wasm\n    allow: [kubernetes]")
        .replace("pods: 100", "pods: 5");
    let text = text.replace("  - p50(pod-latency.ready) < 5s\n", "");
    let file = bench.write("js.yaml", &text);
    let ran = bench.run(&["run", &file, "--quiet", "--output", "json"]).ended_with_or_late(0);
    let report = &ran.json()["reports"][0];
    assert_eq!(report["report"]["nodes"], 10, "{report}");
}
