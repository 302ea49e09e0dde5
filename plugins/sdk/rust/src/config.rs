//! A plugin's block of the scenario file: its values.
//!
//! The host has checked the block against the plugin's schema and filled in defaults, so an error here is a
//! difference between the schema and the type that reads it.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

/// The configuration of a plugin that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// Reads the JSON that `setup` gets.
///
/// # Errors
/// When it does not fit the type, with the place in the block.
pub fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| format!("failed to read the plugin's configuration: {error}"))
}

/// A duration as scenarios write it: `1m30s`, `250ms`, `1.5h`; `0` needs no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// Nanoseconds.
    pub ns: u64,
}

impl Span {
    /// Parses a text; `None` when it is not of the form, has no unit or an unknown one, or does not fit.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim();
        if rest == "0" {
            return Some(Self::default());
        }
        if rest.is_empty() {
            return None;
        }
        let mut total = 0.0_f64;
        while !rest.is_empty() {
            let (number, tail) = rest.split_at(rest.find(|c: char| !is_number(c)).unwrap_or(rest.len()));
            let (unit, tail) = tail.split_at(tail.find(is_number).unwrap_or(tail.len()));
            total += number.parse::<f64>().ok()? * unit_ns(unit)?;
            rest = tail;
        }
        (total <= i64::MAX as f64).then_some(Self { ns: total.round() as u64 })
    }
}

fn is_number(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

fn unit_ns(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        _ => return None,
    })
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(SpanVisitor)
    }
}

struct SpanVisitor;

impl de::Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration with a unit, such as `1m30s`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
        Span::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_configuration_that_does_not_fit_says_where() {
        #[derive(Debug, Deserialize)]
        struct Config {
            #[serde(rename = "timeout")]
            _timeout: Span,
        }
        let error = parse::<Config>(r#"{"timeout": "5"}"#).expect_err("no unit");
        assert!(error.contains("expected a duration with a unit") && error.contains("line 1"), "{error}");
    }

    proptest! {
        #[test]
        fn a_duration_means_here_what_it_means_to_the_host(text in "[0-9]{0,4}(\\.[0-9])?(ns|us|ms|s|m|h|d| )?([0-9]{1,3}(ms|s))?") {
            let host = bench_model::parse_duration(&text).ok().map(|duration| duration.as_nanos() as u64);
            prop_assert_eq!(Span::parse(&text).map(|span| span.ns), host);
        }
    }
}
