//! The slow form: minijinja for each object, for manifests with statements, filters or parameters in keys.
//!
//! Text that an expression gives is written as private-use characters and put back after the YAML was
//! parsed, so a value cannot break out of its scalar here either. Steps are limited: a template may come from
//! a plugin.

use std::collections::BTreeMap;

use minijinja::{Environment, Error, ErrorKind, Output as JinjaOutput, State, UndefinedBehavior, Value};

use crate::{
    Param, ParamValue, RenderError, Stamp, TemplateError, TemplateMistake,
    compile::{Compiled, Form, NAMESPACE_PARAM},
    object::{self, Found, Type},
    placeholder::{decode, encode, is_identifier},
    render::Output,
    yaml::{self, Node, Span},
};

const NAME: &str = "manifest";
/// Instructions of minijinja for one object; a pod needs about a hundred.
const FUEL: u64 = 1_000_000;

/// A compiled manifest and what it must not change.
#[derive(Debug)]
pub(crate) struct Jinja {
    environment: Environment<'static>,
    expected: Type,
    namespace: Namespace,
    run_id: String,
    job: String,
    template: String,
}

/// What stands where the manifest names no namespace.
#[derive(Debug)]
enum Namespace {
    /// The same in every object; empty for none.
    Fixed(String),
    /// The value of the parameter at this position.
    Param(usize),
}

impl Jinja {
    pub(crate) fn compile(
        source: &str,
        namespace: &str,
        stamp: Stamp<'_>,
    ) -> Result<Compiled, TemplateError> {
        let mut environment = environment();
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| compile_error(source, &error))?;
        let expected =
            Type { api_version: fixed_line(source, "apiVersion")?, kind: fixed_line(source, "kind")? };
        let mut params = params(source, &environment);
        check_names(source, &environment, &params)?;
        let namespace = match namespace {
            NAMESPACE_PARAM => Namespace::Param(namespace_param(&mut params)),
            fixed => Namespace::Fixed(fixed.to_owned()),
        };
        let names = params.iter().map(|param| param.name.clone()).collect();
        let jinja = Self {
            environment,
            expected: expected.clone(),
            namespace,
            run_id: stamp.run_id.to_owned(),
            job: stamp.job.to_owned(),
            template: stamp.template.to_owned(),
        };
        let Type { api_version, kind } = expected;
        Ok(Compiled { api_version, kind, params, names, form: Form::Jinja(Box::new(jinja)) })
    }

    pub(crate) fn write(
        &self,
        params: &[String],
        values: &[ParamValue<'_>],
        out: &mut Output,
    ) -> Result<(), RenderError> {
        let context: BTreeMap<&str, Value> =
            params.iter().map(String::as_str).zip(values.iter().map(value)).collect();
        let template = self.environment.get_template(NAME).map_err(RenderError::Expression)?;
        let text = template.render(context).map_err(RenderError::Expression)?;
        let mut object = self.parse(&text)?;
        decode_tree(&mut object);
        let wrong = |(mistake, _): Found| RenderError::Object { mistake };
        let found = object::type_of(&object).map_err(wrong)?;
        if found != self.expected {
            let found = format!("{} {}", found.api_version, found.kind);
            let expected = format!("{} {}", self.expected.api_version, self.expected.kind);
            return Err(RenderError::TypeChanged { expected, found });
        }
        let stamp = Stamp { run_id: &self.run_id, job: &self.job, template: &self.template };
        object::prepare(&mut object, &self.namespace(values), stamp).map_err(wrong)?;
        let (key, name) = object::name_node(&object).map_err(wrong)?;
        out.generate_name = key == "generateName";
        if !out.generate_name {
            out.name.push_str(name.as_text().ok_or(RenderError::Object {
                mistake: TemplateMistake::NotText { field: "metadata.name" },
            })?);
        }
        let namespace = object.get("metadata").and_then(|metadata| metadata.get("namespace"));
        out.namespace.push_str(namespace.and_then(Node::as_text).unwrap_or_default());
        serde_json::to_writer(&mut out.body, &object.to_json()).map_err(RenderError::Json)
    }

    fn namespace(&self, values: &[ParamValue<'_>]) -> String {
        match &self.namespace {
            Namespace::Fixed(namespace) => namespace.clone(),
            Namespace::Param(at) => match values.get(*at) {
                Some(ParamValue::Text(text)) => (*text).to_owned(),
                Some(ParamValue::Int(int)) => int.to_string(),
                None => String::new(),
            },
        }
    }

    fn parse(&self, text: &str) -> Result<Node, RenderError> {
        let error = |error: yaml::YamlError| {
            let line = text.get(..error.span.start).unwrap_or_default().matches('\n').count();
            let found = decode(text.lines().nth(line).unwrap_or_default().trim());
            RenderError::Yaml { mistake: error.mistake, found }
        };
        let parsed = yaml::parse(text).map_err(error)?;
        match parsed.mistakes.into_iter().next() {
            Some(mistake) => Err(error(mistake)),
            None => Ok(parsed.root),
        }
    }
}

/// The position of the parameter `namespace`; the last one when the manifest does not use it.
fn namespace_param(params: &mut Vec<Param>) -> usize {
    let known = params.iter().position(|param| param.name == "namespace");
    known.unwrap_or_else(|| {
        params.push(Param { name: "namespace".to_owned(), span: 0..0 });
        params.len() - 1
    })
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // They would shadow parameters of the same names.
    for name in ["namespace", "dict", "debug"] {
        environment.remove_global(name);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(true);
    environment.set_formatter(format_value);
    environment
}

fn format_value(out: &mut JinjaOutput<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) => out.write_str(&encode(text)).map_err(Error::from),
        None => minijinja::escape_formatter(out, state, value),
    }
}

