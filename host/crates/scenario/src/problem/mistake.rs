//! The closed list of mistakes, each with its message.

use bench_model::{DurationError, NameError, RateError, ShareError, ThresholdError};
use bench_template::{
    TemplateMistake,
    yaml::{Span, YamlMistake},
};

use crate::QuantityError;

/// What is wrong. One variant for each kind of mistake.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Mistake {
    /// Not YAML, or YAML that is not read.
    #[error("{0}")]
    Yaml(YamlMistake),
    /// Another kind of file.
    #[error("`{key}: {found}` is not a scenario")]
    NotAScenario {
        /// `apiVersion` or `kind`.
        key: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}` in {within}")]
    UnknownKey {
        /// The key found.
        key: String,
        /// What it stands in.
        within: String,
        /// The keys that there are.
        known: Vec<String>,
    },
    /// A key that must be there.
    #[error("`{key}` is missing in {within}")]
    MissingKey {
        /// The key.
        key: String,
        /// What it belongs in.
        within: String,
        /// How to write it.
        help: String,
    },
    /// A value of the wrong type.
    #[error("{key} must be {expected}, found {found}")]
    WrongType {
        /// "`rate`" or "a job".
        key: String,
        /// The type wanted.
        expected: String,
        /// The type found.
        found: String,
    },
    /// A bare number where a unit is needed.
    #[error("`{key}: {found}` has no unit")]
    MissingUnit {
        /// Whose value.
        key: String,
        /// As written.
        found: String,
        /// The same with a unit.
        example: String,
    },
    /// A number outside of its range.
    #[error("{key} must be {range}, found {found}")]
    OutOfRange {
        /// Whose value.
        key: String,
        /// The value.
        found: String,
        /// "from 1 to 10".
        range: String,
    },
    /// Not a name.
    #[error("{0}")]
    Name(NameError),
    /// Not a duration.
    #[error("{0}")]
    Duration(DurationError),
    /// Not a rate.
    #[error("{0}")]
    Rate(RateError),
    /// Not a quantity.
    #[error("{0}")]
    Quantity(QuantityError),
    /// Not a share.
    #[error("{0}")]
    Share(ShareError),
    /// Not a threshold.
    #[error("{0}")]
    Threshold(ThresholdError),
    /// A word that is none of those allowed.
    #[error("`{found}` is not {what}")]
    UnknownWord {
        /// "an arrival process".
        what: String,
        /// The word found.
        found: String,
        /// The words that there are.
        known: Vec<String>,
    },
    /// A plugin that is not declared.
    #[error("{user} uses unknown plugin `{plugin}`")]
    UnknownPlugin {
        /// "job `create-pods`".
        user: String,
        /// The plugin named.
        plugin: String,
        /// Those declared.
        declared: Vec<String>,
    },
    /// The same name twice.
    #[error("{what} `{name}` is used twice")]
    DuplicateName {
        /// "job name".
        what: &'static str,
        /// The name.
        name: String,
        /// Why that is not allowed.
        help: &'static str,
        /// Where it was used first.
        first: Span,
    },
    /// A threshold on something that is not in the scenario.
    #[error("threshold on unknown source `{name}`")]
    UnknownSource {
        /// The name found.
        name: String,
        /// Jobs and measurements.
        known: Vec<String>,
    },
    /// A threshold on a metric that its source does not have.
    #[error("`{source_name}` has no metric `{metric}`")]
    UnknownMetric {
        /// Job or measurement.
        source_name: String,
        /// The metric named.
        metric: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// Two keys that exclude each other.
    #[error("`{first}` and `{second}` cannot both be used")]
    Exclusive {
        /// One.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// Which to keep.
        help: &'static str,
    },
    /// Something that this version does not do.
    #[error("{what} is not supported yet")]
    NotSupported {
        /// "`oci://` as a source of plugins".
        what: String,
        /// What to do instead.
        help: String,
    },
    /// Not a place that a plugin can come from.
    #[error("`{found}` does not say where the plugin comes from")]
    PluginSource {
        /// As written.
        found: String,
    },
    /// `--set` without `=` or with an empty path.
    #[error("`{found}` is not of the form `path=value`")]
    SetForm {
        /// As written.
        found: String,
    },
    /// `--set` of a path that leads nowhere.
    #[error("`{path}` leads nowhere: there is no `{missing}`")]
    SetPath {
        /// The path.
        path: String,
        /// The part that was not found.
        missing: String,
        /// What could stand there.
        known: Vec<String>,
    },
    /// `--set` into a value that has no parts.
    #[error("`{path}` leads nowhere: `{parent}` is {found}")]
    SetThrough {
        /// The path.
        path: String,
        /// The part that has no parts.
        parent: String,
        /// What it is.
        found: &'static str,
    },
    /// `${name}` of a variable that does not exist.
    #[error("variable `{name}` is not defined")]
    UndefinedVariable {
        /// The name.
        name: String,
        /// Those defined (above, for a variable that uses another).
        known: Vec<String>,
    },
    /// `${` without `}`.
    #[error("`${{` is never closed")]
    UnclosedVariable,
    /// A file that cannot be read.
    #[error("failed to read `{path}`: {reason}")]
    File {
        /// As written.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A file outside of the scenario's folder.
    #[error("`{path}` is outside of the scenario's folder")]
    PathOutside {
        /// As written.
        path: String,
    },
    /// A mistake in a template file.
    #[error("{0}")]
    Template(TemplateMistake),
    /// A parameter that nobody gives a value.
    #[error("parameter `{name}` of the template has no value")]
    UnknownParam {
        /// The parameter.
        name: String,
        /// Those that have one.
        known: Vec<String>,
    },
    /// A value that the schema of the plugin refuses.
    #[error("{message}")]
    Schema {
        /// What the schema says.
        message: String,
        /// What would be right, if known.
        help: Option<String>,
    },
    /// Refused by a later step, at a place in the file.
    #[error("{message}")]
    Rejected {
        /// What is wrong.
        message: String,
        /// Said under the underlined words.
        label: String,
        /// What would be right.
        help: Option<String>,
    },
}
