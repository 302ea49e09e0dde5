//! Decoding as a typed decoder would: wrong JSON types are refused, unknown fields and nulls dropped.

use serde_json::{Map, Value};

use super::{ObjectType, Struct, Type, Types};

/// Most problems that are reported.
const MAX_UNKNOWN: usize = 100;

/// What decoding dropped.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    /// Paths of unknown fields.
    pub(crate) unknown: Vec<String>,
}

struct Walk<'a> {
    types: &'a Types,
    unknown: Vec<String>,
}

/// Checks and prunes an object.
///
/// # Errors
/// The text of Go's decoder for the first wrong type.
pub(crate) fn decode(ty: &ObjectType, object: &mut Value) -> Result<Decoded, String> {
    let mut walk = Walk { types: &ty.types, unknown: Vec::new() };
    if let (Some(root), Value::Object(map)) = (ty.types.get(ty.root), object) {
        walk.fields(root, map, "")?;
    }
    Ok(Decoded { unknown: walk.unknown })
}

impl Walk<'_> {
    fn fields(&mut self, ty: &Struct, map: &mut Map<String, Value>, path: &str) -> Result<(), String> {
        let mut dropped = false;
        for (key, value) in map.iter_mut() {
            if path.is_empty() && matches!(key.as_str(), "kind" | "apiVersion") {
                continue;
            }
            let place = || if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match ty.fields.get(key) {
                Some(_) if value.is_null() => dropped = true,
                Some(field) => {
                    let is_leaf = !matches!(field.ty, Type::List(_) | Type::Map(_) | Type::Struct(_));
                    if is_leaf && fits(&field.ty, value) {
                        continue;
                    }
                    self.value(&field.ty, value, &place(), &ty.name)?;
                }
                None if ty.open => {}
                None => {
                    dropped = true;
                    if self.unknown.len() < MAX_UNKNOWN {
                        self.unknown.push(place());
                    }
                    // Marked with null, and removed below.
                    *value = Value::Null;
                }
            }
        }
        if dropped {
            map.retain(|key, value| !value.is_null() || (ty.open && !ty.fields.contains_key(key)));
        }
        Ok(())
    }

    fn value(&mut self, ty: &Type, value: &mut Value, path: &str, owner: &str) -> Result<(), String> {
        match (ty, &mut *value) {
            (Type::Struct(position), Value::Object(map)) => match self.types.get(*position) {
                Some(ty) => self.fields(ty, map, path),
                None => Ok(()),
            },
            (Type::List(item), Value::Array(list)) => {
                for (position, value) in list.iter_mut().enumerate() {
                    if !value.is_null() {
                        self.value(item, value, &format!("{path}[{position}]"), owner)?;
                    }
                }
                Ok(())
            }
            (Type::Map(item), Value::Object(map)) => {
                for (key, value) in map.iter_mut() {
                    if !value.is_null() {
                        self.value(item, value, &format!("{path}.{key}"), owner)?;
                    } else if **item == Type::Text {
                        // Go decodes null into the zero value.
                        *value = Value::from("");
                    }
                }
                Ok(())
            }
            (ty, value) if fits(ty, value) => Ok(()),
            (ty, value) => Err(self.mismatch(ty, value, path, owner)),
        }
    }

    fn mismatch(&self, ty: &Type, value: &Value, path: &str, owner: &str) -> String {
        // Go's paths name no positions and no map keys.
        let path: Vec<&str> = path.split('.').map(|part| part.split('[').next().unwrap_or(part)).collect();
        let path = path.join(".");
        if *ty == Type::Time {
            return format!("parsing time {value} as \"2006-01-02T15:04:05Z07:00\": cannot parse");
        }
        format!(
            "json: cannot unmarshal {} into Go struct field {owner}.{path} of type {}",
            describe(value),
            self.go_name(ty)
        )
    }

    fn go_name(&self, ty: &Type) -> String {
        match ty {
            Type::Text | Type::Time | Type::Quantity | Type::IntOrString => "string".to_owned(),
            Type::Bytes => "[]uint8".to_owned(),
            Type::Int32 => "int32".to_owned(),
            Type::Int64 => "int64".to_owned(),
            Type::Number => "float64".to_owned(),
            Type::Bool => "bool".to_owned(),
            Type::Any => "interface {}".to_owned(),
            Type::List(item) => format!("[]{}", self.go_name(item)),
            Type::Map(item) => format!("map[string]{}", self.go_name(item)),
            Type::Struct(position) => {
                format!("v1.{}", self.types.get(*position).map_or("", |ty| ty.name.as_str()))
            }
        }
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if number.is_f64() => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

fn fits(ty: &Type, value: &Value) -> bool {
    match ty {
        Type::Text | Type::Bytes => value.is_string(),
        Type::Quantity => value.is_string() || value.is_number(),
        Type::IntOrString => value.is_string() || value.is_i64(),
        Type::Time => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        Type::Int32 => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        Type::Int64 => value.is_i64(),
        Type::Number => value.is_number(),
        Type::Bool => value.is_boolean(),
        Type::Any => true,
        Type::List(_) => value.is_array(),
        Type::Map(_) | Type::Struct(_) => value.is_object(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::builtin;
    use super::*;

    fn check(kind: &str, mut object: Value, expected: Result<(&[&str], Value), &str>) {
        let ty = builtin(if kind == "Deployment" { "apps" } else { "" }, kind).expect("a built-in kind");
        match (decode(&ty, &mut object), expected) {
            (Ok(decoded), Ok((unknown, value))) => {
                assert_eq!(decoded.unknown, unknown);
                assert_eq!(object, value);
            }
            (Err(found), Err(expected)) => assert_eq!(found, expected),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    }

    #[test]
    fn unknown_fields_and_nulls_are_dropped() {
        check(
            "Pod",
            json!({"spec": {"foo": 1, "nodeName": null, "containers": [{"name": "a", "bar": {}}]}}),
            Ok((&["spec.foo", "spec.containers[0].bar"], json!({"spec": {"containers": [{"name": "a"}]}}))),
        );
    }

    #[test]
    fn a_wrong_type_is_refused_with_gos_text() {
        check(
            "Deployment",
            json!({"spec": {"replicas": "3"}}),
            Err(
                "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            ),
        );
    }
}
