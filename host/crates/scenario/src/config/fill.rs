//! Puts defaults and the text of files into a valid config, following its schema.

use std::{
    io,
    path::{Component, Path},
    sync::Arc,
};

use bench_template::{
    Stamp, Template,
    yaml::{MAX_BYTES, MAX_DEPTH},
};
use miette::NamedSource;
use serde_json::{Map, Value};

use crate::{ConfigBlock, ManifestUse, Mistake, Problem};

const FILE: &str = "bench-file";
const TEMPLATE: &str = "benchTemplate";

/// Fills `value`, which is valid against `schema`; gives the templates in it, and what is wrong with files.
pub(super) fn fill(
    block: &ConfigBlock,
    schema: &Value,
    value: &mut Value,
    read: &dyn Fn(&Path) -> io::Result<String>,
) -> (Vec<ManifestUse>, Vec<Problem>) {
    let mut filler = Filler { block, root: schema, read, manifests: Vec::new(), problems: Vec::new() };
    filler.node(schema, value, "", 0);
    (filler.manifests, filler.problems)
}

struct Filler<'f> {
    block: &'f ConfigBlock,
    root: &'f Value,
    read: &'f dyn Fn(&Path) -> io::Result<String>,
    manifests: Vec<ManifestUse>,
    problems: Vec<Problem>,
}

impl<'f> Filler<'f> {
    /// Depth is bounded: a schema may refer to itself and have a default there.
    fn node(&mut self, schema: &'f Value, value: &mut Value, pointer: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let schema = self.resolve(schema);
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.node(part, value, pointer, depth + 1);
        }
        match value {
            Value::Object(object) => self.object(schema, object, pointer, depth),
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(schema, item, &format!("{pointer}/{index}"), depth + 1);
                }
            }
            Value::String(text) if is_file(schema) => self.file(schema, text, &Map::new(), pointer),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn object(&mut self, schema: &'f Value, object: &mut Map<String, Value>, pointer: &str, depth: usize) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, property) in properties.into_iter().flatten() {
            let default = self.resolve(property).get("default").or_else(|| property.get("default"));
            if let (Some(default), false) = (default, object.contains_key(key)) {
                object.insert(key.clone(), default.clone());
            }
        }
        let siblings = object.clone();
        for (key, value) in object.iter_mut() {
            let property = properties.and_then(|properties| properties.get(key));
            let other = schema.get("additionalProperties").filter(|schema| schema.is_object());
            let Some(schema) = property.or(other) else { continue };
            let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            match value {
                Value::String(text) if is_file(self.resolve(schema)) => {
                    self.file(self.resolve(schema), text, &siblings, &pointer);
                }
                _ => self.node(schema, value, &pointer, depth + 1),
            }
        }
    }

    /// Follows local references; an unknown one leads to itself and is harmless.
    fn resolve(&self, schema: &'f Value) -> &'f Value {
        let mut schema = schema;
        for _ in 0..MAX_DEPTH {
            let reference =
                schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
            let Some(found) = reference.and_then(|pointer| self.root.pointer(pointer)) else { break };
            schema = found;
        }
        schema
    }

    fn file(&mut self, schema: &Value, text: &mut String, siblings: &Map<String, Value>, pointer: &str) {
        let path = Path::new(text.as_str());
        let is_inside =
            path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !is_inside || text.is_empty() {
            self.problems.push(self.block.at(pointer, Mistake::PathOutside { path: text.clone() }));
            return;
        }
        let content = match (self.read)(path) {
            Ok(content) if content.len() <= MAX_BYTES => content,
            Ok(_) => return self.unreadable(text, "it is larger than 1 MiB", pointer),
            Err(error) => return self.unreadable(text, reason(&error), pointer),
        };
        if let Some(annotation) = schema.get(TEMPLATE) {
            let known = known_params(annotation, siblings);
            match compile(text, &content, known.as_deref()) {
                Ok(manifest) => self.manifests.push(manifest),
                Err(mut problems) => self.problems.append(&mut problems),
            }
        }
        *text = content;
    }

    fn unreadable(&mut self, path: &str, reason: &str, pointer: &str) {
        let mistake = Mistake::File { path: path.to_owned(), reason: reason.to_owned() };
        self.problems.push(self.block.at(pointer, mistake));
    }
}

fn is_file(schema: &Value) -> bool {
    schema.get("format").and_then(Value::as_str) == Some(FILE)
}

/// Without the number of the system, which differs from one to the other.
fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::IsADirectory => "it is a directory",
        io::ErrorKind::InvalidData => "it is not UTF-8 text",
        _ => "the file could not be read",
    }
}

/// None when the plugin does not say which parameters it gives.
fn known_params(annotation: &Value, siblings: &Map<String, Value>) -> Option<Vec<String>> {
    let params = annotation.get("params")?.as_array()?;
    let mut known: Vec<String> = params.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let from = annotation.get("variablesFrom").and_then(Value::as_str);
    let variables = from.and_then(|key| siblings.get(key)).and_then(Value::as_object);
    known.extend(variables.into_iter().flat_map(Map::keys).cloned());
    Some(known)
}

fn compile(path: &str, content: &str, known: Option<&[String]>) -> Result<ManifestUse, Vec<Problem>> {
    let source = Arc::new(NamedSource::new(path, content.to_owned()));
    let template = match Template::compile(content, "", &Stamp { run_id: "", job: "", template: "" }) {
        Ok(template) => template,
        Err(error) => {
            return Err(vec![Problem::in_text(source, error.span, Mistake::Template(error.mistake))]);
        }
    };
    let known = known.unwrap_or(template.params());
    let unknown = template.param_places().iter().filter(|param| !known.contains(&param.name));
    let problem = |param: &bench_template::Param| {
        let mistake = Mistake::UnknownParam { name: param.name.clone(), known: known.to_vec() };
        Problem::in_text(Arc::clone(&source), param.span.clone(), mistake)
    };
    let problems: Vec<Problem> = unknown.map(problem).collect();
    if problems.is_empty() { Ok(ManifestUse::new(&template, source, content)) } else { Err(problems) }
}
