//! `validity:`: outside of which bounds a run is invalid.

use bench_model::{LagBound, ValidityBounds};
use bench_template::yaml::Entry;

use crate::{
    fields::{Fields, Report},
    value,
};

/// What is not written, or wrong, stays at its default.
pub(super) fn validity(entry: Option<&Entry>, report: &mut Report) -> ValidityBounds {
    let mut bounds = ValidityBounds::default();
    let Some(mut fields) =
        entry.and_then(|entry| Fields::of(&entry.value, "`validity`", &entry.key.span, report))
    else {
        return bounds;
    };
    if let Some(node) = fields.optional("delivered") {
        bounds.delivered = value::share(node, "delivered", report).unwrap_or(bounds.delivered);
    }
    bounds.lag = lag(fields.entry("lag"), report);
    if let Some(node) = fields.optional("lostObservations") {
        bounds.lost_observations =
            value::integer(node, "lostObservations", 0, u64::MAX, report).unwrap_or_default();
    }
    if let Some(node) = fields.optional("tooManyRequests") {
        bounds.too_many_requests =
            value::share(node, "tooManyRequests", report).unwrap_or(bounds.too_many_requests);
    }
    fields.finish(report);
    bounds
}

fn lag(entry: Option<&Entry>, report: &mut Report) -> LagBound {
    let mut bound = LagBound::default();
    let Some(mut fields) = entry.and_then(|entry| Fields::of(&entry.value, "`lag`", &entry.key.span, report))
    else {
        return bound;
    };
    if let Some(time) = fields.optional("time").and_then(|node| value::duration(node, "time", report)) {
        bound.time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    }
    if let Some(node) = fields.optional("responseShare") {
        bound.response_share = value::share(node, "responseShare", report).unwrap_or(bound.response_share);
    }
    fields.finish(report);
    bound
}
