//! `bench:base/log`: messages of a guest, and what it prints, under a limit of bytes a second.

use bench_model::{Label, LogLevel, RunEvent, TimeNs};

use crate::{
    bindings::bench::base::{log, types},
    host::{HostState, error::HostError},
};

/// Longest message that is kept, in bytes; the rest is cut.
const MAX_MESSAGE: usize = 8 << 10;
/// Most fields of a message that are kept.
const MAX_FIELDS: usize = 16;
/// Longest name or value of a field that is kept, in bytes.
const MAX_FIELD: usize = 1 << 10;

/// Lets through so many bytes a second, a second's worth at once, and counts what it holds back.
#[derive(Debug)]
pub(crate) struct LogGate {
    bytes_per_second: u64,
    available: u64,
    filled_at: TimeNs,
    dropped: u64,
}

impl LogGate {
    pub(crate) fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, available: bytes_per_second, filled_at: TimeNs::ZERO, dropped: 0 }
    }

    /// Whether a message of this size may pass now; counts it when not.
    pub(crate) fn admit(&mut self, bytes: usize, now: TimeNs) -> bool {
        let gained =
            u128::from(now.since(self.filled_at)) * u128::from(self.bytes_per_second) / 1_000_000_000;
        // A gain of nothing keeps its fraction: the clock moves on only with what it gave.
        if gained > 0 {
            let gained = u64::try_from(gained).unwrap_or(u64::MAX);
            self.available = self.available.saturating_add(gained).min(self.bytes_per_second);
            self.filled_at = now;
        }
        let bytes = bytes as u64;
        if bytes > self.available {
            self.dropped += 1;
            return false;
        }
        self.available -= bytes;
        true
    }

    /// Counts messages that were lost elsewhere.
    pub(crate) fn lose(&mut self, n: u64) {
        self.dropped += n;
    }

    fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

impl log::Host for HostState {
    fn max_level(&mut self) -> wasmtime::Result<log::Level> {
        Ok(log::Level::Debug)
    }

    fn log(&mut self, level: log::Level, message: String, fields: Vec<types::Label>) -> wasmtime::Result<()> {
        let level = match level {
            log::Level::Trace => return Ok(()),
            log::Level::Debug => LogLevel::Debug,
            log::Level::Info => LogLevel::Info,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Error => LogLevel::Error,
        };
        let fields = fields
            .into_iter()
            .take(MAX_FIELDS)
            .map(|field| Label { name: cut(field.name, MAX_FIELD), value: cut(field.value, MAX_FIELD) });
        let fields = fields.collect();
        self.keep_message(level, message, fields);
        Ok(())
    }
}

impl HostState {
    /// Keeps a message if the guest's limit and the record's queue have room; never waits.
    fn keep_message(&mut self, level: LogLevel, message: String, fields: Vec<Label>) {
        let now = self.now();
        let message = cut(message, MAX_MESSAGE);
        let size =
            message.len() + fields.iter().map(|field| field.name.len() + field.value.len()).sum::<usize>();
        let Some(context) = &self.context else { return };
        // An empty message costs too: a line in the record is never free.
        if !self.log.admit(size + 64, now) {
            return;
        }
        let event = RunEvent::Log { source: context.user.clone(), level, at: now, message, fields };
        if context.services.events.try_send(event).is_err() {
            self.log.lose(1);
        }
    }

    /// Makes messages of whole lines that the guest printed.
    pub(crate) fn flush_output(&mut self) {
        let (lines, lost) = self.output.take_lines();
        self.log.lose(lost);
        for (level, line) in lines {
            self.keep_message(level, line, Vec::new());
        }
    }

    /// Tells how many messages were dropped since the last time.
    pub(crate) async fn flush_log(&mut self) -> Result<(), HostError> {
        let Some(context) = &self.context else { return Ok(()) };
        let source = context.user.clone();
        match self.log.take_dropped() {
            0 => Ok(()),
            n => self.send(RunEvent::LogsDropped { source, n }).await,
        }
    }
}

/// Cuts a text at a character, marking that it did.
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text.truncate(end);
    text.push('…');
    // The guest's allocation may be megabytes.
    text.shrink_to_fit();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_over_the_rate_are_counted_not_kept() {
        let mut gate = LogGate::new(100);
        assert!(gate.admit(60, TimeNs(0)));
        assert!(!gate.admit(60, TimeNs(0)));
        assert!(gate.admit(60, TimeNs(500_000_000)));
        assert!(!gate.admit(101, TimeNs(1_000_000_000_000)), "more than a second's worth never passes");
        assert_eq!(gate.take_dropped(), 2);
        assert_eq!(gate.take_dropped(), 0);
    }

    #[test]
    fn time_in_small_steps_adds_up() {
        let mut gate = LogGate::new(100);
        assert!(gate.admit(100, TimeNs(0)));
        let admitted = (1..=1_000).filter(|ms| gate.admit(1, TimeNs(ms * 1_000_000))).count();
        assert_eq!(admitted, 100);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("kurz".to_owned(), 10), "kurz");
        assert_eq!(cut("größer".to_owned(), 3), "gr…");
    }
}
