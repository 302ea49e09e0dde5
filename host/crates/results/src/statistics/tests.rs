//! Against what SciPy says, see `tests/vectors/make.py`.

use serde_json::Value;

use super::{
    order, ranks,
    special::{beta, normal_at_most, normal_quantile, student_quantile},
    steady,
    turnbull::{self, Between},
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/scipy.json")).expect("vectors")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn rows(vectors: &Value, name: &str) -> Vec<Vec<f64>> {
    vectors[name].as_array().expect(name).iter().map(numbers).collect()
}

#[track_caller]
fn close(found: f64, truth: f64, what: &str) {
    assert!((found - truth).abs() <= 1e-9 * truth.abs().max(1e-3), "{what}: {found} is not {truth}");
}

#[test]
fn distribution_functions_are_those_of_scipy() {
    let vectors = vectors();
    for row in rows(&vectors, "beta") {
        close(beta(row[0], row[1], row[2]), row[3], &format!("beta{row:?}"));
    }
    for row in rows(&vectors, "normal") {
        close(normal_at_most(row[0]), row[1], &format!("normal{row:?}"));
    }
    for row in rows(&vectors, "normalQuantile") {
        close(normal_quantile(row[0]), row[1], &format!("normal quantile{row:?}"));
    }
    for row in rows(&vectors, "student") {
        close(student_quantile(row[0], row[1]), row[2], &format!("student{row:?}"));
    }
}

#[test]
fn ranks_of_intervals_are_those_of_scipy() {
    for row in vectors()["ranks"].as_array().expect("rows") {
        let (n, q) = (row[0].as_u64().expect("n"), row[1].as_f64().expect("q"));
        assert_eq!(order::confidence_ranks(n, q), (row[2].as_u64(), row[3].as_u64()), "n={n} q={q}");
    }
}

#[test]
fn tests_and_shifts_of_groups_are_those_of_scipy() {
    let vectors = vectors();
    for group in vectors["groups"].as_array().expect("groups") {
        let (a, b) = (numbers(&group["a"]), numbers(&group["b"]));
        close(ranks::mann_whitney(&a, &b), group["p"].as_f64().expect("p"), &format!("p of {a:?} {b:?}"));
        let shift = ranks::shift(&a, &b, 0.05).expect("values");
        close(shift.estimate, group["shift"][0].as_f64().expect("an estimate"), "shift");
        let interval = group["shift"][1].as_f64().zip(group["shift"][2].as_f64());
        assert_eq!(shift.interval.is_some(), interval.is_some(), "{a:?} {b:?}");
        if let (Some(found), Some(truth)) = (shift.interval, interval) {
            close(found.0, truth.0, "low");
            close(found.1, truth.1, "high");
        }
    }
    let many = &vectors["manyRuns"];
    let p = ranks::mann_whitney(&numbers(&many["a"]), &numbers(&many["b"]));
    close(p, many["p"].as_f64().expect("p"), "p of many runs");
}

#[test]
fn warm_up_slope_and_trend_are_those_of_scipy() {
    for series in vectors()["series"].as_array().expect("series") {
        let values = numbers(&series["values"]);
        let cut = steady::truncation(&steady::batch_means(&values));
        assert_eq!(cut as u64, series["mser5"].as_u64().expect("a number"));
        let minute = &values[..60];
        close(steady::slope(minute).expect("a slope"), series["slope"].as_f64().expect("a slope"), "slope");
        let rounded: Vec<f64> = minute.iter().map(|value| (value * 10.0).round() / 10.0).collect();
        close(steady::trend_p(&rounded), series["trendP"].as_f64().expect("p"), "trend");
    }
}

