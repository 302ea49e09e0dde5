//! Answers of Prometheus' HTTP API. <https://prometheus.io/docs/prometheus/latest/querying/api/>
//!
//! Values are texts there, because JSON has no `NaN` and no infinity. Points that Prometheus has not (stale
//! series, gaps) are not in an answer at all, so nothing is made up for them here.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use bench_limiter::RunClock;
use bench_model::{Label, TimeNs};
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// Series of one answer; more is an error.
pub const MAX_SERIES: usize = 10_000;
/// Points of one answer in all its series; more is an error.
pub const MAX_POINTS: usize = 1_000_000;

/// One time series; `at` and `value` have the same length.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Sorted by name; the metric's name is `__name__`.
    pub labels: Vec<Label>,
    /// Times of the points, ascending.
    pub at: Vec<TimeNs>,
    /// Values; NaN and infinities as they are.
    pub value: Vec<f64>,
}

/// What an answer says.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    Series(Vec<Series>),
    /// Prometheus' `errorType` and its text.
    Error {
        kind: String,
        message: String,
    },
}

/// Why an answer cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AnswerError {
    Malformed,
    TooManySeries,
    TooManyPoints,
    /// `string`: nothing to measure.
    NotNumbers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
    error_type: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow)]
    result_type: Cow<'a, str>,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// Reads an answer.
pub(crate) fn parse(body: &[u8], clock: &RunClock) -> Result<Answer, AnswerError> {
    let malformed = |_| AnswerError::Malformed;
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(malformed)?;
    if envelope.status != "success" {
        let (kind, message) = (envelope.error_type.unwrap_or_default(), envelope.error.unwrap_or_default());
        return Ok(Answer::Error { kind: cut(kind, 64), message: cut(message, 4096) });
    }
    let data = envelope.data.ok_or(AnswerError::Malformed)?;
    let series = match data.result_type.as_ref() {
        "vector" | "matrix" => many(data.result, clock)?,
        "scalar" => {
            let point: Point = serde_json::from_str(data.result.get()).map_err(malformed)?;
            vec![Series { labels: Vec::new(), at: vec![point.at(clock)], value: vec![point.value] }]
        }
        "string" => return Err(AnswerError::NotNumbers),
        _ => return Err(AnswerError::Malformed),
    };
    Ok(Answer::Series(series))
}

fn cut(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text
}

fn many(result: &RawValue, clock: &RunClock) -> Result<Vec<Series>, AnswerError> {
    let mut read = Reading { clock, series: Vec::new(), points: 0, broken: None };
    let mut deserializer = serde_json::Deserializer::from_str(result.get());
    let outcome = deserializer.deserialize_seq(&mut read);
    match (outcome, read.broken) {
        (_, Some(limit)) => Err(limit),
        (Err(_), None) => Err(AnswerError::Malformed),
        (Ok(()), None) => Ok(read.series),
    }
}

/// Series so far; stops at the first one past a limit.
struct Reading<'c> {
    clock: &'c RunClock,
    series: Vec<Series>,
    points: usize,
    broken: Option<AnswerError>,
}

impl<'de> Visitor<'de> for &mut Reading<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        // Points are capped one series at a time: what is left for the next one.
        while let Some(one) =
            seq.next_element_seed(OneSeries { left: MAX_POINTS.saturating_sub(self.points) })?
        {
            if self.series.len() == MAX_SERIES {
                self.broken = Some(AnswerError::TooManySeries);
                return Err(de::Error::custom("too many series"));
            }
            let Some(points) = one.points else {
                self.broken = Some(AnswerError::TooManyPoints);
                return Err(de::Error::custom("too many points"));
            };
            self.points += points.len();
            let labels = one.labels.into_iter().map(|(name, value)| Label { name, value }).collect();
            let (at, value) = points.iter().map(|point| (point.at(self.clock), point.value)).unzip();
            self.series.push(Series { labels, at, value });
        }
        Ok(())
    }
}

struct OneSeries {
    left: usize,
}

struct RawSeries {
    labels: BTreeMap<String, String>,
    /// `None` past the limit.
    points: Option<Vec<Point>>,
}

impl<'de> DeserializeSeed<'de> for OneSeries {
    type Value = RawSeries;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawSeries, D::Error> {
        #[derive(Deserialize)]
        struct Raw<'a> {
            #[serde(default)]
            metric: BTreeMap<String, String>,
            value: Option<Point>,
            #[serde(borrow)]
            values: Option<&'a RawValue>,
        }
        let raw = Raw::deserialize(deserializer)?;
        let points = match (raw.value, raw.values) {
            (Some(point), None) => Some(vec![point]).filter(|_| self.left > 0),
            (None, Some(values)) => {
                let mut deserializer = serde_json::Deserializer::from_str(values.get());
                deserializer.deserialize_seq(Points { left: self.left }).map_err(de::Error::custom)?
            }
            // Native histograms have neither; both is no answer of Prometheus.
            (None, None) => Some(Vec::new()),
            (Some(_), Some(_)) => return Err(de::Error::custom("both `value` and `values`")),
        };
        Ok(RawSeries { labels: raw.metric, points })
    }
}

