//! What a plugin may do: what its manifest asks for and the scenario allows, both.
//!
//! Pure decisions, made for each host call and, by the engine, for each row of a queue. A resource or verb
//! that is not covered at all is the plugin's fault; a namespace that is not (or not yet) the run's is an
//! answer, because it depends on what exists.

use bench_model::{NamespaceScope, ParseAs, Permissions, ResourceRef, Rule, Verb};

use crate::RunNamespaces;

/// What a scenario allows a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allow {
    /// Rules on the cluster's API.
    pub kubernetes: Allowed<Rule>,
    /// Queries to Prometheus.
    pub prometheus: bool,
    /// Whole objects in watch events.
    pub raw: bool,
    /// Proxy targets.
    pub proxy: Allowed<String>,
}

impl Allow {
    /// Everything that the plugin asks for.
    pub fn all_asked() -> Self {
        Self { kubernetes: Allowed::AllAsked, prometheus: true, raw: true, proxy: Allowed::AllAsked }
    }
}

/// How much of one heading is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed<T> {
    /// As the manifest asks.
    AllAsked,
    /// Only what these and the manifest both cover.
    Only(Vec<T>),
}

impl<T> Default for Allowed<T> {
    /// Nothing.
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

/// What a plugin asked for, cut down to what it is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grants {
    asked: Permissions,
    allow: Allow,
}

/// Namespaces in which something is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantedNamespaces {
    /// Every one, and the cluster's own objects.
    All,
    /// These, sorted; perhaps none.
    Only(Vec<String>),
}

impl Grants {
    /// Cuts what was asked down to what is allowed.
    pub fn new(asked: Permissions, allow: Allow) -> Self {
        Self { asked, allow }
    }

    /// Nothing at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether verb and resource are granted in some namespace.
    pub fn covers(&self, verb: Verb, target: &ResourceRef) -> bool {
        self.both(verb, target, |_, _| true)
    }

    /// Whether verb and resource are granted in `namespace`; empty for a cluster-scoped object or for all
    /// namespaces at once.
    pub fn allows(&self, verb: Verb, target: &ResourceRef, namespace: &str, made: &RunNamespaces) -> bool {
        self.both(verb, target, |asked, allowed| {
            is_inside(asked, namespace, made) && allowed.is_none_or(|scope| is_inside(scope, namespace, made))
        })
    }

    /// Where verb and resource are granted, for calls that mean "all that I may see".
    pub fn namespaces(&self, verb: Verb, target: &ResourceRef, made: &RunNamespaces) -> GrantedNamespaces {
        if self.allows(verb, target, "", made) {
            return GrantedNamespaces::All;
        }
        let mut names = made.list();
        for rule in self.asked.kubernetes.iter().chain(self.allowed_rules()) {
            if let NamespaceScope::Named(named) = &rule.namespaces {
                names.extend(named.iter().cloned());
            }
        }
        names.sort();
        names.dedup();
        names.retain(|name| self.allows(verb, target, name, made));
        GrantedNamespaces::Only(names)
    }

    /// What is left after cutting, for people: the narrower of the two lists where both have rules.
    pub fn effective(&self) -> Permissions {
        let kubernetes = match &self.allow.kubernetes {
            Allowed::AllAsked => self.asked.kubernetes.clone(),
            Allowed::Only(rules) => rules.clone(),
        };
        let proxy = match &self.allow.proxy {
            Allowed::AllAsked => self.asked.proxy.clone(),
            Allowed::Only(targets) => targets.clone(),
        };
        Permissions { kubernetes, prometheus: self.prometheus(), raw: self.raw(), proxy }
    }

    /// Whether Prometheus may be queried.
    pub fn prometheus(&self) -> bool {
        self.asked.prometheus && self.allow.prometheus
    }

    /// Whether whole objects may cross in watch events.
    pub fn raw(&self) -> bool {
        self.asked.raw && self.allow.raw
    }

    /// Whether a column may be read so.
    pub fn projection(&self, parse: ParseAs) -> bool {
        parse != ParseAs::Raw || self.raw()
    }

    /// Whether a proxy target may be reached: `services/monitoring/node-exporter:9100`, or `nodes/*`.
    pub fn proxy(&self, target: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches_target(pattern, target));
        let allowed = match &self.allow.proxy {
            Allowed::AllAsked => true,
            Allowed::Only(patterns) => any(patterns),
        };
        any(&self.asked.proxy) && allowed
    }

    fn allowed_rules(&self) -> &[Rule] {
        match &self.allow.kubernetes {
            Allowed::AllAsked => &[],
            Allowed::Only(rules) => rules,
        }
    }

    /// Whether one rule asked for and one rule allowed (`None`: all that was asked) fit together.
    fn both(
        &self,
        verb: Verb,
        target: &ResourceRef,
        fits: impl Fn(&NamespaceScope, Option<&NamespaceScope>) -> bool,
    ) -> bool {
        let covering = |rules: &[Rule]| -> Vec<NamespaceScope> {
            let covers = |rule: &&Rule| rule.covers(&target.group, &target.plural, verb);
            rules.iter().filter(covers).map(|rule| rule.namespaces.clone()).collect()
        };
        let asked = covering(&self.asked.kubernetes);
        match &self.allow.kubernetes {
            Allowed::AllAsked => asked.iter().any(|asked| fits(asked, None)),
            Allowed::Only(rules) => {
                let allowed = covering(rules);
                asked.iter().any(|asked| allowed.iter().any(|allowed| fits(asked, Some(allowed))))
            }
        }
    }
}

fn is_inside(scope: &NamespaceScope, namespace: &str, made: &RunNamespaces) -> bool {
    match scope {
        NamespaceScope::All => true,
        NamespaceScope::Run => made.contains(namespace),
        NamespaceScope::Named(names) => names.iter().any(|name| name == namespace),
    }
}

fn matches_target(pattern: &str, target: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => target.starts_with(start),
        None => pattern == target,
    }
}

#[cfg(test)]
mod tests;
