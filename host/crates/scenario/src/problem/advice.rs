//! What is said beside the message of a mistake: under the underlined words, and what would be right.

use bench_template::yaml::{Span, YamlMistake};

use super::Mistake;

impl Mistake {
    /// Said under the underlined words.
    pub(super) fn label(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { known, key, .. } => did_you_mean(key, known, "not known here"),
            Self::UnknownWord { found, known, .. } => did_you_mean(found, known, "not known"),
            Self::UnknownPlugin { plugin, declared, .. } => {
                did_you_mean(plugin, declared, "not declared under `plugins`")
            }
            Self::UnknownSource { name, known } => {
                did_you_mean(name, known, "neither a job nor a measurement")
            }
            Self::UnknownMetric { metric, known, .. } => did_you_mean(metric, known, "not measured"),
            Self::SetPath { missing, known, .. } => did_you_mean(missing, known, "not found"),
            Self::UndefinedVariable { name, known } => did_you_mean(name, known, "not defined"),
            Self::UnknownParam { name, known } => did_you_mean(name, known, "no value"),
            Self::MissingKey { key, .. } => format!("needs `{key}`"),
            Self::WrongType { found, .. } => format!("this is {found}"),
            Self::MissingUnit { .. } => "no unit".to_owned(),
            Self::DuplicateName { .. } | Self::Yaml(YamlMistake::DuplicateKey { .. }) => {
                "used again".to_owned()
            }
            Self::NotSupported { .. } => "not supported yet".to_owned(),
            Self::Rejected { label, .. } => label.clone(),
            Self::File { .. } => "not readable".to_owned(),
            Self::PathOutside { .. } => "leads out of it".to_owned(),
            Self::Yaml(_)
            | Self::NotAScenario { .. }
            | Self::OutOfRange { .. }
            | Self::Name(_)
            | Self::Duration(_)
            | Self::Rate(_)
            | Self::Quantity(_)
            | Self::Share(_)
            | Self::Threshold(_)
            | Self::Exclusive { .. }
            | Self::PluginSource { .. }
            | Self::SetForm { .. }
            | Self::SetThrough { .. }
            | Self::UnclosedVariable
            | Self::Template(_)
            | Self::Schema { .. } => return None,
        })
    }

    /// What would be right, where the message does not say so.
    pub(super) fn help(&self) -> Option<String> {
        match self {
            Self::Yaml(mistake) => mistake.help().map(str::to_owned),
            Self::NotAScenario { key, expected, .. } => Some(format!("a scenario has `{key}: {expected}`")),
            Self::UnknownKey { known, .. } => Some(one_of("known keys", known)),
            Self::UnknownWord { known, .. } => Some(one_of("use", known)),
            Self::UnknownPlugin { declared, .. } => Some(one_of("declared plugins", declared)),
            Self::UnknownSource { known, .. } => Some(one_of("jobs and measurements", known)),
            Self::UnknownMetric { known, .. } => Some(one_of("metrics", known)),
            Self::SetPath { known, .. } => Some(one_of("there is", known)),
            Self::SetForm { .. } => Some("write for example `--set variables.pods=10`".to_owned()),
            Self::UndefinedVariable { known, .. } => Some(one_of("variables", known)),
            Self::UnknownParam { known, .. } => Some(one_of("parameters with a value", known)),
            Self::MissingKey { help, .. } | Self::NotSupported { help, .. } => Some(help.clone()),
            Self::MissingUnit { example, .. } => Some(format!("write for example {example}")),
            Self::DuplicateName { help, .. } | Self::Exclusive { help, .. } => Some((*help).to_owned()),
            Self::PluginSource { .. } => {
                Some("write `builtin:NAME`, `file:PATH` or a path that starts with `./`".to_owned())
            }
            Self::UnclosedVariable => {
                Some("close it with `}`, or write `$${` for the characters `${`".to_owned())
            }
            Self::PathOutside { .. } => Some(
                "use a relative path without `..`: a scenario may only hand its own files to plugins"
                    .to_owned(),
            ),
            Self::Template(mistake) => mistake.help(),
            Self::Schema { help, .. } | Self::Rejected { help, .. } => help.clone(),
            Self::WrongType { .. }
            | Self::OutOfRange { .. }
            | Self::Name(_)
            | Self::Duration(_)
            | Self::Rate(_)
            | Self::Quantity(_)
            | Self::Share(_)
            | Self::Threshold(_)
            | Self::SetThrough { .. }
            | Self::File { .. } => None,
        }
    }

    /// A second place that belongs to the mistake.
    pub(super) fn first_use(&self) -> Option<&Span> {
        match self {
            Self::DuplicateName { first, .. } | Self::Yaml(YamlMistake::DuplicateKey { first, .. }) => {
                Some(first)
            }
            _ => None,
        }
    }
}

fn did_you_mean(found: &str, known: &[String], otherwise: &str) -> String {
    let near = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&found.to_lowercase(), &word.to_lowercase()), word));
    let nearest = near.min_by_key(|(distance, _)| *distance);
    match nearest {
        // Two typing mistakes in a short word, more in a long one.
        Some((distance, word)) if distance <= 1 + found.chars().count() / 4 => {
            format!("did you mean `{word}`?")
        }
        _ => otherwise.to_owned(),
    }
}

fn one_of(what: &str, words: &[String]) -> String {
    if words.is_empty() {
        return format!("{what}: none");
    }
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    format!("{what}: {}", words.join(", "))
}
