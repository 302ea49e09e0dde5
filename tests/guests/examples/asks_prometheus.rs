//! Asks a Prometheus, and a component for its own metrics, with the right to; reports what they said.

use guest::{Guest, export_guest, query, reason, run, scrape};

const EXPR: &str = "up{job=\"apiserver\"}";
const SECOND: u64 = 1_000_000_000;

struct Asks;

impl Guest for Asks {
    fn manifest() -> String {
        guest::manifest(r#"[],"prometheus":true,"proxy":["apiserver"]"#)
    }

    fn finish() -> Result<String, String> {
        let now = run::now();
        let instant = query::instant("", EXPR, now).map_err(reason)?;
        let labels = instant.iter().flat_map(|series| &series.labels);
        let jobs: Vec<_> = labels.filter(|label| label.name == "job" && label.value == "apiserver").collect();
        let values: Vec<f64> = instant.iter().flat_map(|series| series.value.clone()).collect();
        let range = query::range("main", EXPR, now - 5 * SECOND as i64, now, SECOND).map_err(reason)?;
        let points = range.iter().map(|series| series.at.len()).sum::<usize>();
        let wrong = query::instant("", "up{", now).map_or_else(reason, |_| String::new());
        let unknown = query::instant("other", "up", now).map_or_else(reason, |_| String::new());
        let requests = "apiserver_request_total".to_owned();
        let samples = scrape::families("apiserver", &[requests.clone()]).map_err(reason)?;
        let named = samples.iter().filter(|sample| sample.name == requests).count();
        let gets = samples.iter().filter(|sample| sample.labels.iter().any(|label| label.value == "GET"));
        let gets: f64 = gets.map(|sample| sample.value).sum();
        let (jobs, samples) = (jobs.len(), samples.len());
        Ok(format!(
            r#"{{"jobs":{jobs},"values":{values:?},"points":{points},"wrong":"{wrong}","unknown":"{unknown}",
            "samples":{samples},"named":{named},"gets":{gets}}}"#
        ))
    }
}

export_guest!(Asks);
