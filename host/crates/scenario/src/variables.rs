//! `${name}` anywhere in the values of a scenario.
//!
//! A scalar that is nothing but `${name}` becomes the value of the variable, number or text, also in quotes:
//! in `{ … }` YAML needs them. Elsewhere the value is written into the text. `$${` is the text `${`. A
//! variable may use those above it. Keys are left alone.

use std::collections::BTreeMap;

use bench_template::yaml::{Entry, Node, Span, Value};

use crate::{Mistake, fields::Report};

type Variables = BTreeMap<String, Value>;

/// Puts the variables of the file into all its values.
pub(crate) fn substitute(root: &mut Node, report: &mut Report) {
    let mut variables = Variables::new();
    if let Some(Value::Map(entries)) = root.get_mut("variables").map(|node| &mut node.value) {
        for entry in entries.iter_mut() {
            define(entry, &mut variables, report);
        }
    }
    if let Value::Map(entries) = &mut root.value {
        for entry in entries.iter_mut().filter(|entry| entry.key.text != "variables") {
            replace(&mut entry.value, &variables, report);
        }
    }
}

fn define(entry: &mut Entry, variables: &mut Variables, report: &mut Report) {
    replace(&mut entry.value, variables, report);
    let value = match &entry.value.value {
        value @ (Value::Bool(_) | Value::Number(_) | Value::Text { .. }) => value.clone(),
        Value::Null | Value::List(_) | Value::Map(_) => {
            let expected = "text, a number, true or false".to_owned();
            let found = entry.value.type_name().to_owned();
            let span = if entry.value.span.is_empty() { &entry.key.span } else { &entry.value.span };
            report.add(span, Mistake::WrongType { key: format!("`{}`", entry.key.text), expected, found });
            // Defined all the same, so that its uses are not reported too.
            Value::Text { text: String::new(), plain: false }
        }
    };
    variables.insert(entry.key.text.clone(), value);
}

fn replace(node: &mut Node, variables: &Variables, report: &mut Report) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| replace(item, variables, report)),
        Value::Map(entries) => {
            entries.iter_mut().for_each(|entry| replace(&mut entry.value, variables, report))
        }
        Value::Text { text, .. } if text.contains("${") => {
            if let Some(value) = value_of(text, &node.span, variables, report) {
                node.value = value;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text { .. } => {}
    }
}

/// None when something was reported.
fn value_of(text: &str, span: &Span, variables: &Variables, report: &mut Report) -> Option<Value> {
    let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    if let Some(name) = whole.filter(|name| !name.contains(['$', '}'])) {
        return look_up(name, span, variables, report).cloned();
    }
    let mut out = String::new();
    let mut rest = text;
    let mut is_complete = true;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            report.add(&part(report, span, "${"), Mistake::UnclosedVariable);
            return None;
        };
        match look_up(name, span, variables, report) {
            Some(value) => out.push_str(&as_text(value)),
            None => is_complete = false,
        }
        rest = after;
    }
    out.push_str(rest);
    is_complete.then_some(Value::Text { text: out, plain: false })
}

fn look_up<'v>(name: &str, span: &Span, variables: &'v Variables, report: &mut Report) -> Option<&'v Value> {
    let found = variables.get(name);
    if found.is_none() {
        let known = variables.keys().cloned().collect();
        let span = part(report, span, &format!("${{{name}}}"));
        report.add(&span, Mistake::UndefinedVariable { name: name.to_owned(), known });
    }
    found
}

/// The place of `wanted` inside of a scalar, or the scalar where escapes or line breaks hide it.
pub(crate) fn part(report: &Report, span: &Span, wanted: &str) -> Span {
    let found = report.slice(span).find(wanted).map(|at| span.start + at);
    found.map_or_else(|| span.clone(), |start| start..start + wanted.len())
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Text { text, .. } => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => String::new(),
    }
}
