//! A slow network between `bench` and the API server.
//!
//! A forwarder on loopback delays every byte: traffic control (netem) needs root and a kernel that has it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::bench::Bench;
use crate::lab::{kubeconfig, lab, nothing_is_left};
use crate::run::Running;

/// In each direction.
const DELAY: Duration = Duration::from_millis(100);
const ROUND_TRIP_NS: f64 = 2e8;

/// A way to a server on which every byte takes [`DELAY`]; closed when dropped.
struct SlowLink {
    _runtime: Runtime,
    address: SocketAddr,
}

impl SlowLink {
    fn to(server: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Whoever ends a connection has nothing more to say.
                tokio::spawn(async move { drop(forward(client, server).await) });
            }
        });
        Self { _runtime: runtime, address }
    }
}

async fn forward(client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::select! {
        there = pump(from_client, to_server) => there,
        back = pump(from_server, to_client) => back,
    }
}

/// Hands on what comes, each piece when it is due.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    let (pieces, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    let read = async move {
        loop {
            let mut piece = vec![0; 64 * 1024];
            let n = from.read(&mut piece).await?;
            piece.truncate(n);
            if n == 0 || pieces.send((Instant::now() + DELAY, piece)).await.is_err() {
                return Ok(());
            }
        }
    };
    let write = async move {
        while let Some((at, piece)) = due.recv().await {
            sleep_until(at).await;
            to.write_all(&piece).await?;
        }
        Ok(())
    };
    tokio::try_join!(read, write).map(drop)
}

fn at_least(value: &Value, ns: f64) -> bool {
    value.as_f64().is_some_and(|value| value >= ns)
}

#[test]
fn a_slow_network_is_in_the_response_times_and_not_in_the_lag() {
    let lab = lab();
    let server = lab.url().trim_start_matches("https://").parse().expect("an address");
    let link = SlowLink::to(server);
    let bench = Bench::new();
    let config = kubeconfig(&lab, |config| {
        config["clusters"][0]["cluster"]["server"] = format!("https://{}", link.address).into();
    });
    let config = bench.write("slow.kubeconfig", &config);
    let settings =
        ["jobs.create.queue.rate=20/s", "variables.pods=100", "thresholds=[p50(create.response) < 150ms]"];
    let ended = Running::start_as(&lab, bench, &config, &settings).ended_with(&[10, 13]);

    assert_eq!((ended.count("operations"), ended.count("failed")), (100, 0), "{}", ended.job());
    let gate = &ended.summary["thresholds"][0];
    assert_eq!(gate["verdict"], "fail", "{gate}");
    for metric in ["response", "service"] {
        assert!(at_least(&ended.job()[metric]["min"], ROUND_TRIP_NS), "{metric}: {}", ended.job());
    }
    // Four are on their way at any time, and none waits for another: the load is as late as without the network.
    let p50 =
        ended.job()["lag"]["quantiles"].as_array().expect("quantiles").iter().find(|one| one["q"] == 0.5);
    let p50 = p50.expect("a median")["high"].as_f64().expect("sent");
    assert!(p50 < ROUND_TRIP_NS / 4.0, "{}", ended.job());
    let rows = ended.rows();
    assert_eq!(rows.len(), 100);
    assert!(rows.iter().all(|row| at_least(&row["ready"], ROUND_TRIP_NS)), "{rows:?}");
    nothing_is_left(&lab);
}
