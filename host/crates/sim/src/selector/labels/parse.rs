//! Reads the text of a label selector, with the words of upstream for what is wrong with it.

use std::collections::BTreeSet;

use super::{Requirement, Test};
use crate::admission;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
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

impl Token<'_> {
    pub(super) fn text(&self) -> &str {
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

pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
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

pub(super) struct Parser<'t, 'a> {
    pub(super) tokens: &'t [Token<'a>],
}

impl<'t, 'a> Parser<'t, 'a> {
    pub(super) fn next(&mut self) -> Option<&'t Token<'a>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    pub(super) fn requirement(&mut self) -> Result<Requirement, String> {
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
