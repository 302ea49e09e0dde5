//! The request limit of one controller: a token bucket as client-go's `flowcontrol`.
//!
//! A controller that is out of tokens stops its sync and comes back at the moment the next token is there; nothing
//! sleeps. Without a limit every request passes.

use std::time::Duration;

use tokio::time::Instant;

use super::settings::RequestLimit;

/// Tokens for requests.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: Option<RequestLimit>,
    /// The moment at which the bucket would be empty if it had been filled without bound (GCRA).
    empty_since: Option<Instant>,
}

impl Budget {
    pub(crate) fn new(limit: Option<RequestLimit>) -> Self {
        let limit = limit.filter(|limit| limit.qps.is_finite() && limit.qps > 0.0);
        Self { limit, empty_since: None }
    }

    /// Takes a token, or says when there will be one.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let Some(RequestLimit { qps, burst }) = self.limit else { return Ok(()) };
        let period = Duration::from_secs_f64((1.0 / qps).min(86_400.0));
        let full = period.saturating_mul(burst.max(1));
        let filled_from = now.checked_sub(full).unwrap_or(now);
        let next = match self.empty_since {
            Some(since) => since.max(filled_from) + period,
            None => filled_from + period,
        };
        // A process younger than the bucket's filling time starts with a full bucket all the same.
        if self.empty_since.is_some() && next > now {
            return Err(next);
        }
        self.empty_since = Some(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_the_rate_holds() {
        tokio::time::advance(Duration::from_secs(100)).await;
        let start = Instant::now();
        let mut budget = Budget::new(Some(RequestLimit { qps: 10.0, burst: 3 }));
        let (mut now, mut times) = (start, Vec::new());
        while times.len() < 6 {
            match budget.take(now) {
                Ok(()) => times.push((now - start).as_millis()),
                Err(at) => now = at,
            }
        }
        assert_eq!(times, [0, 0, 0, 100, 200, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_everything_passes() {
        let mut budget = Budget::new(None);
        assert!((0..1000).all(|_| budget.take(Instant::now()).is_ok()));
    }
}
