//! Sends one operation and records what became of it.

use std::{sync::Arc, time::Duration};

use bench_cluster::{CreateId, Reply, Request};
use bench_model::{CreatedNamespace, JournalEntry, OnTooManyRequests, Operation, ReasonId, TimeNs, Verb};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Shared,
    body::{Prepared, Refusal, Rows, Subject},
    counts::Counts,
};

/// Requests for one operation under `onTooManyRequests: backoff`.
const MAX_ATTEMPTS: u8 = 10;

/// Wait after a 429 that names none, as client-go does.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Sends a prepared row in a task of its own, or records why it cannot be sent.
pub(super) async fn launch(
    shared: Arc<Shared>,
    index: u64,
    due: TimeNs,
    prepared: Result<Prepared, Refusal>,
    permit: OwnedSemaphorePermit,
) {
    match prepared {
        Ok(prepared) => {
            Counts::add(&shared.counts.sent, 1);
            tokio::spawn(operate(shared, index, due, prepared, permit));
        }
        Err(refusal) => {
            let outcome = Outcome::unsent(refusal.reason, refusal.message);
            record(&shared, index, due, &refusal.subject, outcome).await;
        }
    }
}

/// Records an operation that was due when the run stopped, and never left.
pub(super) async fn record_unsent(shared: &Shared, index: u64, due: TimeNs, rows: &Rows) {
    let outcome = Outcome::unsent("Cancelled", "the run stopped before it could leave".to_owned());
    record(shared, index, due, &rows.subject(), outcome).await;
}

struct Outcome {
    sent: TimeNs,
    done: TimeNs,
    http_status: u16,
    attempts: u8,
    reason: std::borrow::Cow<'static, str>,
    message: String,
}

impl Outcome {
    fn is_success(&self) -> bool {
        self.reason.is_empty() && (200..300).contains(&self.http_status)
    }

    fn unsent(reason: &'static str, message: String) -> Self {
        let never = TimeNs::NEVER;
        Self { sent: never, done: never, http_status: 0, attempts: 0, reason: reason.into(), message }
    }

    fn unanswered(sent: TimeNs, attempts: u8) -> Self {
        let message = "no answer came before the run gave up".to_owned();
        Self { sent, done: TimeNs::NEVER, http_status: 0, attempts, reason: "Cancelled".into(), message }
    }
}

async fn operate(
    shared: Arc<Shared>,
    index: u64,
    due: TimeNs,
    prepared: Prepared,
    permit: OwnedSemaphorePermit,
) {
    let Subject { verb, target, .. } = &prepared.subject;
    let is_named_create = *verb == Verb::Create && !prepared.name.is_empty();
    let own_creates = shared.services.cluster.own_creates();
    let create = is_named_create.then(|| own_creates.register(target, &prepared.name, due)).flatten();
    let outcome = attempt(&shared, &prepared, create).await;
    record(&shared, index, due, &prepared.subject, outcome).await;
    drop(permit);
}

async fn attempt(shared: &Shared, prepared: &Prepared, create: Option<CreateId>) -> Outcome {
    let Subject { verb, target, .. } = &prepared.subject;
    let request = Request {
        verb: *verb,
        target,
        name: &prepared.name,
        query: &prepared.query,
        content_type: prepared.content_type,
        body: prepared.body.clone(),
        keep_body: *verb == Verb::Create && target.is_namespaces(),
    };
    let mut first_sent = None;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let sending = shared.services.clock.now();
        let reply = tokio::select! {
            biased;
            () = shared.give_up.cancelled() => return Outcome::unanswered(first_sent.unwrap_or(sending), attempts),
            reply = shared.services.cluster.send(&request, create) => reply,
        };
        let sent = *first_sent.get_or_insert(reply.sent);
        if !reply.held_by_limiter.is_zero() {
            Counts::add(&shared.counts.held_by_limiter, 1);
        }
        if reply.http_status == 429 && attempts < MAX_ATTEMPTS && backs_off(shared, &reply).await {
            Counts::add(&shared.counts.sent_again, 1);
            continue;
        }
        if *verb == Verb::Create && reply.is_success() {
            note_made(shared, prepared, &reply).await;
        }
        if reply.http_status != 0 {
            Counts::add(&shared.counts.answered, 1);
        }
        let done = if reply.http_status == 0 { TimeNs::NEVER } else { reply.done };
        let Reply { http_status, reason, message, .. } = reply;
        return Outcome { sent, done, http_status, attempts, reason, message };
    }
}

/// Waits as a 429 asks, when the queue's policy says so; `false` when it is a result.
async fn backs_off(shared: &Shared, reply: &Reply) -> bool {
    if shared.settings.spec.on_too_many_requests == OnTooManyRequests::Record {
        return false;
    }
    let wait = tokio::time::sleep(reply.retry_after.unwrap_or(DEFAULT_RETRY_AFTER));
    tokio::select! {
        biased;
        () = shared.services.stop.cancelled() => false,
        () = wait => true,
    }
}

/// Remembers what is ours from now on: a namespace with its UID, or an object outside our namespaces.
async fn note_made(shared: &Shared, prepared: &Prepared, reply: &Reply) {
    let (name, target) = (prepared.name.clone(), &prepared.subject.target);
    if !target.is_namespaces() {
        if !shared.services.namespaces.contains(&target.namespace) {
            shared.services.ledger.note_made(target, &name);
        }
        return;
    }
    let created = CreatedNamespace { name: name.clone(), uid: reply.uid.clone() };
    shared.services.ledger.note_namespace(created.clone());
    let entry = JournalEntry::NamespaceCreated(created);
    // Its name is on disk already: without the UID, its label tells.
    if shared.services.journal.write(entry).await.is_err() {
        tracing::warn!(namespace = name, "failed to journal the UID of a namespace");
    }
    shared.services.namespaces.insert(name);
}

async fn record(shared: &Shared, index: u64, due: TimeNs, subject: &Subject, outcome: Outcome) {
    let Subject { verb, resource, failures, .. } = subject;
    if let Some(failures) = failures
        && !outcome.is_success()
    {
        failures.note();
    }
    let (reason, new_reason) = if outcome.reason.is_empty() {
        (ReasonId::NONE, None)
    } else {
        shared.services.ledger.reason(&outcome.reason, &outcome.message)
    };
    if let Some(event) = new_reason {
        // A closed channel means that the recorder failed; the run is stopped by whoever owns it.
        let _ = shared.services.events.send(event).await;
    }
    let Outcome { sent, done, http_status, attempts, .. } = outcome;
    shared
        .operations
        .push(Operation {
            index,
            due,
            sent,
            done,
            http_status,
            attempts,
            verb: *verb,
            resource: *resource,
            reason,
        })
        .await;
}
