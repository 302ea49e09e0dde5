//! A part of an interval log, uncompressed by itself: parts of a long log are read on all cores.

use super::encoded::{Inflate, decode_plain};

/// Length of a part, about.
const CHUNK: usize = 1 << 20;
/// How many times the length of its text a part may have when it is uncompressed, and what it may have in any case:
/// histograms of real values stay far below.
const MAX_RATIO: usize = 64;
const MIN_PLAIN: usize = 16 << 20;

/// What stands in a part.
pub(super) struct Piece<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    /// Histograms of the intervals, one after the other.
    pub(super) plain: Vec<u8>,
}

pub(super) enum Entry<'a> {
    /// What a tag stands for from here on.
    Meaning {
        /// Of the part, from 1.
        line: usize,
        number: &'a str,
        tag: &'a str,
    },
    Interval {
        tag: &'a str,
        second: i64,
        /// Where its histogram ends.
        end: usize,
    },
}

/// Why a line cannot be read.
#[derive(Debug)]
pub(super) struct Broken {
    /// Of the part, from 1.
    pub(super) line: usize,
    pub(super) reason: &'static str,
}

/// Cuts a log into parts of whole lines.
pub(super) fn chunks(mut content: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::with_capacity(content.len() / CHUNK + 1);
    while !content.is_empty() {
        let rest = content.get(CHUNK..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == b'\n').map_or(content.len(), |at| CHUNK + at + 1);
        let (chunk, later) = content.split_at(end);
        chunks.push(chunk);
        content = later;
    }
    chunks
}

impl<'a> Piece<'a> {
    pub(super) fn read(chunk: &'a [u8]) -> Result<Self, Broken> {
        let mut piece = Self { entries: Vec::new(), plain: Vec::new() };
        let mut inflate = Inflate::new();
        for (index, line) in chunk.split(|&byte| byte == b'\n').enumerate() {
            let entry = piece.entry(line, index + 1, &mut inflate);
            piece.entries.extend(entry.map_err(|reason| Broken { line: index + 1, reason })?);
            if piece.plain.len() > MIN_PLAIN.max(chunk.len().saturating_mul(MAX_RATIO)) {
                return Err(Broken { line: index + 1, reason: "the log is much larger than its text" });
            }
        }
        Ok(piece)
    }

    fn entry(
        &mut self,
        text: &'a [u8],
        line: usize,
        inflate: &mut Inflate,
    ) -> Result<Option<Entry<'a>>, &'static str> {
        if let Some(meaning) = text.strip_prefix(b"#[Tag ") {
            let (number, tag) = parse_meaning(meaning).ok_or("not the meaning of a tag")?;
            return Ok(Some(Entry::Meaning { line, number, tag }));
        }
        if text.is_empty() || text.starts_with(b"#") || text.starts_with(b"\"") {
            return Ok(None);
        }
        let EncodedLine { tag, second, encoded } = parse_line(text).ok_or("not a line of an interval log")?;
        let start = self.plain.len();
        inflate.decode(encoded, &mut self.plain)?;
        decode_plain(self.plain.get(start..).unwrap_or_default(), &mut |_, _, _| ())?;
        Ok(Some(Entry::Interval { tag, second, end: self.plain.len() }))
    }
}

/// Number and meaning of a tag, from what stands after `#[Tag `.
fn parse_meaning(rest: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(rest).ok()?.strip_suffix(']')?.split_once(": ")
}

/// A line as it stands in the file.
struct EncodedLine<'a> {
    tag: &'a str,
    second: i64,
    encoded: &'a str,
}

fn parse_line(line: &[u8]) -> Option<EncodedLine<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let (tag, rest) = match line.strip_prefix("Tag=") {
        Some(tagged) => tagged.split_once(',')?,
        None => ("", line),
    };
    let mut fields = rest.split(',');
    let start: f64 = fields.next()?.parse().ok()?;
    let _length: f64 = fields.next()?.parse().ok()?;
    let _max: f64 = fields.next()?.parse().ok()?;
    let encoded = fields.next()?;
    let sound = start.is_finite() && (0.0..1e10).contains(&start) && fields.next().is_none();
    sound.then_some(EncodedLine { tag, second: start as i64, encoded })
}
