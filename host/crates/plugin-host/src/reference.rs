//! How a scenario names a component: `builtin:objects`, `./plugin.wasm`, `file:plugin.wasm`, `oci://…`.

use std::{fmt, path::PathBuf, str::FromStr};

/// Where a component comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginReference {
    /// Part of this program.
    Builtin(String),
    /// A file; relative paths start at the scenario.
    File(PathBuf),
}

/// Why a text names no component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Nothing behind the scheme, or nothing at all.
    #[error("`{text}` names no plugin, write for example `builtin:objects` or `./plugin.wasm`")]
    Empty {
        /// The text found.
        text: String,
    },
    /// Registries are not read yet.
    #[error(
        "`{text}`: plugins from registries are not supported in this version, download it and name the file"
    )]
    Registry {
        /// The text found.
        text: String,
    },
    /// Some other scheme.
    #[error("`{scheme}:` is no source of plugins, use `builtin:NAME` or the path of a `.wasm` file")]
    Scheme {
        /// What stands before the colon.
        scheme: String,
    },
    /// A bare word.
    #[error("`{text}` is neither `builtin:NAME` nor a path, write `builtin:{text}` or `./{text}`")]
    BareName {
        /// The text found.
        text: String,
    },
}

impl FromStr for PluginReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let text = text.trim();
        let full = || text.to_owned();
        if let Some((scheme, rest)) = text.split_once(':') {
            return match scheme {
                _ if rest.is_empty() => Err(ReferenceError::Empty { text: full() }),
                "builtin" => Ok(Self::Builtin(rest.to_owned())),
                "file" => Ok(Self::File(rest.strip_prefix("//").unwrap_or(rest).into())),
                "oci" => Err(ReferenceError::Registry { text: full() }),
                // A colon further behind belongs to a path.
                _ if scheme.contains(['/', '.']) => Ok(Self::File(text.into())),
                _ => Err(ReferenceError::Scheme { scheme: scheme.to_owned() }),
            };
        }
        if text.is_empty() {
            return Err(ReferenceError::Empty { text: full() });
        }
        let is_path = text.contains('/') || text.ends_with(".wasm");
        if is_path { Ok(Self::File(text.into())) } else { Err(ReferenceError::BareName { text: full() }) }
    }
}

impl fmt::Display for PluginReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) => write!(f, "builtin:{name}"),
            // `file://` is taken off when it is read.
            Self::File(path) if path.starts_with("/") && path.to_string_lossy().starts_with("//") => {
                write!(f, "file://{}", path.display())
            }
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match text.parse::<PluginReference>() {
            Ok(reference) => reference.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn sources_are_told_apart() {
        check("builtin:objects", "builtin:objects");
        check("./plugin.wasm", "file:./plugin.wasm");
        check("plugin.wasm", "file:plugin.wasm");
        check("file:plugin.wasm", "file:plugin.wasm");
        check("file:///opt/plugin.wasm", "file:/opt/plugin.wasm");
        check("./a:b.wasm", "file:./a:b.wasm");
    }

    #[test]
    fn mistakes_say_what_would_be_right() {
        check("", "`` names no plugin, write for example `builtin:objects` or `./plugin.wasm`");
        check(
            "objects",
            "`objects` is neither `builtin:NAME` nor a path, write `builtin:objects` or `./objects`",
        );
        check("npm:x", "`npm:` is no source of plugins, use `builtin:NAME` or the path of a `.wasm` file");
        check(
            "oci://ghcr.io/a/b@1",
            "`oci://ghcr.io/a/b@1`: plugins from registries are not supported in this version, download it and name the file",
        );
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_to_itself(text in "[ -~]{0,30}") {
            if let Ok(reference) = text.parse::<PluginReference>() {
                prop_assert_eq!(reference.to_string().parse::<PluginReference>(), Ok(reference));
            }
        }
    }
}
