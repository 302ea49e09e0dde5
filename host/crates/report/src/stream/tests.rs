use std::io;

use bench_model::TimeNs;
use serde_json::Value;

use super::*;
use crate::{Progress, progress::tests::events, test_sink::Shared};

fn lines(shared: &Shared) -> Vec<Value> {
    let parsed =
        |line: &str| -> Value { serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")) };
    shared.text().lines().map(parsed).collect()
}

fn streamed() -> Vec<Value> {
    let shared = Shared::default();
    let title = RunTitle { gates: vec!["p50(pod-latency.ready) < 5s".to_owned()], ..RunTitle::default() };
    let stream = Stream::start(Box::new(shared.clone())).expect("a thread");
    let mut progress = Progress::new(title).with_stream(stream);
    events().iter().for_each(|event| progress.event(event));
    progress.tick(TimeNs(13_500_000_000));
    progress.finish();
    lines(&shared)
}

#[test]
fn there_is_a_line_each_second_and_one_for_each_thing_that_happens() {
    let lines = streamed();
    assert!(lines.iter().all(|line| line["schemaVersion"] == 1));
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    let seconds = of("second");
    assert_eq!(seconds.len(), 13);
    let last = seconds.last().expect("a line");
    assert_eq!((&last["ended"], &last["failed"], &last["ready"]), (&600.into(), &6.into(), &600.into()));
    assert_eq!(last["total"]["p50Ns"].as_u64().map(|ns| ns / 1_000_000), Some(5));
    assert_eq!(last["gates"][0]["verdict"], "pass");
    let happened = of("happened");
    let whats: Vec<&str> = happened.iter().filter_map(|line| line["what"].as_str()).collect();
    assert_eq!(whats, ["phase", "jobStarted", "log", "jobEnded", "phase", "cleanedUp"]);
    assert!(happened[2]["text"].as_str().expect("text").contains("bad\\u{1b}[2Jpod"));
}

#[test]
fn a_line_is_of_the_published_form() {
    let schema = stream_schema();
    let text = schema.to_string();
    for name in ["offeredPerSecond", "tooManyRequests", "schemaVersion", "happened", "ended", "lost"] {
        assert!(text.contains(name), "{name} is not in {text}");
    }
}

/// Takes nothing until it is told to.
struct Stuck(std::sync::mpsc::Receiver<()>, Shared);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The other end goes when it may go on.
        let _ = self.0.recv();
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_does_not_keep_up_is_told_what_it_lost_and_nobody_waits() {
    let (go_on, wait) = std::sync::mpsc::channel();
    let shared = Shared::default();
    let mut stream = Stream::start(Box::new(Stuck(wait, shared.clone()))).expect("a thread");
    let said = |n: i64| Said { at: TimeNs(n), what: What::Note, tone: Tone::Plain, text: String::new() };
    let n = WAITING as i64 + 100;
    (0..n).for_each(|at| stream.happened(&said(at)));
    drop(go_on);
    while stream.lost > 0 {
        stream.happened(&said(n));
        std::thread::yield_now();
    }
    stream.finish();
    let lines = lines(&shared);
    let lost: Vec<u64> = lines.iter().filter_map(|line| line["lines"].as_u64()).collect();
    let told = lines.iter().filter(|line| line["type"] == "happened").count() as u64;
    assert!(!lost.is_empty());
    assert!(told + lost.iter().sum::<u64>() >= n as u64, "{told} lines and {lost:?}");
}

#[test]
fn a_reader_that_went_away_ends_the_stream_and_not_the_run() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let stream = Stream::start(Box::new(Gone)).expect("a thread");
    let mut progress = Progress::new(RunTitle::default()).with_stream(stream);
    events().iter().for_each(|event| progress.event(event));
    progress.finish();
}
