//! Finds `{{ name }}` in a manifest and hides it from the YAML parser.
//!
//! `name: {{ x }}` is a mapping inside a mapping to YAML. Each placeholder is therefore replaced by a mark of
//! the *same length in bytes*, so that every place in the parsed tree is a place in the text as it was
//! written. A mark starts with a private-use character, which no manifest needs.

use crate::{
    compile::{TemplateError, TemplateMistake},
    yaml::Span,
};

/// First character of a mark.
const MARK: char = '\u{E000}';
/// Private-use characters that only marks and [`encode`]d text may hold.
const RESERVED: std::ops::RangeInclusive<char> = '\u{E000}'..='\u{E1FF}';
const ENCODED_FIRST: u32 = 0xE100;
const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A parameter where it stands in the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placeholder {
    /// The identifier.
    pub(crate) name: String,
    /// From `{{` to `}}`.
    pub(crate) span: Span,
}

/// What kind of template a text is.
pub(crate) enum Scanned {
    /// Only plain parameters: text with marks and the placeholders that they stand for.
    Slots { masked: String, places: Vec<Placeholder> },
    /// Statements, comments, filters or expressions.
    Jinja,
}

/// A scalar with marks, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    /// Fixed text.
    Text(&'t str),
    /// Index into the placeholders.
    Param(usize),
}

/// Adds a placeholder that stands nowhere in the text; returns its mark, none past 62² placeholders.
pub(crate) fn add(places: &mut Vec<Placeholder>, name: &str) -> Option<String> {
    let mark = mark(places.len(), MARK.len_utf8() + 2)?;
    places.push(Placeholder { name: name.to_owned(), span: 0..mark.len() });
    Some(mark)
}

/// Finds the placeholders of a manifest.
pub(crate) fn scan(source: &str) -> Result<Scanned, TemplateError> {
    if let Some((at, c)) = source.char_indices().find(|(_, c)| RESERVED.contains(c)) {
        return Err(TemplateError::new(source, at..at + c.len_utf8(), TemplateMistake::ReservedCharacter));
    }
    let has_raw = source.contains("{% raw") || source.contains("{%- raw");
    let mut is_jinja = source.contains("{%") || source.contains("{#");
    let mut masked = String::with_capacity(source.len());
    let mut places = Vec::new();
    let mut rest = 0;
    while let Some(start) = source.get(rest..).and_then(|tail| tail.find("{{")).map(|at| at + rest) {
        let tail = source.get(start..).unwrap_or_default();
        let Some(length) = tail.find("}}").map(|at| at + 2) else {
            return Err(TemplateError::new(source, start..start + 2, TemplateMistake::Unclosed));
        };
        let inner = tail.get(2..length - 2).unwrap_or_default();
        if !has_raw && let Some(instead) = go_instead(inner) {
            let found = tail.get(..length).unwrap_or_default().to_owned();
            return Err(TemplateError::new(
                source,
                start..start + length,
                TemplateMistake::GoSyntax { found, instead },
            ));
        }
        masked.push_str(source.get(rest..start).unwrap_or_default());
        match (is_identifier(inner.trim()), mark(places.len(), length)) {
            (true, Some(mark)) => masked.push_str(&mark),
            _ => is_jinja = true,
        }
        places.push(Placeholder { name: inner.trim().to_owned(), span: start..start + length });
        rest = start + length;
    }
    masked.push_str(source.get(rest..).unwrap_or_default());
    Ok(if is_jinja { Scanned::Jinja } else { Scanned::Slots { masked, places } })
}

/// Splits a scalar of a masked text at its marks.
pub(crate) fn split<'t>(text: &'t str, places: &[Placeholder]) -> Vec<Piece<'t>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        let index = mark_index(after);
        let Some(place) = places.get(index) else { break };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Param(index));
        rest = after.get(place.span.len() - MARK.len_utf8()..).unwrap_or_default();
    }
    if !rest.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// Whether a masked scalar or key holds a mark.
pub(crate) fn has_mark(text: &str) -> bool {
    text.contains(MARK)
}

