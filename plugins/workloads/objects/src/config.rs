//! The job's block as values; what each key means is in `config-schema.json`.

use std::collections::BTreeMap;

use bench_sdk::config::Span;
use serde::Deserialize;

use crate::namespaces::{Names, Places};

/// The schema of the block.
pub const SCHEMA: &str = include_str!("../config-schema.json");

/// The whole block.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// What is created.
    pub create: Create,
    /// Waiting after it.
    pub wait_for: Option<WaitFor>,
    /// Deleting after that.
    pub delete: Option<Delete>,
}

/// What is created.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Create {
    /// How often the list is created.
    #[serde(default = "one")]
    pub iterations: u32,
    /// Where.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// The list.
    pub objects: Vec<Object>,
}

impl Create {
    /// Where its objects go, given the names of the job's namespaces.
    pub fn places<'a>(&self, names: &'a Names) -> Places<'a> {
        Places { names, iterations_per_namespace: self.namespaces.iterations_per_namespace }
    }
}

/// Namespaces of the job.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Namespaces {
    /// Start of their names.
    pub prefix: Option<String>,
    /// `None`: one namespace.
    pub iterations_per_namespace: Option<u32>,
    /// Their labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Object {
    /// Text of the manifest.
    pub template: String,
    /// In each iteration.
    #[serde(default = "one")]
    pub replicas: u32,
    /// Which queue.
    #[serde(default = "main_queue")]
    pub queue: String,
    /// Further parameters.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// Whether it is waited for.
    #[serde(default = "yes")]
    pub wait: bool,
}

/// Value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Variable {
    /// Stays a number where it is a whole scalar.
    Int(i64),
    /// Always text.
    Text(String),
}

/// Waiting.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WaitFor {
    /// As `kubectl wait --for`, or `ready`.
    #[serde(default = "ready")]
    pub condition: String,
    /// For all kinds together.
    #[serde(default = "five_minutes")]
    pub timeout: Span,
    /// How long nothing may move while all pods that do not start say why.
    #[serde(default = "one_minute")]
    pub stuck_after: Span,
}

/// Deleting.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delete {
    /// Which queue.
    #[serde(default = "main_queue")]
    pub queue: String,
    /// Option of each request.
    pub propagation_policy: Option<String>,
    /// Option of each request.
    pub grace_period_seconds: Option<u32>,
    /// Whether to wait.
    #[serde(default = "yes")]
    pub wait_until_gone: bool,
    /// For all kinds together.
    #[serde(default = "five_minutes")]
    pub timeout: Span,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

fn main_queue() -> String {
    "main".to_owned()
}

fn ready() -> String {
    "ready".to_owned()
}

fn one_minute() -> Span {
    Span { ns: 60_000_000_000 }
}

fn five_minutes() -> Span {
    Span { ns: 300_000_000_000 }
}

#[cfg(test)]
mod tests;
