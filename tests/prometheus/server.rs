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
    let ca_file = ca.then(|| server.ca_file());
    let clock = RunClock::start_at(SystemTime::now());
    let endpoint = Endpoint { auth, ca_file, ..endpoint(server) };
    (Prometheus::new(endpoint, clock, Limiter::unlimited()).expect("an endpoint"), clock)
}

/// Of a server whose door is open.
pub fn endpoint(server: &bench_lab::Prometheus) -> Endpoint {
    Endpoint {
        name: "main".to_owned(),
        url: server.url(),
        auth: Auth::None,
        ca_file: None,
        timeout: Duration::from_secs(20),
    }
}

pub fn open() -> (Prometheus, RunClock) {
    client(Door::Open, Auth::None, false)
}

pub fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test)
}

/// Asks until there is an answer with series in it.
pub async fn eventually(client: &Prometheus, clock: &RunClock, expr: &str) -> Vec<Series> {
    let ask = async || {
        let series = client.instant(expr, clock.now()).await.expect("an answer");
        Some(series).filter(|series| !series.is_empty())
    };
    until(&format!("series of {expr}"), ask).await
}

/// Looks until there is something; says for what it waited when there never is.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("waited a minute or more for {what}");
}