fn value(value: &ParamValue<'_>) -> Value {
    match value {
        ParamValue::Text(text) => Value::from(*text),
        ParamValue::Int(int) => Value::from(*int),
    }
}

/// Renders once with every parameter 1, to find filters, tests and functions that do not exist. Other errors
/// may come from the values and are left to the first object.
fn check_names(source: &str, environment: &Environment<'_>, params: &[Param]) -> Result<(), TemplateError> {
    let context: BTreeMap<&str, Value> =
        params.iter().map(|param| (param.name.as_str(), Value::from(1))).collect();
    let Err(error) = environment.get_template(NAME).and_then(|template| template.render(context)) else {
        return Ok(());
    };
    match error.kind() {
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction => {
            Err(compile_error(source, &error))
        }
        _ => Ok(()),
    }
}

fn compile_error(source: &str, error: &Error) -> TemplateError {
    let span = error.range().unwrap_or_else(|| line_span(source, error.line().unwrap_or(1)));
    let reason = match error.detail() {
        Some(detail) => format!("the template has a mistake: {detail}"),
        None => error.kind().to_string(),
    };
    TemplateError::new(source, span, TemplateMistake::Expression { reason })
}

fn line_span(source: &str, line: usize) -> Span {
    let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let length = source.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    start..start + length
}

/// The value of a top-level key, which must stand on a line of its own without any expression.
fn fixed_line(source: &str, field: &'static str) -> Result<String, TemplateError> {
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix(field).and_then(|rest| rest.strip_prefix(':')) {
            let value = rest.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            let span = start..start + line.trim_end().len();
            return match value {
                "" => Err(TemplateError::new(source, span, TemplateMistake::NotText { field })),
                _ if value.contains(['{', '}']) => {
                    Err(TemplateError::new(source, span, TemplateMistake::NotFixed { field }))
                }
                _ => Ok(value.to_owned()),
            };
        }
        start += line.len();
    }
    Err(TemplateError::new(source, line_span(source, 1), TemplateMistake::MissingField { field }))
}

fn params(source: &str, environment: &Environment<'_>) -> Vec<Param> {
    let globals: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
    let Ok(template) = environment.get_template(NAME) else { return Vec::new() };
    let mut params: Vec<Param> = template
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !globals.contains(&name.as_str()))
        .map(|name| Param { span: first_use(source, &name), name })
        .collect();
    params.sort_by(|a, b| (a.span.start, &a.name).cmp(&(b.span.start, &b.name)));
    params
}

/// Where a name stands first inside of an expression or a statement.
fn first_use(source: &str, name: &str) -> Span {
    let part_of_word = |c: char| is_identifier(c.encode_utf8(&mut [0; 4])) || c.is_ascii_digit();
    let is_whole = |at: usize| {
        let before = source.get(..at).and_then(|text| text.chars().next_back());
        let after = source.get(at + name.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(|c| part_of_word(c) || c == '.') && !after.is_some_and(part_of_word)
    };
    let is_code = |at: usize| {
        let before = source.get(..at).unwrap_or_default();
        let opened = before.rfind("{{").max(before.rfind("{%"));
        opened > before.rfind("}}").max(before.rfind("%}"))
    };
    let found = source.match_indices(name).map(|(at, _)| at).find(|at| is_whole(*at) && is_code(*at));
    found.map_or(0..0, |at| at..at + name.len())
}

fn decode_tree(node: &mut Node) {
    match &mut node.value {
        yaml::Value::Text { text, .. } => *text = decode(text),
        yaml::Value::List(items) => items.iter_mut().for_each(decode_tree),
        yaml::Value::Map(entries) => entries.iter_mut().for_each(|entry| {
            entry.key.text = decode(&entry.key.text);
            decode_tree(&mut entry.value);
        }),
        yaml::Value::Null | yaml::Value::Bool(_) | yaml::Value::Number(_) => {}
    }
}
