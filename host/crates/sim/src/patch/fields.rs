//! Sets of fields, in the JSON form of `managedFields` (`FieldsV1`).
//!
//! `f:name` is a field, `k:{…}` an item of a keyed list, `v:…` an item of a set, `.` the thing itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::schema::{Field, ListKind, ObjectType, Struct, Type, Types};

/// A set of places in an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FieldSet {
    /// The place itself belongs to the set.
    own: bool,
    children: BTreeMap<String, FieldSet>,
}

/// Fields that no manager owns.
const UNOWNED: [&str; 10] = [
    "name",
    "namespace",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
    "selfLink",
];

impl FieldSet {
    /// The fields that an object has.
    pub(crate) fn of(object: &Value, ty: Option<&ObjectType>) -> Self {
        let reader = Reader { types: ty.map(|ty| &*ty.types) };
        let root = ty.and_then(|ty| ty.types.get(ty.root));
        let mut set = Self::default();
        for (key, value) in object.as_object().into_iter().flatten() {
            if matches!(key.as_str(), "kind" | "apiVersion") {
                continue;
            }
            let field = root.and_then(|root| root.fields.get(key));
            let mut child = reader.value(value, field.map(|field| &field.ty), field);
            if key == "metadata" {
                child.own = false;
                child
                    .children
                    .retain(|name, _| name.strip_prefix("f:").is_none_or(|name| !UNOWNED.contains(&name)));
                if child.children.is_empty() {
                    continue;
                }
            }
            set.children.insert(format!("f:{key}"), child);
        }
        set
    }

    pub(crate) fn from_json(value: &Value) -> Self {
        let map = value.as_object();
        let children: BTreeMap<String, FieldSet> = map
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != ".")
            .map(|(key, value)| (key.clone(), Self::from_json(value)))
            .collect();
        let own = children.is_empty() || map.is_some_and(|map| map.contains_key("."));
        Self { own, children }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.own && !self.children.is_empty() {
            map.insert(".".into(), Value::Object(Map::new()));
        }
        map.extend(self.children.iter().map(|(key, child)| (key.clone(), child.to_json())));
        Value::Object(map)
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.own && self.children.values().all(Self::is_empty)
    }

    pub(crate) fn contains(&self, path: &[String]) -> bool {
        match path.split_first() {
            None => self.own,
            Some((first, rest)) => self.children.get(first).is_some_and(|child| child.contains(rest)),
        }
    }

    /// Whether the set holds the place or anything below it.
    pub(crate) fn touches(&self, path: &[String]) -> bool {
        match path.split_first() {
            None => !self.is_empty(),
            Some((first, rest)) => self.children.get(first).is_some_and(|child| child.touches(rest)),
        }
    }

    pub(crate) fn insert(&mut self, path: &[String]) {
        match path.split_first() {
            None => self.own = true,
            Some((first, rest)) => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    pub(crate) fn remove(&mut self, path: &[String]) {
        match path.split_first() {
            None => self.own = false,
            Some((first, rest)) => {
                if let Some(child) = self.children.get_mut(first) {
                    child.remove(rest);
                    if child.is_empty() {
                        self.children.remove(first);
                    }
                }
            }
        }
    }

    /// All places, parents before children.
    pub(crate) fn places(&self) -> Vec<Vec<String>> {
        let mut places = Vec::new();
        self.collect(&mut Vec::new(), &mut places);
        places
    }

    fn collect(&self, path: &mut Vec<String>, places: &mut Vec<Vec<String>>) {
        if self.own {
            places.push(path.clone());
        }
        for (key, child) in &self.children {
            path.push(key.clone());
            child.collect(path, places);
            path.pop();
        }
    }
}

struct Reader<'a> {
    types: Option<&'a Types>,
}

