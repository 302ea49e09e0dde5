//! Shows a run while it goes on: lines that stay, a stream for machines, and the numbers of the live view.
//!
//! Reads the same events as the recorder and folds them once, into [`RunNow`]; what is shown is made from that
//! alone. Lines go to what it is given (stderr, in `bench`); the live view draws by itself, see `live`.

use std::{io::Write, sync::Arc};

use bench_model::{RunEvent, TimeNs};
use parking_lot::Mutex;

use crate::{
    format,
    now::{RunNow, RunTitle, second_of},
    stream::Stream,
};

/// Run time between two plain status lines.
const STATUS_EVERY_NS: i64 = 5_000_000_000;

/// The run as it is now, for whoever draws it on another thread.
#[derive(Clone)]
pub struct Shown(Arc<Mutex<RunNow>>);

impl Shown {
    /// Looks at it; the recorder waits for the end of `look`, so it must be short and may not block.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut RunNow) -> T) -> T {
        look(&mut self.0.lock())
    }

    /// The lines that stay, for a screen on which the live view was.
    pub fn lines(&self) -> String {
        self.look(|now| now.said.after(0).map(|said| format!("{}\n", said.line())).collect())
    }
}

/// See the module's documentation.
pub struct Progress {
    now: Arc<Mutex<RunNow>>,
    /// Whether a live view draws from it.
    is_drawn: bool,
    lines: Option<Box<dyn Write + Send>>,
    stream: Option<Stream>,
    said: u64,
    status_at: TimeNs,
    streamed_at: i64,
}

impl Progress {
    /// Shows nothing until it is told where.
    pub fn new(title: RunTitle) -> Self {
        Self {
            now: Arc::new(Mutex::new(RunNow::new(title))),
            is_drawn: false,
            lines: None,
            stream: None,
            said: 0,
            status_at: TimeNs::ZERO,
            streamed_at: 0,
        }
    }

    /// Writes lines to `out`, to which nobody else may write until [`Progress::finish`].
    pub fn with_lines(self, out: Box<dyn Write + Send>) -> Self {
        Self { lines: Some(out), ..self }
    }

    /// Tells machines too.
    pub fn with_stream(self, stream: Stream) -> Self {
        Self { stream: Some(stream), ..self }
    }

    /// What a live view draws.
    pub fn shown(&mut self) -> Shown {
        self.is_drawn = true;
        Shown(self.now.clone())
    }

    fn is_off(&self) -> bool {
        !self.is_drawn && self.lines.is_none() && self.stream.is_none()
    }

    /// Takes note of an event and shows what changed. What cannot be written is not shown: a run does not
    /// fail because nobody can see it.
    pub fn event(&mut self, event: &RunEvent) {
        if self.is_off() {
            return;
        }
        self.now.lock().add(event);
        self.show();
    }

    /// Says what time it is, while no events come.
    pub fn tick(&mut self, now: TimeNs) {
        if self.is_off() {
            return;
        }
        self.now.lock().tick(now);
        self.show();
    }

    /// Ends lines and stream; waits until what reads the stream has taken it.
    pub fn finish(self) {
        if let Some(mut out) = self.lines {
            let _ = out.flush();
        }
        if let Some(stream) = self.stream {
            stream.finish();
        }
    }

    fn show(&mut self) {
        let now = self.now.lock();
        if now.said.n() > self.said {
            for said in now.said.after(self.said) {
                if let Some(out) = &mut self.lines {
                    let _ = writeln!(out, "{}", said.line()).and_then(|()| out.flush());
                }
                if let Some(stream) = &mut self.stream {
                    stream.happened(said);
                }
            }
            self.said = now.said.n();
        }
        if let Some(out) = &mut self.lines
            && now.now.0.saturating_sub(self.status_at.0) >= STATUS_EVERY_NS
        {
            self.status_at = now.now;
            for line in status_lines(&now) {
                let at = crate::now::seconds(now.now);
                let _ = writeln!(out, "[{at:>6}] {line}").and_then(|()| out.flush());
            }
        }
        if let Some(stream) = &mut self.stream
            && second_of(now.now) > self.streamed_at
        {
            self.streamed_at = second_of(now.now);
            stream.second(&now);
        }
    }
}

/// A line for each open queue, and one for the objects that are ready.
fn status_lines(now: &RunNow) -> Vec<String> {
    let mut lines = now.queues.lines(now.now);
    if now.objects.ready > 0 {
        lines.push(format!("{} ready", format::count(now.objects.ready)));
    }
    lines
}

#[cfg(test)]
pub(crate) mod tests;
