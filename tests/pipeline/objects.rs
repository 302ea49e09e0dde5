//! Workload `objects` at its edges: many failures, many namespaces, templates that could be taken for each other.

use std::{collections::BTreeSet, time::Duration};

use bench_model::RunEvent;
use bench_sim::{
    config::{Faults, RequestFilter, Share},
    controllers::settings::RequestLimit,
};
use http::Method;

use crate::{
    harness::{Ran, Setup, run},
    server::Asked,
};

fn job(create: &str) -> String {
    format!(
        "  - name: create\n    plugin: objects\n    queue: {{ rate: 1000/s, burst: 1000, inFlight: 1000 }}\n    \
         with:\n      create: {create}\n      waitFor: {{ condition: ready, timeout: 30m }}\n"
    )
}

#[tokio::test(start_paused = true)]
async fn more_failures_than_are_remembered_are_not_waited_for() {
    let mut setup =
        Setup::pods(&job("{ iterations: 17000, objects: [ { template: config-map.yaml } ] }"), "");
    let creates =
        RequestFilter { verbs: vec!["create".to_owned()], resources: vec!["configmaps".to_owned()] };
    let all = Share { on: creates, share: 1.0, retry_after_seconds: 0 };
    setup.sim.faults = Faults { internal_errors: vec![all], ..Faults::default() };
    let ran = run(setup).await;
    assert_eq!((ran.summary.jobs[0].operations, ran.summary.jobs[0].failed), (17_000, 17_000));
    assert_eq!(ran.summary.waits, [], "there is nothing to wait for");
    assert_eq!(ran.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_template_of_pods_is_not_met_by_pods_of_a_deployment() {
    let objects =
        "{ iterations: 4, objects: [ { template: deployment.yaml }, { template: pod.yaml, replicas: 2 } ] }";
    let ran = run(Setup::pods(&job(objects), "")).await;
    let waits: Vec<_> =
        ran.summary.waits.iter().map(|wait| (wait.resource.as_str(), wait.met, wait.unmet)).collect();
    // Each Deployment makes three pods of its own.
    assert_eq!(waits, [("deployments.apps", 4, 0), ("pods", 8, 0)]);
    assert_eq!(ran.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_template_is_compiled_once_for_any_number_of_namespaces() {
    let objects = "{ iterations: 1001, namespaces: { iterationsPerNamespace: 1 }, objects: [ { template: config-map.yaml } ] }";
    let ran = run(Setup::pods(&job(objects), "")).await;
    let job = &ran.summary.jobs[0];
    assert_eq!((job.operations, job.failed, job.message.as_deref()), (1001, 0, None));
    let created = ran.asked.iter().filter(|asked| asked.method == Method::POST);
    let mut places: Vec<_> =
        created.filter(|asked| asked.path.ends_with("/configmaps")).map(|asked| asked.path.clone()).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 1001);
    assert!(ran.events.iter().any(|event| matches!(event, RunEvent::CleanedUp { .. })));
    assert_eq!(ran.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_burst_into_new_namespaces_does_not_wait_for_the_disk() {
    let objects = "{ iterations: 100, namespaces: { iterationsPerNamespace: 1 }, objects: [ { template: config-map.yaml }, { template: pod.yaml } ] }";
    let mut setup = Setup::pods(&job(objects), "");
    setup.disk = Duration::from_millis(5);
    let ran = run(setup).await;
    let lag = &ran.summary.jobs[0].lag;
    // Each kind is announced once, whatever the number of namespaces; the first one before anything is due.
    assert_eq!((lag.n, ran.left()), (200, 0));
    assert!(lag.max.is_some_and(|max| max < 6_000_000), "{lag:?}");
}

/// ConfigMaps in twelve namespaces, in each of which controllers make two objects at `qps` requests a second.
async fn run_where_controllers_do(qps: f64) -> Ran {
    let objects = "{ iterations: 12, namespaces: { iterationsPerNamespace: 1 }, objects: [ { template: config-map.yaml } ] }";
    let mut setup = Setup::pods(&job(objects), "");
    setup.sim.control.controller_limit = Some(RequestLimit { qps, burst: 1 });
    run(setup).await
}

/// The first create of the load, and how many objects of controllers had been looked for before.
fn before_load(ran: &Ran) -> (&Asked, usize) {
    let is_load = |asked: &Asked| {
        asked.method == Method::POST
            && asked.path.ends_with("/configmaps")
            && !asked.name.starts_with("bench-watch-probe")
    };
    let first = ran.asked.iter().position(is_load).expect("a create of a ConfigMap");
    let furniture = ["/serviceaccounts/default", "/configmaps/kube-root-ca.crt"];
    let looked: BTreeSet<_> = ran.asked[..first]
        .iter()
        .filter(|asked| furniture.iter().any(|name| asked.path.ends_with(name)))
        .map(|asked| &asked.path)
        .collect();
    (&ran.asked[first], looked.len())
}

#[tokio::test(start_paused = true)]
async fn load_waits_until_controllers_have_furnished_its_namespaces() {
    let ran = run_where_controllers_do(4.0).await;
    let (first, looked) = before_load(&ran);
    assert_eq!(looked, 24, "two objects in each of twelve namespaces");
    // Requests for them and for the four namespaces of the system: longer than the wait for any one of them may be.
    assert!(first.at - ran.asked[0].at >= Duration::from_secs(7), "{:?}", first.at - ran.asked[0].at);
    assert_eq!(ran.summary.logs, []);
    assert!(
        ran.summary.jobs[0].elapsed_ns.is_some_and(|elapsed| elapsed < 1_000_000_000),
        "the wait is no load"
    );
    assert_eq!((ran.summary.jobs[0].operations, ran.left()), (12, 0));
}

#[tokio::test(start_paused = true)]
async fn load_does_not_wait_for_controllers_that_make_no_progress() {
    let ran = run_where_controllers_do(0.05).await;
    let (first, looked) = before_load(&ran);
    assert!(looked < 24);
    assert!(first.at - ran.asked[0].at < Duration::from_secs(11), "{:?}", first.at - ran.asked[0].at);
    let [log] = ran.summary.logs.as_slice() else { panic!("{:?}", ran.summary.logs) };
    assert_eq!(log.level, "warn");
    assert!(log.message.contains("may have competed"), "{}", log.message);
    assert_eq!(ran.summary.jobs[0].operations, 12);
}
