//! A place in JSON text, and steps from it.
//!
//! serde_json would read every byte of what is stepped over here: a pod's line then took two thirds longer to become a row
//! in a guest (`host/docs/benchmarks.md`). It still reads what is not plain: escapes, numbers, raw JSON.

use std::borrow::Cow;

use serde_json::{Number, value::RawValue};
use wide::u8x16;

use super::{parse::Scalar, skip};

/// The bytes are not JSON, as far as they were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

/// A place in the bytes of a text. Of UTF-8 is only made sure where a value is taken.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The first byte of what comes next.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, NotJson> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(NotJson),
            }
        }
    }

    /// Steps over a byte that must come next.
    #[inline]
    pub(super) fn take(&mut self, wanted: u8) -> Result<(), NotJson> {
        if self.peek()? != wanted {
            return Err(NotJson);
        }
        self.at += 1;
        Ok(())
    }

    /// Whether another member or element comes, after the opening bracket or the one before; steps up to it, or over
    /// the closing bracket.
    #[inline]
    pub(super) fn next_before(&mut self, end: u8, is_first: bool) -> Result<bool, NotJson> {
        match self.peek()? {
            byte if byte == end => {
                self.at += 1;
                Ok(false)
            }
            _ if is_first => Ok(true),
            b',' => {
                self.at += 1;
                // No comma before the end.
                if self.peek()? == end { Err(NotJson) } else { Ok(true) }
            }
            _ => Err(NotJson),
        }
    }

    /// A member's key, and the colon after it.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Cow<'a, [u8]>, NotJson> {
        let key = match self.quoted()? {
            Quoted::Plain(key) => Cow::Borrowed(key),
            Quoted::Escaped(json) => Cow::Owned(unescape(json)?.into_bytes()),
        };
        self.take(b':')?;
        Ok(key)
    }

    /// A string.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, NotJson> {
        match self.quoted()? {
            Quoted::Plain(text) => utf8(text).map(Cow::Borrowed),
            Quoted::Escaped(json) => unescape(json).map(Cow::Owned),
        }
    }

    /// A string, number or boolean; `None` for null.
    #[inline]
    pub(super) fn scalar(&mut self) -> Result<Option<Scalar<'a>>, NotJson> {
        if self.peek()? == b'"' {
            return self.string().map(|text| Some(Scalar::Text(text)));
        }
        Ok(Some(match self.word() {
            b"null" => return Ok(None),
            b"true" => Scalar::Bool(true),
            b"false" => Scalar::Bool(false),
            number => Scalar::number(&serde_json::from_slice::<Number>(number).map_err(|_| NotJson)?),
        }))
    }

    /// The text of a value.
    pub(super) fn raw(&mut self) -> Result<&'a str, NotJson> {
        let from = self.at;
        self.skip()?;
        let raw: &RawValue = serde_json::from_slice(self.since(from)).map_err(|_| NotJson)?;
        Ok(raw.get())
    }

    /// Steps over a value. Of objects and lists only brackets and strings are looked at, of words nothing.
    pub(super) fn skip(&mut self) -> Result<(), NotJson> {
        match self.peek()? {
            b'"' => {
                self.quoted()?;
            }
            b'{' | b'[' => self.at += skip::container(self.rest()).ok_or(NotJson)?,
            _ if self.word().is_empty() => return Err(NotJson),
            _ => {}
        }
        Ok(())
    }

    /// Nothing but space may be left.
    pub(super) fn end(mut self) -> Result<(), NotJson> {
        self.peek().map_or(Ok(()), |_| Err(NotJson))
    }

    /// Steps over a string.
    #[inline]
    fn quoted(&mut self) -> Result<Quoted<'a>, NotJson> {
        self.take(b'"')?;
        let from = self.at;
        let mut is_plain = true;
        loop {
            self.at += first_special(self.rest()).ok_or(NotJson)?;
            match self.bytes.get(self.at) {
                Some(b'"') if is_plain => {
                    let text = self.since(from);
                    self.at += 1;
                    return Ok(Quoted::Plain(text));
                }
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Quoted::Escaped(self.since(from - 1)));
                }
                // And what it makes ordinary.
                Some(b'\\') => self.at += 2,
                Some(_) | None => return Err(NotJson),
            }
            is_plain = false;
        }
    }

    /// Steps over a number, boolean or null, or whatever stands in its place.
    #[inline]
    fn word(&mut self) -> &'a [u8] {
        let ends =
            |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b':');
        let (from, rest) = (self.at, self.rest());
        self.at += rest.iter().position(ends).unwrap_or(rest.len());
        self.since(from)
    }

    fn since(&self, from: usize) -> &'a [u8] {
        self.bytes.get(from..self.at).unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

/// A string as it stands in JSON.
enum Quoted<'a> {
    /// What is between its quotes.
    Plain(&'a [u8]),
    /// With its quotes, to be unescaped.
    Escaped(&'a [u8]),
}

fn unescape(json: &[u8]) -> Result<String, NotJson> {
    serde_json::from_slice(json).map_err(|_| NotJson)
}

fn utf8(bytes: &[u8]) -> Result<&str, NotJson> {
    std::str::from_utf8(bytes).map_err(|_| NotJson)
}

/// Where the first quote, backslash or control character is.
#[inline]
fn first_special(bytes: &[u8]) -> Option<usize> {
    const LANES: usize = 16;
    let (parts, rest) = bytes.as_chunks::<LANES>();
    for (i, part) in parts.iter().enumerate() {
        let part = u8x16::new(*part);
        let is = |wanted: u8| part.simd_eq(u8x16::splat(wanted));
        let is_control = part.min(u8x16::splat(b' ' - 1)).simd_eq(part);
        let found = (is(b'"') | is(b'\\') | is_control).to_bitmask();
        if found != 0 {
            return usize::try_from(found.trailing_zeros()).ok().map(|at| i * LANES + at);
        }
    }
    let at = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '))?;
    Some(parts.len() * LANES + at)
}