impl<'a> Reader<'a> {
    fn value(&self, value: &Value, ty: Option<&'a Type>, field: Option<&'a Field>) -> FieldSet {
        let leaf = FieldSet { own: true, children: BTreeMap::new() };
        if field.is_some_and(|field| field.atomic) {
            return leaf;
        }
        match (value, ty) {
            (Value::Object(map), Some(Type::Struct(position))) => {
                match self.types.and_then(|types| types.get(*position)) {
                    Some(ty) if !ty.atomic => self.fields(map, ty),
                    Some(_) | None => leaf,
                }
            }
            (Value::Object(map), Some(Type::Map(item))) if !map.is_empty() => {
                let child = |(key, value): (&String, &Value)| {
                    (format!("f:{key}"), self.value(value, Some(item), None))
                };
                FieldSet { own: false, children: map.iter().map(child).collect() }
            }
            (Value::Array(list), Some(Type::List(item))) if !list.is_empty() => {
                self.list(list, item, field).unwrap_or(leaf)
            }
            (Value::Object(map), Some(Type::Any) | None)
                if !map.is_empty() && field.is_none_or(|f| f.ty == Type::Any) =>
            {
                let child =
                    |(key, value): (&String, &Value)| (format!("f:{key}"), self.value(value, None, None));
                FieldSet { own: false, children: map.iter().map(child).collect() }
            }
            (_, _) => leaf,
        }
    }

    fn fields(&self, map: &Map<String, Value>, ty: &'a Struct) -> FieldSet {
        let children: BTreeMap<String, FieldSet> = map
            .iter()
            .map(|(key, value)| {
                let field = ty.fields.get(key);
                (format!("f:{key}"), self.value(value, field.map(|field| &field.ty), field))
            })
            .collect();
        FieldSet { own: children.is_empty(), children }
    }

    fn list(&self, list: &[Value], item: &'a Type, field: Option<&'a Field>) -> Option<FieldSet> {
        let mut set = FieldSet::default();
        for value in list {
            let (key, mut child) = match &field?.list {
                ListKind::Atomic => return None,
                ListKind::Set => (format!("v:{value}"), FieldSet::default()),
                ListKind::Map(keys) => (item_key(value, keys), self.value(value, Some(item), None)),
            };
            child.own = true;
            set.children.insert(key, child);
        }
        Some(set)
    }
}

/// The key of an item, with the one default that built-in types have (`protocol`).
pub(crate) fn item_key(item: &Value, keys: &[String]) -> String {
    let mut sorted: Vec<&String> = keys.iter().collect();
    sorted.sort();
    let map: Map<String, Value> = sorted
        .into_iter()
        .map(|key| {
            let default = if key == "protocol" { Value::from("TCP") } else { Value::Null };
            (key.clone(), item.get(key).cloned().unwrap_or(default))
        })
        .collect();
    format!("k:{}", Value::Object(map))
}

/// Whether a list item has the key of a path element.
pub(crate) fn is_item(element: &str, item: &Value) -> bool {
    if let Some(value) = element.strip_prefix("v:") {
        return serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item);
    }
    let Some(Ok(Value::Object(keys))) = element.strip_prefix("k:").map(serde_json::from_str) else {
        return false;
    };
    let names: Vec<String> = keys.keys().cloned().collect();
    item_key(item, &names) == element
}

/// The value at a place.
pub(crate) fn look_up<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, element| match element.strip_prefix("f:") {
        Some(name) => value.get(name),
        None => value.as_array()?.iter().find(|item| is_item(element, item)),
    })
}

/// Takes the value at a place away.
pub(crate) fn take_away(object: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    let parent = parents.iter().try_fold(object, |value, element| match element.strip_prefix("f:") {
        Some(name) => value.get_mut(name),
        None => value.as_array_mut()?.iter_mut().find(|item| is_item(element, item)),
    });
    match (parent, last.strip_prefix("f:")) {
        (Some(Value::Object(map)), Some(name)) => drop(map.shift_remove(name)),
        (Some(Value::Array(list)), None) => list.retain(|item| !is_item(last, item)),
        (Some(_) | None, _) => {}
    }
}

/// A place as people read it: `.spec.containers[name="a"].image`.
pub(crate) fn print(path: &[String]) -> String {
    let mut text = String::new();
    for element in path {
        if let Some(name) = element.strip_prefix("f:") {
            text.push('.');
            text.push_str(name);
        } else if let Some(Ok(Value::Object(keys))) = element.strip_prefix("k:").map(serde_json::from_str) {
            let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            text.push_str(&format!("[{}]", keys.join(",")));
        } else if let Some(value) = element.strip_prefix("v:") {
            text.push_str(&format!("[={value}]"));
        }
    }
    text
}
