//! Says what will be created before it is created, once for each kind and place.
//!
//! The engine writes no files: an entry travels to whoever keeps the record and comes back acknowledged. If
//! it cannot be written, nothing may be created.

use std::{collections::HashSet, sync::Arc};

use bench_model::{JournalEntry, ResourceRef};
use tokio::sync::{Mutex, mpsc, oneshot};

/// An entry that waits to reach the disk.
#[derive(Debug)]
pub struct JournalRequest {
    /// What to write.
    pub entry: JournalEntry,
    /// Answered with whether it is on disk; dropped means that it is not.
    pub written: oneshot::Sender<bool>,
}

/// The journal could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal could not be written, so nothing may be created")]
pub struct JournalError;

/// The way to the journal; clones share what was already said.
#[derive(Debug, Clone)]
pub struct Journal {
    requests: mpsc::Sender<JournalRequest>,
    said: Arc<Mutex<HashSet<ResourceRef>>>,
}

impl Journal {
    /// A journal whose other end is `requests`.
    pub fn new(requests: mpsc::Sender<JournalRequest>) -> Self {
        Self { requests, said: Arc::default() }
    }

    /// Returns when the entry is on disk.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn write(&self, entry: JournalEntry) -> Result<(), JournalError> {
        let (written, answer) = oneshot::channel();
        self.requests.send(JournalRequest { entry, written }).await.map_err(|_| JournalError)?;
        if answer.await == Ok(true) { Ok(()) } else { Err(JournalError) }
    }

    /// Returns when the journal says that objects of this kind will be created there ([`JournalEntry::WillCreate`]).
    ///
    /// # Errors
    /// When it could not be written; the next call tries again.
    pub async fn will_create(&self, target: &ResourceRef) -> Result<(), JournalError> {
        // Held over the write: nobody may go on before the entry of the first one is on disk.
        let mut said = self.said.lock().await;
        if said.contains(target) {
            return Ok(());
        }
        self.write(JournalEntry::WillCreate { target: target.clone() }).await?;
        said.insert(target.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods(namespace: &str) -> ResourceRef {
        let [group, version, plural, namespace] = ["", "v1", "pods", namespace].map(str::to_owned);
        ResourceRef { group, version, plural, namespace }
    }

    #[tokio::test]
    async fn a_kind_in_a_namespace_is_journalled_once() {
        let (sender, mut requests) = mpsc::channel(8);
        let journal = Journal::new(sender);
        let writer = tokio::spawn(async move {
            let mut n = 0;
            while let Some(request) = requests.recv().await {
                n += 1;
                request.written.send(true).expect("somebody waits");
            }
            n
        });
        for namespace in ["a", "a", "b", "a"] {
            journal.will_create(&pods(namespace)).await.expect("written");
        }
        drop(journal);
        assert_eq!(writer.await.expect("no panic"), 2);
    }

    #[tokio::test]
    async fn nothing_may_be_created_when_the_journal_fails() {
        let (sender, mut requests) = mpsc::channel::<JournalRequest>(8);
        let journal = Journal::new(sender);
        tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                request.written.send(false).expect("somebody waits");
            }
        });
        assert_eq!(journal.will_create(&pods("a")).await, Err(JournalError));
    }
}
