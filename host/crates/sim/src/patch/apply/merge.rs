//! Merges an applied configuration into the live object, by the kinds of lists and maps that its type has.

use serde_json::{Map, Value};

use crate::patch::fields;
use crate::schema::{Field, ListKind, Struct, Type, Types};

pub(super) struct Merger<'a> {
    pub(super) types: Option<&'a Types>,
}

impl<'a> Merger<'a> {
    pub(super) fn fields(
        &self,
        live: &mut Map<String, Value>,
        config: &Map<String, Value>,
        ty: Option<&'a Struct>,
    ) {
        for (key, value) in config {
            let field = ty.and_then(|ty| ty.fields.get(key));
            match live.get_mut(key) {
                Some(present) => self.value(present, value, field.map(|field| &field.ty), field),
                None => drop(live.insert(key.clone(), value.clone())),
            }
        }
    }

    fn value(&self, live: &mut Value, config: &Value, ty: Option<&'a Type>, field: Option<&'a Field>) {
        let atomic = field.is_some_and(|field| field.atomic);
        match (&mut *live, config, ty) {
            (Value::Object(live), Value::Object(config), Some(Type::Struct(position))) if !atomic => {
                let ty = self.types.and_then(|types| types.get(*position));
                if ty.is_some_and(|ty| ty.atomic) {
                    *live = config.clone();
                } else {
                    self.fields(live, config, ty);
                }
            }
            (Value::Object(live), Value::Object(config), Some(Type::Map(_) | Type::Any) | None)
                if !atomic =>
            {
                self.fields(live, config, None);
            }
            (Value::Array(live), Value::Array(config), Some(Type::List(item))) => {
                self.list(live, config, item, field);
            }
            (live, config, _) => *live = config.clone(),
        }
    }

    fn list(&self, live: &mut Vec<Value>, config: &[Value], item: &'a Type, field: Option<&'a Field>) {
        match field.map(|field| &field.list) {
            Some(ListKind::Set) => {
                for value in config.iter().filter(|value| !live.contains(value)).collect::<Vec<_>>() {
                    live.push(value.clone());
                }
            }
            Some(ListKind::Map(keys)) => {
                for value in config {
                    let key = fields::item_key(value, keys);
                    match live.iter_mut().find(|present| fields::item_key(present, keys) == key) {
                        Some(present) => self.value(present, value, Some(item), None),
                        None => live.push(value.clone()),
                    }
                }
            }
            Some(ListKind::Atomic) | None => *live = config.to_vec(),
        }
    }
}
