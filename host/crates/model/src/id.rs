//! Names and ids: newtypes that can only hold what their rule allows.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest name that may be part of a Kubernetes object name together with a run id.
const MAX_NAME: usize = 40;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there.
    #[error("a name must not be empty")]
    Empty,
    /// Longer than Kubernetes label values and our file names can bear.
    #[error("a name has at most {MAX_NAME} characters, `{name}` has {length}")]
    TooLong {
        /// The text found.
        name: String,
        /// Its length in characters.
        length: usize,
    },
    /// Not an RFC 1123 label.
    #[error("`{name}` may only have lower-case letters, digits and `-`, with a letter or digit at both ends")]
    Form {
        /// The text found.
        name: String,
    },
}

fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    let length = name.chars().count();
    if length > MAX_NAME {
        return Err(NameError::TooLong { name: name.to_owned(), length });
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends_plain = name.starts_with(plain) && name.ends_with(plain);
    if !ends_plain || !name.chars().all(|c| plain(c) || c == '-') {
        return Err(NameError::Form { name: name.to_owned() });
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses an RFC 1123 label of at most 40 characters.
            ///
            /// # Errors
            /// The rule that the text breaks.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check_name(text).map(|()| Self(text.to_owned()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                check_name(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    };
}

name_type!(
    /// Name of a job in a scenario; also the value of the label `bench.dev/job`.
    JobName
);
name_type!(
    /// The name under which a scenario uses a plugin.
    PluginName
);
name_type!(
    /// Name of a queue of a job.
    QueueName
);
name_type!(
    /// Name of an instrument or a table, as a plugin's manifest declares it.
    MetricName
);

impl QueueName {
    /// The queue of a job that names none.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The unpaced queue that every job has for its preparations.
    pub fn setup() -> Self {
        Self("setup".to_owned())
    }
}

/// Identifies one execution of a scenario. Unique; ordered by time of start (UUID version 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

impl RunId {
    /// Wraps a UUID.
    pub fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Ten hexadecimal digits from the random part: short enough for names of namespaces, and two runs
    /// that start in the same millisecond still differ.
    pub fn short(&self) -> String {
        let text = self.0.simple().to_string();
        text.get(text.len() - 10..).unwrap_or(&text).to_owned()
    }

    /// The UUID.
    pub fn uuid(&self) -> Uuid {
        self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// `sha256:…` of a component's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Writes a SHA-256 as OCI does.
    pub fn sha256(bytes: [u8; 32]) -> Self {
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        Self(format!("sha256:{hex}"))
    }

    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_rfc_1123_label() {
        assert!(JobName::parse("create-pods").is_ok());
        assert_eq!(JobName::parse(""), Err(NameError::Empty));
        for bad in ["Pods", "a_b", "-a", "a-", "ä", "a b"] {
            assert_eq!(JobName::parse(bad), Err(NameError::Form { name: bad.to_owned() }));
        }
        assert!(matches!(JobName::parse(&"a".repeat(41)), Err(NameError::TooLong { length: 41, .. })));
    }

    #[test]
    fn the_short_run_id_is_the_random_tail() {
        let id: RunId = "0198c0de-0000-7000-8000-00ab12cd34ef".parse().expect("a uuid");
        assert_eq!(id.short(), "ab12cd34ef");
    }
}
