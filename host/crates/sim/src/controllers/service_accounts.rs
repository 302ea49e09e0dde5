//! The `default` ServiceAccount and the ConfigMap `kube-root-ca.crt` of every namespace.

use serde_json::json;

use super::context::{Context, SyncError};
use super::kinds::Known;
use super::object_key::ObjectKey;
use super::queue::WorkQueue;
use super::{Controller, Seen};
use crate::store::ChangeKind;

const ACCOUNT: &str = "default";
const CONFIG_MAP: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
    endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
    distributions of Kubernetes clusters.";

/// The service account and root CA controllers.
#[derive(Debug)]
pub(super) struct ServiceAccounts {
    queue: WorkQueue<ObjectKey>,
}

impl ServiceAccounts {
    pub(super) fn new() -> Self {
        Self { queue: WorkQueue::new() }
    }
}

impl Controller for ServiceAccounts {
    fn observe(&mut self, seen: Seen<'_>, _context: &Context) {
        let object = &seen.change.object;
        match (seen.known, seen.change.kind) {
            (Some(Known::Namespace), ChangeKind::Added) => self.queue.add(ObjectKey::of(object)),
            (Some(Known::ServiceAccount), ChangeKind::Deleted) if *object.name == *ACCOUNT => {
                self.queue.add(ObjectKey::new("", &object.namespace));
            }
            (Some(Known::ConfigMap), ChangeKind::Deleted) if *object.name == *CONFIG_MAP => {
                self.queue.add(ObjectKey::new("", &object.namespace));
            }
            _ => {}
        }
    }

    fn queue(&mut self) -> &mut WorkQueue<ObjectKey> {
        &mut self.queue
    }

    fn sync(&mut self, key: &ObjectKey, context: &mut Context) -> Result<(), SyncError> {
        let kinds = context.kinds.clone();
        let namespace = context.get(&kinds.namespaces, "", &key.name);
        if namespace.is_none_or(|namespace| namespace.deletion) {
            return Ok(());
        }
        let account = json!({ "metadata": { "name": ACCOUNT } });
        context.ensure(&kinds.service_accounts, &key.name, ACCOUNT, account)?;
        let certificate = context.settings.root_ca.clone();
        let config_map = json!({
            "metadata": { "name": CONFIG_MAP, "annotations": { "kubernetes.io/description": DESCRIPTION } },
            "data": { "ca.crt": certificate },
        });
        context.ensure(&kinds.config_maps, &key.name, CONFIG_MAP, config_map)
    }
}
