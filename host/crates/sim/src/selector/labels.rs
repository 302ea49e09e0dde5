//! Label selectors: `a=b, c!=d, e in (f,g), h notin (i), j, !k, l > 5`.

mod parse;

use std::collections::BTreeSet;

use serde_json::Value;

use self::parse::{Parser, Token, tokens};

/// All requirements hold for a matching object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    DoesNotExist,
    GreaterThan(i64),
    LessThan(i64),
}

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens };
        let mut requirements = Vec::new();
        while !parser.tokens.is_empty() {
            let requirement = parser.requirement();
            requirements
                .push(requirement.map_err(|problem| format!("unable to parse requirement: {problem}"))?);
            match parser.next() {
                None => break,
                Some(Token::Comma) if !parser.tokens.is_empty() => {}
                Some(Token::Comma) => {
                    return Err("found '', expected: identifier after ','".to_owned());
                }
                Some(other) => {
                    return Err(format!("found '{}', expected: ',' or 'end of string'", other.text()));
                }
            }
        }
        Ok(Self(requirements))
    }

    /// Reads a `metav1.LabelSelector` (`matchLabels`, `matchExpressions`), or a plain map of labels.
    ///
    /// `None` when there is no selector, which matches nothing.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let map = value.as_object()?;
        let structured = map.contains_key("matchLabels") || map.contains_key("matchExpressions");
        let labels = if structured { map.get("matchLabels").and_then(Value::as_object) } else { Some(map) };
        let mut requirements: Vec<Requirement> = labels
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key, value.as_str()?)))
            .map(|(key, value)| Requirement {
                key: key.clone(),
                test: Test::In(BTreeSet::from([value.to_owned()])),
            })
            .collect();
        for expression in map.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            requirements.push(expression_requirement(expression)?);
        }
        Some(Self(requirements))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Matches against labels that are looked up by key.
    pub(crate) fn matches<'a>(&self, label: &impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| requirement.matches(label(&requirement.key)))
    }
}

impl std::fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, Requirement { key, test }) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            let list = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(",");
            match test {
                Test::In(values) if values.len() == 1 => write!(f, "{comma}{key}={}", list(values))?,
                Test::In(values) => write!(f, "{comma}{key} in ({})", list(values))?,
                Test::NotIn(values) if values.len() == 1 => write!(f, "{comma}{key}!={}", list(values))?,
                Test::NotIn(values) => write!(f, "{comma}{key} notin ({})", list(values))?,
                Test::Exists => write!(f, "{comma}{key}")?,
                Test::DoesNotExist => write!(f, "{comma}!{key}")?,
                Test::GreaterThan(bound) => write!(f, "{comma}{key}>{bound}")?,
                Test::LessThan(bound) => write!(f, "{comma}{key}<{bound}")?,
            }
        }
        Ok(())
    }
}

fn expression_requirement(expression: &Value) -> Option<Requirement> {
    let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
    let values: BTreeSet<String> = values.filter_map(Value::as_str).map(str::to_owned).collect();
    let test = match expression.get("operator")?.as_str()? {
        "In" => Test::In(values),
        "NotIn" => Test::NotIn(values),
        "Exists" => Test::Exists,
        "DoesNotExist" => Test::DoesNotExist,
        _ => return None,
    };
    Some(Requirement { key: expression.get("key")?.as_str()?.to_owned(), test })
}

impl Requirement {
    fn matches(&self, label: Option<&str>) -> bool {
        let number = || label.and_then(|text| text.parse::<i64>().ok());
        match &self.test {
            Test::In(values) => label.is_some_and(|label| values.contains(label)),
            Test::NotIn(values) => label.is_none_or(|label| !values.contains(label)),
            Test::Exists => label.is_some(),
            Test::DoesNotExist => label.is_none(),
            Test::GreaterThan(bound) => number().is_some_and(|number| number > *bound),
            Test::LessThan(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(selector: &str, labels: &[(&'static str, &'static str)], expected: bool) {
        let parsed = LabelSelector::parse(selector).expect("a valid selector");
        let look_up = |key: &str| labels.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
        assert_eq!(parsed.matches(&look_up), expected, "{selector}");
        let again = LabelSelector::parse(&parsed.to_string()).expect("a printed selector parses");
        assert_eq!(again, parsed);
    }

    #[test]
    fn every_operator_matches_as_upstream() {
        let labels = [("a", "1"), ("b", "x"), ("e", "")];
        check("", &labels, true);
        check("a=1", &labels, true);
        check("a==1,b=x", &labels, true);
        check("a!=1", &labels, false);
        check("c!=1", &labels, true);
        check("b in (x, y)", &labels, true);
        check("b notin (x,y)", &labels, false);
        check("c notin (x,y)", &labels, true);
        check("a,!c", &labels, true);
        check("!a", &labels, false);
        check("a > 0, a < 2", &labels, true);
        check("e=", &labels, true);
        check("e in ()", &labels, true);
    }

    #[test]
    fn a_malformed_selector_is_refused() {
        for text in ["a in", "a in x", "=b", "a=b c", "a,", "a in (x", "a==!b", "A/b/c=1", "a > x", "(", "!"]
        {
            assert!(LabelSelector::parse(text).is_err(), "{text}");
        }
    }
}
