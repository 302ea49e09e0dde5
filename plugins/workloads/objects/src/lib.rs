//! Workload `objects`: creates objects from templates, waits for them, deletes them.
//!
//! Everything that decides is an ordinary function and tested natively: the order of calls ([`order`]), values of
//! parameters ([`params`]), names of namespaces ([`namespaces`]), what is waited for ([`goals`]).
//! What talks to the host is [`setup`], [`run`], [`delete`].
//! The host paces, sends, records and cleans up.

pub mod config;
pub mod delete;
pub mod goals;
pub mod namespaces;
pub mod order;
pub mod params;
pub mod run;
pub mod setup;

use bench_sdk::{
    Manifest, Plugin, Rule, Workload,
    cluster::ResourceRef,
    load::{Queue, Template},
};

use crate::{config::Config, namespaces::Names, params::Source};

/// The plugin, ready to make load.
#[derive(Debug)]
pub struct Objects {
    config: Config,
    /// This instance and how many there are.
    instance: (u32, u32),
    names: Names,
    /// One for each of `create.objects`.
    prepared: Vec<Prepared>,
    /// By name.
    queues: Vec<(String, Queue)>,
}

/// What is known of a template once it is compiled.
#[derive(Debug)]
pub struct Prepared {
    sources: Vec<Source>,
    /// Its namespace is empty for cluster-scoped objects and for those in the job's namespaces.
    target: ResourceRef,
    /// One for all namespaces, which are a parameter of it.
    template: Template,
    /// Selects what the template makes, not what controllers make of it.
    selector: String,
    name_prefix: String,
}

impl Prepared {
    /// Whether its objects go to the job's namespaces.
    fn is_in_namespaces(&self) -> bool {
        self.sources.contains(&Source::Namespace)
    }
}

const VERBS: &[&str] = &["create", "get", "list", "watch", "patch", "delete"];
/// Cluster-scoped kinds that benchmarks make; scenarios may narrow the grant.
const CLUSTER_SCOPED: [(&str, &str); 6] = [
    ("", "persistentvolumes"),
    ("storage.k8s.io", "storageclasses"),
    ("scheduling.k8s.io", "priorityclasses"),
    ("rbac.authorization.k8s.io", "clusterroles"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
];

impl Plugin for Objects {
    fn manifest() -> Manifest {
        let manifest = Manifest::workload(
            "objects",
            env!("CARGO_PKG_VERSION"),
            "Creates objects from templates, waits for them, deletes them",
        )
        .allow(Rule::new("*", "*", VERBS))
        .allow(Rule::new("", "namespaces", &["create", "get", "list", "watch", "delete"]).everywhere());
        CLUSTER_SCOPED.iter().fold(manifest, |manifest, &(group, plural)| {
            manifest.allow(Rule::new(group, plural, VERBS).everywhere())
        })
    }

    fn config_schema() -> String {
        config::SCHEMA.to_owned()
    }
}

impl Workload for Objects {
    type Config = Config;

    fn setup(config: Config) -> Result<Self, String> {
        setup::setup(config)
    }

    fn run(&mut self) -> Result<(), String> {
        run::run(self)
    }
}

bench_sdk::export_workload!(Objects);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_one_that_the_host_reads() {
        let manifest: bench_model::Manifest =
            bench_sdk::serde_json::from_str(&Objects::manifest().to_json()).expect("the host's form");
        assert_eq!(manifest.kinds, [bench_model::PluginKind::Workload]);
        let asks = |group, plural, verb| {
            manifest.permissions.kubernetes.iter().filter(|rule| rule.covers(group, plural, verb)).count()
        };
        assert_eq!(asks("apps", "deployments", bench_model::Verb::Create), 1);
        assert_eq!(asks("", "namespaces", bench_model::Verb::Delete), 2);
        assert_eq!(asks("", "pods", bench_model::Verb::DeleteCollection), 0);
    }
}