/// Whether `word` can name a parameter.
pub(crate) fn is_identifier(word: &str) -> bool {
    // Literals and operators of minijinja.
    const WORDS: &[&str] = &[
        "true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else",
        "loop", "self",
    ];
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    word.starts_with(start) && word.chars().all(|c| start(c) || c.is_ascii_digit()) && !WORDS.contains(&word)
}

/// Text as private-use characters, which mean nothing to YAML: one for each byte.
pub(crate) fn encode(text: &str) -> String {
    let bytes = text.bytes().filter_map(|byte| char::from_u32(ENCODED_FIRST + u32::from(byte)));
    std::iter::once(MARK).chain(bytes).collect()
}

/// Undoes [`encode`] wherever it stands in `text`, however often it was applied.
pub(crate) fn decode(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains(|c| RESERVED.contains(&c)) {
        text = decode_once(&text);
    }
    text
}

fn decode_once(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars().filter(|c| *c != MARK) {
        let byte = u32::from(c).checked_sub(ENCODED_FIRST).and_then(|byte| u8::try_from(byte).ok());
        match byte {
            Some(byte) => bytes.push(byte),
            // What `encode` never writes is dropped: it would keep `decode` from ending.
            None if RESERVED.contains(&c) => {}
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A mark of `length` bytes that names placeholder `index`; none past 62² placeholders.
fn mark(index: usize, length: usize) -> Option<String> {
    let high = char::from(*DIGITS.get(index / DIGITS.len())?);
    let low = char::from(*DIGITS.get(index % DIGITS.len())?);
    let padding = "_".repeat(length.checked_sub(MARK.len_utf8() + 2)?);
    Some(format!("{MARK}{high}{low}{padding}"))
}

fn mark_index(after: &str) -> usize {
    let digit = |at: usize| after.as_bytes().get(at).and_then(|b| DIGITS.iter().position(|digit| digit == b));
    match (digit(0), digit(1)) {
        (Some(high), Some(low)) => high * DIGITS.len() + low,
        _ => usize::MAX,
    }
}

/// What to write instead of an expression of Go's `text/template`, as kube-burner and ClusterLoader2 use it.
fn go_instead(inner: &str) -> Option<String> {
    let inner = inner.trim_matches('-').trim();
    let first = inner.split_whitespace().next().unwrap_or_default();
    match first {
        "if" => return Some("{% if … %} … {% endif %}".to_owned()),
        "range" => return Some("{% for … in … %} … {% endfor %}".to_owned()),
        "end" => return Some("{% endif %} or {% endfor %}".to_owned()),
        _ => {}
    }
    let field = inner.strip_prefix('$').unwrap_or(inner).strip_prefix('.')?;
    let name: String = field.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let name = match name.as_str() {
        "" => "name".to_owned(),
        "Iteration" => "iteration".to_owned(),
        "Replica" => "replica".to_owned(),
        "JobName" => "job".to_owned(),
        "UUID" | "RunID" => "runId".to_owned(),
        _ => name,
    };
    Some(format!("{{{{ {name} }}}}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mark_is_as_long_as_its_placeholder_and_names_it() {
        let source = "name: a-{{x}}-{{  longer_name }}";
        let Ok(Scanned::Slots { masked, places }) = scan(source) else { panic!("slots") };
        assert_eq!(masked.len(), source.len());
        let scalar = masked.strip_prefix("name: ").expect("a key");
        let pieces = [Piece::Text("a-"), Piece::Param(0), Piece::Text("-"), Piece::Param(1)];
        assert_eq!(split(scalar, &places), pieces);
    }

    proptest! {
        #[test]
        fn encoded_text_decodes_to_itself(text in "[^\u{E000}-\u{E1FF}]{0,40}") {
            prop_assert_eq!(decode(&encode(&text)), text.clone());
            prop_assert_eq!(decode(&encode(&encode(&text))), text);
        }

        #[test]
        fn nothing_makes_the_scanner_panic(text in "[ -~äé\n{}%#]{0,60}") {
            let _ = scan(&text);
        }
    }
}
