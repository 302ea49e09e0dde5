//! `bench:prometheus/scrape`: exposition read straight from a component.

use bench_prometheus::parse_exposition;

use crate::{
    bindings::bench::prometheus::scrape,
    host::{
        HostState,
        error::{HostCallError, invalid, limit_exceeded, unavailable},
    },
};

/// Largest exposition that is read: an API server's is about 10 MiB.
const MAX_BYTES: u64 = 32 << 20;
/// Most families that one call asks for.
const MAX_NAMES: usize = 1_000;
/// Most samples that cross to a guest.
const MAX_SAMPLES: usize = 50_000;

impl scrape::Host for HostState {
    async fn families(
        &mut self,
        target: String,
        names: Vec<String>,
    ) -> Result<Vec<scrape::Sample>, HostCallError> {
        if names.len() > MAX_NAMES {
            return Err(invalid(format!("a call asks for at most {MAX_NAMES} families")));
        }
        let reply = self.proxy_get("scrape.families", &target, "/metrics", MAX_BYTES).await?;
        if reply.http_status != 200 {
            return Err(unavailable(&format!("/metrics answered with status {}", reply.http_status)));
        }
        let text = String::from_utf8_lossy(&reply.body);
        let samples = parse_exposition(&text, &names);
        if samples.len() > MAX_SAMPLES {
            let message = format!(
                "the families have {} samples, at most {MAX_SAMPLES} cross to a plugin",
                samples.len()
            );
            return Err(limit_exceeded(message));
        }
        let convert = |sample: bench_prometheus::Sample| scrape::Sample {
            name: sample.name,
            labels: sample.labels.into_iter().map(Into::into).collect(),
            value: sample.value,
        };
        Ok(samples.into_iter().map(convert).collect())
    }
}
