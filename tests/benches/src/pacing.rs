//! Whether operations leave when they are due: 50, 500 and 2,000 a second on the simulated cluster.

use anyhow::Context;
use serde_json::Value;

use crate::{
    figure::{Table, Target},
    programs::{Programs, Run},
    say,
};

/// Operations a second, and how many: ten seconds each, and enough of them for a p99.
const RATES: [(u32, u32); 3] = [(50, 500), (500, 5_000), (2_000, 20_000)];

/// Measures; each round has every rate once.
///
/// # Errors
/// When `bench` fails.
pub fn measure(programs: &Programs, rounds: usize) -> anyhow::Result<Table> {
    programs.warm("pacing")?;
    let mut runs: [Vec<Paced>; 3] = Default::default();
    for round in 1..=rounds {
        for ((rate, objects), all) in RATES.iter().zip(&mut runs) {
            let (rate, objects) =
                (format!("variables.rate={rate}/s"), format!("variables.objects={objects}"));
            let run = programs.run("pacing", &["--set", &rate, "--set", &objects])?;
            let paced = Paced::of(&run)?;
            say(&format!("round {round}: {rate} {paced:?}"));
            all.push(paced);
        }
    }
    let mut table = Table::new("pacing on the simulated cluster, in the same process", rounds);
    for ((rate, _), runs) in RATES.iter().zip(&runs) {
        let all = |value: fn(&Paced) -> f64| runs.iter().map(value).collect::<Vec<f64>>();
        let off = all(|paced| (paced.achieved / paced.due - 1.0).abs() * 100.0);
        table.judge(&format!("{rate}/s: achieved rate off the due rate"), "%", &off, Target::AtMost(0.1));
        table.judge(&format!("{rate}/s: p99 lag"), "ms", &all(|paced| paced.p99_lag_ms), Target::AtMost(1.0));
        table.add(&format!("{rate}/s: p50 lag"), "ms", &all(|paced| paced.p50_lag_ms));
        table.add(&format!("{rate}/s: exit code of `bench`"), "", &all(|paced| paced.exit_code));
    }
    Ok(table)
}

#[derive(Debug)]
struct Paced {
    due: f64,
    achieved: f64,
    p50_lag_ms: f64,
    p99_lag_ms: f64,
    exit_code: f64,
}

impl Paced {
    fn of(run: &Run) -> anyhow::Result<Self> {
        Ok(Self {
            due: run.number("/jobs/0/queues/0/dueRate")?,
            achieved: run.number("/jobs/0/queues/0/achievedRate")?,
            p50_lag_ms: lag_ms(run, 0.5)?,
            p99_lag_ms: lag_ms(run, 0.99)?,
            exit_code: run.exit_code(),
        })
    }
}

fn lag_ms(run: &Run, q: f64) -> anyhow::Result<f64> {
    let quantiles = run.summary.pointer("/jobs/0/queues/0/lag/quantiles").and_then(Value::as_array);
    let of_q = |quantile: &&Value| quantile.pointer("/q").and_then(Value::as_f64) == Some(q);
    let found = quantiles.into_iter().flatten().find(of_q).context("the summary has no such quantile")?;
    // A lag that has no upper bound was never sent.
    Ok(found.pointer("/high").and_then(Value::as_f64).map_or(f64::INFINITY, |ns| ns / 1e6))
}
