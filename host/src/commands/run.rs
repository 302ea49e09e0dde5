//! `bench run`: the path of a run, top to bottom.

mod fingerprint;
mod header;
mod live;
mod prometheus;
pub mod repeat;
mod showing;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bench_engine::{RunContext, RunOutcome, Stop, Timing};
use bench_limiter::RunClock;
use bench_model::{JournalEntry, RunEvent, RunId};
use bench_report::{StreamEvent, StreamLine};
use bench_results::{GroupFacts, Recorder, RunHeader, Store, Summary};
use tokio::sync::mpsc;

use self::showing::Showing;
use super::{
    connect::{Connected, connect},
    load::{Loaded, load},
    preflight::preflight,
    record::Record,
    report, signals,
};
use crate::{
    cli::{Output, RunArgs, RunOutput},
    diagnostics::{Failure, Message, Ui},
    exit_code::Exit,
};

/// Guests compute on so many threads: a slow one does not hold up another.
const PLUGIN_THREADS: usize = 2;

/// Presses of the key that stops: the second leaves, more mean nothing.
const PRESSES: usize = 2;

/// A run that ended.
pub struct One {
    /// Its record.
    pub dir: PathBuf,
    /// What was made of it.
    pub summary: Summary,
}

/// Runs a scenario and prints its verdict.
pub async fn run(args: RunArgs, ui: &Ui) -> Result<Exit, Failure> {
    let loaded = load(&args.scenario).await?;
    let times = args.repeat.unwrap_or(loaded.scenario.repeat);
    if times > 1 {
        return repeat::run(&args, loaded, times, ui).await;
    }
    let One { dir, summary } = once(&args, loaded, ui, None).await?;
    match args.output {
        RunOutput::Text => report::print(&summary, &dir, Output::Text, ui)?,
        RunOutput::Json => report::print(&summary, &dir, Output::Json, ui)?,
        // Its last line is the verdict.
        RunOutput::Ndjson => {}
    }
    Ok(Exit::Verdict(bench_results::exit_code(&summary)))
}

/// Runs a scenario once and saves its summary.
async fn once(args: &RunArgs, loaded: Loaded, ui: &Ui, group: Option<GroupFacts>) -> Result<One, Failure> {
    let clock = RunClock::start();
    let connected = connect(&loaded.scenario, &loaded.folder, &args.cluster, clock).await?;
    preflight(&loaded, &connected.cluster).await?;

    let run_id = new_run_id();
    let stop = Stop::new();
    let (press, pressed) = mpsc::channel(PRESSES);
    let listening = tokio::spawn(signals::listen(stop.clone(), pressed, *ui));
    let kind = showing::kind(args, ui);
    let mut header = header::header(&loaded, &connected, run_id, clock, kind == Showing::Live).await;
    header.group = group;
    let recorder = create_record(args, &loaded, &header)?;
    let dir = recorder.dir().to_owned();
    let (progress, view) = showing::open(kind, showing::title(&loaded, &header, &dir), args, &header, ui)?;
    let record = Record::start(recorder, &first_entry(run_id, &connected), clock, progress, stop.clone())?;
    let live = match view {
        None => None,
        Some(view) => {
            let nodes = fingerprint::node_names(&connected.cluster).await;
            let cluster = connected.cluster.clone();
            let stop = stop.clone();
            let wiring =
                live::Wiring { cluster, run_id, clock, nodes, stop, press, marks: record.events.downgrade() };
            Some(live::Live::start(view, wiring))
        }
    };

    let throttled = fingerprint::throttled_periods();
    let outcome = execute(loaded, &connected, &record, run_id, clock, stop).await;
    listening.abort();
    let seen = RunEvent::EnvironmentSeen {
        objects: fingerprint::objects(&connected.cluster).await,
        throttled_periods: fingerprint::throttled_periods()
            .zip(throttled)
            .map(|(now, then)| now.saturating_sub(then)),
    };
    // A record that failed says so itself.
    let _ = record.events.send(seen).await;
    let recorded = record.finish();
    // Gives the terminal back before anything is printed.
    if let Some(live) = live {
        live.finish(ui);
    }
    recorded?;
    let outcome = outcome?;

    let summary = bench_results::summarize(&dir).map_err(|error| Failure::error(Exit::Bug, error))?;
    bench_results::save_summary(&dir, &summary).map_err(|error| Failure::error(Exit::Bug, error))?;
    if args.output == RunOutput::Ndjson {
        ui.print(&last_line(&summary, &dir).text())?;
    }
    tell_what_is_left(&outcome, run_id, args, ui);
    Ok(One { dir, summary })
}

