//! One pod: what was seen of it, and what that makes of its latencies.

use bench_sdk::RowKind;

use crate::{
    interval::{Interval, Offset},
    rows::Event,
};

/// How many conditions are measured.
pub const N_CONDITIONS: usize = 5;

/// A condition of pods, in the order in which a pod usually reaches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// A node was chosen.
    Scheduled,
    /// Init containers ended.
    Initialized,
    /// The sandbox and its network are there. Kubelets since 1.29 report it, fake nodes do not.
    SandboxReady,
    /// All containers are ready.
    ContainersReady,
    /// And all readiness gates.
    Ready,
}

/// All of them, by their number.
pub const CONDITIONS: [Condition; N_CONDITIONS] = [
    Condition::Scheduled,
    Condition::Initialized,
    Condition::SandboxReady,
    Condition::ContainersReady,
    Condition::Ready,
];

impl Condition {
    /// As the API calls it.
    pub fn kubernetes_type(self) -> &'static str {
        match self {
            Self::Scheduled => "PodScheduled",
            Self::Initialized => "Initialized",
            Self::SandboxReady => "PodReadyToStartContainers",
            Self::ContainersReady => "ContainersReady",
            Self::Ready => "Ready",
        }
    }

    /// Name of the histogram and of the column.
    pub fn metric(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Initialized => "initialized",
            Self::SandboxReady => "sandbox-ready",
            Self::ContainersReady => "containers-ready",
            Self::Ready => "ready",
        }
    }

    /// For reports.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Scheduled => "From the pod's start until a node was chosen",
            Self::Initialized => "From the pod's start until its init containers had ended",
            Self::SandboxReady => "From the pod's start until its sandbox and network were there",
            Self::ContainersReady => "From the pod's start until all containers were ready",
            Self::Ready => "From the pod's start until it was ready",
        }
    }
}

/// A pod of the run.
#[derive(Debug, Clone, Default)]
pub struct Pod {
    /// `namespace/name`
    pub object: String,
    /// Number of its job.
    pub job: usize,
    /// Kinds of its owners; empty for a pod of its own.
    pub owner: String,
    /// Empty while it has none.
    pub node: String,
    /// Last seen phase.
    pub phase: String,
    /// Why it was not scheduled, as far as was seen.
    pub unscheduled: String,
    /// When its own create request was due.
    pub due: Option<i64>,
    /// When its own create request was sent.
    pub sent: Option<i64>,
    /// By the API server's clock.
    created: Option<i64>,
    first_seen: i64,
    last_seen: i64,
    /// Number of gaps before its last row.
    gaps: u32,
    reached: [Option<Interval>; N_CONDITIONS],
    /// Whether it was deleted.
    pub deleted: bool,
    /// Conditions whose samples are made: bit n is condition n.
    pub(crate) sampled: u8,
    /// Whether its row is made.
    pub(crate) is_done: bool,
}

impl Pod {
    /// A pod seen for the first time.
    pub fn new(event: &Event<'_>, job: usize) -> Self {
        Self {
            object: event.object.to_owned(),
            job,
            owner: event.owner.to_owned(),
            created: event.created,
            first_seen: event.observed_at,
            last_seen: event.observed_at,
            ..Self::default()
        }
    }

    /// Takes in an event; `gaps` counts the gaps so far, `is_new` says that nothing was seen of it before.
    ///
    /// What is seen as it happens is exact. Otherwise it happened after the pod was last seen without it, and within
    /// the second of its time in the object.
    pub fn see(&mut self, event: &Event<'_>, gaps: u32, is_new: bool, offset: Offset) {
        // Not before the run: the pod carries its label.
        let known_since = if is_new { 0 } else { self.last_seen };
        let is_live = match event.kind {
            RowKind::Initial | RowKind::Gap => false,
            RowKind::Added => true,
            RowKind::Modified | RowKind::Deleted => !is_new && self.gaps == gaps,
        };
        let conditions = event.status.iter().zip(event.transition);
        for (reached, (status, transition)) in self.reached.iter_mut().zip(conditions) {
            if *status != "True" || reached.is_some() {
                continue;
            }
            *reached = Some(if is_live {
                Interval::exact(event.observed_at)
            } else {
                Interval::between(known_since, event.observed_at).narrowed(offset.run_time(transition))
            });
        }
        self.note(event);
        self.gaps = gaps;
    }

    fn note(&mut self, event: &Event<'_>) {
        self.due = self.due.or(event.due);
        self.sent = self.sent.or(event.sent);
        self.last_seen = self.last_seen.max(event.observed_at);
        self.deleted |= event.kind == RowKind::Deleted;
        replace(&mut self.node, event.node);
        replace(&mut self.phase, event.phase);
        if !event.reason.is_empty() {
            replace(&mut self.unscheduled, &format!("{}: {}", event.reason, event.message));
        }
    }

    /// When the pod was wanted, or made by a controller.
    pub fn start(&self, offset: Offset) -> Interval {
        match self.due {
            Some(due) => Interval::exact(due),
            None => Interval::between(0, self.first_seen).narrowed(offset.run_time(self.created)),
        }
    }

    /// Bounds of the time from its start to a condition; `None` while it has not come.
    pub fn latency(&self, condition: Condition, offset: Offset) -> Option<(u64, u64)> {
        Some(self.reached_at(condition)?.since(self.start(offset)))
    }

    /// Bounds of the time from sending its create request to a condition.
    pub fn latency_from_sent(&self, condition: Condition) -> Option<(u64, u64)> {
        Some(self.reached_at(condition)?.since(Interval::exact(self.sent?)))
    }

    fn reached_at(&self, condition: Condition) -> Option<Interval> {
        *self.reached.get(condition as usize)?
    }

    /// Whether every condition came.
    pub fn is_complete(&self) -> bool {
        self.reached.iter().all(Option::is_some)
    }

    /// Gives back the memory of its texts, once nobody will ask for them.
    pub fn forget_texts(&mut self) {
        for text in
            [&mut self.object, &mut self.owner, &mut self.node, &mut self.phase, &mut self.unscheduled]
        {
            *text = String::new();
        }
    }

    /// Whether a condition came.
    pub fn has(&self, condition: Condition) -> bool {
        self.reached.get(condition as usize).is_some_and(Option::is_some)
    }

    /// Why it is not ready, as far as can be said from what was seen; `gaps` as in [`Pod::see`].
    pub fn why_not_ready(&self, gaps: u32) -> String {
        if self.has(Condition::Ready) {
            return "became ready, but a condition before it was not seen".to_owned();
        }
        if self.deleted {
            return "deleted before it was ready".to_owned();
        }
        if matches!(self.phase.as_str(), "Succeeded" | "Failed") {
            return format!("ended as {} before it was seen ready", self.phase);
        }
        if self.gaps != gaps {
            return "not seen again after the watch had a gap".to_owned();
        }
        match (self.has(Condition::Scheduled), self.unscheduled.as_str()) {
            (true, _) => format!("on node `{}`, not ready when the measurement ended", self.node),
            (false, "") => "not scheduled when the measurement ended".to_owned(),
            (false, why) => why.to_owned(),
        }
    }
}

fn replace(old: &mut String, new: &str) {
    if !new.is_empty() && old != new {
        new.clone_into(old);
    }
}
