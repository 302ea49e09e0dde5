//! Follows the trie through JSON.

use std::borrow::Cow;

use super::{
    EventKind,
    json::{Cursor, NotJson},
    parse::Scalar,
    trie::{Elements, Node, Pick, bit},
};

/// Values found, in document order, each with the bits of its slots.
#[derive(Debug)]
pub(super) struct Writes<'a>(pub(super) Vec<(u128, Scalar<'a>)>);

/// Goes through one text.
pub(super) struct Walk<'a, 'w> {
    pub(super) cursor: Cursor<'a>,
    pub(super) writes: &'w mut Writes<'a>,
}

impl<'a> Walk<'a, '_> {
    /// Reads a watch event: its type, and what is wanted of its object, whichever comes first.
    pub(super) fn event(&mut self, root: &Node) -> Result<Option<EventKind>, NotJson> {
        let (mut kind, mut has_object) = (None, false);
        self.cursor.take(b'{')?;
        let mut is_first = true;
        while self.cursor.next_before(b'}', std::mem::take(&mut is_first))? {
            match &*self.cursor.key()? {
                b"type" => kind = event_kind(&self.cursor.string()?),
                b"object" => {
                    has_object = true;
                    self.value(root, &mut 0)?;
                }
                _ => self.cursor.skip()?,
            }
        }
        Ok(kind.filter(|_| has_object))
    }

    /// Reads a value. `matched` are the picks of the enclosing list that its element was found to match.
    pub(super) fn value(&mut self, node: &Node, matched: &mut u128) -> Result<(), NotJson> {
        if node.raws != 0 {
            // Kept as text, and read again for whatever else is wanted of it.
            let text = self.cursor.clone().raw()?;
            self.writes.0.push((node.raws, Scalar::Text(Cow::Borrowed(text))));
        }
        match (self.cursor.peek()?, &node.elements) {
            (b'{', _) if !node.fields.is_empty() => self.object(node, matched),
            (b'[', Some(elements)) => self.list(elements),
            (b'{' | b'[', _) => self.cursor.skip(),
            _ if node.takes_scalars() => self.scalar(node, matched),
            _ => self.cursor.skip(),
        }
    }

    fn object(&mut self, node: &Node, matched: &mut u128) -> Result<(), NotJson> {
        self.cursor.take(b'{')?;
        let mut is_first = true;
        // A list inside this object, and its elements, have marks of their own; only a direct field of an
        // element selects it, so the marks are passed on unchanged.
        while self.cursor.next_before(b'}', std::mem::take(&mut is_first))? {
            let key = self.cursor.key()?;
            match node.child(&key) {
                Some(child) => self.value(child, matched)?,
                None => self.cursor.skip()?,
            }
        }
        Ok(())
    }

    fn list(&mut self, elements: &Elements) -> Result<(), NotJson> {
        self.cursor.take(b'[')?;
        let mut is_first = true;
        // Slots whose pick has matched an earlier element: the first one counts.
        let mut taken = 0_u128;
        while self.cursor.next_before(b']', std::mem::take(&mut is_first))? {
            let start = self.writes.0.len();
            let mut matched = 0_u128;
            self.value(&elements.node, &mut matched)?;
            taken |= keep_wanted(elements, matched, taken, start, self.writes);
        }
        Ok(())
    }

    fn scalar(&mut self, node: &Node, matched: &mut u128) -> Result<(), NotJson> {
        let Some(value) = self.cursor.scalar()? else { return Ok(()) };
        for (mark, wanted) in &node.selects {
            if value.is_text(wanted) {
                *matched |= mark;
            }
        }
        if node.scalars != 0 {
            self.writes.0.push((node.scalars, value));
        }
        Ok(())
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
    let of_matched = |(i, pick): (usize, &Pick)| if matched & bit(i) != 0 { pick.slots } else { 0 };
    let picked = elements.picks.iter().enumerate().map(of_matched).fold(0, |all, slots| all | slots);
    let wanted = elements.each | (picked & !taken);
    let mut end = start;
    for at in start..writes.0.len() {
        let Some((slots, _)) = writes.0.get_mut(at) else { continue };
        *slots &= wanted;
        if *slots != 0 {
            writes.0.swap(at, end);
            end += 1;
        }
    }
    writes.0.truncate(end);
    picked
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
