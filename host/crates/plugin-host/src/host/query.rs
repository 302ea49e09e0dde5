//! `bench:prometheus/query`: PromQL against the scenario's endpoints.

use bench_model::TimeNs;
use bench_prometheus::{Prometheus, QueryError, Series};

use crate::{
    bindings::bench::{base::types, prometheus::query},
    host::{
        HostState,
        error::{BrokenContract, HostCallError, invalid, unavailable},
        write::shown,
    },
};

/// Longest expression, in bytes.
const MAX_EXPRESSION: usize = 64 << 10;

impl From<QueryError> for HostCallError {
    fn from(error: QueryError) -> Self {
        Self::Failure(types::Failure {
            reason: error.reason().to_owned(),
            message: error.to_string(),
            http_status: error.http_status(),
            retryable: error.is_retryable(),
        })
    }
}

impl From<Series> for query::Series {
    fn from(series: Series) -> Self {
        let Series { labels, at, value } = series;
        Self { labels: labels.into_iter().map(Into::into).collect(), at: crate::convert::ns(at), value }
    }
}

impl HostState {
    /// The endpoint of a name, if Prometheus is granted.
    fn prometheus(&self, call: &'static str, source: &str, expr: &str) -> Result<Prometheus, HostCallError> {
        let context = self.context(call)?;
        if !context.grants.prometheus() {
            let needed = "`prometheus` in the manifest and in `allow` of the scenario";
            return Err(BrokenContract::ungranted(call, "asked Prometheus", needed).into());
        }
        if expr.len() > MAX_EXPRESSION {
            return Err(invalid(format!("an expression has at most {MAX_EXPRESSION} bytes")));
        }
        let services = &context.services;
        let name = match (source, &services.default_prometheus) {
            ("", Some(first)) => first,
            ("", None) => return Err(unavailable("the scenario names no Prometheus")),
            (source, _) => source,
        };
        let found = services.prometheus.get(name).cloned();
        found.ok_or_else(|| invalid(format!("the scenario names no Prometheus `{}`", shown(name))))
    }
}

impl query::Host for HostState {
    async fn instant(
        &mut self,
        source: String,
        expr: String,
        at: i64,
    ) -> Result<Vec<query::Series>, HostCallError> {
        let call = "query.instant";
        let prometheus = self.prometheus(call, &source, &expr)?;
        let series = self.wait(call, async { prometheus.instant(&expr, TimeNs(at)).await }).await??;
        Ok(series.into_iter().map(Into::into).collect())
    }

    async fn range(
        &mut self,
        source: String,
        expr: String,
        start: i64,
        end: i64,
        step_ns: u64,
    ) -> Result<Vec<query::Series>, HostCallError> {
        let call = "query.range";
        let prometheus = self.prometheus(call, &source, &expr)?;
        let step = std::time::Duration::from_nanos(step_ns);
        let series = async { prometheus.range(&expr, TimeNs(start), TimeNs(end), step).await };
        let series = self.wait(call, series).await??;
        Ok(series.into_iter().map(Into::into).collect())
    }
}
