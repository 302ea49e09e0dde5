//! Errors of the JSON Schema validator as problems at keys and values.

use std::{io, path::Path};

use bench_model::{DurationError, RateError, parse_duration};
use bench_template::yaml::{Node, Value as YamlValue};
use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use super::fill::fill;
use crate::{CheckedConfig, ConfigBlock, Mistake, Problem, QuantityError, parse_bytes};

const DURATION: &str = "bench-duration";
const RATE: &str = "bench-rate";
const BYTES: &str = "bench-bytes";

pub(super) fn check(
    block: &ConfigBlock,
    schema: &Value,
    read: &dyn Fn(&Path) -> io::Result<String>,
) -> Result<CheckedConfig, Vec<Problem>> {
    let validator = validator(schema).map_err(|error| {
        let message = format!("the plugin's schema is not usable: {}", short(&error.to_string()));
        vec![block.problem("", &message, "needs the schema", Some("this is a mistake of the plugin"))]
    })?;
    let mut value = block.to_json();
    let found: Vec<Problem> = validator
        .iter_errors(&value)
        .flat_map(|error| Found { block, schema, error: &error }.problems())
        .collect();
    if !found.is_empty() {
        return Err(found);
    }
    let (manifests, problems) = fill(block, schema, &mut value, read);
    if problems.is_empty() { Ok(CheckedConfig { config: value, manifests }) } else { Err(problems) }
}

/// The schema comes from a plugin: patterns run in linear time, references lead nowhere outside of it.
fn validator(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .should_validate_formats(true)
        .with_format(DURATION, |text: &str| parse_duration(text).is_ok())
        .with_format(RATE, |text: &str| bench_model::Rate::parse(text).is_ok())
        .with_format(BYTES, |text: &str| parse_bytes(text).is_ok())
        .build(schema)
}

/// One error of the validator.
struct Found<'f> {
    block: &'f ConfigBlock,
    schema: &'f Value,
    error: &'f ValidationError<'f>,
}

