//! One operation on the cluster: when it should have left, when it did, when it ended.

use crate::{ReasonId, ResourceId, TimeNs, Verb};

/// What became of one operation of a queue. 48 bytes; made for every request, so nothing owned in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Position in its queue, from 0; due times are a function of it.
    pub index: u64,
    /// When the schedule wanted it to leave.
    pub due: TimeNs,
    /// When it left; [`TimeNs::NEVER`] if it never did.
    pub sent: TimeNs,
    /// When the last byte of the answer was read; [`TimeNs::NEVER`] when none came.
    pub done: TimeNs,
    /// 0 when there was no answer.
    pub http_status: u16,
    /// Requests sent for it; more than one only under `onTooManyRequests: backoff`.
    pub attempts: u8,
    /// What was asked.
    pub verb: Verb,
    /// Of what; announced by [`crate::RunEvent::ResourceSeen`].
    pub resource: ResourceId,
    /// Why it failed; [`ReasonId::NONE`] when it did not.
    pub reason: ReasonId,
}

impl Operation {
    /// `done - due` in ns: what a user of the cluster waits. [`u64::MAX`] when it never completed.
    pub fn response_ns(&self) -> u64 {
        self.done.since(self.due)
    }

    /// `done - sent` in ns: what the server took. [`u64::MAX`] when it never completed.
    pub fn service_ns(&self) -> u64 {
        self.done.since(self.sent)
    }

    /// `sent - due` in ns: how late the load was. [`u64::MAX`] when it was never sent.
    pub fn lag_ns(&self) -> u64 {
        self.sent.since(self.due)
    }

    /// Whether the server did what was asked.
    pub fn is_success(&self) -> bool {
        self.reason == ReasonId::NONE && (200..300).contains(&self.http_status)
    }
}
