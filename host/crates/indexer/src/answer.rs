//! The answer to a bulk request: what became of each document.
//!
//! An answer with HTTP status 200 may say of every single document that it was refused. Each item is held against
//! the document that it must be about; the flag `errors` of the answer is not asked.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

use crate::Document;

/// Characters of a server's reason that are kept.
const MAX_REASON: usize = 300;

/// Documents that were refused for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status of the item.
    pub http_status: u16,
    /// `mapper_parsing_exception`; empty when the server does not say.
    pub kind: String,
    /// The server's words about the first of them, without control characters.
    pub example: String,
    /// How many.
    pub count: u64,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { http_status, kind, example, count } = self;
        write!(f, "{count} with {http_status}")?;
        for text in [kind, example].into_iter().filter(|text| !text.is_empty()) {
            write!(f, ", {text}")?;
        }
        Ok(())
    }
}

/// Why an answer does not say what became of the documents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not the JSON of a bulk answer.
    #[error("the answer is not one of the bulk API")]
    Malformed,
    /// It has more or fewer items than there were documents.
    #[error("the answer is about {answered} documents, {sent} were sent")]
    Count {
        /// Documents of the request.
        sent: usize,
        /// Items of the answer.
        answered: usize,
    },
    /// An item is about another document.
    #[error("the answer is about other documents than those that were sent")]
    Other,
}

/// What became of the documents of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Items {
    pub(crate) created: u64,
    pub(crate) replaced: u64,
    /// By status and kind.
    pub(crate) rejected: BTreeMap<(u16, String), Rejection>,
}

impl Items {
    /// Adds those of another request.
    pub(crate) fn merge(&mut self, other: Self) {
        self.created += other.created;
        self.replaced += other.replaced;
        for (key, rejection) in other.rejected {
            self.rejected.entry(key).and_modify(|known| known.count += rejection.count).or_insert(rejection);
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Action>,
}

#[derive(Deserialize)]
struct Action {
    index: Item,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "_id")]
    id: Option<String>,
    status: u16,
    #[serde(default)]
    error: Option<ItemError>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ItemError {
    r#type: Option<String>,
    reason: Option<String>,
}

/// Holds an answer against the documents that it must be about.
pub(crate) fn parse(body: &[u8], documents: &[Document]) -> Result<Items, AnswerError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    let (sent, answered) = (documents.len(), answer.items.len());
    if sent != answered {
        return Err(AnswerError::Count { sent, answered });
    }
    let mut items = Items::default();
    for (Action { index: item }, document) in answer.items.into_iter().zip(documents) {
        if item.id.as_deref() != Some(document.id()) {
            return Err(AnswerError::Other);
        }
        match item.status {
            201 => items.created += 1,
            200 => items.replaced += 1,
            http_status => reject(&mut items, http_status, item.error.unwrap_or_default()),
        }
    }
    Ok(items)
}

fn reject(items: &mut Items, http_status: u16, error: ItemError) {
    let kind = harmless(&error.r#type.unwrap_or_default());
    let first = || Rejection {
        http_status,
        kind: kind.clone(),
        example: harmless(&error.reason.unwrap_or_default()),
        count: 0,
    };
    items.rejected.entry((http_status, kind.clone())).or_insert_with(first).count += 1;
}

/// The server's words, for a terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect()
}

/// The reason of an answer that is an error as a whole.
pub(crate) fn reason(body: &[u8]) -> String {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let error = answer.get("error");
    let reason = error.and_then(|error| error.get("reason")?.as_str().or(error.as_str()));
    let reason = reason.or_else(|| error.and_then(serde_json::Value::as_str));
    let text = reason.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    match harmless(text.trim()) {
        text if text.is_empty() => "no reason given".to_owned(),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn documents(n: u64) -> Vec<Document> {
        (0..n).map(|n| Document::new(&json!({ "n": n }))).collect()
    }

    fn check(n: u64, answer: &str, expected: Result<(u64, u64, &[&str]), AnswerError>) {
        let documents = documents(n);
        let answer = documents.iter().enumerate().fold(answer.to_owned(), |answer, (n, document)| {
            answer.replace(&format!("ID{n}"), document.id())
        });
        let found = parse(answer.as_bytes(), &documents).map(|items| {
            let rejected: Vec<String> = items.rejected.values().map(ToString::to_string).collect();
            (items.created, items.replaced, rejected)
        });
        let expected = expected.map(|(created, replaced, rejected)| {
            (created, replaced, rejected.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        });
        assert_eq!(found, expected, "{answer}");
    }

    #[test]
    fn each_item_says_what_became_of_its_document() {
        let good = r#"{"took":3,"errors":false,"items":[{"index":{"_index":"a","_id":"ID0","status":201,"result":"created"}},
            {"index":{"_id":"ID1","status":200}}]}"#;
        check(2, good, Ok((1, 1, &[])));
        // The flag lies; the items count.
        let bad = r#"{"errors":false,"items":[{"index":{"_id":"ID0","status":201}},
            {"index":{"_id":"ID1","status":400,"error":{"type":"mapper_parsing_exception","reason":"no \u001b[2J date"}}},
            {"index":{"_id":"ID2","status":400,"error":{"type":"mapper_parsing_exception","reason":"other"}}},
            {"index":{"_id":"ID3","status":429}}]}"#;
        check(4, bad, Ok((1, 0, &["2 with 400, mapper_parsing_exception, no [2J date", "1 with 429"])));
    }

    #[test]
    fn an_answer_about_something_else_is_no_success() {
        let one = r#"{"errors":false,"items":[{"index":{"_id":"ID0","status":201}}]}"#;
        check(2, one, Err(AnswerError::Count { sent: 2, answered: 1 }));
        check(1, &one.replace("ID0", "x"), Err(AnswerError::Other));
        check(1, &one.replace(r#""_id":"ID0","#, ""), Err(AnswerError::Other));
        for other in ["", "<html>", "{}", "[]", r#"{"items":[{"create":{"_id":"ID0","status":201}}]}"#] {
            check(1, other, Err(AnswerError::Malformed));
        }
    }

    #[test]
    fn an_error_as_a_whole_has_a_reason_or_its_own_text() {
        assert_eq!(
            reason(br#"{"error":{"type":"x","reason":"index is blocked"},"status":403}"#),
            "index is blocked"
        );
        assert_eq!(reason(br#"{"error":"no handler"}"#), "no handler");
        assert_eq!(reason(b"<html>\x1b"), "<html>");
        assert_eq!(reason(b""), "no reason given");
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(body in ".{0,200}") {
            let _ = parse(body.as_bytes(), &documents(2));
            let _ = reason(body.as_bytes());
        }
    }
}
