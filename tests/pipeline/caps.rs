//! What a scenario allows holds for everything in it together.

use std::time::Duration;

use bench_model::{QueueName, RunEvent};
use bench_results::Outcome;
use http::Method;

use crate::harness::{Ran, Setup, job, run};

fn two_jobs(limits: &str, queue: &str) -> Setup {
    let jobs =
        job("first", queue, 20) + &job("second", queue, 20).replace("plugin: objects", "plugin: again");
    Setup::pods(&jobs, &format!("  again: {{ from: builtin:objects }}\nlimits: {limits}"))
}

fn created(ran: &Ran, plural: &str) -> usize {
    ran.asked.iter().filter(|asked| asked.method == Method::POST && asked.path.ends_with(plural)).count()
}

#[tokio::test(start_paused = true)]
async fn objects_are_counted_over_jobs_and_plugins() {
    let ran = run(two_jobs("{ objects: 30 }", "{ rate: 100/s }")).await;
    assert_eq!((created(&ran, "/pods"), created(&ran, "/namespaces")), (28, 2));
    let refused =
        ran.operations(&QueueName::main()).into_iter().filter(|operation| operation.sent.is_never());
    assert_eq!(refused.count(), 12);
    let named = ran
        .events
        .iter()
        .any(|event| matches!(event, RunEvent::ReasonSeen { text, .. } if text == "LimitExceeded"));
    assert!(named);
    assert_eq!(ran.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn namespaces_are_counted_over_jobs() {
    let ran = run(two_jobs("{ namespaces: 1 }", "{ rate: 100/s }")).await;
    assert_eq!((created(&ran, "/pods"), created(&ran, "/namespaces")), (0, 1));
    let second = &ran.summary.jobs[1];
    assert_eq!(second.outcome, Outcome::Failed);
    let message = second.message.as_deref().unwrap_or_default();
    assert!(message.contains("LimitExceeded"), "{message}");
    assert_eq!(ran.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_second_has_more_requests_than_allowed() {
    let ran = run(two_jobs("{ requestsPerSecond: 20 }", "{ rate: unlimited, inFlight: 50 }")).await;
    assert_eq!(created(&ran, "/pods"), 40);
    let times: Vec<_> = ran.asked.iter().map(|asked| asked.at).collect();
    for (at, start) in times.iter().enumerate() {
        let within = times[at..].iter().take_while(|time| **time - *start < Duration::from_secs(1)).count();
        // A tenth of a second's worth may leave at once, and a window that starts with a request holds both its ends.
        assert!(within <= 22, "{within} requests in the second after {:?}", *start - times[0]);
    }
    let held: u64 =
        ran.summary.jobs.iter().flat_map(|job| &job.queues).map(|queue| queue.held_by_limiter).sum();
    assert!(held > 0);
}
