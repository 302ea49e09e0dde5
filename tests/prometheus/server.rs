//! The servers that the tests share, and how they are asked.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use bench_lab::Door;
use bench_limiter::{Limiter, RunClock};
use bench_prometheus::{Auth, Endpoint, Prometheus, Series};

/// A Prometheus with the given door, shared by all tests.
pub fn server(door: Door) -> &'static bench_lab::Prometheus {
    static OPEN: OnceLock<bench_lab::Prometheus> = OnceLock::new();
    static PASSWORD: OnceLock<bench_lab::Prometheus> = OnceLock::new();
    static CERTIFICATE: OnceLock<bench_lab::Prometheus> = OnceLock::new();
    let cell = match door {
        Door::Open => &OPEN,
        Door::Password => &PASSWORD,
        Door::Certificate => &CERTIFICATE,
    };
    cell.get_or_init(|| {
        let lab = bench_lab::shared().expect("a control plane");
        lab.prometheus(door).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// A client and the clock it was made with.
pub fn client(door: Door, auth: Auth, ca: bool) -> (Prometheus, RunClock) {
    let server = server(door);
    let clock = RunClock::start_at(SystemTime::now());
    let endpoint = Endpoint {
        name: "main".to_owned(),
        url: server.url(),
        auth,
        ca_file: ca.then(|| server.ca_file()),
        timeout: Duration::from_secs(20),
    };
    (Prometheus::new(endpoint, clock, Limiter::unlimited()).expect("an endpoint"), clock)
}

pub fn open() -> (Prometheus, RunClock) {
    client(Door::Open, Auth::None, false)
}

pub fn block_on(test: impl Future<Output = ()>) {
    if std::env::var_os("BENCH_PROMETHEUS").is_some_and(|wish| wish == "off") {
        return;
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

/// Asks until there is an answer with series in it.
pub async fn eventually(client: &Prometheus, clock: &RunClock, expr: &str) -> Vec<Series> {
    for _ in 0..600 {
        let series = client.instant(expr, clock.now()).await.expect("an answer");
        if !series.is_empty() {
            return series;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no series for a minute: {expr}");
}