impl Found<'_> {
    fn problems(&self) -> Vec<Problem> {
        let pointer = self.error.instance_path().as_str();
        match self.error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                unexpected.iter().map(|key| self.unknown_key(pointer, key)).collect()
            }
            ValidationErrorKind::PropertyNames { error } => {
                let key = error.instance().as_str().unwrap_or_default().to_owned();
                let message = format!("`{key}` cannot be a key of {}", self.within(pointer));
                vec![self.at_key(pointer, &key, Mistake::Schema { message, help: self.description() })]
            }
            _ => vec![self.block.at(pointer, self.mistake(pointer))],
        }
    }

    fn mistake(&self, pointer: &str) -> Mistake {
        let key = format!("`{}`", self.name(pointer));
        let found = short(&self.error.instance().to_string());
        let out_of_range =
            |range: String| Mistake::OutOfRange { key: key.clone(), found: found.clone(), range };
        match self.error.kind() {
            ValidationErrorKind::Required { property } => {
                let key = property.as_str().unwrap_or_default().to_owned();
                let help = self.property(&key).and_then(description).map_or_else(
                    || format!("add `{key}: …`"),
                    |description| format!("`{key}`: {description}"),
                );
                Mistake::MissingKey { key, within: self.within(pointer), help }
            }
            ValidationErrorKind::Type { .. } => {
                let found = match self.block.node.at(pointer) {
                    // 1.5 for a whole number.
                    Some((_, Node { value: YamlValue::Number(number), .. })) => {
                        format!("the number {number}")
                    }
                    Some((_, node)) => node.type_name().to_owned(),
                    None => "nothing".to_owned(),
                };
                Mistake::WrongType { key, expected: self.expected_types(), found }
            }
            ValidationErrorKind::Enum { options } => {
                let words = options.as_array().map(Vec::as_slice).unwrap_or_default();
                let known =
                    words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned));
                let found = self.error.instance().as_str().map_or(found, str::to_owned);
                Mistake::UnknownWord { what: format!("a value of {key}"), found, known: known.collect() }
            }
            ValidationErrorKind::Constant { expected_value } => out_of_range(expected_value.to_string()),
            ValidationErrorKind::Minimum { limit } => out_of_range(format!("at least {limit}")),
            ValidationErrorKind::Maximum { limit } => out_of_range(format!("at most {limit}")),
            ValidationErrorKind::ExclusiveMinimum { limit } => out_of_range(format!("more than {limit}")),
            ValidationErrorKind::ExclusiveMaximum { limit } => out_of_range(format!("less than {limit}")),
            ValidationErrorKind::Format { format } => self.format_mistake(format, &key),
            ValidationErrorKind::Pattern { pattern } => {
                let message = format!("{key} has the wrong form: {found}");
                let help = self.description().or_else(|| Some(format!("it must match `{pattern}`")));
                Mistake::Schema { message, help }
            }
            _ => Mistake::Schema {
                message: format!("{key} is refused: {}", short(&self.error.to_string())),
                help: self.description(),
            },
        }
    }

    fn unknown_key(&self, pointer: &str, key: &str) -> Problem {
        let known =
            self.parent_schema().and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        let known = known.map(|properties| properties.keys().cloned().collect()).unwrap_or_default();
        self.at_key(
            pointer,
            key,
            Mistake::UnknownKey { key: key.to_owned(), within: self.within(pointer), known },
        )
    }

    fn at_key(&self, pointer: &str, key: &str, mistake: Mistake) -> Problem {
        let parent = self.block.node.at(pointer).map(|(_, node)| node);
        match parent.and_then(|parent| parent.entry(key)) {
            Some(entry) => Problem::new(&self.block.sources, &entry.key.span, mistake),
            None => self.block.at(pointer, mistake),
        }
    }

    fn format_mistake(&self, format: &str, key: &str) -> Mistake {
        let found = self.error.instance().as_str().unwrap_or_default();
        let no_unit = |text: &str, units: [&str; 2]| {
            let example = format!("`{text}{}` or `{text}{}`", units[0], units[1]);
            Mistake::MissingUnit { key: key.trim_matches('`').to_owned(), found: text.to_owned(), example }
        };
        let other = || Mistake::Schema { message: format!("{key} is no {format}"), help: self.description() };
        match format {
            DURATION => match parse_duration(found) {
                Err(DurationError::NoUnit { text }) => no_unit(&text, ["s", "ms"]),
                Err(error) => Mistake::Duration(error),
                Ok(_) => other(),
            },
            RATE => match bench_model::Rate::parse(found) {
                Err(RateError::NoUnit { text }) => no_unit(&text, ["/s", "/m"]),
                Err(error) => Mistake::Rate(error),
                Ok(_) => other(),
            },
            BYTES => match parse_bytes(found) {
                Err(QuantityError::NoUnit { text }) => no_unit(&text, ["Mi", "Gi"]),
                Err(error) => Mistake::Quantity(error),
                Ok(_) => other(),
            },
            _ => other(),
        }
    }

    /// The schema that the broken keyword stands in.
    fn parent_schema(&self) -> Option<&Value> {
        let path = self.error.schema_path().as_str();
        path.rsplit_once('/').and_then(|(parent, _)| self.schema.pointer(parent))
    }

    fn property(&self, key: &str) -> Option<&Value> {
        self.parent_schema()?.get("properties")?.get(key)
    }

    fn description(&self) -> Option<String> {
        self.parent_schema().and_then(description)
    }

    fn expected_types(&self) -> String {
        let types = self.parent_schema().and_then(|schema| schema.get("type"));
        let words: Vec<&str> = match types {
            Some(Value::Array(types)) => types.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text.as_str()],
            _ => Vec::new(),
        };
        let words: Vec<&str> = words.into_iter().map(type_word).collect();
        words.join(" or ")
    }

    /// The key of a value; an item of a list by the key of its list.
    fn name(&self, pointer: &str) -> String {
        let mut tokens: Vec<&str> = pointer.split('/').skip(1).collect();
        let mut index = String::new();
        while let Some(token) = tokens.pop() {
            let parent = tokens.iter().fold(String::new(), |path, token| path + "/" + token);
            let is_item = self.block.node.at(&parent).is_some_and(|(_, node)| is_list(node));
            if !is_item {
                return format!("{token}{index}");
            }
            index = format!("[{token}]{index}");
        }
        "with".to_owned()
    }

    fn within(&self, pointer: &str) -> String {
        format!("`{}`", self.name(pointer))
    }
}

fn is_list(node: &Node) -> bool {
    matches!(node.value, YamlValue::List(_))
}

fn type_word(word: &str) -> &str {
    match word {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a mapping",
        "null" => "nothing",
        other => other,
    }
}

fn description(schema: &Value) -> Option<String> {
    schema.get("description").and_then(Value::as_str).map(str::to_owned)
}

/// Texts that hold a user's value are cut.
fn short(text: &str) -> String {
    const LENGTH: usize = 120;
    match text.char_indices().nth(LENGTH) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
