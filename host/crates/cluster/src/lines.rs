//! Cuts a stream of bytes into lines, with a cap on their length.

use memchr::memchr;

/// The longest line: several times what etcd can hold.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// A line without its newline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Whole(&'a [u8]),
    /// Skipped up to its end.
    TooLong,
}

/// The part of a line that came so far.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
    skipping: bool,
}

impl Lines {
    /// Takes the next bytes and gives every line that they complete; empty lines are left out.
    pub(crate) fn feed(&mut self, data: &[u8], line: impl FnMut(Line<'_>)) {
        self.feed_capped(data, MAX_LINE, line);
    }

    fn feed_capped(&mut self, mut data: &[u8], cap: usize, mut line: impl FnMut(Line<'_>)) {
        while let Some(end) = memchr(b'\n', data) {
            let (head, tail) = data.split_at(end);
            data = tail.get(1..).unwrap_or_default();
            if std::mem::take(&mut self.skipping) || self.rest.len() + head.len() > cap {
                line(Line::TooLong);
            } else if self.rest.is_empty() {
                // The whole line is in one piece: no copy.
                if !head.trim_ascii().is_empty() {
                    line(Line::Whole(head));
                }
            } else {
                self.rest.extend_from_slice(head);
                line(Line::Whole(&self.rest));
            }
            self.rest.clear();
        }
        if self.skipping || self.rest.len() + data.len() > cap {
            self.skipping = true;
            self.rest = Vec::new();
        } else {
            self.rest.extend_from_slice(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn feed(pieces: &[&[u8]], cap: usize) -> Vec<String> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.feed_capped(piece, cap, |line| {
                found.push(match line {
                    Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                    Line::TooLong => "<too long>".to_owned(),
                });
            });
        }
        found
    }

    #[test]
    fn lines_are_cut_wherever_the_pieces_end() {
        assert_eq!(feed(&[b"a\nb", b"c\n", b"\n", b"d"], 10), ["a", "bc"]);
    }

    #[test]
    fn a_line_past_the_cap_is_skipped_and_the_next_one_is_not() {
        assert_eq!(feed(&[b"123", b"456", b"7\nok\n"], 5), ["<too long>", "ok"]);
        assert_eq!(feed(&[b"123456\nok\n"], 5), ["<too long>", "ok"]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(text in "[a-c\n]{0,60}", cuts in prop::collection::vec(0_usize..60, 0..6)) {
            let whole = feed(&[text.as_bytes()], 8);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([text.len()]) {
                pieces.push(&text.as_bytes()[from..cut]);
                from = cut;
            }
            prop_assert_eq!(feed(&pieces, 8), whole);
        }
    }
}
