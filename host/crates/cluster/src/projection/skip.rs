//! The end of a JSON object or list that nobody wants, 64 bytes at a time.
//!
//! Quotes, backslashes and brackets of a block become bits of words; which bits stand in strings, and where the
//! brackets are even again, is arithmetic on those (Langdale and Lemire, "Parsing gigabytes of JSON per second",
//! <https://arxiv.org/abs/1902.08318>, section 3.1). What is between the brackets is not looked at: what a server
//! says of fields that no column has is not checked.

use wide::u8x16;

const BLOCK: usize = 64;
const LANES: usize = 16;

/// How long the object or list is that `bytes` begin with; `None` when it does not end.
pub(super) fn container(bytes: &[u8]) -> Option<usize> {
    let mut state = State::default();
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (i, block) in blocks.iter().enumerate() {
        if let Some(end) = state.end_in(block) {
            return Some(i * BLOCK + end + 1);
        }
    }
    let mut last = [b' '; BLOCK];
    last.get_mut(..rest.len())?.copy_from_slice(rest);
    state.end_in(&last).map(|end| blocks.len() * BLOCK + end + 1)
}

/// What is known where a block begins.
#[derive(Debug, Default)]
struct State {
    /// Brackets that are open.
    depth: u32,
    /// All bits when a string is open.
    in_string: u64,
    /// 1 when the first byte follows a backslash that counts.
    escaped: u64,
}

impl State {
    /// Where in the block the first bracket ends.
    fn end_in(&mut self, block: &[u8; BLOCK]) -> Option<usize> {
        let Marks { quotes, backslashes, opening, closing } = marks(block);
        let quotes = quotes & !self.escaped_in(backslashes);
        // Odd many quotes up to here: inside a string.
        let inside = running_parity(quotes) ^ self.in_string;
        self.in_string = if inside >> 63 == 1 { u64::MAX } else { 0 };
        let (opening, mut closing) = (opening & !inside, closing & !inside);
        let (opened, closed) = (opening.count_ones(), closing.count_ones());
        if self.depth > closed {
            self.depth = self.depth + opened - closed;
            return None;
        }
        let mut depth = self.depth;
        let mut seen = 0;
        while closing != 0 {
            let at = closing.trailing_zeros();
            let before = opening & ((1 << at) - 1);
            depth = (depth + (before & !seen).count_ones()).checked_sub(1)?;
            if depth == 0 {
                return usize::try_from(at).ok();
            }
            seen = before;
            closing &= closing - 1;
        }
        self.depth = depth + (opening & !seen).count_ones();
        None
    }

    /// The bytes that a backslash before them makes ordinary.
    fn escaped_in(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        if backslashes == 0 {
            return std::mem::take(&mut self.escaped);
        }
        let backslashes = backslashes & !self.escaped;
        let after = backslashes << 1 | self.escaped;
        let odd_starts = backslashes & !EVEN & !after;
        let (even_ends, overflows) = odd_starts.overflowing_add(backslashes);
        self.escaped = u64::from(overflows);
        (EVEN ^ even_ends << 1) & after
    }
}

/// Bytes of a block that matter, the first with the lowest bit.
struct Marks {
    quotes: u64,
    backslashes: u64,
    opening: u64,
    closing: u64,
}

fn marks(block: &[u8; BLOCK]) -> Marks {
    let mut marks = Marks { quotes: 0, backslashes: 0, opening: 0, closing: 0 };
    let (parts, _) = block.as_chunks::<LANES>();
    for (i, part) in parts.iter().enumerate() {
        let bytes = u8x16::new(*part);
        // `[` and `{`, `]` and `}` differ in this bit.
        let folded = bytes | u8x16::splat(0x20);
        let bits =
            |of: u8x16, wanted: u8| u64::from(of.simd_eq(u8x16::splat(wanted)).to_bitmask()) << (i * LANES);
        marks.quotes |= bits(bytes, b'"');
        marks.backslashes |= bits(bytes, b'\\');
        marks.opening |= bits(folded, b'{');
        marks.closing |= bits(folded, b'}');
    }
    marks
}

/// Each bit becomes the parity of those up to it.
fn running_parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, a byte at a time. Outside of strings, where JSON has no backslashes, they count too.
    fn plain(bytes: &[u8]) -> Option<usize> {
        let (mut depth, mut in_string, mut escapes) = (0_usize, false, false);
        for (at, byte) in bytes.iter().enumerate() {
            let is_escaped = std::mem::take(&mut escapes);
            match byte {
                b'\\' => escapes = !is_escaped,
                b'"' if !is_escaped => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    proptest! {
        #[test]
        fn brackets_end_where_a_plain_reading_ends_them(text in r#"\{[a\[\]{}"\\]{0,300}"#) {
            prop_assert_eq!(container(text.as_bytes()), plain(text.as_bytes()));
        }

        #[test]
        fn backslashes_count_across_blocks(before in 0_usize..70, backslashes in 0_usize..140) {
            let text = format!(r#"{{"{}{}","}}"}}]}}"#, "a".repeat(before), "\\".repeat(backslashes));
            prop_assert_eq!(container(text.as_bytes()), plain(text.as_bytes()));
        }

        #[test]
        fn objects_of_a_library_end_where_they_end(depth in 1_usize..80, width in 0_usize..5, text in r#"["\\\[\]{}é ]{0,90}"#) {
            let mut value = serde_json::json!({ &text: text });
            for _ in 0..depth {
                value = serde_json::json!([vec![value; 1], vec![&text; width]]);
            }
            let json = value.to_string();
            prop_assert_eq!(container(format!("{json}]}}").as_bytes()), Some(json.len()));
        }
    }
}
