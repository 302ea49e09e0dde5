//! The JSON of an Event, written without a tree: there are half a dozen Events in the life of a pod.

use serde::Serialize;

use super::{Report, Reporter};
use crate::clock::Clock;
use crate::store::Members;

/// `corev1.Event` without its metadata.
#[derive(Debug)]
pub(super) struct Event<'a> {
    report: &'a Report<'a>,
    involved: Involved<'a>,
    /// `metav1.Time`, or `metav1.MicroTime` for the new recorder.
    now: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Involved<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
    api_version: String,
    resource_version: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    field_path: &'a str,
}

#[derive(Debug, Default, Serialize)]
struct Source<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    component: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    host: &'a str,
}

impl<'a> Event<'a> {
    pub(super) fn new(report: &'a Report<'a>, clock: Clock) -> Self {
        let about = report.about;
        let involved = Involved {
            kind: &about.kind.kind,
            namespace: &about.namespace,
            name: &about.name,
            uid: &about.uid,
            api_version: about.kind.api_version(),
            resource_version: about.resource_version.to_string(),
            field_path: report.field_path.unwrap_or_default(),
        };
        let is_new = matches!(report.reporter, Reporter::Scheduler(_));
        Self { report, involved, now: if is_new { clock.micros() } else { clock.seconds() } }
    }

    fn kind(&self) -> &'static str {
        if self.report.warning { "Warning" } else { "Normal" }
    }

    pub(super) fn write(&self, members: &mut Members) {
        let (component, instance) = self.report.reporter.names();
        members.put("involvedObject", &self.involved);
        members.put("reason", self.report.reason);
        members.put("message", self.report.message);
        members.put("type", self.kind());
        if let Reporter::Scheduler(action) = self.report.reporter {
            members.put("source", &Source::default());
            members.put("firstTimestamp", &());
            members.put("lastTimestamp", &());
            members.put("eventTime", &self.now);
            members.put("action", action);
            members.put("reportingComponent", component);
            members.put("reportingInstance", "default-scheduler-sim");
            return;
        }
        members.put("source", &Source { component, host: instance });
        members.put("firstTimestamp", &self.now);
        members.put("lastTimestamp", &self.now);
        members.put("count", &1);
        members.put("eventTime", &());
        members.put("reportingComponent", component);
        members.put("reportingInstance", instance);
    }

    /// The value of a selectable field.
    pub(super) fn field(&self, label: &str) -> &str {
        let (component, _) = self.report.reporter.names();
        let is_new = matches!(self.report.reporter, Reporter::Scheduler(_));
        match label {
            "involvedObject.kind" => self.involved.kind,
            "involvedObject.namespace" => self.involved.namespace,
            "involvedObject.name" => self.involved.name,
            "involvedObject.uid" => self.involved.uid,
            "involvedObject.apiVersion" => &self.involved.api_version,
            "involvedObject.resourceVersion" => &self.involved.resource_version,
            "involvedObject.fieldPath" => self.involved.field_path,
            "reason" => self.report.reason,
            "reportingComponent" => component,
            "source" if !is_new => component,
            "source" => "",
            "type" => self.kind(),
            _ => "",
        }
    }
}
