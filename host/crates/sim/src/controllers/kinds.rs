//! The kinds that controllers work with, looked up once.

use crate::registry::{KindId, KindRef};
use crate::store::Store;

macro_rules! kinds {
    ($($(#[$doc:meta])* $field:ident $variant:ident $group:literal $plural:literal;)*) => {
        /// Handles of all kinds that some controller reads or writes.
        #[derive(Debug, Clone)]
        pub(crate) struct Kinds { $(pub(crate) $field: KindRef,)* }

        /// Which of them a change is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Known { $($variant,)* }

        impl Kinds {
            /// Looks the kinds up; `None` when the registry lacks a built-in one.
            pub(crate) fn find(store: &Store) -> Option<Self> {
                Some(Self { $($field: store.kind($group, $plural)?,)* })
            }

            /// Says which known kind this is.
            pub(crate) fn which(&self, id: KindId) -> Option<Known> {
                $(if self.$field.id == id { return Some(Known::$variant); })*
                None
            }
        }
    };
}

kinds! {
    pods Pod "" "pods";
    nodes Node "" "nodes";
    namespaces Namespace "" "namespaces";
    config_maps ConfigMap "" "configmaps";
    service_accounts ServiceAccount "" "serviceaccounts";
    services Service "" "services";
    endpoints Endpoints "" "endpoints";
    endpoint_slices EndpointSlice "discovery.k8s.io" "endpointslices";
    events Event "" "events";
    leases Lease "coordination.k8s.io" "leases";
    claims Claim "" "persistentvolumeclaims";
    volumes Volume "" "persistentvolumes";
    storage_classes StorageClass "storage.k8s.io" "storageclasses";
    replica_sets ReplicaSet "apps" "replicasets";
    deployments Deployment "apps" "deployments";
    stateful_sets StatefulSet "apps" "statefulsets";
    daemon_sets DaemonSet "apps" "daemonsets";
    revisions ControllerRevision "apps" "controllerrevisions";
    jobs Job "batch" "jobs";
    priority_classes PriorityClass "scheduling.k8s.io" "priorityclasses";
    definitions Definition "apiextensions.k8s.io" "customresourcedefinitions";
}
