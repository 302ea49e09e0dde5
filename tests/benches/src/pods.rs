//! 2,000 pods at 200 a second on 100 fake nodes, with the measurement `pod-latency`.

use crate::{
    figure::{Table, Target},
    lab,
    programs::{Programs, Run},
    say,
};

const PODS: f64 = 2_000.0;
const NODES: u32 = 100;

/// Measures; every round has a namespace of its own, which `bench` removes before it ends.
///
/// # Errors
/// When the control plane or `bench` fails.
pub fn measure(programs: &Programs, rounds: usize) -> anyhow::Result<Table> {
    programs.warm("pods")?;
    let lab = lab::start(NODES)?;
    let kubeconfig = lab::kubeconfig(&lab)?;
    let mut runs = Vec::new();
    // The first round warms the server up and is not counted.
    for round in 0..=rounds {
        let run = programs.run("pods", &["--kubeconfig", &kubeconfig])?;
        let (cpu, peak) = (run.ended.cpu, run.ended.peak_mib);
        say(&format!("round {round}: {cpu:?} CPU in {:?}, {peak:.1} MiB", run.ended.elapsed));
        if round > 0 {
            runs.push(run);
        }
    }
    table(&runs)
}

fn table(runs: &[Run]) -> anyhow::Result<Table> {
    let numbers = |pointer: &str| runs.iter().map(|run| run.number(pointer)).collect::<Result<Vec<_>, _>>();
    let all = |value: fn(&Run) -> f64| runs.iter().map(value).collect::<Vec<f64>>();
    let queue = |field: &str| numbers(&format!("/jobs/0/queues/0/{field}"));
    let title = "2,000 pods at 200 a second, 100 kwok nodes, pod-latency on, real control plane";
    let mut table = Table::new(title, runs.len());
    table.judge("rows of the table of pods", "", &numbers("/tables/0/rows")?, Target::Always(PODS));
    let cpu = all(|run| run.ended.cpu.as_secs_f64() / (PODS / 1_000.0));
    table.judge("CPU for 1,000 pods, `bench`", "s", &cpu, Target::AtMost(0.5));
    table.judge("peak memory, `bench`", "MiB", &all(|run| run.ended.peak_mib), Target::NeverOver(64.0));
    table.add("achieved rate over due rate", "", &ratios(&queue("achievedRate")?, &queue("dueRate")?));
    table.add("exit code of `bench`", "", &all(Run::exit_code));
    Ok(table)
}

fn ratios(above: &[f64], below: &[f64]) -> Vec<f64> {
    above.iter().zip(below).map(|(above, below)| above / below).collect()
}