/// Unique and ordered by time; tests may force one.
fn new_run_id() -> RunId {
    let forced = std::env::var("BENCH_FORCE_RUN_ID").ok().and_then(|text| text.parse().ok());
    forced.unwrap_or_else(|| RunId::new(uuid::Uuid::now_v7()))
}

/// The verdict, for a stream.
fn last_line(summary: &Summary, dir: &Path) -> StreamLine {
    let event = StreamEvent::Ended {
        run_id: summary.run.id.clone(),
        conclusion: summary.conclusion.clone(),
        gates: summary.thresholds.clone(),
        record: dir.display().to_string(),
    };
    StreamLine::new(i64::try_from(summary.length_ns).unwrap_or(i64::MAX), event)
}

fn create_record(args: &RunArgs, loaded: &Loaded, header: &RunHeader) -> Result<Recorder, Failure> {
    let dir = Store::new(&args.runs.runs).run_dir(&header.run_id);
    let resolved = serde_json::to_value(&loaded.scenario).unwrap_or(serde_json::Value::Null);
    Recorder::create(&dir, header, &loaded.text, &resolved)
        .map_err(|error| Failure::with_help(Exit::Bug, error, "--runs names another folder for records"))
}

fn first_entry(run_id: RunId, connected: &Connected) -> JournalEntry {
    let facts = connected.cluster.facts();
    let cluster_uid = facts.kube_system_uid.clone().unwrap_or_default();
    JournalEntry::Run { run_id, cluster_uid, server: facts.server.clone() }
}

async fn execute(
    loaded: Loaded,
    connected: &Connected,
    record: &Record,
    run_id: RunId,
    clock: RunClock,
    stop: Stop,
) -> Result<RunOutcome, Failure> {
    let plugins = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(PLUGIN_THREADS)
        .thread_name("plugin")
        .enable_all()
        .build();
    let plugins =
        plugins.map_err(|e| Failure::error(Exit::Bug, Message(format!("failed to start a runtime: {e}"))))?;
    let (prometheus, default_prometheus) =
        prometheus::endpoints(&loaded.scenario, &loaded.folder, clock, &connected.limiter)?;
    let context = RunContext {
        run_id,
        plan: loaded.plan,
        cluster: connected.cluster.clone(),
        prometheus: Arc::new(prometheus),
        default_prometheus,
        clock,
        events: record.events.clone(),
        journal: record.journal.clone(),
        plugin_runtime: plugins.handle().clone(),
        timing: Timing::Precise,
        stop,
    };
    let outcome = bench_engine::run(context).await;
    plugins.shutdown_background();
    outcome.map_err(|error| Failure::error(Exit::Bug, error))
}

fn tell_what_is_left(outcome: &RunOutcome, run_id: RunId, args: &RunArgs, ui: &Ui) {
    if outcome.cleanup.as_ref().is_some_and(bench_model::CleanupOutcome::is_complete) {
        return;
    }
    let mut command = format!("bench cleanup {run_id}");
    let runs = &args.runs.runs;
    if runs != Path::new("runs") {
        command.push_str(&format!(" --runs {}", runs.display()));
    }
    if let Some(kubeconfig) = &args.cluster.kubeconfig {
        command.push_str(&format!(" --kubeconfig {}", kubeconfig.display()));
    }
    if let Some(context) = &args.cluster.context {
        command.push_str(&format!(" --context {context}"));
    }
    ui.note(&format!("objects of the run are left in the cluster; remove them with:\n  {command}"));
}
