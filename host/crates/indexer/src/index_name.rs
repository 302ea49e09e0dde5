//! Names of indexes.

use std::{fmt, str::FromStr};

/// Longest name, in bytes.
const MAX_BYTES: usize = 255;
/// What a name may not hold; `/` and `#` would make another URL, `,` and `*` several indexes.
const FORBIDDEN: &str = "\\/*?\"<>| ,#:";

/// Why a text is not the name of an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the name of an index: {rule}")]
pub struct IndexNameError {
    /// The text found.
    pub text: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// A name that OpenSearch takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexName(String);

impl IndexName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IndexName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IndexName {
    type Err = IndexNameError;

    /// By the rules of OpenSearch's `create index`.
    fn from_str(text: &str) -> Result<Self, IndexNameError> {
        let is_forbidden = |c: char| FORBIDDEN.contains(c) || c.is_control();
        let rule = if text.is_empty() || text.len() > MAX_BYTES {
            "it must have 1 to 255 bytes"
        } else if text.starts_with(['-', '_', '+', '.']) {
            "it must not start with `-`, `_`, `+` or `.`"
        } else if text.chars().any(is_forbidden) {
            "it must not hold blanks or any of \\ / * ? \" < > | , # :"
        } else if text.chars().any(char::is_uppercase) {
            "it must be lower-case"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(IndexNameError { text: text.chars().take(MAX_BYTES).collect(), rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, is_name: bool) {
        assert_eq!(text.parse::<IndexName>().is_ok(), is_name, "{text:?}");
    }

    #[test]
    fn names_that_would_be_something_else_are_refused() {
        check("kube-burner", true);
        check("bench-2026.11", true);
        for bad in ["", "Kube", "a b", "a,b", "a*", "_all", ".security", "../x", "a/b", "a#b", "a\n", "-a"] {
            check(bad, false);
        }
        check(&"a".repeat(255), true);
        check(&"a".repeat(256), false);
    }
}
