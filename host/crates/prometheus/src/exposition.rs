//! The text exposition format, as components serve it on `/metrics`.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>
//!
//! Lines that are not of the format are left out: a scrape is never worth less for one bad line.

use bench_model::Label;

use crate::answer::number;

/// Samples of one scrape; the rest is left out.
const MAX_SAMPLES: usize = 100_000;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// With its suffix: `x_bucket`, `x_sum`, `x_count`.
    pub name: String,
    /// As they stand in the line.
    pub labels: Vec<Label>,
    /// NaN and infinities as they are.
    pub value: f64,
}

/// Reads the samples of the families in `names`, in the order of the text; at most 100,000.
///
/// A family `x` has the samples `x`, and of histograms and summaries `x_bucket`, `x_sum`, `x_count`.
pub fn parse_exposition(text: &str, names: &[String]) -> Vec<Sample> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter(|line| is_of_family(line, names)).filter_map(sample).take(MAX_SAMPLES).collect()
}

fn is_of_family(line: &str, names: &[String]) -> bool {
    names.iter().any(|family| {
        // Most lines of a scrape are of another family and looked at no further.
        let Some(rest) = line.strip_prefix(family.as_str()) else { return false };
        let end = rest.find(|c: char| c == '{' || c.is_whitespace()).unwrap_or(rest.len());
        matches!(rest.get(..end), Some("" | "_bucket" | "_sum" | "_count"))
    })
}

fn sample(line: &str) -> Option<Sample> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    if name.is_empty() {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => labels(inner)?,
        None => (Vec::new(), rest),
    };
    // A timestamp or an exemplar may follow.
    let value = number(rest.split_whitespace().next()?)?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// Reads `a="b",c="d"}` and returns what follows.
fn labels(mut rest: &str) -> Option<(Vec<Label>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, quoted) = rest.split_once('=')?;
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.'))
        {
            return None;
        }
        let (value, after) = quoted_text(quoted.trim_start().strip_prefix('"')?)?;
        labels.push(Label { name: name.to_owned(), value });
        rest = after;
    }
}

/// Reads up to the closing quote, undoing `\\`, `\"` and `\n`.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = r#"
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="a\"b\\c\nd",} 3
other 1
latency_bucket{le="+Inf"} 3 # {trace="x"} 0.5
latency_sum 1.5e1
latency_count 3
latency_seconds 9
weird NaN
http_requests_total{method="open} 1
http_requests_total nonsense
"#;

    /// Name, labels, value.
    type Expected<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

    fn check(names: &[&str], expected: &[Expected<'_>]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let found = parse_exposition(TEXT, &names);
        let label =
            |(name, value): &(&str, &str)| Label { name: (*name).to_owned(), value: (*value).to_owned() };
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, labels, value)| Sample {
                name: (*name).to_owned(),
                labels: labels.iter().map(label).collect(),
                value: *value,
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn families_that_are_named_come_back() {
        check(
            &["http_requests_total"],
            &[
                ("http_requests_total", &[("method", "post"), ("code", "200")], 1027.0),
                ("http_requests_total", &[("method", "a\"b\\c\nd")], 3.0),
            ],
        );
        check(
            &["latency"],
            &[
                ("latency_bucket", &[("le", "+Inf")], 3.0),
                ("latency_sum", &[], 15.0),
                ("latency_count", &[], 3.0),
            ],
        );
        check(&["nothing"], &[]);
        check(&[], &[]);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in r#"(a[{}="\\,a-z 0-9#]{0,40}\n){0,5}|.{0,60}"#) {
            let _ = parse_exposition(&text, &["a".to_owned()]);
        }

        #[test]
        fn any_label_value_survives(value in ".{0,20}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            prop_assume!(!value.contains(['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']));
            let found = parse_exposition(&format!("a{{b=\"{escaped}\"}} 1"), &["a".to_owned()]);
            prop_assert_eq!(&found[0].labels[0].value, &value);
        }
    }
}
