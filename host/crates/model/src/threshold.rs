//! Gates: `p99(pod-latency.ready) < 5s`, `rate(create-pods.errors) == 0`.
//!
//! Parsed here, because a scenario writes them and a summary is judged by them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Label, parse_duration};

/// Why a text is not a threshold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ThresholdError {
    /// No comparison in it.
    #[error("a threshold compares: write for example `p99(pod-latency.ready) < 5s`")]
    NoComparison,
    /// Left side is not `aggregate(source.metric)`.
    #[error("`{text}` is not of the form `aggregate(source.metric)`")]
    Left {
        /// The left side found.
        text: String,
    },
    /// An aggregate that does not exist.
    #[error(
        "`{text}` is not an aggregate; there are p50 to p99.99, min, max, mean, count, rate, missing and value"
    )]
    Aggregate {
        /// The word found.
        text: String,
    },
    /// Labels of the wrong form.
    #[error("`{text}` are not labels, write for example `{{job=\"create-pods\"}}`")]
    Labels {
        /// The text found.
        text: String,
    },
    /// Right side is neither a number nor a duration.
    #[error("`{text}` is neither a number, a percentage nor a duration")]
    Right {
        /// The right side found.
        text: String,
    },
}

/// What is made of a distribution or a counter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Aggregate {
    /// In 0..=1.
    Quantile(f64),
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Arithmetic mean of what came.
    Mean,
    /// How many.
    Count,
    /// Share of operations (`errors`), from 0 to 1.
    Rate,
    /// How many never came.
    Missing,
    /// Last value of a gauge, total of a counter.
    Value,
}

/// How the two sides compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    LessOrEqual,
    /// `>`
    #[serde(rename = ">")]
    Greater,
    /// `>=`
    #[serde(rename = ">=")]
    GreaterOrEqual,
    /// `==`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    NotEqual,
}

impl Comparison {
    /// Whether `left` compares so to `right`.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
        }
    }

    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }
}

/// A metric of a job or of a measurement; several label sets merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricRef {
    /// Name of the job or of the measurement.
    pub source: String,
    /// Of a measurement: as its manifest declares. Of a job: `response`, `service`, `lag`, `errors`,
    /// `operations`, `elapsed`, `delivered`.
    pub metric: String,
    /// Only series with these.
    pub labels: Vec<Label>,
}

/// A gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What is made of the metric.
    pub aggregate: Aggregate,
    /// Which metric.
    pub metric: MetricRef,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what; durations in ns, percentages from 0 to 1.
    pub limit: f64,
    /// As it was written, blanks trimmed.
    pub text: String,
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let text = text.trim();
        let (left, comparison, right) = split(text).ok_or(ThresholdError::NoComparison)?;
        let (aggregate, metric) = parse_left(left.trim())?;
        let limit = parse_right(right.trim())?;
        Ok(Self { aggregate, metric, comparison, limit, text: text.to_owned() })
    }
}

fn split(text: &str) -> Option<(&str, Comparison, &str)> {
    // Behind the closing parenthesis, so that `=` in labels does not count.
    let close = text.rfind(')').map_or(0, |at| at + 1);
    let (left, rest) = text.split_at_checked(close)?;
    let rest = rest.trim_start();
    let operators = [
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    operators.into_iter().find_map(|(operator, comparison)| {
        if close == 0 {
            return rest.split_once(operator).map(|(left, right)| (left, comparison, right));
        }
        rest.strip_prefix(operator).map(|right| (left, comparison, right))
    })
}

fn parse_left(text: &str) -> Result<(Aggregate, MetricRef), ThresholdError> {
    let error = || ThresholdError::Left { text: text.to_owned() };
    let (aggregate, inner) = text.split_once('(').ok_or_else(error)?;
    let inner = inner.strip_suffix(')').ok_or_else(error)?.trim();
    let (path, labels) = match inner.split_once('{') {
        Some((path, labels)) => (path.trim(), parse_labels(labels)?),
        None => (inner, Vec::new()),
    };
    let (source, metric) = path.split_once('.').ok_or_else(error)?;
    if source.is_empty() || metric.is_empty() || path.contains(char::is_whitespace) {
        return Err(error());
    }
    let metric = MetricRef { source: source.to_owned(), metric: metric.to_owned(), labels };
    Ok((parse_aggregate(aggregate.trim())?, metric))
}

fn parse_labels(text: &str) -> Result<Vec<Label>, ThresholdError> {
    let error = || ThresholdError::Labels { text: format!("{{{text}") };
    let inner = text.trim().strip_suffix('}').ok_or_else(error)?;
    inner
        .split(',')
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').ok_or_else(error)?;
            let value = value.trim().strip_prefix('"').and_then(|v| v.strip_suffix('"')).ok_or_else(error)?;
            Ok(Label { name: name.trim().to_owned(), value: value.to_owned() })
        })
        .collect()
}

