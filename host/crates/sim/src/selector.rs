//! Label and field selectors: parsing (`apimachinery/pkg/labels`, `pkg/fields`) and matching.
//!
//! Matching uses only what an [`Object`] keeps outside its JSON, so that a watcher never parses an object to
//! find out that it does not want it.

mod labels;

use std::sync::Arc;

pub(crate) use self::labels::LabelSelector;
use crate::registry::Kind;
use crate::status::Status;
use crate::store::Object;

/// Both selectors of one request, and the namespace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    labels: LabelSelector,
    fields: Vec<FieldTerm>,
    namespace: Option<Arc<str>>,
}

#[derive(Debug, Clone, PartialEq)]
struct FieldTerm {
    place: Place,
    value: String,
    equal: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Place {
    Name,
    Namespace,
    /// Position in `kind.fields`.
    Field(usize),
}

impl Selector {
    pub(crate) fn parse(
        kind: &Kind,
        namespace: Option<&str>,
        labels: &str,
        fields: &str,
    ) -> Result<Self, Status> {
        let label_selector = LabelSelector::parse(labels).map_err(Status::bad_request)?;
        let fields = parse_fields(kind, fields)?;
        Ok(Self { labels: label_selector, fields, namespace: namespace.map(Arc::from) })
    }

    /// Whether nothing but the namespace restricts the result.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// The one name that can match, if the selector says so.
    pub(crate) fn name(&self) -> Option<&str> {
        self.fields
            .iter()
            .find(|term| term.equal && term.place == Place::Name)
            .map(|term| term.value.as_str())
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.namespace.as_deref().is_none_or(|namespace| *namespace == *object.namespace)
            && self.labels.matches(&|key| object.label(key))
            && self.fields.iter().all(|term| term.matches(object))
    }
}

impl FieldTerm {
    fn matches(&self, object: &Object) -> bool {
        let found = match self.place {
            Place::Name => &*object.name,
            Place::Namespace => &*object.namespace,
            Place::Field(position) => object.fields.get(position).map_or("", |value| &**value),
        };
        (found == self.value) == self.equal
    }
}

fn parse_fields(kind: &Kind, text: &str) -> Result<Vec<FieldTerm>, Status> {
    let mut terms = Vec::new();
    for term in split_terms(text).into_iter().filter(|term| !term.is_empty()) {
        let Some((field, equal, value)) = split_operator(&term) else {
            return Err(Status::bad_request(format!(
                "invalid selector: '{text}'; can't understand '{term}'"
            )));
        };
        let value = unescape(value).ok_or_else(|| {
            Status::bad_request(format!("invalid field selector: invalid escape sequence in value: {value}"))
        })?;
        let place = place(kind, field).ok_or_else(|| unsupported(kind, field))?;
        terms.push(FieldTerm { place, value, equal });
    }
    Ok(terms)
}

fn place(kind: &Kind, field: &str) -> Option<Place> {
    match field {
        "metadata.name" => Some(Place::Name),
        "metadata.namespace" if kind.namespaced => Some(Place::Namespace),
        _ => kind.fields.iter().position(|known| known.label == field).map(Place::Field),
    }
}

/// Kinds with conversions of their own for field labels say less than the others.
fn unsupported(kind: &Kind, field: &str) -> Status {
    Status::bad_request(if kind.fields.is_empty() && kind.custom.is_none() {
        format!("{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else {
        format!("field label not supported: {field}")
    })
}

/// Splits at commas that are not escaped.
fn split_terms(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for letter in text.chars() {
        if letter == ',' && !escaped {
            terms.push(String::new());
            continue;
        }
        escaped = letter == '\\' && !escaped;
        if let Some(term) = terms.last_mut() {
            term.push(letter);
        }
    }
    terms
}

fn split_operator(term: &str) -> Option<(&str, bool, &str)> {
    let position = term.find(['=', '!'])?;
    let (field, rest) = term.split_at_checked(position)?;
    if let Some(value) = rest.strip_prefix("!=") {
        return Some((field, false, value));
    }
    let value = rest.strip_prefix("==").or_else(|| rest.strip_prefix('='))?;
    Some((field, true, value))
}

/// `\\`, `\,` and `\=` stand for the character; a bare comma or equals sign is refused upstream.
fn unescape(value: &str) -> Option<String> {
    let mut plain = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => plain.push(letters.next().filter(|next| matches!(next, '\\' | ',' | '='))?),
            ',' | '=' => return None,
            other => plain.push(other),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::registry::Registry;

    fn pods() -> crate::registry::KindRef {
        Registry::with_builtin().get("", "pods").expect("pods are built in")
    }

    fn pod(json: &str) -> Object {
        Object::new(&pods(), &serde_json::from_str(json).expect("valid JSON"), 1)
    }

    fn check(labels: &str, fields: &str, object: &str, expected: bool) {
        let selector = Selector::parse(&pods(), None, labels, fields).expect("a valid selector");
        assert_eq!(selector.matches(&pod(object)), expected, "{labels} {fields}");
    }

    #[test]
    fn fields_are_compared_with_their_defaults() {
        let object = r#"{"metadata":{"name":"a"},"spec":{"nodeName":"n"}}"#;
        check("", "spec.nodeName=n", object, true);
        check("", "spec.nodeName!=n", object, false);
        check("", "spec.nodeName==n,metadata.name=a", object, true);
        check("", "spec.hostNetwork=false", object, true);
        check("", "status.phase=", object, true);
        check("app=x", "spec.nodeName=n", object, false);
    }

    #[test]
    fn an_unknown_field_is_refused_with_upstreams_text() {
        let error = Selector::parse(&pods(), None, "", "spec.foo=bar").expect_err("not a selectable field");
        assert_eq!(error.message, "field label not supported: spec.foo");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(labels in ".{0,40}", fields in ".{0,40}") {
            let _ = Selector::parse(&pods(), None, &labels, &fields);
        }
    }
}
