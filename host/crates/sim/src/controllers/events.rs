//! Events, as upstream's recorders write them.
//!
//! Controllers and kubelet use the old recorder (`count`, `firstTimestamp`, `source`), the scheduler the new one
//! (`eventTime`, `series`, `action`). The same Event again raises the count instead of making another object.
//! Events expire after the time to live and never exceed a number, the oldest going first. A refused write (the
//! namespace is being deleted) is dropped, as upstream.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::settings::EventSettings;
use crate::clock;
use crate::random::fnv1a;
use crate::registry::KindRef;
use crate::store::{Object, Store};

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
            && self.repeat(&namespace, &name).is_ok()
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
        let now = self.store.clock().instant();
        let namespace = if report.about.namespace.is_empty() { "default" } else { &report.about.namespace };
        self.sequence += 1;
        let nanos = self.store.clock().now().as_nanosecond() + i128::from(self.sequence % 1000);
        let name = format!("{}.{nanos:x}", report.about.name);
        let event = event(report, namespace, &name, self.store.clock());
        if self.store.create(&self.kind, namespace, event).is_err() {
            return;
        }
        let (namespace, name): (Arc<str>, Arc<str>) = (namespace.into(), name.into());
        self.known.insert(identity, (namespace.clone(), name.clone()));
        self.kept.push_back((now, identity, namespace, name));
        if self.kept.len() > self.settings.at_most {
            self.drop_oldest();
        }
    }

    fn repeat(&self, namespace: &str, name: &str) -> Result<(), crate::status::Status> {
        let clock = self.store.clock();
        let written = self.store.update(&self.kind, namespace, name, |event| {
            if event.get("eventTime").is_some_and(Value::is_string) {
                let count = event.pointer("/series/count").and_then(Value::as_i64).unwrap_or(1);
                let series = json!({ "count": count + 1, "lastObservedTime": clock.micros() });
                set(event, "series", series);
            } else {
                let count = event.get("count").and_then(Value::as_i64).unwrap_or(1);
                set(event, "count", (count + 1).into());
                set(event, "lastTimestamp", clock.seconds().into());
            }
            Ok(())
        });
        written.map(drop)
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

fn set(object: &mut Value, field: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.into(), value);
    }
}

fn identity(report: &Report<'_>) -> u64 {
    let (component, instance) = match report.reporter {
        Reporter::Controller(component) => (component, ""),
        Reporter::Kubelet(node) => ("kubelet", node),
        Reporter::Scheduler(action) => ("default-scheduler", action),
    };
    let parts = [
        &*report.about.uid,
        report.field_path.unwrap_or_default(),
        report.reason,
        report.message,
        component,
        instance,
    ];
    fnv1a(parts.join("\0").as_bytes())
}

fn event(report: &Report<'_>, namespace: &str, name: &str, clock: clock::Clock) -> Value {
    let about = report.about;
    let mut involved = json!({
        "kind": about.kind.kind,
        "namespace": about.namespace,
        "name": about.name,
        "uid": about.uid,
        "apiVersion": about.kind.api_version(),
        "resourceVersion": about.resource_version.to_string(),
    });
    if about.namespace.is_empty() {
        involved.as_object_mut().map(|fields| fields.remove("namespace"));
    }
    if let Some(path) = report.field_path {
        set(&mut involved, "fieldPath", path.into());
    }
    let kind = if report.warning { "Warning" } else { "Normal" };
    let mut event = json!({
        "metadata": { "name": name, "namespace": namespace },
        "involvedObject": involved,
        "reason": report.reason,
        "message": report.message,
        "type": kind,
    });
    let (component, instance) = match report.reporter {
        Reporter::Controller(component) => (component, ""),
        Reporter::Kubelet(node) => ("kubelet", node),
        Reporter::Scheduler(action) => {
            set(&mut event, "source", json!({}));
            set(&mut event, "firstTimestamp", Value::Null);
            set(&mut event, "lastTimestamp", Value::Null);
            set(&mut event, "eventTime", clock.micros().into());
            set(&mut event, "action", action.into());
            set(&mut event, "reportingComponent", "default-scheduler".into());
            set(&mut event, "reportingInstance", "default-scheduler-sim".into());
            return event;
        }
    };
    let mut source = json!({ "component": component });
    if !instance.is_empty() {
        set(&mut source, "host", instance.into());
    }
    let now = clock.seconds();
    set(&mut event, "source", source);
    set(&mut event, "firstTimestamp", now.clone().into());
    set(&mut event, "lastTimestamp", now.into());
    set(&mut event, "count", 1.into());
    set(&mut event, "eventTime", Value::Null);
    set(&mut event, "reportingComponent", component.into());
    set(&mut event, "reportingInstance", instance.into());
    event
}
