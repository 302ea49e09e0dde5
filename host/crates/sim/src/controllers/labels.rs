//! Label selectors as controllers need them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::store::Object;

/// `metav1.LabelSelector`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LabelSelector {
    pub(crate) match_labels: BTreeMap<String, String>,
    pub(crate) match_expressions: Vec<Requirement>,
}

/// One expression on labels.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Requirement {
    pub(crate) key: String,
    pub(crate) operator: String,
    #[serde(default)]
    pub(crate) values: Vec<String>,
}

impl LabelSelector {
    pub(crate) fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether an object's labels match; an empty selector matches everything.
    pub(crate) fn matches(&self, object: &Object) -> bool {
        self.match_labels.iter().all(|(key, value)| object.label(key) == Some(value))
            && self.match_expressions.iter().all(|wanted| wanted.matches(object.label(&wanted.key)))
    }
}

impl Requirement {
    /// Whether a label's value satisfies the expression; unknown operators never do.
    pub(crate) fn matches(&self, value: Option<&str>) -> bool {
        let listed = |value: &str| self.values.iter().any(|wanted| wanted == value);
        let number = |text: &str| text.parse::<i64>().ok();
        let bound = self.values.first().and_then(|bound| number(bound));
        match (self.operator.as_str(), value) {
            ("In", Some(value)) => listed(value),
            ("NotIn", value) => !value.is_some_and(listed),
            ("Exists", value) => value.is_some(),
            ("DoesNotExist", value) => value.is_none(),
            ("Gt", Some(value)) => number(value).zip(bound).is_some_and(|(value, bound)| value > bound),
            ("Lt", Some(value)) => number(value).zip(bound).is_some_and(|(value, bound)| value < bound),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operator: &str, values: &[&str], value: Option<&str>, expected: bool) {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        let requirement = Requirement { key: "k".into(), operator: operator.into(), values };
        assert_eq!(requirement.matches(value), expected, "{requirement:?} on {value:?}");
    }

    #[test]
    fn expressions_are_judged_as_upstream() {
        check("In", &["a", "b"], Some("b"), true);
        check("In", &["a"], None, false);
        check("NotIn", &["a"], None, true);
        check("NotIn", &["a"], Some("a"), false);
        check("Exists", &[], Some(""), true);
        check("DoesNotExist", &[], Some(""), false);
        check("Gt", &["3"], Some("4"), true);
        check("Gt", &["3"], Some("many"), false);
        check("Lt", &["3"], Some("2"), true);
        check("Like", &["a"], Some("a"), false);
    }
}
