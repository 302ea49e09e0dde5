//! An object that is being changed, of which only the members that are looked at are parsed.
//!
//! The cluster's own components change a status or some metadata of objects that are valid already; parsing, checking
//! and writing the whole object each time was most of the cost of a simulated pod. Clients' writes do not come here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Object;
use crate::admission;

/// A change of an object that has not been written yet.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    object: &'a Object,
    touched: BTreeMap<&'static str, Touched>,
}

#[derive(Debug)]
struct Touched {
    before: Value,
    after: Value,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(object: &'a Object) -> Self {
        Self { object, touched: BTreeMap::new() }
    }

    /// The object as it is stored.
    pub(crate) fn object(&self) -> &'a Object {
        self.object
    }

    /// A member, to read and to change; `null` stands for absence.
    pub(crate) fn member(&mut self, name: &'static str) -> &mut Value {
        let touched = self.touched.entry(name).or_insert_with(|| {
            let before = self.object.member_value(name);
            Touched { after: before.clone(), before }
        });
        &mut touched.after
    }

    /// A member that is a JSON object; made when it is absent.
    pub(crate) fn map(&mut self, name: &'static str) -> &mut Map<String, Value> {
        admission::map(self.member(name))
    }

    pub(crate) fn metadata(&mut self) -> &mut Map<String, Value> {
        self.map("metadata")
    }

    pub(crate) fn status(&mut self) -> &mut Map<String, Value> {
        self.map("status")
    }

    pub(super) fn touches(&self, name: &str) -> bool {
        self.touched.contains_key(name)
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.touched.values().any(|touched| touched.after != touched.before)
    }

    /// The changed object with a version.
    pub(super) fn finish(mut self, version: u64) -> Object {
        if self.touched.contains_key("metadata") {
            let metadata = self.metadata();
            metadata.insert("resourceVersion".into(), version.to_string().into());
            admission::order_metadata(metadata);
        }
        let changed: Vec<(&str, &Value)> =
            self.touched.iter().map(|(name, touched)| (*name, &touched.after)).collect();
        self.object.with_members(&changed, version)
    }
}
