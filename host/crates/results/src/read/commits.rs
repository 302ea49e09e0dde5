//! `checks.ndjson`: how long each file was at each commit, and its checksum up to there.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::ReadError;

/// A file at one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) length: u64,
    /// CRC-32 of the first `length` bytes.
    checksum: u32,
}

/// All commits, by file.
#[derive(Debug, Default)]
pub(crate) struct Commits(BTreeMap<String, Vec<Mark>>);

/// A line: a commit and the CRC-32 of its text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckedLine<'a> {
    crc: u32,
    #[serde(borrow)]
    commit: &'a serde_json::value::RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commit {
    #[expect(dead_code, reason = "for people who read the file; must be there all the same")]
    at: i64,
    files: BTreeMap<String, (u64, u32)>,
}

impl Commits {
    /// Reads the file; the second value says whether its last line is torn, which is then left out.
    pub(crate) fn parse(path: &Path, content: &[u8]) -> Result<(Self, bool), ReadError> {
        let mut commits = Self::default();
        let whole = content.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let torn = whole < content.len();
        let lines = content.get(..whole).unwrap_or_default().split(|&byte| byte == b'\n');
        for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
            let files = parse_line(line).map_err(|reason| ReadError::Line {
                path: path.to_owned(),
                line: index + 1,
                reason,
            })?;
            for (name, (length, checksum)) in files {
                commits.0.entry(name).or_default().push(Mark { length, checksum });
            }
        }
        Ok((commits, torn))
    }

    /// The marks of a file, in order.
    pub(crate) fn of(&self, name: &str) -> Option<&Vec<Mark>> {
        self.0.get(name)
    }
}

fn parse_line(line: &[u8]) -> Result<BTreeMap<String, (u64, u32)>, String> {
    let CheckedLine { crc, commit } = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if crc32fast::hash(commit.get().as_bytes()) != crc {
        return Err("its checksum is wrong".to_owned());
    }
    serde_json::from_str::<Commit>(commit.get()).map(|commit| commit.files).map_err(|error| error.to_string())
}

/// Returns how many of the bytes are committed.
///
/// # Errors
/// When they are not those that were committed.
pub(crate) fn verify(path: &Path, content: &[u8], marks: &[Mark]) -> Result<u64, ReadError> {
    let mut checksum = crc32fast::Hasher::new();
    let mut done = 0_u64;
    for mark in marks {
        let range = usize::try_from(done).ok().zip(usize::try_from(mark.length).ok());
        let Some((start, end)) = range.filter(|(start, end)| start <= end && *end <= content.len()) else {
            break;
        };
        let part = content.get(start..end).unwrap_or_default();
        checksum.update(part);
        if checksum.clone().finalize() != mark.checksum {
            let lines = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count();
            let first_line = lines(content.get(..start).unwrap_or_default()) + 1;
            let last_line = (first_line + lines(part)).saturating_sub(1).max(first_line);
            return Err(ReadError::Damaged { path: path.to_owned(), first_line, last_line });
        }
        done = mark.length;
    }
    Ok(done)
}