#[test]
fn values_cut_off_on_the_right_give_the_curve_of_kaplan_and_meier() {
    let vectors = vectors();
    let curve = &vectors["kaplanMeier"];
    let times =
        |name: &str| -> Vec<u64> { numbers(&curve[name]).into_iter().map(|at| at as u64 * CELL).collect() };
    // A grid with one cell for each time; an end at the edge of a cell belongs to it.
    const CELL: u64 = 1_000_000;
    let came = times("came").into_iter().map(|at| Between { low: at, high: at, n: 1 });
    let cut = times("cut").into_iter().map(|at| Between { low: at + CELL, high: u64::MAX, n: 1 });
    let values: Vec<Between> = came.chain(cut).collect();
    let estimated = turnbull::estimate(&values, 0).expect("values");
    let (at, cdf) = (numbers(&curve["at"]), numbers(&curve["cdf"]));
    let steps = at.windows(2).zip(cdf.windows(2)).filter(|(_, cdf)| cdf[1] - cdf[0] > 1e-6);
    for (at, cdf) in steps.take(50) {
        let middle = estimated.quantile((cdf[0] + cdf[1]) / 2.0).expect("came") / CELL as f64;
        assert!((middle - at[1]).abs() <= 1.0, "{middle} is not {}", at[1]);
    }
}

#[test]
fn values_between_stamps_of_whole_seconds_give_the_most_likely_quantiles() {
    let vectors = vectors();
    let of = &vectors["turnbull"];
    let ns = |name: &str| -> Vec<u64> {
        numbers(&of[name]).into_iter().map(|s| (s * 1e9).round() as u64).collect()
    };
    let values: Vec<Between> =
        ns("low").into_iter().zip(ns("high")).map(|(low, high)| Between { low, high, n: 1 }).collect();
    assert!(turnbull::is_identified(&values));
    let estimated = turnbull::estimate(&values, 0).expect("values");
    for row in rows(of, "quantiles").into_iter().filter(|row| row[0] < 0.95) {
        let found = estimated.quantile(row[0]).expect("came") / 1e9;
        assert!((found - row[1]).abs() < 0.03, "{found} is not {}", row[1]);
    }
    for row in rows(of, "truth") {
        let found = estimated.quantile(row[0]).expect("came") / 1e9;
        assert!((found - row[1]).abs() < 0.12 * row[1] + 0.02, "{found} is far from the truth {}", row[1]);
    }
}

#[test]
fn holm_never_makes_a_small_p_larger_than_a_large_one() {
    assert_eq!(ranks::holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
    assert_eq!(ranks::holm(&[0.5, 0.9]), [1.0, 1.0]);
    assert_eq!(ranks::holm(&[]), [0.0; 0]);
}

#[test]
fn infinite_values_are_above_all_others_and_equal_to_each_other() {
    let never = f64::INFINITY;
    let shift = ranks::shift(&[1.0, 2.0, 3.0, 4.0], &[never; 4], 0.05).expect("values");
    assert_eq!(shift.estimate, never);
    assert!((ranks::mann_whitney(&[1.0, 2.0, 3.0, 4.0], &[never; 4]) - 2.0 / 70.0).abs() < 1e-12);
    assert_eq!(ranks::shift(&[never; 4], &[never; 4], 0.05).map(|shift| shift.estimate), Some(0.0));
    assert_eq!(ranks::superiority(&[1.0], &[2.0, 1.0]), Some(0.75));
}

#[test]
fn plans_name_the_runs_that_the_published_power_needs() {
    // field: CV 5 %, shift 10 %, 7 runs find 85 %; CV 2 %, shift 5 %, 5 runs find 84 %.
    assert!((5..=7).contains(&super::power::runs_needed(0.05, 0.10)));
    assert_eq!(super::power::runs_needed(0.02, 0.05), 4);
    assert_eq!(super::power::runs_needed(0.0, 0.05), 4);
    assert_eq!(super::power::runs_needed(0.1, 0.0), 1000);
    let difference = super::power::detectable(0.05, 20);
    assert!(super::power::runs_needed(0.05, difference).abs_diff(20) <= 1, "{difference}");
}
