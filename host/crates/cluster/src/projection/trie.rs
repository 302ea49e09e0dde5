//! All paths of a subscription as one tree.

use super::path::Step;

/// Slots fit into one word of bits.
pub(super) const MAX_SLOTS: usize = 124;

/// The tree; its root stands for the object.
#[derive(Debug, Default)]
pub(super) struct Trie {
    pub(super) root: Node,
}

/// What is wanted of one value.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Bits of the slots that take this value when it is a scalar.
    pub(super) scalars: u128,
    /// Bits of those that take this value's JSON.
    pub(super) raws: u128,
    /// Of an object: the keys that matter.
    pub(super) fields: Vec<(Box<str>, Node)>,
    /// Of a list: what is wanted of its elements, all steps into it merged.
    pub(super) elements: Option<Box<Elements>>,
    /// Bits of the enclosing list's picks that compare this value, with what.
    pub(super) selects: Vec<(u128, Box<str>)>,
}

/// What is wanted of the elements of a list.
#[derive(Debug, Default)]
pub(super) struct Elements {
    pub(super) node: Node,
    /// Slots of paths that go on with `[*]`.
    pub(super) each: u128,
    /// Selectors, the i-th with bit i.
    pub(super) picks: Vec<Pick>,
}

#[derive(Debug)]
pub(super) struct Pick {
    key: Box<str>,
    value: Box<str>,
    /// Slots of paths that go on with it.
    pub(super) slots: u128,
}

/// The bit of a slot.
pub(super) fn bit(slot: usize) -> u128 {
    1_u128.checked_shl(u32::try_from(slot).unwrap_or(u32::MAX)).unwrap_or(0)
}

impl Trie {
    /// Adds a path for a slot.
    pub(super) fn insert(&mut self, slot: usize, steps: &[Step], raw: bool) {
        let mut node = &mut self.root;
        for step in steps {
            node = match step {
                Step::Field(name) => node.field(name),
                Step::Each => node.elements_mut().each(slot),
                Step::Pick { key, value } => node.elements_mut().pick(slot, key, value),
            };
        }
        *if raw { &mut node.raws } else { &mut node.scalars } |= bit(slot);
    }
}

impl Node {
    /// Whether a string, number or boolean in its place matters.
    pub(super) fn takes_scalars(&self) -> bool {
        self.scalars != 0 || !self.selects.is_empty()
    }

    pub(super) fn child(&self, name: &[u8]) -> Option<&Self> {
        self.fields.iter().find(|(field, _)| field.as_bytes() == name).map(|(_, node)| node)
    }

    fn field(&mut self, name: &str) -> &mut Self {
        let at = self.fields.iter().position(|(field, _)| &**field == name).unwrap_or(self.fields.len());
        if at == self.fields.len() {
            self.fields.push((name.into(), Self::default()));
        }
        #[expect(clippy::indexing_slicing, reason = "the position found, or the entry just pushed")]
        &mut self.fields[at].1
    }

    fn elements_mut(&mut self) -> &mut Elements {
        self.elements.get_or_insert_default()
    }
}

impl Elements {
    fn each(&mut self, slot: usize) -> &mut Node {
        self.each |= bit(slot);
        &mut self.node
    }

    fn pick(&mut self, slot: usize, key: &str, value: &str) -> &mut Node {
        let known = self.picks.iter().position(|pick| &*pick.key == key && &*pick.value == value);
        match known.and_then(|at| self.picks.get_mut(at)) {
            Some(pick) => pick.slots |= bit(slot),
            None => {
                // At most one pick a slot: their number fits as well.
                let mark = bit(self.picks.len());
                self.picks.push(Pick { key: key.into(), value: value.into(), slots: bit(slot) });
                self.node.field(key).selects.push((mark, value.into()));
            }
        }
        &mut self.node
    }
}
