//! All pods of the run, and the samples that are due.
//!
//! A pod's samples are made when it is ready (and later, should a condition come after that), when it is deleted, or
//! at the end: early enough that they survive a broken run, once for each pod and condition. What is missing
//! is decided at the end. Repeated and outdated events change nothing. A pod takes about 300 bytes once its row is
//! written, so a measurement with 64 MiB holds more than 100,000.

use std::collections::HashMap;

use bench_sdk::{RowKind, metrics::NEVER};

use crate::{
    interval::Offset,
    pod::{CONDITIONS, Condition, N_CONDITIONS, Pod},
    rows::Event,
};

/// A latency for a histogram; [`NEVER`] in both bounds when the condition never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// Number of the job.
    pub job: usize,
    /// Number of the condition.
    pub condition: u8,
    /// In nanoseconds.
    pub low: u64,
    /// In nanoseconds.
    pub high: u64,
}

/// See the module's documentation.
#[derive(Debug, Default)]
#[expect(
    clippy::vec_box,
    reason = "growing a list of large values needs three times their memory for a moment"
)]
pub struct Pods {
    pods: Vec<Box<Pod>>,
    by_uid: HashMap<String, usize>,
    jobs: Vec<String>,
    /// Conditions that some pod has had, in whatever status: bit n is condition n.
    known_conditions: u8,
    gaps: u32,
    /// (whether it is a warmup, its start), in order.
    phases: Vec<(bool, i64)>,
    samples: Vec<Sample>,
    /// Positions of pods whose rows are complete.
    done: Vec<usize>,
}

impl Pods {
    /// Takes in an event.
    pub fn see(&mut self, event: &Event<'_>, offset: Offset) {
        if event.kind == RowKind::Gap {
            self.gaps += 1;
            return;
        }
        let (position, is_new) = self.position(event);
        let Some(pod) = self.pods.get_mut(position) else { return };
        pod.see(event, self.gaps, is_new, offset);
        for (bit, status) in event.status.iter().enumerate() {
            self.known_conditions |= u8::from(!status.is_empty()) << bit;
        }
        if pod.has(Condition::Ready) || pod.deleted {
            self.sample(position, offset);
        }
    }

    fn position(&mut self, event: &Event<'_>) -> (usize, bool) {
        if let Some(&position) = self.by_uid.get(event.uid) {
            return (position, false);
        }
        let position = self.pods.len();
        let job = self.job(event.job);
        self.pods.push(Box::new(Pod::new(event, job)));
        self.by_uid.insert(event.uid.to_owned(), position);
        (position, true)
    }

    fn job(&mut self, name: &str) -> usize {
        self.jobs.iter().position(|known| known == name).unwrap_or_else(|| {
            self.jobs.push(name.to_owned());
            self.jobs.len() - 1
        })
    }

    /// Makes the samples of conditions that have come and have none, and the row once nothing can be added.
    fn sample(&mut self, position: usize, offset: Offset) {
        let is_warmup = self.pods.get(position).is_some_and(|pod| self.is_warmup(pod, offset));
        let Some(pod) = self.pods.get_mut(position) else { return };
        for condition in CONDITIONS {
            let bit = 1 << condition as u8;
            let Some((low, high)) = pod.latency(condition, offset).filter(|_| pod.sampled & bit == 0) else {
                continue;
            };
            pod.sampled |= bit;
            if !is_warmup {
                self.samples.push(Sample { job: pod.job, condition: condition as u8, low, high });
            }
        }
        if (pod.is_complete() || pod.deleted) && !pod.is_done {
            pod.is_done = true;
            self.done.push(position);
        }
    }

    /// Notes that a phase started.
    pub fn phase_started(&mut self, is_warmup: bool, at: i64) {
        self.phases.push((is_warmup, at));
    }

    /// Whether the pod started in a warmup phase.
    pub fn is_warmup(&self, pod: &Pod, offset: Offset) -> bool {
        let start = pod.start(offset).high;
        self.phases.iter().rev().find(|(_, at)| *at <= start).is_some_and(|(is_warmup, _)| *is_warmup)
    }

    /// Makes what is left: samples and rows of all pods, and what is missing.
    pub fn finish(&mut self, offset: Offset) {
        for position in 0..self.pods.len() {
            self.sample(position, offset);
            let Some(pod) = self.pods.get(position) else { continue };
            if !self.is_warmup(pod, offset) {
                let missing = self.missing(pod).map(|condition| condition as u8);
                let missing =
                    missing.map(|condition| Sample { job: pod.job, condition, low: NEVER, high: NEVER });
                self.samples.extend(missing.collect::<Vec<_>>());
            }
            if let Some(pod) = self.pods.get_mut(position).filter(|pod| !pod.is_done) {
                pod.is_done = true;
                self.done.push(position);
            }
        }
    }

    /// Conditions that a pod has not reached, without those that this cluster does not set.
    pub fn missing<'a>(&'a self, pod: &'a Pod) -> impl Iterator<Item = Condition> + 'a {
        CONDITIONS.into_iter().filter(|&condition| !pod.has(condition) && self.is_set(condition))
    }

    /// Whether the cluster sets a condition. Every cluster sets all but one, so only that one is ever excused, and
    /// only when no pod of the run has had it in whatever status.
    pub fn is_set(&self, condition: Condition) -> bool {
        match condition {
            Condition::SandboxReady => self.known_conditions & (1 << condition as u8) != 0,
            Condition::Scheduled | Condition::Initialized | Condition::ContainersReady | Condition::Ready => {
                true
            }
        }
    }

    /// Samples since the last call.
    pub fn take_samples(&mut self) -> Vec<Sample> {
        std::mem::take(&mut self.samples)
    }

    /// Pods whose rows are complete since the last call, as positions for [`Pods::get`].
    pub fn take_done(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.done)
    }

    /// Drops the texts of pods whose rows are written and of which nothing is missing.
    pub fn forget_texts(&mut self, positions: &[usize]) {
        for &position in positions {
            if let Some(pod) = self.pods.get_mut(position).filter(|pod| pod.is_complete()) {
                pod.forget_texts();
            }
        }
    }

    /// A pod by its position.
    pub fn get(&self, position: usize) -> Option<&Pod> {
        self.pods.get(position).map(AsRef::as_ref)
    }

    /// All pods in the order in which they were first seen.
    pub fn iter(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().map(AsRef::as_ref)
    }

    /// Name of a job by its number.
    pub fn job_name(&self, job: usize) -> &str {
        self.jobs.get(job).map_or("", String::as_str)
    }

    /// Breaks of the watch.
    pub fn gaps(&self) -> u32 {
        self.gaps
    }
}

const _: () = assert!(N_CONDITIONS <= 8, "conditions are bits of a byte");

#[cfg(test)]
mod tests;
