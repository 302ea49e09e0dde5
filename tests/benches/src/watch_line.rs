//! A watch line of 4 KB from the socket to a row in a guest: processor time of the one thread that does it all.
//!
//! A server on a thread of its own streams the lines over HTTP/2. The cluster client projects them as it does in a
//! run, and the component `pod-latency` takes the batches, all on the measuring thread. Reading the same stream with
//! a bare client and throwing it away tells how much of the time is the connection's.

mod guest;
mod server;

use anyhow::{Context, ensure};
use bench_cluster::{Cluster, ConnectOptions, WatchSink, WatchSpec};
use bench_limiter::{Limiter, RunClock};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::time::{ClockId, clock_gettime};

use self::{guest::Guest, server::Server};
use crate::{
    figure::{Table, Target},
    say,
};

/// Lines of one stream.
const LINES: usize = 20_000;

/// Measures; each round reads the stream both ways.
///
/// # Errors
/// When the component is not built, or rows are lost.
pub fn measure(rounds: usize) -> anyhow::Result<Table> {
    let server = Server::start(LINES)?;
    let (mut whole, mut reading) = (Vec::new(), Vec::new());
    // The first round fills caches and is not counted.
    for round in 0..=rounds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let read = micros(runtime.block_on(read_only(&server))?);
        let all = micros(runtime.block_on(to_the_guest(&server))?);
        say(&format!("round {round}: {all:.2} µs a line, {read:.2} µs of it reading"));
        if round > 0 {
            whole.push(all);
            reading.push(read);
        }
    }
    let bytes = server.line_bytes();
    let mut table = Table::new(&format!("a watch line of {bytes} bytes into `pod-latency`"), rounds);
    let rest: Vec<f64> = whole.iter().zip(&reading).map(|(whole, read)| whole - read).collect();
    table.judge("line → projected → guest", "µs", &rest, Target::AtMost(5.0));
    table.add("the same and reading it from HTTP/2 without TLS", "µs", &whole);
    table.add("reading alone", "µs", &reading);
    Ok(table)
}

fn micros(seconds: f64) -> f64 {
    seconds * 1e6 / LINES as f64
}

/// Processor time of this thread, in seconds.
fn cpu_of_thread() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// Reads all lines with a bare client.
async fn read_only(server: &Server) -> anyhow::Result<f64> {
    let stream = tokio::net::TcpStream::connect(server.address()).await?;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get(format!("{}/api/v1/pods?watch=1", server.url())).body(Empty::<Bytes>::new())?;
    let start = cpu_of_thread();
    let mut body = sender.send_request(request).await?.into_body();
    let mut left = server.stream_bytes();
    while left > 0 {
        let frame = body.frame().await.context("the stream ended early")??;
        left -= frame.into_data().map_or(0, |data| data.len());
    }
    let took = cpu_of_thread() - start;
    connection.abort();
    Ok(took)
}

/// Takes all lines as a run does.
async fn to_the_guest(server: &Server) -> anyhow::Result<f64> {
    let clock = RunClock::start();
    let options = ConnectOptions::inline(server.kubeconfig());
    let cluster = Cluster::connect(options, Limiter::unlimited(), clock).await?;
    let (mut guest, subscription) = Guest::start(cluster.clone(), clock).await?;
    let (sink, mut batches) = WatchSink::new(|gap| say(&format!("lost rows: {gap:?}")));
    let start = cpu_of_thread();
    let spec = WatchSpec { measurement: "pod-latency".to_owned(), index: 0, subscription };
    let watch = cluster.watch(spec, sink)?;
    let mut seen = 0;
    while seen < LINES {
        let batch = batches.recv().await.context("the watch ended early")?;
        ensure!(batch.kind.iter().all(|&kind| kind != bench_model::RowKind::Gap as u8), "rows were lost");
        seen += batch.rows();
        guest.take(batch).await?;
    }
    let took = cpu_of_thread() - start;
    drop(watch);
    Ok(took)
}
