//! The visitor that follows the trie through JSON.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    EventKind,
    parse::Scalar,
    trie::{Elements, Node, Trie, bit},
};

/// Values found, in document order, each with its slot.
#[derive(Debug)]
pub(super) struct Writes<'de>(pub(super) Vec<(usize, Scalar<'de>)>);

/// Follows one node into one value.
pub(super) struct Walk<'t, 'w, 'de> {
    pub(super) node: &'t Node,
    pub(super) writes: &'w mut Writes<'de>,
    /// Picks of the enclosing list that matched the element around this value.
    pub(super) matched: &'w mut u128,
}

impl<'de> Walk<'_, '_, 'de> {
    fn scalar(self, value: Scalar<'de>) {
        for (mark, wanted) in &self.node.selects {
            if value.is_text(wanted) {
                *self.matched |= mark;
            }
        }
        if let Some((last, others)) = self.node.scalars.split_last() {
            for slot in others {
                self.writes.0.push((*slot, value.clone()));
            }
            self.writes.0.push((*last, value));
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.node.raws.is_empty() {
            return deserializer.deserialize_any(self);
        }
        // Kept as text, and read again for whatever else is wanted below.
        let raw: &'de RawValue = Deserialize::deserialize(deserializer)?;
        for slot in &self.node.raws {
            self.writes.0.push((*slot, Scalar::Text(Cow::Borrowed(raw.get()))));
        }
        if self.node.is_leaf() && self.node.scalars.is_empty() && self.node.selects.is_empty() {
            return Ok(());
        }
        serde_json::Deserializer::from_str(raw.get()).deserialize_any(self).map_err(de::Error::custom)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.scalar(Scalar::Int(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.scalar(i64::try_from(value).map_or(Scalar::Large(value), Scalar::Int));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.scalar(Scalar::Float(value));
        Ok(())
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<(), E> {
        self.scalar(Scalar::Text(Cow::Borrowed(value)));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.scalar(Scalar::Text(Cow::Owned(value.to_owned())));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // A list inside this object, and its elements, have marks of their own; only a direct field of an
        // element selects it, so the marks are passed on unchanged.
        while let Some(child) = map.next_key_seed(Key { node: self.node })? {
            match child {
                Some(node) => {
                    map.next_value_seed(Walk { node, writes: self.writes, matched: self.matched })?;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some(elements) = &self.node.elements else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        };
        // Slots whose pick has matched an earlier element: the first one counts.
        let mut taken = 0_u128;
        loop {
            let start = self.writes.0.len();
            let mut matched = 0_u128;
            let walk = Walk { node: &elements.node, writes: self.writes, matched: &mut matched };
            if seq.next_element_seed(walk)?.is_none() {
                return Ok(());
            }
            taken |= keep_wanted(elements, matched, taken, start, self.writes);
        }
    }
}

/// Takes out what an element wrote for picks that it does not match; returns the slots of those it does.
fn keep_wanted(
    elements: &Elements,
    matched: u128,
    taken: u128,
    start: usize,
    writes: &mut Writes<'_>,
) -> u128 {
    if elements.picks.is_empty() {
        return 0;
    }
    let of_matched =
        |(i, pick): (usize, &super::trie::Pick)| if matched & bit(i) != 0 { pick.slots } else { 0 };
    let picked = elements.picks.iter().enumerate().map(of_matched).fold(0, |all, slots| all | slots);
    let wanted = elements.each | (picked & !taken);
    let mut end = start;
    for at in start..writes.0.len() {
        if writes.0.get(at).is_some_and(|(slot, _)| wanted & bit(*slot) != 0) {
            writes.0.swap(at, end);
            end += 1;
        }
    }
    writes.0.truncate(end);
    picked
}

/// Reads a key and finds what is wanted of its value.
struct Key<'t> {
    node: &'t Node,
}

impl<'t, 'de> DeserializeSeed<'de> for Key<'t> {
    type Value = Option<&'t Node>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'t> Visitor<'_> for Key<'t> {
    type Value = Option<&'t Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.node.child(key))
    }
}

/// Reads the type of a watch event and follows the trie into its object, whichever comes first.
pub(super) struct Envelope<'t, 'w, 'de> {
    pub(super) trie: &'t Trie,
    pub(super) writes: &'w mut Writes<'de>,
}

impl<'de> Visitor<'de> for Envelope<'_, '_, 'de> {
    type Value = Option<EventKind>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a watch event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut kind, mut has_object) = (None, false);
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "type" => kind = event_kind(&map.next_value::<Cow<'de, str>>()?),
                "object" => {
                    has_object = true;
                    let mut matched = 0;
                    let node = &self.trie.root;
                    map.next_value_seed(Walk { node, writes: self.writes, matched: &mut matched })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(kind.filter(|_| has_object))
    }
}

fn event_kind(text: &str) -> Option<EventKind> {
    Some(match text {
        "ADDED" => EventKind::Added,
        "MODIFIED" => EventKind::Modified,
        "DELETED" => EventKind::Deleted,
        "BOOKMARK" => EventKind::Bookmark,
        "ERROR" => EventKind::Error,
        _ => return None,
    })
}
