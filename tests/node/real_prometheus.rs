//! A real Prometheus that scrapes real nodes: kubelet's objectives, and the scheduler as a witness of pod-latency.

use std::time::{Duration, SystemTime};

use bench_lab::{Cluster, Door};
use bench_limiter::{Limiter, RunClock};
use bench_prometheus::{Auth, Endpoint, Prometheus};

use super::bench::{Bench, scenario};
use super::lab::{eventually, shared};

/// Start latencies of pods, word for word as Kubernetes' service level objectives ask for them: without the time of pulls
/// and init containers, and with it.
const START_LATENCIES: [&str; 2] = [
    "histogram_quantile(0.99, sum(rate(kubelet_pod_start_sli_duration_seconds_bucket[5m])) by (le))",
    "histogram_quantile(0.99, sum(rate(kubelet_pod_start_duration_seconds_bucket[5m])) by (le))",
];
const PODS: u32 = 10;

/// A Prometheus of a test's own, and a client of it.
struct Witness {
    _server: bench_lab::Prometheus,
    client: Prometheus,
    clock: RunClock,
    runtime: tokio::runtime::Runtime,
}

impl Witness {
    fn start(cluster: &Cluster) -> Self {
        let server = cluster.prometheus(Door::Open).unwrap_or_else(|error| panic!("{error}"));
        let clock = RunClock::start_at(SystemTime::now());
        let endpoint = Endpoint {
            name: "main".to_owned(),
            url: server.url(),
            auth: Auth::None,
            ca_file: None,
            timeout: Duration::from_secs(20),
        };
        let client = Prometheus::new(endpoint, clock, Limiter::unlimited()).expect("an endpoint");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { _server: server, client, clock, runtime }
    }

    /// The one value of a query, if there is one and it is a number.
    fn value(&self, query: &str) -> Option<f64> {
        let answer = self.client.instant(query, self.clock.now());
        let series = self.runtime.block_on(answer).expect("an answer");
        series.first()?.value.first().copied().filter(|value| value.is_finite())
    }
}

/// Scheduling times of pods that were created, in seconds, as bench saw them.
fn pods_scheduled(cluster: &Cluster) -> Vec<f64> {
    let bench = Bench::on(cluster);
    let pods = format!("variables.pods={PODS}");
    let settings = [pods.as_str(), "jobs.create-pods.queue.rate=5/s"];
    let ran = bench.run(&scenario("quickstart.yaml"), &settings).ended_with(&[0, 10, 12, 13]);
    let rows = bench.rows(&ran, "pod-latency");
    rows.iter().map(|row| row["scheduled"].as_f64().expect("scheduled") / 1e9).collect()
}

#[test]
fn kubelet_is_scraped_and_start_latencies_have_numbers() {
    let cluster = shared();
    let witness = Witness::start(&cluster);
    eventually("all parts to be scraped", || witness.value("count(up == 1) == 5"));
    eventually("kubelet to be scraped", || witness.value("up{job=\"kubelet\"} == 1"));
    // A rate needs pods that started between two scrapes.
    let numbers = eventually("latencies of pods that start", || {
        pods_scheduled(&cluster);
        START_LATENCIES.iter().map(|query| witness.value(query)).collect::<Option<Vec<f64>>>()
    });
    assert!(numbers.iter().all(|&seconds| seconds > 0.0), "{numbers:?}");
}

#[test]
fn the_scheduler_agrees_on_how_long_scheduling_took() {
    let cluster = shared();
    let witness = Witness::start(&cluster);
    let of = |part: &str| format!("sum(scheduler_pod_scheduling_sli_duration_seconds_{part})");
    eventually("the scheduler to be scraped", || witness.value("up{job=\"kube-scheduler\"} == 1"));
    // None before the first pod.
    let [sum_before, count_before] =
        [of("sum"), of("count")].map(|query| witness.value(&query).unwrap_or(0.0));
    let ours = pods_scheduled(&cluster);
    assert_eq!(ours.len(), PODS as usize);
    let count = count_before + f64::from(PODS);
    let sum = eventually("all pods to be counted", || {
        witness.value(&format!("{} and {} == {count}", of("sum"), of("count")))
    });
    let theirs = (sum - sum_before) / f64::from(PODS);
    let ours = ours.iter().sum::<f64>() / f64::from(PODS);
    // Theirs begins when the scheduler has heard of a pod and ends when it is bound; ours begins before that, with the
    // request, and ends after it, when a watch has told.
    let difference = ours - theirs;
    assert!((0.0..1.0).contains(&difference), "bench says {ours} s, the scheduler {theirs} s");
}
