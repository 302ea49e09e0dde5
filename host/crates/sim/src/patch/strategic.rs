//! Strategic merge patch (`apimachinery/pkg/util/strategicpatch`): a merge patch that knows which lists are keyed.
//!
//! Directives: `$patch: replace|delete|merge`, `$retainKeys`, `$deleteFromPrimitiveList/…`, `$setElementOrder/…`.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::admission::map;
use crate::schema::{Field, ObjectType, Struct, Type, Types};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const SET_ORDER: &str = "$setElementOrder/";

/// A patch that upstream refuses, in its words.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum StrategicError {
    #[error("map: {item} does not contain declared merge key: {key}")]
    NoMergeKey { item: String, key: String },
    #[error("invalid patch format of primitive list")]
    BadPrimitiveList,
    #[error("invalid patch type: {0}")]
    BadDirective(String),
}

/// Merges a patch into an object of a type; without a type all lists are replaced.
pub(crate) fn strategic_merge(
    object: &mut Value,
    patch: &Value,
    ty: Option<&ObjectType>,
) -> Result<(), StrategicError> {
    let merger = Merger { types: ty.map(|ty| &*ty.types) };
    let root = ty.and_then(|ty| ty.types.get(ty.root));
    let Some(patch) = patch.as_object() else { return Ok(()) };
    merger.object(map(object), patch, root)
}

struct Merger<'a> {
    types: Option<&'a Types>,
}

impl<'a> Merger<'a> {
    fn object(
        &self,
        target: &mut Map<String, Value>,
        patch: &Map<String, Value>,
        ty: Option<&'a Struct>,
    ) -> Result<(), StrategicError> {
        match patch.get(DIRECTIVE).and_then(Value::as_str) {
            Some("replace") => {
                *target = patch.clone();
                target.shift_remove(DIRECTIVE);
                return Ok(());
            }
            Some("delete") => {
                target.clear();
                return Ok(());
            }
            Some("merge") | None => {}
            Some(other) => return Err(StrategicError::BadDirective(other.to_owned())),
        }
        if let Some(keep) = patch.get(RETAIN_KEYS).and_then(Value::as_array) {
            target.retain(|key, _| keep.iter().any(|kept| kept == key.as_str()));
        }
        for (key, list) in patch.iter().filter_map(|(key, list)| Some((key.strip_prefix(DELETE_FROM)?, list)))
        {
            delete_scalars(target, key, list)?;
        }
        for (key, value) in patch.iter().filter(|(key, _)| !key.starts_with('$')) {
            let field = ty.and_then(|ty| ty.fields.get(key));
            let order = patch.get(&format!("{SET_ORDER}{key}")).and_then(Value::as_array);
            self.member(target, key, value, field, order)?;
        }
        for (key, order) in
            patch.iter().filter_map(|(key, order)| Some((key.strip_prefix(SET_ORDER)?, order)))
        {
            if patch.contains_key(key) {
                continue;
            }
            let field = ty.and_then(|ty| ty.fields.get(key));
            if let (Some(Value::Array(list)), Some(order)) = (target.get_mut(key), order.as_array()) {
                let server = list.clone();
                reorder(list, &server, order, merge_key(field));
            }
        }
        Ok(())
    }

    fn member(
        &self,
        target: &mut Map<String, Value>,
        key: &str,
        value: &Value,
        field: Option<&'a Field>,
        order: Option<&Vec<Value>>,
    ) -> Result<(), StrategicError> {
        match value {
            Value::Null => drop(target.shift_remove(key)),
            Value::Object(patch) => {
                let ty = field.and_then(|field| self.item(&field.ty));
                let target = target.entry(key.to_owned()).or_insert(Value::Null);
                self.object(map(target), patch, ty)?;
            }
            Value::Array(patch) => {
                let target = target.entry(key.to_owned()).or_insert(Value::Null);
                self.list(target, patch, field, order)?;
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                target.insert(key.to_owned(), value.clone());
            }
        }
        Ok(())
    }

