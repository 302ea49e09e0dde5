//! The tables of jobs and of their errors.

use bench_results::{JobSummary, QueueSummary, Summary};

use super::{Cell, Row, Table, numeric, quantiles, table, text, wide};
use crate::{format::NONE, html::number::Number, view::outcome};

pub(super) fn jobs(summary: &Summary) -> Table {
    let headings = vec![
        text("job"),
        text("outcome"),
        numeric("operations"),
        numeric("failed"),
        numeric("due"),
        numeric("achieved"),
        numeric("p50"),
        numeric("p90"),
        numeric("p95"),
        numeric("p99"),
        numeric("p99.9"),
        numeric("max"),
        numeric("elapsed"),
    ];
    let rows =
        summary.jobs.iter().enumerate().flat_map(|(index, job)| job_rows(job, &format!("/jobs/{index}")));
    let mut table = table("Jobs", headings, rows.collect());
    table.notes.insert(0, "Times of a job are response times: from when an operation was due until its answer; a failed one never comes.".to_owned());
    table
}

fn job_rows(job: &JobSummary, path: &str) -> Vec<Row> {
    let queues: Vec<_> = job.queues.iter().enumerate().filter(|(_, queue)| queue.counts).collect();
    let rate = |rate: Option<f64>, path: String| match rate {
        Some(rate) => Cell::number(Number::rate(rate, path)),
        None => Cell::text(NONE),
    };
    let single = if let [(index, queue)] = queues.as_slice() { Some((*index, *queue)) } else { None };
    let of_single = |of: fn(&QueueSummary) -> Option<f64>, name: &str| match single {
        Some((index, queue)) => rate(of(queue), format!("{path}/queues/{index}/{name}")),
        None => Cell::text(NONE),
    };
    let (word, tone) = outcome(job.outcome);
    let mut failed = Cell::number(Number::count(job.failed, format!("{path}/failed")));
    if job.failed > 0 {
        failed.tone = "bad";
    }
    let mut cells = vec![
        Cell::text(&job.name),
        Cell::mark(word, tone),
        Cell::number(Number::count(job.operations, format!("{path}/operations"))),
        failed,
        of_single(|queue| queue.due_rate, "dueRate"),
        of_single(|queue| queue.achieved_rate, "achievedRate"),
    ];
    cells.extend(quantiles(&job.response, &format!("{path}/response")));
    cells.push(match job.elapsed_ns {
        Some(ns) => Cell::number(Number::duration(Some(ns), format!("{path}/elapsedNs"))),
        None => Cell::text(NONE),
    });
    let mut rows = vec![Row::from(cells)];
    for part in [("service (done − sent)", &job.service, "service"), ("lag (sent − due)", &job.lag, "lag")]
    {
        let (name, distribution, key) = part;
        let mut cells = vec![Cell::text(name)];
        cells.extend(std::iter::repeat_n(Cell::default(), 5));
        cells.extend(quantiles(distribution, &format!("{path}/{key}")));
        cells.push(Cell::default());
        rows.push(Row { cells, sub: true });
    }
    if single.is_none() {
        for (index, queue) in queues {
            let path = format!("{path}/queues/{index}");
            let mut cells = vec![
                Cell::text(&format!("queue {}", queue.name)),
                Cell::default(),
                Cell::number(Number::count(queue.answered, format!("{path}/answered"))),
                Cell::default(),
                rate(queue.due_rate, format!("{path}/dueRate")),
                rate(queue.achieved_rate, format!("{path}/achievedRate")),
            ];
            cells.extend(quantiles(&queue.response, &format!("{path}/response")));
            cells.push(Cell::default());
            rows.push(Row { cells, sub: true });
        }
    }
    rows
}

pub(super) fn errors(summary: &Summary) -> Table {
    let headings = vec![
        text("job"),
        numeric("count"),
        text("request"),
        numeric("status"),
        text("reason"),
        wide("one of them"),
    ];
    let mut rows = Vec::new();
    for (job_index, job) in summary.jobs.iter().enumerate() {
        for (index, error) in job.errors.iter().enumerate() {
            let path = format!("/jobs/{job_index}/errors/{index}");
            let status = if error.http_status == 0 {
                Cell::text("none")
            } else {
                let mut status = Number::count(u64::from(error.http_status), format!("{path}/httpStatus"));
                status.text = error.http_status.to_string();
                Cell::number(status)
            };
            rows.push(Row::from(vec![
                Cell::text(&job.name),
                Cell::number(Number::count(error.count, format!("{path}/count"))),
                Cell::text(&format!("{} {}", error.verb, error.resource)),
                status,
                Cell::text(&error.reason),
                Cell::text(&error.example),
            ]));
        }
    }
    table("Errors", headings, rows)
}
