//! Single values: text, numbers, durations, rates, sizes, names, words.
//!
//! Each reads a node for the key named in the message, reports what is wrong, and gives nothing then.

use std::time::Duration;

use bench_model::{DurationError, NameError, Rate, RateError, Share, ShareError, parse_duration};
use bench_template::yaml::{Node, Value};

use crate::{Mistake, QuantityError, fields::Report, parse_bytes};

fn wrong_type(node: &Node, key: &str, expected: &str, report: &mut Report) {
    let found = node.type_name().to_owned();
    report.add(
        &node.span,
        Mistake::WrongType { key: format!("`{key}`"), expected: expected.to_owned(), found },
    );
}

pub(crate) fn text<'n>(node: &'n Node, key: &str, report: &mut Report) -> Option<&'n str> {
    let text = node.as_text();
    if text.is_none() {
        wrong_type(node, key, "text", report);
    }
    text
}

pub(crate) fn list<'n>(node: &'n Node, key: &str, report: &mut Report) -> Option<&'n [Node]> {
    let items = node.as_list();
    if items.is_none() {
        wrong_type(node, key, "a list", report);
    }
    items
}

pub(crate) fn texts(node: &Node, key: &str, report: &mut Report) -> Option<Vec<String>> {
    let items = list(node, key, report)?;
    let texts: Vec<String> =
        items.iter().filter_map(|item| text(item, key, report).map(str::to_owned)).collect();
    (texts.len() == items.len()).then_some(texts)
}

/// A whole number from `min` to `max`.
pub(crate) fn integer(node: &Node, key: &str, min: u64, max: u64, report: &mut Report) -> Option<u64> {
    let Value::Number(number) = &node.value else {
        wrong_type(node, key, "a whole number", report);
        return None;
    };
    let found = number.as_u64().filter(|value| (min..=max).contains(value));
    if found.is_none() {
        let range = match max {
            u64::MAX => format!("a whole number from {min} on"),
            _ => format!("a whole number from {min} to {max}"),
        };
        report.add(
            &node.span,
            Mistake::OutOfRange { key: format!("`{key}`"), found: number.to_string(), range },
        );
    }
    found
}

pub(crate) fn duration(node: &Node, key: &str, report: &mut Report) -> Option<Duration> {
    let text = unit_text(node, key, "a duration such as `30s` or `5m`", &["s", "ms"], report)?;
    match parse_duration(&text) {
        Ok(duration) => return Some(duration),
        Err(DurationError::NoUnit { text }) => missing_unit(node, key, &text, &["s", "ms"], report),
        Err(error) => report.add(&node.span, Mistake::Duration(error)),
    }
    None
}

pub(crate) fn rate(node: &Node, key: &str, report: &mut Report) -> Option<Rate> {
    let text = unit_text(node, key, "a rate such as `50/s`", &["/s", "/m"], report)?;
    match Rate::parse(&text) {
        Ok(rate) => return Some(rate),
        Err(RateError::NoUnit { text }) => missing_unit(node, key, &text, &["/s", "/m"], report),
        Err(error) => report.add(&node.span, Mistake::Rate(error)),
    }
    None
}

pub(crate) fn bytes(node: &Node, key: &str, report: &mut Report) -> Option<u64> {
    let text = unit_text(node, key, "a size such as `64Mi`", &["Mi", "Gi"], report)?;
    match parse_bytes(&text) {
        Ok(bytes) => return Some(bytes),
        Err(QuantityError::NoUnit { text }) => missing_unit(node, key, &text, &["Mi", "Gi"], report),
        Err(error) => report.add(&node.span, Mistake::Quantity(error)),
    }
    None
}

pub(crate) fn share(node: &Node, key: &str, report: &mut Report) -> Option<Share> {
    // Who writes 0.99 means 99 %, not 0.99 %.
    if let Value::Number(number) = &node.value
        && let Some(part) = number.as_f64().filter(|part| 0.0 < *part && *part < 1.0)
    {
        let (key, found) = (key.to_owned(), part.to_string());
        let example = format!("`{}`", Share::try_new(part).unwrap_or(Share::NONE));
        report.add(&node.span, Mistake::MissingUnit { key, found, example });
        return None;
    }
    let text = unit_text(node, key, "a share such as `99%`", &["%"], report)?;
    match Share::parse(&text) {
        Ok(share) => return Some(share),
        Err(ShareError::NoUnit { text }) => missing_unit(node, key, &text, &["%"], report),
        Err(error) => report.add(&node.span, Mistake::Share(error)),
    }
    None
}

/// Text with a unit. A bare number is not wrong in type but lacks the unit; 0 needs none.
fn unit_text(node: &Node, key: &str, expected: &str, units: &[&str], report: &mut Report) -> Option<String> {
    match &node.value {
        Value::Text { text, .. } => Some(text.clone()),
        Value::Number(number) if number.as_u64() == Some(0) && !units.contains(&"/s") => Some("0".to_owned()),
        Value::Number(number) => {
            missing_unit(node, key, &number.to_string(), units, report);
            None
        }
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
            wrong_type(node, key, expected, report);
            None
        }
    }
}

fn missing_unit(node: &Node, key: &str, found: &str, units: &[&str], report: &mut Report) {
    let examples: Vec<String> = units.iter().map(|unit| format!("`{found}{unit}`")).collect();
    let example = examples.join(" or ");
    report.add(&node.span, Mistake::MissingUnit { key: key.to_owned(), found: found.to_owned(), example });
}

/// A name by the rule of one of the model's newtypes.
pub(crate) fn name<T>(
    node: &Node,
    key: &str,
    parse: impl Fn(&str) -> Result<T, NameError>,
    report: &mut Report,
) -> Option<T> {
    let text = text(node, key, report)?;
    parse(text).map_err(|error| report.add(&node.span, Mistake::Name(error))).ok()
}

/// One of a few words.
pub(crate) fn word<T: Copy>(
    node: &Node,
    key: &str,
    what: &'static str,
    words: &[(&str, T)],
    report: &mut Report,
) -> Option<T> {
    let found = text(node, key, report)?;
    let known = words.iter().find(|(word, _)| *word == found);
    if known.is_none() {
        let known = words.iter().map(|(word, _)| (*word).to_owned()).collect();
        report
            .add(&node.span, Mistake::UnknownWord { what: what.to_owned(), found: found.to_owned(), known });
    }
    known.map(|(_, value)| *value)
}
