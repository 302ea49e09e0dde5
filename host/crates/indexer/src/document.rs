//! A document, and the body of a bulk request.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::IndexName;

/// Documents of one request.
const MAX_DOCUMENTS: usize = 1000;
/// Bytes of one request, a single larger document aside: OpenSearch refuses more than 100 MB, and 5 to 15 are advised.
const MAX_BYTES: usize = 5 << 20;

/// A JSON object with the id that its content gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    id: String,
    source: String,
}

impl Document {
    /// Equal values get equal ids, whatever their blanks.
    pub fn new(value: &Value) -> Self {
        // Without line breaks, as each document is a line.
        let source = value.to_string();
        let mut id = String::with_capacity(64);
        for byte in Sha256::digest(source.as_bytes()) {
            // Writing to a `String` cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        Self { id, source }
    }

    /// Digest of the content.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Documents of one request, and their lines.
pub(crate) struct Batch<'d> {
    pub(crate) documents: &'d [Document],
    /// NDJSON: a line that says what to do, then the document.
    pub(crate) body: String,
}

/// Splits documents into requests; none for no documents.
pub(crate) fn batches<'d>(index: &IndexName, documents: &'d [Document]) -> impl Iterator<Item = Batch<'d>> {
    let mut rest = documents;
    std::iter::from_fn(move || {
        let batch = batch(index, rest);
        rest = rest.get(batch.documents.len()..).unwrap_or_default();
        (!batch.documents.is_empty()).then_some(batch)
    })
}

fn batch<'d>(index: &IndexName, documents: &'d [Document]) -> Batch<'d> {
    let mut body = String::new();
    let mut n = 0;
    for document in documents.iter().take(MAX_DOCUMENTS) {
        let action = json!({ "index": { "_index": index.as_str(), "_id": document.id } }).to_string();
        if n > 0 && body.len() + action.len() + document.source.len() + 2 > MAX_BYTES {
            break;
        }
        for line in [&action, &document.source] {
            body.push_str(line);
            body.push('\n');
        }
        n += 1;
    }
    Batch { documents: documents.get(..n).unwrap_or_default(), body }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name() -> IndexName {
        "kube-burner".parse().expect("a name")
    }

    #[test]
    fn a_request_is_a_line_for_the_action_and_one_for_the_document() {
        let document = Document::new(&json!({ "text": "two\nlines" }));
        let bodies: Vec<String> =
            batches(&name(), std::slice::from_ref(&document)).map(|batch| batch.body).collect();
        let action = format!(r#"{{"index":{{"_index":"kube-burner","_id":"{}"}}}}"#, document.id());
        assert_eq!(bodies, [format!("{action}\n{{\"text\":\"two\\nlines\"}}\n")]);
        assert_eq!(document.id().len(), 64);
        assert_eq!(batches(&name(), &[]).count(), 0);
    }

    #[test]
    fn a_large_document_goes_alone() {
        let large = Document::new(&json!({ "text": "x".repeat(MAX_BYTES) }));
        let small = Document::new(&json!({ "text": "x" }));
        let documents = [small.clone(), large, small.clone(), small];
        let sizes: Vec<usize> = batches(&name(), &documents).map(|batch| batch.documents.len()).collect();
        assert_eq!(sizes, [1, 1, 2]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn every_document_is_in_one_request_and_in_order(lengths in prop::collection::vec(0_usize..3_000_000, 0..6)) {
            let documents: Vec<Document> =
                lengths.iter().map(|n| Document::new(&json!({ "text": "x".repeat(*n) }))).collect();
            let sent: Vec<Document> =
                batches(&name(), &documents).flat_map(|batch| batch.documents.to_vec()).collect();
            prop_assert_eq!(sent, documents);
        }
    }
}
