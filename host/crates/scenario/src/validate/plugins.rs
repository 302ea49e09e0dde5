//! `plugins:` and `measurements:`.

use std::{collections::BTreeMap, path::PathBuf};

use bench_model::{NamespaceScope, PluginName, Rule, Verb};
use bench_template::yaml::{Entry, Node, Span, Value};

use crate::{
    ConfigBlock, Grants, KubernetesGrant, MeasurementUse, Mistake, PluginLimits, PluginSource, PluginUse,
    ProxyGrant, ScenarioFile,
    fields::{Fields, Report},
    value,
};

/// Names that must be unique.
pub(super) struct Names {
    what: &'static str,
    help: &'static str,
    seen: BTreeMap<String, Span>,
}

impl Names {
    pub(super) fn new(what: &'static str, help: &'static str) -> Self {
        Self { what, help, seen: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, name: &str, span: &Span, report: &mut Report) {
        if let Some(first) = self.seen.get(name) {
            let (what, help, first) = (self.what, self.help, first.clone());
            report.add(span, Mistake::DuplicateName { what, name: name.to_owned(), help, first });
            return;
        }
        self.seen.insert(name.to_owned(), span.clone());
    }
}

/// The plugins, and all names declared: one that is wrong elsewhere is still declared.
pub(super) struct Plugins {
    pub(super) used: BTreeMap<PluginName, PluginUse>,
    declared: Vec<String>,
}

impl Plugins {
    /// The plugin that a job or a measurement names.
    pub(super) fn find(&self, node: &Node, user: &str, report: &mut Report) -> Option<PluginName> {
        let plugin = value::text(node, "plugin", report)?;
        if !self.declared.iter().any(|declared| declared == plugin) {
            let (user, plugin) = (user.to_owned(), plugin.to_owned());
            report.add(&node.span, Mistake::UnknownPlugin { user, plugin, declared: self.declared.clone() });
            return None;
        }
        PluginName::parse(plugin).ok()
    }
}

pub(super) fn plugins(fields: &mut Fields<'_>, report: &mut Report) -> Plugins {
    let help = "write for example `plugins: { objects: { from: builtin:objects } }`";
    let mut plugins = Plugins { used: BTreeMap::new(), declared: Vec::new() };
    fields.required("plugins", help, report);
    let Some(entry) = fields.entry("plugins") else { return plugins };
    let Some(entries) = entry.value.as_map() else {
        let found = entry.value.type_name().to_owned();
        let mistake =
            Mistake::WrongType { key: "`plugins`".to_owned(), expected: "a mapping".to_owned(), found };
        report.add(if entry.value.span.is_empty() { &entry.key.span } else { &entry.value.span }, mistake);
        return plugins;
    };
    for entry in entries {
        plugins.declared.push(entry.key.text.clone());
        let name = PluginName::parse(&entry.key.text);
        let name = name.map_err(|error| report.add(&entry.key.span, Mistake::Name(error))).ok();
        if let (Some(name), Some(plugin)) = (name, plugin(entry, report)) {
            plugins.used.insert(name, plugin);
        }
    }
    plugins
}

fn plugin(entry: &Entry, report: &mut Report) -> Option<PluginUse> {
    let within = format!("plugin `{}`", entry.key.text);
    let mut fields = Fields::of(&entry.value, &within, &entry.key.span, report)?;
    let from = fields.required("from", "write for example `from: builtin:objects`", report);
    let from = from.and_then(|node| source(node, report));
    let allow = fields.optional("allow").map(|node| grants(node, report));
    let limits = fields.entry("limits").map_or_else(PluginLimits::default, |entry| limits(entry, report));
    fields.finish(report);
    let from = from?;
    let allow = allow.unwrap_or_else(|| match from {
        PluginSource::Builtin(_) => Grants::as_asked(),
        PluginSource::File(_) => Grants::nothing(),
    });
    Some(PluginUse { from, allow, limits })
}

fn source(node: &Node, report: &mut Report) -> Option<PluginSource> {
    let text = value::text(node, "from", report)?;
    if let Some(name) = text.strip_prefix("builtin:").filter(|name| !name.is_empty()) {
        return Some(PluginSource::Builtin(name.to_owned()));
    }
    if text.starts_with("oci://") {
        let what = "`oci://` as a source of plugins".to_owned();
        let help = "download the component and use its path: `from: ./plugin.wasm`".to_owned();
        report.add(&node.span, Mistake::NotSupported { what, help });
        return None;
    }
    let file = text.strip_prefix("file:").filter(|path| !path.is_empty());
    let is_path = ["./", "../", "/"].iter().any(|start| text.starts_with(start));
    let path = file.or_else(|| is_path.then_some(text));
    if path.is_none() {
        report.add(&node.span, Mistake::PluginSource { found: text.to_owned() });
    }
    path.map(|path| PluginSource::File(PathBuf::from(path)))
}

fn limits(entry: &Entry, report: &mut Report) -> PluginLimits {
    let mut limits = PluginLimits::default();
    let Some(mut fields) = Fields::of(&entry.value, "`limits`", &entry.key.span, report) else {
        return limits;
    };
    if let Some(bytes) = fields.optional("memory").and_then(|node| value::bytes(node, "memory", report)) {
        limits.memory_bytes = bytes;
    }
    let millis = fields.optional("callMillis");
    if let Some(millis) = millis.and_then(|node| value::integer(node, "callMillis", 1, 600_000, report)) {
        limits.call_millis = millis;
    }
    fields.finish(report);
    limits
}

/// The words that `allow` knows; `kubernetes` and `proxy` may also be keys with rules or targets.
const ALLOW: &[&str] = &["kubernetes", "prometheus", "raw", "proxy"];

fn grants(node: &Node, report: &mut Report) -> Grants {
    let mut grants = Grants::nothing();
    for item in value::list(node, "allow", report).unwrap_or_default() {
        match &item.value {
            Value::Map(_) => detailed_grant(item, &mut grants, report),
            Value::Text { text, .. } => match text.as_str() {
                "kubernetes" => grants.kubernetes = KubernetesGrant::AsAsked,
                "prometheus" => grants.prometheus = true,
                "raw" => grants.raw = true,
                "proxy" => grants.proxy = ProxyGrant::AsAsked,
                _ => {
                    let known = ALLOW.iter().map(|word| (*word).to_owned()).collect();
                    report.add(
                        &item.span,
                        Mistake::UnknownWord { what: "a right".to_owned(), found: text.clone(), known },
                    );
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => {
                let (expected, found) =
                    ("a right such as `kubernetes`".to_owned(), item.type_name().to_owned());
                report.add(&item.span, Mistake::WrongType { key: "`allow`".to_owned(), expected, found });
            }
        }
    }
    grants
}

fn detailed_grant(item: &Node, grants: &mut Grants, report: &mut Report) {
    let Some(mut fields) = Fields::of_item(item, "`allow`", report) else { return };
    if let Some(node) = fields.optional("kubernetes") {
        let rules = value::list(node, "kubernetes", report).unwrap_or_default();
        grants.kubernetes =
            KubernetesGrant::Rules(rules.iter().filter_map(|rule| self::rule(rule, report)).collect());
    }
    if let Some(targets) = fields.optional("proxy").and_then(|node| value::texts(node, "proxy", report)) {
        grants.proxy = ProxyGrant::Targets(targets);
    }
    fields.finish(report);
}

fn rule(node: &Node, report: &mut Report) -> Option<Rule> {
    let mut fields = Fields::of_item(node, "a rule", report)?;
    let groups = fields.required("apiGroups", "write `apiGroups: [\"\"]` for the core group", report);
    let api_groups = groups.and_then(|node| value::texts(node, "apiGroups", report));
    let resources = fields.required("resources", "write for example `resources: [pods]`", report);
    let resources = resources.and_then(|node| value::texts(node, "resources", report));
    let verbs = fields.required("verbs", "write for example `verbs: [create, delete]`", report);
    let verbs = verbs.and_then(|node| self::verbs(node, report));
    let namespaces = fields.optional("namespaces").map(|node| scope(node, report));
    fields.finish(report);
    let namespaces = namespaces.unwrap_or(Some(NamespaceScope::Run))?;
    Some(Rule { api_groups: api_groups?, resources: resources?, verbs: verbs?, namespaces })
}

fn verbs(node: &Node, report: &mut Report) -> Option<Vec<Verb>> {
    const VERBS: [Verb; 8] = [
        Verb::Get,
        Verb::List,
        Verb::Watch,
        Verb::Create,
        Verb::Update,
        Verb::Patch,
        Verb::Delete,
        Verb::DeleteCollection,
    ];
    let words = VERBS.map(|verb| (verb.as_str(), verb));
    let items = value::list(node, "verbs", report)?;
    let verbs: Vec<Verb> =
        items.iter().filter_map(|item| value::word(item, "verbs", "a verb", &words, report)).collect();
    (verbs.len() == items.len()).then_some(verbs)
}

/// `run`, `all`, or a list of names.
fn scope(node: &Node, report: &mut Report) -> Option<NamespaceScope> {
    if node.as_list().is_some() {
        return value::texts(node, "namespaces", report).map(NamespaceScope::Named);
    }
    let is_all =
        value::word(node, "namespaces", "a scope of namespaces", &[("run", false), ("all", true)], report)?;
    Some(if is_all { NamespaceScope::All } else { NamespaceScope::Run })
}

/// The measurements, and where their names stand.
pub(super) struct Measurements {
    pub(super) used: Vec<MeasurementUse>,
    pub(super) names: Vec<(String, Span)>,
}

pub(super) fn measurements(
    node: Option<&Node>,
    plugins: &Plugins,
    file: &ScenarioFile,
    report: &mut Report,
) -> Measurements {
    let items = node.and_then(|node| value::list(node, "measurements", report)).unwrap_or_default();
    let mut measurements = Measurements { used: Vec::new(), names: Vec::new() };
    for item in items {
        let Some(mut fields) = Fields::of_item(item, "a measurement", report) else { continue };
        let plugin_node = fields.required("plugin", "write for example `plugin: pod-latency`", report);
        let name_node = fields.optional("name");
        let named = name_node.or(plugin_node);
        let user = named
            .and_then(Node::as_text)
            .map_or("a measurement".to_owned(), |name| format!("measurement `{name}`"));
        let plugin = plugin_node.and_then(|node| plugins.find(node, &user, report));
        let name = match name_node {
            Some(node) => value::name(node, "name", PluginName::parse, report),
            None => plugin.clone(),
        };
        let config = ConfigBlock::of_with(&mut fields, file, report);
        fields.finish(report);
        if let Some((node, text)) = named.and_then(|node| Some((node, node.as_text()?))) {
            measurements.names.push((text.to_owned(), node.span.clone()));
        }
        if let (Some(name), Some(plugin), Some(config)) = (name, plugin, config) {
            measurements.used.push(MeasurementUse { name, plugin, config });
        }
    }
    measurements
}