fn parse_aggregate(text: &str) -> Result<Aggregate, ThresholdError> {
    let error = || ThresholdError::Aggregate { text: text.to_owned() };
    Ok(match text {
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "mean" => Aggregate::Mean,
        "count" => Aggregate::Count,
        "rate" => Aggregate::Rate,
        "missing" => Aggregate::Missing,
        "value" => Aggregate::Value,
        _ => {
            let digits = text.strip_prefix('p').ok_or_else(error)?;
            let percent: f64 = digits.parse().map_err(|_| error())?;
            let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
            if !plain || percent <= 0.0 || percent > 100.0 {
                return Err(error());
            }
            // Two steps keep p99.9 at exactly 0.999.
            Aggregate::Quantile((percent * 1e6).round() / 1e8)
        }
    })
}

fn parse_right(text: &str) -> Result<f64, ThresholdError> {
    let error = || ThresholdError::Right { text: text.to_owned() };
    if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent.trim().parse().map_err(|_| error())?;
        return if percent.is_finite() { Ok(percent / 100.0) } else { Err(error()) };
    }
    if let Ok(number) = text.parse::<f64>() {
        return if number.is_finite() { Ok(number) } else { Err(error()) };
    }
    parse_duration(text).map(|duration| duration.as_nanos() as f64).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, aggregate: Aggregate, source: &str, metric: &str, limit: f64) {
        let threshold: Threshold = text.parse().expect(text);
        assert_eq!(threshold.aggregate, aggregate);
        assert_eq!((threshold.metric.source.as_str(), threshold.metric.metric.as_str()), (source, metric));
        assert_eq!(threshold.limit, limit);
    }

    fn check_err(text: &str, expected: ThresholdError) {
        assert_eq!(text.parse::<Threshold>(), Err(expected));
    }

    #[test]
    fn thresholds_of_all_forms_are_read() {
        check("p99(pod-latency.ready) < 5s", Aggregate::Quantile(0.99), "pod-latency", "ready", 5e9);
        check("p99.9(a.b)<=1", Aggregate::Quantile(0.999), "a", "b", 1.0);
        check("rate(create-pods.errors) == 0", Aggregate::Rate, "create-pods", "errors", 0.0);
        check("rate(create-pods.errors) <= 0.5%", Aggregate::Rate, "create-pods", "errors", 0.005);
        check(r#"max(a.b{job="x", phase="y"}) != 3"#, Aggregate::Max, "a", "b", 3.0);
    }

    #[test]
    fn mistakes_are_named() {
        check_err("p99(a.b)", ThresholdError::NoComparison);
        check_err("a.b < 5s", ThresholdError::Left { text: "a.b".to_owned() });
        check_err("p99(a) < 5s", ThresholdError::Left { text: "p99(a)".to_owned() });
        check_err("p101(a.b) < 5s", ThresholdError::Aggregate { text: "p101".to_owned() });
        check_err("avg(a.b) < 5s", ThresholdError::Aggregate { text: "avg".to_owned() });
        check_err("p99(a.b) < 5 apples", ThresholdError::Right { text: "5 apples".to_owned() });
        check_err("p99(a.b) < NaN", ThresholdError::Right { text: "NaN".to_owned() });
        check_err("p99(a.b{x}) < 5", ThresholdError::Labels { text: "{x}".to_owned() });
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_panic(text in ".{0,60}") {
            let _ = text.parse::<Threshold>();
        }
    }
}
