//! What a plugin says about itself.
//!
//! The host refuses instruments, columns and requests that the manifest does not announce: a typo is an error
//! when the plugin is loaded, not an empty column in a report.

use serde::Serialize;

/// The manifest; made by [`Manifest::workload`] or [`Manifest::measurement`] and widened step by step.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    kinds: Vec<&'static str>,
    permissions: Permissions,
    metrics: Vec<Instrument>,
    tables: Vec<Table>,
}

#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Permissions {
    kubernetes: Vec<Rule>,
    prometheus: bool,
    raw: bool,
    proxy: Vec<&'static str>,
}

/// Verbs on resources, as in an RBAC rule; in the namespaces that the run made unless widened.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    api_groups: Vec<&'static str>,
    resources: Vec<&'static str>,
    verbs: Vec<&'static str>,
    namespaces: &'static str,
}

impl Rule {
    /// `group` `""` is the core group and `*` any; `resource` is a plural or `*`.
    pub fn new(group: &'static str, resource: &'static str, verbs: &[&'static str]) -> Self {
        Self { api_groups: vec![group], resources: vec![resource], verbs: verbs.to_vec(), namespaces: "run" }
    }

    /// Everywhere, and for resources that are not in a namespace.
    pub fn everywhere(mut self) -> Self {
        self.namespaces = "all";
        self
    }
}

#[derive(Debug, Clone, Serialize)]
struct Instrument {
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    description: &'static str,
    labels: Vec<&'static str>,
}

#[derive(Debug, Clone, Serialize)]
struct Table {
    name: &'static str,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, Serialize)]
struct Column {
    name: &'static str,
    unit: &'static str,
}

impl Manifest {
    /// A plugin that makes load; `version` is usually `env!("CARGO_PKG_VERSION")`.
    pub fn workload(name: &'static str, version: &'static str, description: &'static str) -> Self {
        Self::of("workload", name, version, description)
    }

    /// A plugin that measures.
    pub fn measurement(name: &'static str, version: &'static str, description: &'static str) -> Self {
        Self::of("measurement", name, version, description)
    }

    fn of(kind: &'static str, name: &'static str, version: &'static str, description: &'static str) -> Self {
        let (permissions, metrics, tables) = Default::default();
        Self { name, version, description, kinds: vec![kind], permissions, metrics, tables }
    }

    /// Asks for requests to the cluster.
    pub fn allow(mut self, rule: Rule) -> Self {
        self.permissions.kubernetes.push(rule);
        self
    }

    /// Asks for queries to the scenario's Prometheus endpoints.
    pub fn allow_prometheus(mut self) -> Self {
        self.permissions.prometheus = true;
        self
    }

    /// Asks for whole objects as JSON in watch events.
    pub fn allow_raw(mut self) -> Self {
        self.permissions.raw = true;
        self
    }

    /// Asks for a proxy target, as in `wit/deps/cluster/proxy.wit`; a `*` at the end matches the rest.
    pub fn allow_proxy(mut self, target: &'static str) -> Self {
        self.permissions.proxy.push(target);
        self
    }

    /// Announces a histogram; `unit` is UCUM: `ns`, `By`, `1`.
    pub fn histogram(
        self,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        labels: &[&'static str],
    ) -> Self {
        self.instrument("histogram", name, unit, description, labels)
    }

    /// Announces a counter.
    pub fn counter(
        self,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        labels: &[&'static str],
    ) -> Self {
        self.instrument("counter", name, unit, description, labels)
    }

    /// Announces a gauge.
    pub fn gauge(
        self,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        labels: &[&'static str],
    ) -> Self {
        self.instrument("gauge", name, unit, description, labels)
    }

    fn instrument(
        mut self,
        kind: &'static str,
        name: &'static str,
        unit: &'static str,
        description: &'static str,
        labels: &[&'static str],
    ) -> Self {
        self.metrics.push(Instrument { name, kind, unit, description, labels: labels.to_vec() });
        self
    }

    /// Announces a table with columns of (name, unit); the unit `text` makes a text column.
    pub fn table(mut self, name: &'static str, columns: &[(&'static str, &'static str)]) -> Self {
        let columns = columns.iter().map(|&(name, unit)| Column { name, unit }).collect();
        self.tables.push(Table { name, columns });
        self
    }

    /// The JSON that the host reads.
    pub fn to_json(&self) -> String {
        // Strings and booleans only: nothing in it can fail to serialize.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_reads_what_the_builder_writes() {
        let json = Manifest::measurement("node-ready", "1.2.3", "Times nodes.")
            .allow(Rule::new("", "nodes", &["list", "watch"]).everywhere())
            .allow_proxy("nodes/*")
            .histogram("ready", "ns", "Until ready.", &["zone"])
            .table("nodes", &[("node", "text"), ("ready", "ns")])
            .to_json();
        let read: bench_model::Manifest = serde_json::from_str(&json).expect("the host's form");
        assert_eq!(read.kinds, [bench_model::PluginKind::Measurement]);
        assert!(read.permissions.kubernetes[0].covers("", "nodes", bench_model::Verb::Watch));
        assert_eq!(read.permissions.kubernetes[0].namespaces, bench_model::NamespaceScope::All);
        assert_eq!(read.metrics[0].labels, ["zone"]);
        assert_eq!(read.tables[0].columns[1].unit, "ns");
    }
}
