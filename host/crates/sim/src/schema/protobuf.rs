//! Kubernetes' protobuf form of request bodies, which typed clients such as `kubectl create deployment` send.
//!
//! An envelope (`k8s\0` and `runtime.Unknown`) around a message whose field numbers are in the type table. Only
//! decoding: answers are JSON, which all clients accept.

mod wire;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use self::wire::{Fields, Wire};
use super::{Field, ObjectType, Struct, Type, Types, builtin};

const MAGIC: &[u8] = b"k8s\0";
/// Deepest nesting of messages.
const MAX_DEPTH: usize = 64;

/// A body that is no message of a known kind.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    NoMagic,
    #[error("proto: unexpected EOF")]
    Truncated,
    #[error("proto: illegal wireType")]
    WireType,
    #[error("proto: illegal text")]
    Text,
    #[error("proto: nested too deeply")]
    Depth,
    #[error("no kind \"{kind}\" is registered for version \"{api_version}\"")]
    UnknownKind { api_version: String, kind: String },
}

/// Reads a body as a JSON tree with kind and API version.
pub(crate) fn decode(body: &[u8]) -> Result<Value, ProtobufError> {
    let message = body.strip_prefix(MAGIC).ok_or(ProtobufError::NoMagic)?;
    let (mut kind, mut api_version, mut raw) = (String::new(), String::new(), &b""[..]);
    for field in Fields(message) {
        match field? {
            (1, Wire::Bytes(meta)) => {
                for field in Fields(meta) {
                    match field? {
                        (1, Wire::Bytes(text)) => api_version = utf8(text)?,
                        (2, Wire::Bytes(text)) => kind = utf8(text)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let group = if kind == "DeleteOptions" { "" } else { group };
    let Some(ty) = builtin(group, &kind) else {
        return Err(ProtobufError::UnknownKind { api_version, kind });
    };
    let mut object = Map::new();
    object.insert("kind".into(), kind.into());
    object.insert("apiVersion".into(), api_version.into());
    object.extend(message_of(&ty, raw)?);
    Ok(object.into())
}

fn message_of(ty: &ObjectType, raw: &[u8]) -> Result<Map<String, Value>, ProtobufError> {
    let decoder = Decoder { types: &ty.types };
    let mut map = Map::new();
    if let Some(root) = ty.types.get(ty.root) {
        decoder.message(root, raw, None, &mut map, 0)?;
    }
    Ok(map)
}

fn utf8(bytes: &[u8]) -> Result<String, ProtobufError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| ProtobufError::Text)
}

struct Decoder<'a> {
    types: &'a Types,
}

impl Decoder<'_> {
    /// Reads a message into `map`. `outer` is the field that an embedded message was found in.
    fn message(
        &self,
        ty: &Struct,
        bytes: &[u8],
        outer: Option<u32>,
        map: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), ProtobufError> {
        if depth > MAX_DEPTH {
            return Err(ProtobufError::Depth);
        }
        for field in Fields(bytes) {
            let (number, wire) = field?;
            let wanted = match outer {
                Some(outer) => (outer, number),
                None => (number, 0),
            };
            if let Some((name, field)) = ty.fields.iter().find(|(_, field)| field.number == wanted) {
                self.field(name, field, wire, map, depth)?;
            } else if let (None, Wire::Bytes(inner)) = (outer, wire)
                && ty.fields.values().any(|field| field.number.0 == number)
            {
                self.message(ty, inner, Some(number), map, depth + 1)?;
            }
        }
        Ok(())
    }

    fn field(
        &self,
        name: &str,
        field: &Field,
        wire: Wire<'_>,
        map: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), ProtobufError> {
        match (&field.ty, wire) {
            (Type::List(item), wire) => {
                let value = self.value(item, wire, depth)?;
                let list = map.entry(name.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(list) = list.as_array_mut() {
                    list.push(value);
                }
            }
            (Type::Map(item), Wire::Bytes(entry)) => {
                let (mut key, mut value) = (String::new(), default(item));
                for field in Fields(entry) {
                    match field? {
                        (1, Wire::Bytes(text)) => key = utf8(text)?,
                        (2, wire) => value = self.value(item, wire, depth)?,
                        _ => {}
                    }
                }
                crate::admission::member_of(map, name).insert(key, value);
            }
            (ty, wire) => {
                let value = self.value(ty, wire, depth)?;
                if field.pointer && !value.is_null() || !is_zero(&value) {
                    map.insert(name.to_owned(), value);
                }
            }
        }
        Ok(())
    }

    fn value(&self, ty: &Type, wire: Wire<'_>, depth: usize) -> Result<Value, ProtobufError> {
        Ok(match (ty, wire) {
            (Type::Text, Wire::Bytes(bytes)) => utf8(bytes)?.into(),
            (Type::Bytes, Wire::Bytes(bytes)) => STANDARD.encode(bytes).into(),
            (Type::Time, Wire::Bytes(bytes)) => time(bytes)?,
            (Type::Quantity, Wire::Bytes(bytes)) => part(bytes, 1)?.map_or("0".into(), Value::from),
            (Type::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
            (Type::Any, Wire::Bytes(bytes)) => {
                let raw = Fields(bytes).find_map(|field| match field {
                    Ok((1, Wire::Bytes(raw))) => Some(raw),
                    Ok(_) | Err(_) => None,
                });
                raw.and_then(|raw| serde_json::from_slice(raw).ok()).unwrap_or_default()
            }
            (Type::Bool, wire) => (wire.number() != 0).into(),
            (Type::Int32 | Type::Int64, wire) => wire.number().into(),
            (Type::Number, Wire::Fixed64(bits)) => f64::from_bits(bits).into(),
            (Type::Struct(position), Wire::Bytes(bytes)) => {
                let mut map = Map::new();
                if let Some(ty) = self.types.get(*position) {
                    self.message(ty, bytes, None, &mut map, depth + 1)?;
                }
                map.into()
            }
            (_, _) => return Err(ProtobufError::WireType),
        })
    }
}

fn default(ty: &Type) -> Value {
    match ty {
        Type::Text | Type::Bytes => "".into(),
        Type::Quantity => "0".into(),
        _ => Value::Null,
    }
}

/// What Go leaves out of JSON unless the field is a pointer.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

/// The text in one field of a message.
fn part(bytes: &[u8], wanted: u32) -> Result<Option<String>, ProtobufError> {
    for field in Fields(bytes) {
        if let (number, Wire::Bytes(text)) = field?
            && number == wanted
        {
            return utf8(text).map(Some);
        }
    }
    Ok(None)
}

fn time(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let (mut seconds, mut nanos) = (0, 0);
    for field in Fields(bytes) {
        match field? {
            (1, wire) => seconds = wire.number(),
            (2, wire) => nanos = wire.number(),
            _ => {}
        }
    }
    // The zero time of Go, or none at all.
    if bytes.is_empty() || seconds == -62_135_596_800 {
        return Ok(Value::Null);
    }
    let at = jiff::Timestamp::new(seconds, i32::try_from(nanos).unwrap_or(0)).unwrap_or_default();
    Ok(if nanos == 0 { crate::clock::seconds(at) } else { crate::clock::micros(at) }.into())
}

fn int_or_string(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for field in Fields(bytes) {
        match field? {
            (1, wire) => is_text = wire.number() == 1,
            (2, wire) => number = wire.number(),
            (3, Wire::Bytes(bytes)) => text = utf8(bytes)?,
            _ => {}
        }
    }
    Ok(if is_text { text.into() } else { number.into() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).expect("short");
        [&[number << 3 | 2, length][..], bytes].concat()
    }

    fn envelope(kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read_with_its_name_and_data() {
        let metadata = field(1, &field(1, b"c"));
        let data = field(2, &[field(1, b"k"), field(2, b"v")].concat());
        let body = envelope("ConfigMap", &[metadata, data].concat());
        assert_eq!(
            decode(&body),
            Ok(
                json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}, "data": {"k": "v"}})
            )
        );
    }

    #[test]
    fn sources_of_volumes_are_embedded_messages() {
        // Volume { name: "v", VolumeSource: { emptyDir: {} } } in a pod's spec.
        let volume = [field(1, b"v"), field(2, &field(2, b""))].concat();
        let body = envelope("Pod", &field(2, &field(1, &volume)));
        let pod = decode(&body).expect("a pod");
        assert_eq!(pod.pointer("/spec/volumes/0"), Some(&json!({"name": "v", "emptyDir": {}})));
    }

    proptest! {
        #[test]
        fn no_body_panics(raw in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&[MAGIC, &raw].concat());
            let _ = decode(&envelope("Pod", &raw));
        }
    }
}
