//! What is known of each object, to tell what changed while nobody watched.

use foldhash::HashMap;

use crate::projection::Row;

/// An object as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) uid: Box<str>,
    /// Overwritten by each change.
    pub(crate) resource_version: String,
    generation: u32,
}

/// What seeing an object says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing new.
    Same,
    /// It was not known.
    New,
    /// It has another resource version.
    Changed,
    /// Another object has its name now.
    Replaced(Known),
}

/// All objects of one watch, by `namespace/name`.
#[derive(Debug, Default)]
pub(super) struct KnownObjects {
    objects: HashMap<Box<str>, Known>,
    key: String,
    generation: u32,
}

impl KnownObjects {
    /// From here on every object that is there will be seen once.
    pub(super) fn start_list(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    /// Notes an object.
    pub(super) fn see(&mut self, row: &Row<'_>) -> Seen {
        self.set_key(row);
        let generation = self.generation;
        let Some(known) = self.objects.get_mut(self.key.as_str()) else {
            self.objects.insert(self.key.as_str().into(), of(row, generation));
            return Seen::New;
        };
        known.generation = generation;
        if *known.uid != *row.uid {
            return Seen::Replaced(std::mem::replace(known, of(row, generation)));
        }
        if *known.resource_version == *row.resource_version {
            return Seen::Same;
        }
        row.resource_version.as_ref().clone_into(&mut known.resource_version);
        Seen::Changed
    }

    /// Forgets an object that went.
    pub(super) fn forget(&mut self, row: &Row<'_>) {
        self.set_key(row);
        self.objects.remove(self.key.as_str());
    }

    /// Removes and returns the objects that the list did not have, in order of their names.
    pub(super) fn end_list(&mut self) -> Vec<Known> {
        let generation = self.generation;
        let mut gone: Vec<_> = self
            .objects
            .extract_if(|_, known| known.generation != generation)
            .map(|(_, known)| known)
            .collect();
        gone.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        gone
    }

    fn set_key(&mut self, row: &Row<'_>) {
        self.key.clear();
        self.key.push_str(&row.namespace);
        self.key.push('/');
        self.key.push_str(&row.name);
    }
}

fn of(row: &Row<'_>, generation: u32) -> Known {
    Known {
        namespace: row.namespace.as_ref().into(),
        name: row.name.as_ref().into(),
        uid: row.uid.as_ref().into(),
        resource_version: row.resource_version.as_ref().into(),
        generation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(name: &'a str, uid: &'a str, version: &'a str) -> Row<'a> {
        Row {
            name: name.into(),
            namespace: "ns".into(),
            uid: uid.into(),
            resource_version: version.into(),
            cells: Vec::new(),
        }
    }

    #[test]
    fn a_second_list_tells_the_differences() {
        let mut known = KnownObjects::default();
        known.start_list();
        for name in ["same", "changed", "replaced", "gone"] {
            assert_eq!(known.see(&row(name, name, "1")), Seen::New);
        }
        assert!(known.end_list().is_empty());

        known.start_list();
        assert_eq!(known.see(&row("same", "same", "1")), Seen::Same);
        assert_eq!(known.see(&row("changed", "changed", "2")), Seen::Changed);
        let Seen::Replaced(old) = known.see(&row("replaced", "other", "3")) else { panic!("not replaced") };
        assert_eq!(&*old.uid, "replaced");
        assert_eq!(known.see(&row("new", "new", "4")), Seen::New);
        let gone: Vec<_> = known.end_list().into_iter().map(|known| known.name).collect();
        assert_eq!(gone, ["gone".into()]);
    }

    #[test]
    fn what_was_deleted_is_not_missed() {
        let mut known = KnownObjects::default();
        known.start_list();
        known.see(&row("a", "a", "1"));
        known.forget(&row("a", "a", "2"));
        known.start_list();
        assert!(known.end_list().is_empty());
    }
}
