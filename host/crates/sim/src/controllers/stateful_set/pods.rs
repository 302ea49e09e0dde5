//! What is done to the pods of a StatefulSet: made, replaced and deleted, in their order where that is asked for.

use serde_json::{Value, json};

use super::{Sync, ordinal};
use crate::controllers::context::{Context, SyncError};
use crate::controllers::pod_template::{pod_from, set_metadata};
use crate::controllers::pods::Pod;
use crate::controllers::revisions::HASH_LABEL;

impl Sync {
    pub(super) fn act(&mut self, context: &mut Context) -> Result<(), SyncError> {
        let ordered = self.wire.spec.pod_management_policy != "Parallel";
        let start = self.wire.spec.ordinals.start;
        let end = start.saturating_add(self.wire.spec.replicas);
        let now = context.clock.now();
        for ordinal in start..end {
            let name = format!("{}-{ordinal}", self.set.name);
            let pod = self.pods.iter().find(|pod| pod.name() == name).cloned();
            let healthy = match pod {
                None => {
                    self.create(ordinal, &name, context)?;
                    false
                }
                Some(pod) if pod.is_terminal() && !pod.object.deletion => {
                    // A pod that has ended is replaced under the same name.
                    self.delete(&pod, context)?;
                    false
                }
                Some(pod) => !pod.object.deletion && pod.is_available(self.wire.spec.min_ready_seconds, now),
            };
            if ordered && !healthy {
                return Ok(());
            }
        }
        self.shrink(start, end, ordered, context)?;
        self.update(start, end, ordered, context)
    }

    /// Deletes pods beyond the wished number, the highest first.
    fn shrink(
        &mut self,
        start: u32,
        end: u32,
        ordered: bool,
        context: &mut Context,
    ) -> Result<(), SyncError> {
        let mut surplus: Vec<_> = self
            .pods
            .iter()
            .filter_map(|pod| Some((ordinal(&self.set, pod)?, pod.clone())))
            .filter(|(ordinal, _)| *ordinal >= end || *ordinal < start)
            .collect();
        surplus.sort_by_key(|(ordinal, _)| std::cmp::Reverse(*ordinal));
        for (_, pod) in surplus {
            if !pod.object.deletion {
                self.delete(&pod, context)?;
            }
            if ordered {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Replaces pods of an older revision, the highest first.
    fn update(
        &mut self,
        start: u32,
        end: u32,
        ordered: bool,
        context: &mut Context,
    ) -> Result<(), SyncError> {
        if self.wire.spec.update_strategy.kind == "OnDelete" {
            return Ok(());
        }
        let now = context.clock.now();
        let partition =
            self.wire.spec.update_strategy.rolling_update.as_ref().map_or(0, |rolling| rolling.partition);
        let first = partition.max(start);
        let beyond: Vec<_> = self
            .pods
            .iter()
            .filter(|pod| ordinal(&self.set, pod).is_some_and(|ordinal| ordinal >= end))
            .collect();
        if ordered && !beyond.is_empty() {
            return Ok(());
        }
        for ordinal in (first..end).rev() {
            let name = format!("{}-{ordinal}", self.set.name);
            let Some(pod) = self.pods.iter().find(|pod| pod.name() == name).cloned() else { return Ok(()) };
            if pod.object.label(HASH_LABEL) != Some(&self.update) {
                if !pod.object.deletion {
                    self.delete(&pod, context)?;
                }
                return Ok(());
            }
            if !pod.is_available(self.wire.spec.min_ready_seconds, now) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn create(&mut self, ordinal: u32, name: &str, context: &mut Context) -> Result<(), SyncError> {
        let set = self.set.clone();
        let mut pod = pod_from(&self.wire.spec.template, &set, name, &format!("{}-", set.name));
        set_metadata(&mut pod, "labels", "statefulset.kubernetes.io/pod-name", name);
        set_metadata(&mut pod, "labels", "apps.kubernetes.io/pod-index", &ordinal.to_string());
        let revision = self.update.clone();
        set_metadata(&mut pod, "labels", HASH_LABEL, &revision);
        let mut volumes = Vec::new();
        for template in &self.wire.spec.volume_claim_templates {
            let volume = template.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            let claim_name = format!("{volume}-{name}");
            let mut claim = template.clone();
            if let Some(metadata) = claim.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("name".into(), claim_name.as_str().into());
            }
            for (key, value) in &self.wire.spec.selector.match_labels {
                set_metadata(&mut claim, "labels", key, value);
            }
            if let Some(fields) = claim.as_object_mut() {
                fields.remove("status");
            }
            let kind = context.kinds.claims.clone();
            context.ensure(&kind, &set.namespace, &claim_name, claim)?;
            volumes.push(json!({ "name": volume, "persistentVolumeClaim": { "claimName": claim_name } }));
        }
        if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
            spec.entry("hostname").or_insert_with(|| name.into());
            if !self.wire.spec.service_name.is_empty() {
                spec.entry("subdomain").or_insert_with(|| self.wire.spec.service_name.as_str().into());
            }
            let list = spec.entry("volumes").or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.retain(|present| {
                    !volumes.iter().any(|volume| volume.get("name") == present.get("name"))
                });
                list.extend(volumes);
            }
        }
        let kind = context.kinds.pods.clone();
        context.create(&kind, &set.namespace, pod)?;
        let message = format!("create Pod {name} in StatefulSet {} successful", set.name);
        self.tell("SuccessfulCreate", &message, context);
        Ok(())
    }

    fn delete(&mut self, pod: &Pod, context: &mut Context) -> Result<(), SyncError> {
        context.delete(&pod.object, None)?;
        let message = format!("delete Pod {} in StatefulSet {} successful", pod.name(), self.set.name);
        self.tell("SuccessfulDelete", &message, context);
        Ok(())
    }
}
