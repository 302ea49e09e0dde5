//! The JSON of an object while it is written, member by member, and where each member then stands.

use bytes::Bytes;
use serde::Serialize;

use super::METADATA;
use crate::registry::KindRef;

const VERSION: &str = "\"resourceVersion\":\"";

/// Where a member stands in the JSON: its quoted name, its value, its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) name: u32,
    pub(super) value: u32,
    pub(super) end: u32,
}

/// The JSON of an object while it is written, member by member.
#[derive(Debug)]
pub(crate) struct Members {
    out: Vec<u8>,
    spans: Vec<Span>,
}

impl Members {
    /// Begins an object of a kind.
    pub(crate) fn of(kind: &KindRef, capacity: usize) -> Self {
        let mut out = Vec::with_capacity(capacity);
        out.extend_from_slice(kind.prefix.as_bytes());
        Self { out, spans: Vec::with_capacity(8) }
    }

    /// Writes a member.
    pub(crate) fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.begin(name);
        // Writing JSON trees and plain values into a vector cannot fail.
        let _ = serde_json::to_writer(&mut self.out, value);
        self.end();
    }

    /// Writes a member as it stands in another JSON text: its name may be written with escapes.
    pub(super) fn copy(&mut self, json: &[u8], span: Span) {
        self.out.push(b',');
        let start = position(&self.out);
        self.out.extend_from_slice(slice(json, span.name, span.end));
        let value = start + (span.value - span.name);
        self.spans.push(Span { name: start, value, end: position(&self.out) });
    }

    /// Writes `metadata` as it is, with another version. The version stands before labels and annotations, so that
    /// the first match is it.
    pub(super) fn put_metadata(&mut self, json: &[u8], version: u64) {
        self.begin(METADATA);
        let text = std::str::from_utf8(json).unwrap_or_default();
        match text.split_once(VERSION).and_then(|(head, rest)| Some((head, rest.split_once('"')?.1))) {
            Some((head, tail)) => {
                for part in [head, VERSION, &version.to_string(), "\"", tail] {
                    self.out.extend_from_slice(part.as_bytes());
                }
            }
            None => self.out.extend_from_slice(json),
        }
        self.end();
    }

    fn begin(&mut self, name: &str) {
        self.out.push(b',');
        let start = position(&self.out);
        let _ = serde_json::to_writer(&mut self.out, name);
        self.out.push(b':');
        let value = position(&self.out);
        self.spans.push(Span { name: start, value, end: value });
    }

    fn end(&mut self) {
        let end = position(&self.out);
        if let Some(span) = self.spans.last_mut() {
            span.end = end;
        }
    }

    pub(super) fn finish(mut self) -> (Bytes, Box<[Span]>) {
        self.out.push(b'}');
        self.out.shrink_to_fit();
        (Bytes::from(self.out), self.spans.into())
    }
}

/// Objects are smaller than 4 GiB by far: a request body is at most 3 MiB.
fn position(out: &[u8]) -> u32 {
    u32::try_from(out.len()).unwrap_or(u32::MAX)
}

pub(super) fn slice(json: &[u8], start: u32, end: u32) -> &[u8] {
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
    json.get(range).unwrap_or_default()
}
