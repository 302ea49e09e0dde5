//! Events, as upstream's recorders write them.
//!
//! Controllers and kubelet use the old recorder (`count`, `firstTimestamp`, `source`), the scheduler the new one
//! (`eventTime`, `series`, `action`). The same Event again raises the count instead of making another object.
//! Events expire after the time to live and never exceed a number, the oldest going first. A refused write (the
//! namespace is being deleted) is dropped, as upstream.

mod wire;

use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::settings::EventSettings;
use crate::registry::KindRef;
use crate::store::{Members, Object, Store};

/// Who reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reporter<'a> {
    /// A controller, by its component name.
    Controller(&'a str),
    /// kubelet of a node.
    Kubelet(&'a str),
    /// The scheduler, with the action.
    Scheduler(&'a str),
}

impl<'a> Reporter<'a> {
    /// The component, and the node it runs on if it runs on one.
    fn names(self) -> (&'a str, &'a str) {
        match self {
            Reporter::Controller(component) => (component, ""),
            Reporter::Kubelet(node) => ("kubelet", node),
            Reporter::Scheduler(_) => ("default-scheduler", ""),
        }
    }
}

/// What is reported.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report<'a> {
    pub(crate) about: &'a Object,
    /// For example `spec.containers{app}`.
    pub(crate) field_path: Option<&'a str>,
    pub(crate) warning: bool,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
    pub(crate) reporter: Reporter<'a>,
}

/// The recorder of all components.
#[derive(Debug)]
pub(crate) struct Events {
    store: Store,
    kind: KindRef,
    settings: EventSettings,
    /// Events that a repetition adds to, by what makes them equal.
    known: HashMap<u64, (Arc<str>, Arc<str>)>,
    /// All Events made, oldest first.
    kept: VecDeque<(Instant, u64, Arc<str>, Arc<str>)>,
    sequence: u64,
}

impl Events {
    pub(crate) fn new(store: Store, kind: KindRef, settings: EventSettings) -> Self {
        Self { store, kind, settings, known: HashMap::new(), kept: VecDeque::new(), sequence: 0 }
    }

    /// Writes an Event, or raises the count of the one that says the same.
    pub(crate) fn record(&mut self, report: Report<'_>) {
        if !self.settings.enabled || self.settings.at_most == 0 {
            return;
        }
        let identity = identity(&report);
        if let Some((namespace, name)) = self.known.get(&identity).cloned()
            && self.repeat(&namespace, &name).is_some()
        {
            return;
        }
        self.make(&report, identity);
    }

    /// Removes what has expired; returns when to call again.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<Instant> {
        while let Some((made, ..)) = self.kept.front() {
            let at = *made + self.settings.ttl;
            if at > now {
                return Some(at);
            }
            self.drop_oldest();
        }
        None
    }

    fn make(&mut self, report: &Report<'_>, identity: u64) {
        let clock = self.store.clock();
        let now = clock.instant();
        let namespace = if report.about.namespace.is_empty() { "default" } else { &report.about.namespace };
        self.sequence += 1;
        let nanos = clock.now().as_nanosecond() + i128::from(self.sequence % 1000);
        let name = format!("{}.{nanos:x}", report.about.name);
        let event = wire::Event::new(report, clock);
        let write = |members: &mut Members| event.write(members);
        let made = self.store.insert(&self.kind, namespace, &name, write, |label| event.field(label).into());
        let Ok(made) = made else { return };
        let (namespace, name) = (made.namespace.clone(), made.name.clone());
        self.known.insert(identity, (namespace.clone(), name.clone()));
        self.kept.push_back((now, identity, namespace, name));
        if self.kept.len() > self.settings.at_most {
            self.drop_oldest();
        }
    }

    fn repeat(&self, namespace: &str, name: &str) -> Option<()> {
        let clock = self.store.clock();
        let event = self.store.get(&self.kind, namespace, name)?;
        let written = self.store.edit(&event, |event| {
            if event.member("eventTime").is_string() {
                let count = event.map("series").get("count").and_then(Value::as_i64).unwrap_or(1);
                *event.member("series") = json!({ "count": count + 1, "lastObservedTime": clock.micros() });
            } else {
                let count = event.member("count").as_i64().unwrap_or(1);
                *event.member("count") = (count + 1).into();
                *event.member("lastTimestamp") = clock.seconds().into();
            }
        });
        written.ok().map(drop)
    }

    fn drop_oldest(&mut self) {
        let Some((_, identity, namespace, name)) = self.kept.pop_front() else { return };
        if self.known.get(&identity).is_some_and(|(_, known)| *known == name) {
            self.known.remove(&identity);
        }
        // Somebody else may have deleted it, for example with its namespace.
        let _ = self.store.remove_now(&self.kind, &namespace, &name);
    }
}

/// What makes two reports the same Event.
fn identity(report: &Report<'_>) -> u64 {
    let (component, instance) = report.reporter.names();
    let parts = [
        &*report.about.uid,
        report.field_path.unwrap_or_default(),
        report.reason,
        report.message,
        component,
        instance,
    ];
    let mut hash = std::hash::DefaultHasher::new();
    parts.hash(&mut hash);
    hash.finish()
}
