//! Which kinds the server knows: the built-in ones and those that custom resource definitions add.
//!
//! A [`Kind`] says how a resource is named and what it can do (status and scale subresource, generation,
//! selectable fields). It holds no objects; those are in `store`. The built-in table is in `builtin`.

mod builtin;

use std::collections::HashMap;
use std::sync::Arc;

use crate::schema::ObjectType;

/// A shared kind. Two handles are the same kind when their ids are equal.
pub type KindRef = Arc<Kind>;

/// Position of a kind in the registry; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindId(pub(crate) u32);

/// One served resource.
#[derive(Debug)]
pub struct Kind {
    /// Identity; stays the same when a definition is updated.
    pub id: KindId,
    /// API group, empty for core.
    pub group: String,
    /// The version that objects are stored in.
    pub version: String,
    /// For example `Pod`.
    pub kind: String,
    /// For example `PodList`.
    pub list_kind: String,
    /// For example `pods`.
    pub plural: String,
    /// For example `pod`.
    pub singular: String,
    /// For example `po`.
    pub short_names: Vec<String>,
    /// For example `all`.
    pub categories: Vec<String>,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Whether `/status` exists, and plain writes leave `status` alone.
    pub has_status: bool,
    /// Whether `metadata.generation` counts changes of what is not metadata or status.
    pub has_generation: bool,
    /// Where the scale subresource finds its numbers.
    pub scale: Option<Scale>,
    /// Field selectors besides `metadata.name` and `metadata.namespace`.
    pub fields: Vec<SelectableField>,
    /// Present for kinds that a custom resource definition made.
    pub custom: Option<Custom>,
    /// `{"kind":"Pod","apiVersion":"v1"`, the beginning of every stored object.
    pub(crate) prefix: String,
    /// The type of built-in objects.
    pub(crate) ty: Option<ObjectType>,
}

/// JSON paths of the scale subresource, as in a custom resource definition (`.spec.replicas`).
#[derive(Debug, Clone)]
pub struct Scale {
    /// Wanted number.
    pub spec_path: String,
    /// Present number.
    pub status_path: String,
    /// Selector; a string for custom resources, a `LabelSelector` or map for built-in ones.
    pub selector_path: Option<String>,
}

/// A field that a field selector may name.
#[derive(Debug, Clone)]
pub struct SelectableField {
    /// As written in the selector, for example `spec.nodeName`.
    pub label: String,
    /// Keys from the top of the object.
    pub path: Vec<String>,
    /// The value an absent field has.
    pub default: &'static str,
}

/// What only custom resources have.
#[derive(Debug)]
pub struct Custom {
    /// All served versions; the stored one may be among them or not.
    pub versions: Vec<CustomVersion>,
}

/// One served version of a custom resource.
#[derive(Debug)]
pub struct CustomVersion {
    /// For example `v1`.
    pub name: String,
    /// `schema.openAPIV3Schema`.
    pub schema: serde_json::Value,
    /// `additionalPrinterColumns`.
    pub columns: Vec<serde_json::Value>,
    pub(crate) ty: ObjectType,
}

impl Kind {
    /// `pods` or `deployments.apps`: how error texts name the resource.
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `v1` or `apps/v1`, of the stored version.
    pub fn api_version(&self) -> String {
        join_version(&self.group, &self.version)
    }

    /// Whether a version is served.
    pub fn serves(&self, version: &str) -> bool {
        match &self.custom {
            Some(custom) => custom.versions.iter().any(|served| served.name == version),
            None => self.version == version,
        }
    }

    /// Whether the kind is this built-in one.
    pub fn is(&self, group: &str, plural: &str) -> bool {
        self.plural == plural && self.group == group
    }

    /// The served versions, the preferred one first.
    pub fn served_versions(&self) -> Vec<String> {
        match &self.custom {
            Some(custom) => custom.versions.iter().map(|served| served.name.clone()).collect(),
            None => vec![self.version.clone()],
        }
    }

    /// The type of the kind's objects in a version.
    pub(crate) fn object_type(&self, version: &str) -> Option<ObjectType> {
        match &self.custom {
            Some(custom) => {
                custom.versions.iter().find(|served| served.name == version).map(|served| served.ty.clone())
            }
            None => self.ty.clone(),
        }
    }

    pub(crate) fn make_prefix(kind: &str, api_version: &str) -> String {
        format!("{{\"kind\":{},\"apiVersion\":{}", quote(kind), quote(api_version))
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Kind {}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `v1` or `group/v1`.
pub(crate) fn join_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// All known kinds, by group and plural name, in the order they were added.
#[derive(Debug)]
pub struct Registry {
    by_name: HashMap<(String, String), KindRef>,
    order: Vec<KindRef>,
    next: u32,
}

impl Registry {
    /// The registry with the built-in kinds.
    pub fn with_builtin() -> Self {
        let mut registry = Self { by_name: HashMap::new(), order: Vec::new(), next: 0 };
        for row in builtin::TABLE {
            let id = registry.next_id();
            registry.put(row.to_kind(id));
        }
        registry
    }

    pub(crate) fn next_id(&mut self) -> KindId {
        let id = KindId(self.next);
        self.next += 1;
        id
    }

    /// Adds a kind, or replaces the one of the same group and plural name.
    pub(crate) fn put(&mut self, kind: Kind) -> KindRef {
        let kind = Arc::new(kind);
        let key = (kind.group.clone(), kind.plural.clone());
        if self.by_name.insert(key, kind.clone()).is_some() {
            self.order.retain(|known| known.group != kind.group || known.plural != kind.plural);
        }
        self.order.push(kind.clone());
        kind
    }

    pub(crate) fn remove(&mut self, kind: &Kind) {
        self.by_name.remove(&(kind.group.clone(), kind.plural.clone()));
        self.order.retain(|known| known.id != kind.id);
    }

    /// Finds a kind by group and plural name.
    pub fn get(&self, group: &str, plural: &str) -> Option<KindRef> {
        self.by_name.get(&(group.to_owned(), plural.to_owned())).cloned()
    }

    /// All kinds.
    pub fn all(&self) -> &[KindRef] {
        &self.order
    }
}
