//! Label selectors: `a=b, c!=d, e in (f,g), h notin (i), j, !k, l > 5`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::admission;

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

#[derive(Debug, Clone, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Comma,
    Open,
    Close,
    Equals,
    NotEquals,
    Not,
    Greater,
    Less,
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

impl Token<'_> {
    fn text(&self) -> &str {
        match self {
            Token::Word(word) => word,
            Token::Comma => ",",
            Token::Open => "(",
            Token::Close => ")",
            Token::Equals => "=",
            Token::NotEquals => "!=",
            Token::Not => "!",
            Token::Greater => ">",
            Token::Less => "<",
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            ',' => (Token::Comma, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '>' => (Token::Greater, 1),
            '<' => (Token::Less, 1),
            '=' if rest.starts_with("==") => (Token::Equals, 2),
            '=' => (Token::Equals, 1),
            '!' if rest.starts_with("!=") => (Token::NotEquals, 2),
            '!' => (Token::Not, 1),
            _ => {
                let special = |letter: char| letter.is_whitespace() || ",()=!<>".contains(letter);
                let length = rest.find(special).unwrap_or(rest.len());
                (Token::Word(rest.get(..length).unwrap_or_default()), length)
            }
        };
        tokens.push(token);
        rest = rest.get(length..).ok_or("cut inside a character")?.trim_start();
    }
    Ok(tokens)
}

struct Parser<'t, 'a> {
    tokens: &'t [Token<'a>],
}

impl<'t, 'a> Parser<'t, 'a> {
    fn next(&mut self) -> Option<&'t Token<'a>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let negated = self.tokens.first() == Some(&Token::Not);
        if negated {
            self.next();
        }
        let key = match self.next() {
            Some(Token::Word(word)) => *word,
            other => {
                let found = other.map_or("", Token::text);
                return Err(format!("found '{found}', expected: !, identifier, or 'end of string'"));
            }
        };
        if let Some(problem) = admission::qualified_name_problem(key) {
            return Err(format!("key: Invalid value: {key:?}: {problem}"));
        }
        let test = if negated { Test::DoesNotExist } else { self.test()? };
        Ok(Requirement { key: key.to_owned(), test })
    }

    fn test(&mut self) -> Result<Test, String> {
        match self.tokens.first() {
            None | Some(Token::Comma) => return Ok(Test::Exists),
            Some(_) => {}
        }
        match self.next() {
            Some(Token::Equals) => Ok(Test::In(BTreeSet::from([self.value()?]))),
            Some(Token::NotEquals) => Ok(Test::NotIn(BTreeSet::from([self.value()?]))),
            Some(Token::Greater) => Ok(Test::GreaterThan(self.number()?)),
            Some(Token::Less) => Ok(Test::LessThan(self.number()?)),
            Some(Token::Word("in")) => Ok(Test::In(self.values()?)),
            Some(Token::Word("notin")) => Ok(Test::NotIn(self.values()?)),
            other => Err(format!(
                "found '{}', expected: in, notin, =, ==, !=, gt, lt",
                other.map_or("", Token::text)
            )),
        }
    }

    /// A value; nothing where a requirement ends is the empty value.
    fn value(&mut self) -> Result<String, String> {
        match self.tokens.first() {
            None | Some(Token::Comma) => Ok(String::new()),
            Some(Token::Word(word)) => {
                self.next();
                checked_value(word)
            }
            Some(other) => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    fn number(&mut self) -> Result<i64, String> {
        let text = self.value()?;
        text.parse().map_err(|_| {
            format!(
                "values[0]: Invalid value: {text:?}: for 'Gt', 'Lt' operators, the value must be an integer"
            )
        })
    }

    fn values(&mut self) -> Result<BTreeSet<String>, String> {
        match self.next() {
            Some(Token::Open) => {}
            other => return Err(format!("found '{}' expected: '('", other.map_or("", Token::text))),
        }
        let mut values = BTreeSet::new();
        loop {
            match self.next() {
                Some(Token::Word(word)) => {
                    values.insert(checked_value(word)?);
                    match self.next() {
                        Some(Token::Comma) => {}
                        Some(Token::Close) => return Ok(values),
                        other => {
                            let found = other.map_or("", Token::text);
                            return Err(format!("found '{found}', expected: ',' or ')'"));
                        }
                    }
                }
                // An empty value, between commas or alone.
                Some(Token::Comma) => drop(values.insert(String::new())),
                Some(Token::Close) => {
                    values.insert(String::new());
                    return Ok(values);
                }
                other => {
                    let found = other.map_or("", Token::text);
                    return Err(format!("found '{found}', expected: ',', ')' or identifier"));
                }
            }
        }
    }
}

fn checked_value(word: &str) -> Result<String, String> {
    match admission::label_value_problem(word) {
        Some(problem) => Err(format!("values[0][]: Invalid value: {word:?}: {problem}")),
        None => Ok(word.to_owned()),
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