struct Points {
    left: usize,
}

impl<'de> Visitor<'de> for Points {
    type Value = Option<Vec<Point>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of points")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut points = Vec::new();
        while let Some(point) = seq.next_element::<Point>()? {
            if points.len() == self.left {
                while seq.next_element::<de::IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            points.push(point);
        }
        Ok(Some(points))
    }
}

/// `[ <Unix time in seconds>, "<value>" ]`
#[derive(Debug, Clone, Copy)]
struct Point {
    unix_seconds: f64,
    value: f64,
}

impl Point {
    /// Prometheus keeps milliseconds; more digits are rounding errors of the division.
    fn at(self, clock: &RunClock) -> TimeNs {
        let millis = (self.unix_seconds * 1e3).round() as i64;
        clock.from_unix_ns(i128::from(millis) * 1_000_000)
    }
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (unix_seconds, text) = <(f64, Cow<'de, str>)>::deserialize(deserializer)?;
        let value = number(&text).ok_or_else(|| de::Error::custom("not a number"))?;
        Ok(Self { unix_seconds, value })
    }
}

/// A value as Prometheus writes it: also `NaN`, `+Inf`, `-Inf`.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    fn read(body: &str) -> Result<Answer, AnswerError> {
        parse(body.as_bytes(), &RunClock::start_at(UNIX_EPOCH + Duration::from_secs(100)))
    }

    fn series(body: &str) -> Vec<Series> {
        match read(body) {
            Ok(Answer::Series(series)) => series,
            other => panic!("{other:?}"),
        }
    }

    fn success(kind: &str, result: &str) -> String {
        format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#)
    }

    #[test]
    fn a_vector_has_one_point_a_series() {
        let body = success("vector", r#"[{"metric":{"job":"a","__name__":"up"},"value":[101.5,"1"]}]"#);
        let found = series(&body);
        assert_eq!(found[0].labels[0], Label { name: "__name__".to_owned(), value: "up".to_owned() });
        assert_eq!((&found[0].at[..], &found[0].value[..]), (&[TimeNs(1_500_000_000)][..], &[1.0][..]));
        assert!(series(&success("vector", "[]")).is_empty());
    }

    #[test]
    fn a_matrix_keeps_infinities_and_what_is_no_number() {
        let found = series(&success(
            "matrix",
            r#"[{"metric":{},"values":[[100,"NaN"],[101,"+Inf"],[102,"-Inf"],[103.001,"2e3"]]}]"#,
        ));
        let value = &found[0].value;
        assert!(value[0].is_nan());
        assert_eq!(value[1..], [f64::INFINITY, f64::NEG_INFINITY, 2000.0]);
        assert_eq!(found[0].at[3], TimeNs(3_001_000_000));
    }

    #[test]
    fn a_scalar_is_a_series_without_labels_and_a_string_is_refused() {
        assert_eq!(series(&success("scalar", r#"[100,"7"]"#))[0].value, [7.0]);
        assert_eq!(read(&success("string", r#"[100,"7"]"#)), Err(AnswerError::NotNumbers));
    }

    #[test]
    fn an_error_keeps_its_words() {
        let body = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        let expected = Answer::Error { kind: "bad_data".to_owned(), message: "parse error".to_owned() };
        assert_eq!(read(body), Ok(expected));
    }

    #[test]
    fn too_much_is_refused_before_it_is_kept() {
        let many = format!("[{}]", vec!["{}"; MAX_SERIES + 1].join(","));
        assert_eq!(read(&success("vector", &many)), Err(AnswerError::TooManySeries));
        let long = format!(r#"[{{"values":[{}]}}]"#, vec![r#"[1,"1"]"#; MAX_POINTS + 1].join(","));
        assert_eq!(read(&success("matrix", &long)), Err(AnswerError::TooManyPoints));
    }

    #[test]
    fn what_is_no_answer_is_malformed() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"status":"success"}"#,
            &success("vector", "{}"),
            &success("vector", r#"[{"value":[1,2]}]"#),
            &success("other", "[]"),
        ] {
            assert_eq!(read(body), Err(AnswerError::Malformed), "{body}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(result in r#"[\[\]{},:"a-z0-9.NeI+-]{0,60}"#, kind in "vector|matrix|scalar|string") {
            let _ = read(&success(&kind, &result));
            let _ = read(&result);
        }
    }
}
