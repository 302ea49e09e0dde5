//! 5,000 ConfigMaps, 64 in flight, no rate limit: `bench` beside the floor with one and with two threads.

use anyhow::ensure;
use bench_lab::ControlPlane;

use crate::{
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

/// Who comes when in a round: whom the server served just before must not tell on one more often than on another.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [1, 0, 2], [2, 1, 0], [0, 2, 1], [1, 2, 0], [2, 0, 1]];

/// What it took.
#[derive(Debug, Clone, Copy)]
struct Taken {
    cpu: f64,
    per_second: f64,
    peak_mib: f64,
    refused: f64,
}

/// Measures; each round has each sender once, in another order.
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
        for at in ORDERS.into_iter().cycle().nth(round).unwrap_or_default() {
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
    match sender {
        Sender::Bench => {
            let run = programs.run("configmaps", &["--kubeconfig", &lab::kubeconfig(lab)?])?;
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
            let arguments = ["--objects", &OBJECTS.to_string(), "--threads", &threads.to_string()];
            let floor = programs.floor(lab, &namespace, &arguments)?;
            Ok(Taken {
                cpu: floor.ended.cpu.as_secs_f64(),
                per_second: floor.per_second,
                peak_mib: floor.ended.peak_mib,
                refused: 0.0,
            })
        }
    }
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
