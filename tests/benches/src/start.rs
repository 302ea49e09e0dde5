//! How long until something happens: the first request of `bench run`, the end of `bench validate`.
//!
//! The first request is seen from the server's side: a listener that takes the connection, stamps it and hangs up.
//! The first create is the first operation of the load in the record of a run against a simulated cluster that
//! is another process.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use anyhow::Context;

use crate::{
    child,
    figure::{Table, Target},
    programs::{Programs, Run, scenario_path},
    say,
};

/// Measures, with the plugins compiled before.
///
/// # Errors
/// When `bench` fails.
pub fn measure(programs: &Programs, rounds: usize) -> anyhow::Result<Table> {
    programs.warm("start")?;
    let folder = tempfile::tempdir()?;
    let kubeconfig = folder.path().join("sim.kubeconfig");
    let mut sim = programs.bench();
    sim.args(["sim", "--kubeconfig-out"]).arg(&kubeconfig);
    let _sim = Sim::start(sim)?;
    let kubeconfig = kubeconfig.to_str().context("the temporary folder is no text")?;

    let (mut validate, mut first_request, mut first_create) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let values =
            (validated(programs)?, requested(programs, folder.path())?, created(programs, kubeconfig)?);
        say(&format!("round {round}: validate, first request, load begins: {values:?} ms"));
        if round > 0 {
            validate.push(values.0);
            first_request.push(values.1);
            first_create.push(values.2);
        }
    }
    let mut table = Table::new("start, plugins compiled before", rounds);
    table.judge("`bench run` to its first request", "ms", &first_request, Target::AtMost(100.0));
    table.judge("`bench validate`, start to end", "ms", &validate, Target::AtMost(50.0));
    table.add(
        "`bench run` to the start of its load, other requests and journal before it",
        "ms",
        &first_create,
    );
    Ok(table)
}

fn validated(programs: &Programs) -> anyhow::Result<f64> {
    let mut command = programs.bench();
    command.arg("validate").arg(scenario_path("start"));
    let ended = child::run(command)?;
    anyhow::ensure!(ended.status.success(), "`bench validate` ended with {}", ended.status);
    Ok(millis(ended.elapsed))
}

/// From the start of the process to the connection for its first request.
fn requested(programs: &Programs, folder: &std::path::Path) -> anyhow::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let kubeconfig = folder.join("listener.kubeconfig");
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{ "name": "a", "cluster": { "server": format!("http://{}", listener.local_addr()?) } }],
        "users": [{ "name": "a", "user": {} }],
        "contexts": [{ "name": "a", "context": { "cluster": "a", "user": "a" } }],
    });
    std::fs::write(&kubeconfig, config.to_string())?;
    let mut command = programs.bench();
    command.arg("run").arg(scenario_path("start")).arg("--kubeconfig").arg(&kubeconfig);
    let start = child::now();
    // What it says about a server that hangs up is of no interest.
    let mut bench = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let accepted = listener.accept();
    let took = child::now() - start;
    drop((accepted?, listener));
    bench.wait()?;
    Ok(millis(took))
}

/// From the start of the process to the moment from which its operations are due.
fn created(programs: &Programs, kubeconfig: &str) -> anyhow::Result<f64> {
    let start = SystemTime::now();
    let run = programs.run("start", &["--kubeconfig", kubeconfig])?;
    let clock_started = unix_seconds(&run)? - start.duration_since(SystemTime::UNIX_EPOCH)?.as_secs_f64();
    let phases = run.summary.pointer("/phases").and_then(serde_json::Value::as_array);
    let measure = phases.into_iter().flatten().find(|phase| phase["phase"] == "measure");
    let at = measure.and_then(|phase| phase["atNs"].as_f64()).context("the run has no phase `measure`")?;
    Ok(clock_started * 1e3 + at / 1e6)
}

/// When the clock of a run started, from `run.json`'s RFC 3339 time.
fn unix_seconds(run: &Run) -> anyhow::Result<f64> {
    let text = run.summary.pointer("/run/startedAt").and_then(serde_json::Value::as_str).unwrap_or_default();
    let timestamp: jiff::Timestamp = text.parse().with_context(|| format!("`{text}` is no time"))?;
    Ok(timestamp.as_nanosecond() as f64 / 1e9)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A simulated cluster in a process of its own.
struct Sim(Child);

impl Sim {
    /// Returns when it serves.
    fn start(mut command: Command) -> anyhow::Result<Self> {
        use std::io::BufRead;
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let stdout = child.stdout.take().context("no stdout")?;
        let sim = Self(child);
        // The path of the kubeconfig, printed when it is written.
        let mut line = String::new();
        std::io::BufReader::new(stdout).read_line(&mut line)?;
        Ok(sim)
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
