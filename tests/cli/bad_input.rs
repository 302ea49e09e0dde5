//! Mistakes of users: the exit code, the place, the way out; and nothing is created.

use crate::bench::{Bench, SimProcess};

const SCENARIO: &str = "\
apiVersion: bench.dev/v1alpha1
kind: Scenario
metadata: { name: bad }
plugins: { objects: { from: builtin:objects } }
jobs:
  - name: create
    plugin: objects
    queue: { rate: 5/s }
    with:
      create:
        iterations: 1
        objects: [ { template: object.yaml } ]
";

const POD: &str =
    "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { containers: [ { name: a, image: x } ] }\n";

fn prepared(object: &str) -> Bench {
    let bench = Bench::new();
    bench.write("bad.yaml", SCENARIO);
    bench.write("object.yaml", object);
    bench
}

#[track_caller]
fn check(bench: &Bench, arguments: &[&str], code: i32, said: &[&str]) {
    let ran = bench.run(arguments).ended_with(code);
    for text in said {
        assert!(ran.stderr.contains(text), "`{text}` is not in:\n{}", ran.stderr);
    }
    assert_eq!(ran.stdout, "");
    assert!(!bench.folder.path().join("runs").exists(), "nothing is recorded");
}

#[test]
fn a_kind_that_the_cluster_does_not_know_is_shown_in_the_template() {
    let bench = prepared("apiVersion: example.org/v1\nkind: Widget\nmetadata: { name: a }\n");
    let sim = SimProcess::start(bench.folder.path(), "nodes: 1\n");
    let arguments = ["run", "bad.yaml", "--kubeconfig", sim.path()];
    check(
        &bench,
        &arguments,
        3,
        &["serves no kind `Widget` in `example.org/v1`", "object.yaml:2:7", "api-resources"],
    );
    assert_eq!(sim.namespaces_of_runs(), Vec::<String>::new());
}

#[test]
fn what_rbac_forbids_is_said_before_anything_is_created() {
    let bench = prepared(POD);
    let rules = "{ verbs: [get, list, watch], apiGroups: ['*'], resources: ['*'] }";
    let config = format!("nodes: 1\nusers: [ {{ name: reader, token: t, rules: [ {rules} ] }} ]\n");
    let sim = SimProcess::start(bench.folder.path(), &config);
    let arguments = ["run", "bad.yaml", "--kubeconfig", sim.path()];
    check(&bench, &arguments, 18, &["may not create pods", "object.yaml:2:7", "forbidden by RBAC"]);
}

#[test]
fn an_unreachable_cluster_names_its_address() {
    let bench = prepared(POD);
    let kubeconfig = "apiVersion: v1\nkind: Config\nclusters: [ { name: a, cluster: { server: 'http://127.0.0.1:1' } } ]\n\
                      contexts: [ { name: a, context: { cluster: a, user: a } } ]\nusers: [ { name: a, user: {} } ]\ncurrent-context: a\n";
    bench.write("kubeconfig", kubeconfig);
    check(
        &bench,
        &["run", "bad.yaml", "--kubeconfig", "kubeconfig"],
        18,
        &["127.0.0.1:1", "kubectl cluster-info"],
    );
}

#[test]
fn a_bad_kubeconfig_and_an_unknown_context_are_named() {
    let bench = prepared(POD);
    check(&bench, &["run", "bad.yaml", "--kubeconfig", "nowhere"], 18, &["nowhere"]);
    let sim = SimProcess::start(bench.folder.path(), "nodes: 1\n");
    let arguments = ["run", "bad.yaml", "--kubeconfig", sim.path(), "--context", "staging"];
    check(&bench, &arguments, 18, &["staging"]);
}

#[test]
fn a_plugin_that_is_no_component_or_is_not_there_is_exit_17() {
    let bench = prepared(POD);
    bench.write("broken.wasm", "this is text");
    for (from, said) in [
        ("./broken.wasm", "broken.wasm"),
        ("./missing.wasm", "missing.wasm"),
        ("builtin:nothing", "builtin:objects"),
    ] {
        bench.write("bad.yaml", &SCENARIO.replace("builtin:objects", from));
        check(&bench, &["validate", "bad.yaml"], 17, &["bad.yaml:4:", said]);
    }
}

#[test]
fn all_mistakes_of_a_file_are_shown_at_once() {
    let bench = prepared(POD);
    let text =
        SCENARIO.replace("rate: 5/s", "rate: 0/s, brust: 3").replace("iterations: 1", "iterations: many");
    bench.write("bad.yaml", &text);
    check(&bench, &["run", "bad.yaml"], 3, &["bad.yaml:8:", "brust", "burst", "0/s"]);
}

#[test]
fn a_damaged_record_is_exit_3_and_names_the_file() {
    let bench = prepared(POD);
    let sim = SimProcess::start(bench.folder.path(), "nodes: 1\n");
    bench.run(&["run", "bad.yaml", "--quiet", "--kubeconfig", sim.path()]);
    let runs = bench.folder.path().join("runs");
    let run = std::fs::read_dir(&runs).expect("records").next().expect("a record").expect("an entry").path();
    let header = run.join("run.json");
    std::fs::write(&header, "{ this is not JSON").expect("written");
    let id = run.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
    for arguments in [["report", &id].as_slice(), ["runs", "show", &id].as_slice()] {
        let ran = bench.run(arguments).ended_with(3);
        assert!(ran.stderr.contains("run.json") && ran.stderr.contains("bench runs list"), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}