    /// The struct that a value, a list's items or a map's values have.
    fn item(&self, ty: &Type) -> Option<&'a Struct> {
        match ty {
            Type::Struct(position) => self.types?.get(*position),
            Type::List(item) => self.item(item),
            Type::Map(_)
            | Type::Text
            | Type::Bytes
            | Type::Time
            | Type::Quantity
            | Type::IntOrString
            | Type::Int32
            | Type::Int64
            | Type::Number
            | Type::Bool
            | Type::Any => None,
        }
    }

    fn list(
        &self,
        target: &mut Value,
        patch: &[Value],
        field: Option<&'a Field>,
        order: Option<&Vec<Value>>,
    ) -> Result<(), StrategicError> {
        let replaces = patch.iter().any(|item| is_directive(item, "replace"));
        let (Some(key), Value::Array(list), false) = (merge_key(field), &mut *target, replaces) else {
            *target = patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).map(strip).collect();
            return Ok(());
        };
        let server = list.clone();
        if key.is_empty() {
            for item in patch {
                if !list.contains(item) {
                    list.push(item.clone());
                }
            }
        } else {
            let ty = field.and_then(|field| self.item(&field.ty));
            self.keyed(list, patch, key, ty)?;
        }
        if let Some(order) = order {
            reorder(list, &server, order, Some(key));
        }
        Ok(())
    }

    fn keyed(
        &self,
        list: &mut Vec<Value>,
        patch: &[Value],
        key: &str,
        ty: Option<&'a Struct>,
    ) -> Result<(), StrategicError> {
        for item in patch {
            let wanted = item
                .get(key)
                .ok_or_else(|| StrategicError::NoMergeKey { item: item.to_string(), key: key.to_owned() })?;
            if is_directive(item, "delete") {
                list.retain(|present| present.get(key) != Some(wanted));
                continue;
            }
            let present = list.iter_mut().find(|present| present.get(key) == Some(wanted));
            match (present, item.as_object()) {
                (Some(present), Some(item)) => self.object(map(present), item, ty)?,
                (Some(_) | None, _) => list.push(strip(item)),
            }
        }
        Ok(())
    }
}

fn merge_key(field: Option<&Field>) -> Option<&str> {
    field.and_then(|field| field.merge_key.as_deref())
}

fn is_directive(item: &Value, directive: &str) -> bool {
    item.get(DIRECTIVE).and_then(Value::as_str) == Some(directive)
}

/// A new value without directives and nulls.
fn strip(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, value)| !key.starts_with('$') && !value.is_null())
            .map(|(key, value)| (key.clone(), strip(value)))
            .collect(),
        Value::Array(list) => list.iter().map(strip).collect(),
        scalar => scalar.clone(),
    }
}

fn delete_scalars(target: &mut Map<String, Value>, key: &str, gone: &Value) -> Result<(), StrategicError> {
    let gone = gone.as_array().ok_or(StrategicError::BadPrimitiveList)?;
    if let Some(list) = target.get_mut(key).and_then(Value::as_array_mut) {
        list.retain(|item| !gone.contains(item));
    }
    Ok(())
}

/// Puts the items that `order` names into that order; the others keep their place among them.
fn reorder(list: &mut Vec<Value>, server: &[Value], order: &[Value], key: Option<&str>) {
    let same = |left: &Value, right: &Value| match key {
        Some(key) if !key.is_empty() => left.get(key).is_some() && left.get(key) == right.get(key),
        Some(_) | None => left == right,
    };
    let in_order = |item: &Value| order.iter().position(|named| same(named, item));
    let in_server = |item: &Value| server.iter().position(|known| same(known, item));
    let (mut named, others): (Vec<Value>, Vec<Value>) =
        std::mem::take(list).into_iter().partition(|item| in_order(item).is_some());
    named.sort_by_key(|item| in_order(item));
    let mut others = others.into_iter().peekable();
    for item in named {
        if let Some(place) = in_server(&item) {
            while let Some(other) = others.next_if(|other| in_server(other).is_some_and(|at| at < place)) {
                list.push(other);
            }
        }
        list.push(item);
    }
    list.extend(others);
}
