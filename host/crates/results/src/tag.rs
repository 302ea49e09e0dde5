//! Labels as the tag of an interval log: `queue=main;verb=create`.
//!
//! Interval logs allow no blank, comma or line break in a tag; these and our own separators are
//! percent-encoded byte by byte, so that any label survives.

use bench_model::Label;

/// Writes labels in the order given.
pub(crate) fn encode<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut tag = String::new();
    for (name, value) in labels {
        if !tag.is_empty() {
            tag.push(';');
        }
        escape(name, &mut tag);
        tag.push('=');
        escape(value, &mut tag);
    }
    tag
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b',' | b';' | b'=' | b'%') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// Reads what [`encode`] wrote; `None` when it is something else.
pub(crate) fn decode(tag: &str) -> Option<Vec<Label>> {
    if tag.is_empty() {
        return Some(Vec::new());
    }
    tag.split(';')
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some(Label { name: unescape(name)?, value: unescape(value)? })
        })
        .collect()
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let high = char::from(rest.next()?).to_digit(16)?;
        let low = char::from(rest.next()?).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_labels_stay_readable() {
        assert_eq!(
            encode([("verb", "create"), ("resource", "deployments.apps")]),
            "verb=create;resource=deployments.apps"
        );
        assert_eq!(decode("a"), None);
        assert_eq!(decode("a=%zz"), None);
    }

    proptest! {
        #[test]
        fn any_label_survives(labels in prop::collection::vec((".{0,12}", ".{0,12}"), 0..4)) {
            let tag = encode(labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
            prop_assert!(!tag.contains([',', ' ', '\n', '\r']));
            let expected: Vec<Label> = labels.into_iter().map(|(name, value)| Label { name, value }).collect();
            prop_assert_eq!(decode(&tag), Some(expected));
        }

        #[test]
        fn nothing_makes_the_reader_panic(tag in ".{0,40}") {
            let _ = decode(&tag);
        }
    }
}
