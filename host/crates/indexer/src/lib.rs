//! Sends documents to an OpenSearch or Elasticsearch, many with one request.
//!
//! [`Indexer::send`] speaks the bulk API and believes nothing but the status of each item of its answer. A
//! document's id is the digest of its content, so that sending the same documents again stores nothing twice.
//! Nothing is retried: what was not stored is said, with the server's reason. Knows neither runs nor reports, and
//! reads no secrets: whoever calls it does.
//! <https://docs.opensearch.org/latest/api-reference/document-apis/bulk/>

mod answer;
mod destination;
mod document;
mod index_name;
mod send;

pub use answer::{AnswerError, Rejection};
pub use destination::{Destination, DestinationError, Login};
pub use document::Document;
pub use index_name::{IndexName, IndexNameError};
pub use send::{Cause, Indexer, SendError, Stored};
