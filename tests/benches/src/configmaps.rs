//! 5,000 ConfigMaps, 64 in flight, no rate limit: `bench` beside the floor with one and with two threads.

use anyhow::{Context, ensure};
use bench_lab::ControlPlane;
use serde_json::Value;

use crate::{
    child,
    figure::{Table, Target},
    lab,
    programs::Programs,
    say,
};

const OBJECTS: f64 = 5_000.0;

/// What sent the ConfigMaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Floor { threads: usize },
    Bench,
}

const SENDERS: [Sender; 3] = [Sender::Floor { threads: 1 }, Sender::Bench, Sender::Floor { threads: 2 }];

/// What it took.
#[derive(Debug, Clone, Copy)]
struct Taken {
    cpu: f64,
    per_second: f64,
    peak_mib: f64,
    refused: f64,
}

/// Measures; each round has each sender once, in turning order.
///
/// # Errors
/// When the control plane, the floor or `bench` fails.
pub fn measure(programs: &Programs, rounds: usize) -> anyhow::Result<Table> {
    programs.warm("configmaps")?;
    let lab = lab::start(0)?;
    let rejected = lab::rejected(&lab)?;
    let mut taken: [Vec<Taken>; 3] = Default::default();
    // The first round warms the server up and is not counted.
    for round in 0..=rounds {
        for turn in 0..SENDERS.len() {
            let at = (round + turn) % SENDERS.len();
            let (Some(sender), Some(all)) = (SENDERS.get(at), taken.get_mut(at)) else { continue };
            let one = send(programs, &lab, *sender, round)?;
            say(&format!("round {round}: {sender:?} {one:?}"));
            if round > 0 {
                all.push(one);
            }
        }
    }
    let rejected = lab::rejected(&lab)? - rejected;
    Ok(table(&taken, rejected, rounds))
}

fn send(programs: &Programs, lab: &ControlPlane, sender: Sender, round: usize) -> anyhow::Result<Taken> {
    let kubeconfig = lab::kubeconfig(lab)?;
    match sender {
        Sender::Bench => {
            let run = programs.run("configmaps", &["--kubeconfig", &kubeconfig])?;
            let operations = run.number("/jobs/0/operations")?;
            ensure!(operations == OBJECTS, "`bench` created {operations} of {OBJECTS}");
            let elapsed = run.number("/jobs/0/elapsedNs")? / 1e9;
            Ok(Taken {
                cpu: run.ended.cpu.as_secs_f64(),
                per_second: operations / elapsed,
                peak_mib: run.ended.peak_mib,
                refused: run.number("/jobs/0/failed")?,
            })
        }
        Sender::Floor { threads } => {
            let namespace = format!("floor-{threads}-{round}");
            lab::in_namespace(lab, &namespace, || floor(programs, &kubeconfig, &namespace, threads))
        }
    }
}

fn floor(programs: &Programs, kubeconfig: &str, namespace: &str, threads: usize) -> anyhow::Result<Taken> {
    let mut command = programs.floor();
    let (objects, threads) = (OBJECTS.to_string(), threads.to_string());
    command.args(["--kubeconfig", kubeconfig, "--namespace", namespace]);
    command.args(["--objects", &objects, "--threads", &threads]);
    let ended = child::run(command)?;
    ensure!(ended.status.success(), "the floor ended with {}", ended.status);
    let told: Value = serde_json::from_str(&ended.stdout).context("the floor told nothing")?;
    let number = |at: &str| told.pointer(at).and_then(Value::as_f64).unwrap_or(0.0);
    Ok(Taken {
        cpu: ended.cpu.as_secs_f64(),
        per_second: number("/perSecond"),
        peak_mib: ended.peak_mib,
        refused: OBJECTS - number("/statuses/201"),
    })
}

fn table(taken: &[Vec<Taken>; 3], rejected: f64, rounds: usize) -> Table {
    let [floor, bench, floor_of_two] = taken;
    let all = |of: &[Taken], value: fn(&Taken) -> f64| of.iter().map(value).collect::<Vec<f64>>();
    let ratio = |floor: &[Taken], value: fn(&Taken) -> f64| {
        bench.iter().zip(floor).map(|(bench, floor)| value(bench) / value(floor)).collect::<Vec<f64>>()
    };
    let per_thousand = |of: &[Taken]| all(of, |one| one.cpu / (OBJECTS / 1_000.0));
    let mut table = Table::new("5,000 ConfigMaps, 64 in flight, real control plane", rounds);
    table.add("CPU for 1,000, floor with 1 thread", "s", &per_thousand(floor));
    table.add("CPU for 1,000, floor with 2 threads", "s", &per_thousand(floor_of_two));
    table.add("CPU for 1,000, `bench`", "s", &per_thousand(bench));
    let cpu = |one: &Taken| one.cpu;
    table.judge("CPU, `bench` over the floor with 1 thread", "×", &ratio(floor, cpu), Target::AtMost(1.5));
    table.add("CPU, `bench` over the floor with 2 threads", "×", &ratio(floor_of_two, cpu));
    table.add("creates a second, floor with 1 thread", "", &all(floor, |one| one.per_second));
    table.add("creates a second, `bench`", "", &all(bench, |one| one.per_second));
    let per_second = ratio(floor, |one| one.per_second);
    table.judge(
        "creates a second, `bench` over the floor with 1 thread",
        "×",
        &per_second,
        Target::AtLeast(0.95),
    );
    table.add("peak memory, floor with 1 thread", "MiB", &all(floor, |one| one.peak_mib));
    table.judge("peak memory, `bench`", "MiB", &all(bench, |one| one.peak_mib), Target::NeverOver(48.0));
    table.judge("creates refused, `bench`", "", &all(bench, |one| one.refused), Target::Always(0.0));
    table.judge(
        "requests rejected by priority and fairness, whole run",
        "",
        &[rejected],
        Target::Always(0.0),
    );
    table
}
