//! Types of objects: which fields exist, their JSON types, and how lists are merged.
//!
//! One table serves three purposes that upstream has three mechanisms for: decoding (unknown fields are dropped
//! and reported, wrong types refused), strategic merge patch (merge keys), and server-side apply (list keys).
//! The built-in types are in `schema/builtin.txt`; custom resources bring their own (`schema/custom`).

mod check;
mod custom;
pub(crate) mod protobuf;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

pub(crate) use self::check::decode;
pub(crate) use self::custom::from_openapi;

const BUILTIN: &str = include_str!("schema/builtin.txt");

/// A JSON type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    Text,
    Bytes,
    Time,
    Quantity,
    IntOrString,
    Int32,
    Int64,
    Number,
    Bool,
    Any,
    List(Box<Type>),
    Map(Box<Type>),
    Struct(usize),
}

/// How a list is merged by server-side apply.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum ListKind {
    #[default]
    Atomic,
    Set,
    Map(Vec<String>),
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) ty: Type,
    /// Strategic merge: the key of the items, or the empty text for lists of scalars.
    pub(crate) merge_key: Option<String>,
    /// Strategic merge: `$retainKeys` is understood.
    pub(crate) retain_keys: bool,
    pub(crate) list: ListKind,
    /// Server-side apply: the whole value belongs to one manager.
    pub(crate) atomic: bool,
    /// Protobuf: the number, and the number inside an embedded message (0: the field is not in one).
    pub(crate) number: (u32, u32),
    /// Protobuf: a zero value is not the same as absence.
    pub(crate) pointer: bool,
}

/// A struct; fields by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Struct {
    /// Short name, for error texts.
    pub(crate) name: String,
    pub(crate) fields: HashMap<String, Field>,
    pub(crate) atomic: bool,
    /// Unknown fields are kept.
    pub(crate) open: bool,
}

/// Structs that refer to each other by position.
#[derive(Debug, Default)]
pub(crate) struct Types {
    pub(crate) structs: Vec<Struct>,
    roots: HashMap<(String, String), usize>,
}

/// The type of a kind's objects.
#[derive(Debug, Clone)]
pub(crate) struct ObjectType {
    pub(crate) types: Arc<Types>,
    pub(crate) root: usize,
}

impl Types {
    pub(crate) fn get(&self, position: usize) -> Option<&Struct> {
        self.structs.get(position)
    }
}

/// The type of a built-in kind.
pub(crate) fn builtin(group: &str, kind: &str) -> Option<ObjectType> {
    static TYPES: OnceLock<Arc<Types>> = OnceLock::new();
    let types = TYPES.get_or_init(|| Arc::new(parse(BUILTIN)));
    let root = *types.roots.get(&(group.to_owned(), kind.to_owned()))?;
    Some(ObjectType { types: types.clone(), root })
}

/// The type of `metadata` and what it refers to, as the beginning of a table of its own.
fn object_meta() -> Types {
    let Some(pod) = builtin("", "Pod") else { return Types::default() };
    Types { structs: pod.types.structs.clone(), roots: HashMap::new() }
}

fn parse(text: &str) -> Types {
    let mut positions: HashMap<&str, usize> = HashMap::new();
    let lines = || text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    for line in lines().filter(|line| !line.starts_with([' ', '='])) {
        let name = line.split(' ').next().unwrap_or(line);
        let position = positions.len();
        positions.entry(name).or_insert(position);
    }
    let mut types = Types::default();
    for line in lines() {
        let mut words = line.split_whitespace();
        if line.starts_with('=') {
            let (_, group, kind, name) = (words.next(), words.next(), words.next(), words.next());
            if let (Some(group), Some(kind), Some(&root)) =
                (group, kind, name.and_then(|name| positions.get(name)))
            {
                types.roots.insert((group.trim_matches('-').to_owned(), kind.to_owned()), root);
            }
        } else if line.starts_with(' ') {
            let (Some(name), Some(ty), Some(last)) = (words.next(), words.next(), types.structs.last_mut())
            else {
                continue;
            };
            let field = parse_field(ty, words, &positions);
            last.fields.insert(name.to_owned(), field);
        } else {
            let name = words.next().unwrap_or_default();
            let name = name.split_once('.').map_or(name, |(_, name)| name);
            types.structs.push(Struct {
                name: name.to_owned(),
                atomic: words.next() == Some("atomic"),
                ..Struct::default()
            });
        }
    }
    types
}

fn parse_field<'a>(
    ty: &str,
    words: impl Iterator<Item = &'a str>,
    positions: &HashMap<&str, usize>,
) -> Field {
    let mut field = Field {
        ty: parse_type(ty, positions),
        merge_key: None,
        retain_keys: false,
        list: ListKind::Atomic,
        atomic: false,
        number: (0, 0),
        pointer: false,
    };
    for word in words {
        if let Some(numbers) = word.strip_prefix('#') {
            let (outer, inner) = numbers.split_once('.').unwrap_or((numbers, "0"));
            field.number = (outer.parse().unwrap_or(0), inner.parse().unwrap_or(0));
        }
        match word.split_once('=') {
            Some(("merge", key)) => field.merge_key = Some(key.to_owned()),
            Some(("map", keys)) => field.list = ListKind::Map(keys.split(',').map(str::to_owned).collect()),
            Some(_) => {}
            None if word == "set" => field.list = ListKind::Set,
            None if word == "retain" => field.retain_keys = true,
            None if word == "ptr" => field.pointer = true,
            None if word == "atomic" => field.atomic = true,
            None => {}
        }
    }
    field
}

fn parse_type(text: &str, positions: &HashMap<&str, usize>) -> Type {
    let Some((first, rest)) = text.split_at_checked(1) else { return Type::Any };
    match first {
        "s" => Type::Text,
        "y" => Type::Bytes,
        "t" => Type::Time,
        "q" => Type::Quantity,
        "x" => Type::IntOrString,
        "i" => Type::Int32,
        "l" => Type::Int64,
        "n" => Type::Number,
        "b" => Type::Bool,
        "[" => Type::List(Box::new(parse_type(rest, positions))),
        "{" => Type::Map(Box::new(parse_type(rest, positions))),
        "@" => positions.get(rest).map_or(Type::Any, |&position| Type::Struct(position)),
        _ => Type::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_kind_has_a_type() {
        for kind in crate::registry::Registry::with_builtin().all() {
            assert!(builtin(&kind.group, &kind.kind).is_some(), "{}", kind.kind);
        }
    }

    #[test]
    fn no_type_of_the_table_is_unknown() {
        let pod = builtin("", "Pod").expect("pods are built in");
        let root = pod.types.get(pod.root).expect("the type exists");
        let Some(Field { ty: Type::Struct(spec), .. }) = root.fields.get("spec") else {
            panic!("a pod has a spec");
        };
        let containers = &pod.types.structs[*spec].fields["containers"];
        assert_eq!(containers.merge_key.as_deref(), Some("name"));
        assert_eq!(containers.list, ListKind::Map(vec!["name".to_owned()]));
    }
}
