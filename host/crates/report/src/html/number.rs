//! Numbers on the page, each with the place in `summary.json` that it comes from.

use bench_results::{Distribution, QuantileBounds};
use serde::Serialize;

use crate::format::{self, NEVER, NONE};

/// A number: for people, for machines, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Number {
    pub(super) text: String,
    /// As in the JSON; `null` for what never came.
    pub(super) value: String,
    /// JSON pointer into `summary.json`, or `record:` and one into the data of the charts; empty when it was put together
    /// from several.
    pub(super) path: String,
    /// The exact value, where the text is rounded.
    pub(super) title: String,
}

impl Number {
    fn new<T: Serialize>(value: &T, path: String, text: String, title: String) -> Self {
        let value = serde_json::to_string(value).unwrap_or_default();
        Self { text, value, path, title }
    }

    /// A count.
    pub(super) fn count(n: u64, path: impl Into<String>) -> Self {
        Self::new(&n, path.into(), format::count(n), String::new())
    }

    /// A share from 0 to 1.
    pub(super) fn share(share: f64, path: impl Into<String>) -> Self {
        Self::new(&share, path.into(), format::percent(share), String::new())
    }

    /// A rate a second.
    pub(super) fn rate(rate: f64, path: impl Into<String>) -> Self {
        Self::new(&rate, path.into(), format::rate(rate), String::new())
    }

    /// A value in a UCUM unit; `None` never came.
    pub(super) fn value<T: Serialize + Copy>(
        value: Option<T>,
        as_f64: impl Fn(T) -> f64,
        unit: &str,
        path: impl Into<String>,
    ) -> Self {
        let text = value.map_or(NEVER.to_owned(), |number| format::value(as_f64(number), unit));
        let title = match value {
            Some(number) if unit == "ns" => format!("{} ns", format::plain(as_f64(number))),
            _ => String::new(),
        };
        Self::new(&value, path.into(), text, title)
    }

    /// Nanoseconds.
    pub(super) fn duration(ns: Option<u64>, path: impl Into<String>) -> Self {
        Self::value(ns, |ns| ns as f64, "ns", path)
    }

    /// Nanoseconds with a sign.
    pub(super) fn offset(ns: i64, path: impl Into<String>) -> Self {
        Self::value(Some(ns), |ns| ns as f64, "ns", path)
    }

    /// Words instead of a number.
    pub(super) fn words(text: &str) -> Self {
        Self { text: text.to_owned(), value: String::new(), path: String::new(), title: String::new() }
    }
}

/// A quantile with its bounds, one number when they look the same; with the mark for too few samples.
pub(super) fn quantile(distribution: &Distribution, q: f64, base: &str) -> (Vec<Number>, &'static str) {
    let found = distribution.quantiles.iter().enumerate().find(|(_, quantile)| quantile.q == q);
    let Some((index, QuantileBounds { low, high, enough, .. })) = found else {
        return (vec![Number::words(NONE)], "");
    };
    let of = |value: &Option<u64>, side: &str| {
        let path = format!("{base}/quantiles/{index}/{side}");
        Number::value(*value, |n| n as f64, &distribution.unit, path)
    };
    let (low, high) = (of(low, "low"), of(high, "high"));
    let mark = if *enough { "" } else { "*" };
    let numbers = if low.text == high.text { vec![low] } else { vec![low, high] };
    (numbers, mark)
}
