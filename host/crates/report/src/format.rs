//! Numbers for people: three significant digits, units, ranges.

use std::time::Duration;

use bench_model::format_duration;
use bench_results::{Distribution, QuantileBounds, ValiditySummary};

/// What stands for a value that never came.
pub(crate) const NEVER: &str = "never";
/// What stands for no value.
pub(crate) const NONE: &str = "-";

/// A value in a UCUM unit.
pub(crate) fn value(number: f64, unit: &str) -> String {
    match unit {
        "ns" => duration(number),
        "us" => duration(number * 1e3),
        "ms" => duration(number * 1e6),
        "s" => duration(number * 1e9),
        "By" => bytes(number),
        "1" | "" => plain(number),
        other => format!("{} {}", plain(number), other),
    }
}

/// Nanoseconds as `1.23s`.
pub(crate) fn duration(ns: f64) -> String {
    if ns < 0.0 {
        return format!("-{}", duration(-ns));
    }
    format_duration(Duration::from_nanos(ns.round() as u64))
}

/// `n` with at most three decimals and groups of three digits: `21,342`, `0.005`.
pub(crate) fn plain(number: f64) -> String {
    let text = if number.abs() < 1000.0 { format!("{number:.3}") } else { format!("{number:.0}") };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}.{fraction}") }
}

/// A whole number with groups of three digits.
pub(crate) fn count(n: u64) -> String {
    plain(n as f64)
}

/// `1 job`, `2 jobs`.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(n))
}

/// A share from 0 to 1 as percent.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    // Never rounded up to all of it.
    let percent = if share < 1.0 { percent.min(99.99) } else { percent };
    let text = format!("{percent:.2}");
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `at least 99 %`
pub(crate) fn least(share: f64) -> String {
    format!("at least {}", percent(share))
}

/// How late load may leave: `at most 1ms or 5 % of p50`.
pub(crate) fn most_lag(bounds: &ValiditySummary) -> String {
    let time = duration(bounds.lag_ns as f64);
    if bounds.lag_response_share == 0.0 {
        return format!("at most {time}");
    }
    format!("at most {time} or {} of p50", percent(bounds.lag_response_share))
}

/// A rate as `49.9/s`.
pub(crate) fn rate(per_second: f64) -> String {
    // Four digits: a thousandth too little must show.
    let decimals = match per_second {
        _ if per_second >= 1000.0 => 0,
        _ if per_second >= 100.0 => 1,
        _ if per_second >= 10.0 => 2,
        _ => 3,
    };
    let text = format!("{per_second:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}/s")
}

fn bytes(number: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut number, mut unit) = (number, units[0]);
    for next in &units[1..] {
        if number < 1024.0 {
            break;
        }
        number /= 1024.0;
        unit = next;
    }
    let decimals = usize::from(number < 100.0 && unit != "B");
    format!("{number:.decimals$} {unit}")
}

/// Both bounds when they differ: `1.2s–1.9s`.
pub(crate) fn range(low: Option<f64>, high: Option<f64>, unit: &str) -> String {
    let text = |bound: Option<f64>| bound.map_or(NEVER.to_owned(), |number| value(number, unit));
    let (low, high) = (text(low), text(high));
    if low == high { low } else { format!("{low}–{high}") }
}

/// The ends of an interval, always both: `1.2s–1.9s`; `∞` for what never came or cannot be known.
pub(crate) fn interval(low: Option<f64>, high: Option<f64>, unit: &str) -> String {
    let text = |end: Option<f64>| end.map_or("∞".to_owned(), |number| value(number, unit));
    format!("{}–{}", text(low), text(high))
}

/// A quantile with its most likely value when only bounds are known, and with `*` when it rests on too few
/// samples; `-` when there is none.
pub(crate) fn quantile(distribution: &Distribution, q: f64) -> String {
    let Some(QuantileBounds { low, high, enough, estimate, .. }) = distribution.quantile(q) else {
        return NONE.to_owned();
    };
    let text = range(low.map(|low| low as f64), high.map(|high| high as f64), &distribution.unit);
    let mark = if *enough { "" } else { "*" };
    match estimate.and_then(|estimate| estimate.value) {
        Some(likely) => format!("{text} ≈{}{mark}", value(likely as f64, &distribution.unit)),
        None => format!("{text}{mark}"),
    }
}

/// The largest value.
pub(crate) fn max(distribution: &Distribution) -> String {
    match distribution.max {
        Some(max) => value(max as f64, &distribution.unit),
        None if distribution.n == 0 => NONE.to_owned(),
        None => NEVER.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_exact_enough() {
        assert_eq!(plain(0.0), "0");
        assert_eq!(plain(0.005), "0.005");
        assert_eq!(plain(21_342.0), "21,342");
        assert_eq!(plain(-1_234_567.0), "-1,234,567");
        assert_eq!(rate(50.0), "50/s");
        assert_eq!(rate(49.95), "49.95/s");
        assert_eq!(rate(0.5), "0.5/s");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.99999), "99.99 %");
        assert_eq!(percent(0.005), "0.5 %");
        assert_eq!(value(1_500_000.0, "ns"), "1.5ms");
        assert_eq!(value(1536.0, "By"), "1.5 KiB");
        assert_eq!(value(3.0, "{pod}"), "3 {pod}");
        assert_eq!(duration(-3_100_000.0), "-3.1ms");
        assert_eq!(counted(1, "job"), "1 job");
        assert_eq!(counted(2, "job"), "2 jobs");
    }

    #[test]
    fn bounds_that_look_the_same_are_one_value() {
        assert_eq!(range(Some(1.0e9), Some(1.0001e9), "ns"), "1s");
        assert_eq!(range(Some(1.0e9), Some(2.0e9), "ns"), "1s–2s");
        assert_eq!(range(Some(1.0e9), None, "ns"), "1s–never");
        assert_eq!(range(None, None, "ns"), "never");
    }
}
