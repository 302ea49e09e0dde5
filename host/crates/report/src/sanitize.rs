//! Makes text from outside harmless: plugins, servers and records may send anything.
//!
//! Control characters (ANSI sequences begin with one), line breaks, invisible characters and those that turn
//! the direction of text are shown as escapes: a screen shows what is there, and nothing else happens.

use std::fmt::Write as _;

/// Whether a character would do something instead of being seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text on one line, with everything hidden shown as `\n`, `\u{1b}` and so on.
pub fn sanitize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// JSON text with everything hidden as `\uXXXX`: the same values, safe to look at. Outside of strings JSON
/// has no such characters but line breaks, which stay.
pub fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_hidden(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown() {
        assert_eq!(sanitize("a\u{1b}[31mred\r\nb"), "a\\u{1b}[31mred\\r\\nb");
        assert_eq!(sanitize("\u{9b}2J\u{202e}txt\u{200b}\u{7f}"), "\\u{9b}2J\\u{202e}txt\\u{200b}\\u{7f}");
        assert_eq!(sanitize("Grüße, 世界 <b>"), "Grüße, 世界 <b>");
    }

    #[test]
    fn escaped_json_has_the_same_values() {
        let value = serde_json::json!({ "a": "x\u{9b}\u{202e}\u{e0041}é\n" });
        let escaped = escape_json(&serde_json::to_string_pretty(&value).expect("serialises"));
        assert!(!escaped.contains('\u{202e}'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).expect("parses"), value);
    }
}
