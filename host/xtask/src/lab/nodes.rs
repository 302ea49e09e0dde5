//! `real=2,kwok=100`.

use std::{fmt, str::FromStr};

/// Numbers of nodes of both sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nodes {
    /// With containers.
    pub real: u8,
    /// Without.
    pub kwok: u32,
}

impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "real={},kwok={}", self.real, self.kwok)
    }
}

impl FromStr for Nodes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut nodes = Self::default();
        for part in text.split(',') {
            let (sort, number) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is not `real=N` or `kwok=N`"))?;
            let wrong = |error| format!("`{number}` is not a number of nodes: {error}");
            match sort {
                "real" => nodes.real = number.parse().map_err(wrong)?,
                "kwok" => nodes.kwok = number.parse().map_err(wrong)?,
                _ => return Err(format!("`{sort}` is not a sort of nodes: expected `real` or `kwok`")),
            }
        }
        Ok(nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<Nodes, &str>) {
        assert_eq!(text.parse::<Nodes>(), expected.map_err(str::to_owned));
    }

    #[test]
    fn both_sorts_in_any_order_or_one_of_them() {
        check("real=2,kwok=100", Ok(Nodes { real: 2, kwok: 100 }));
        check("kwok=3,real=1", Ok(Nodes { real: 1, kwok: 3 }));
        check("kwok=7", Ok(Nodes { real: 0, kwok: 7 }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        check("real", Err("`real` is not `real=N` or `kwok=N`"));
        check("fake=2", Err("`fake` is not a sort of nodes: expected `real` or `kwok`"));
        check("real=-1", Err("`-1` is not a number of nodes: invalid digit found in string"));
    }

    #[test]
    fn what_is_shown_can_be_read() {
        let nodes = Nodes { real: 2, kwok: 100 };
        assert_eq!(nodes.to_string().parse(), Ok(nodes));
    }
}
