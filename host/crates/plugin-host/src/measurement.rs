//! A measurement's exports as typed calls.

use std::time::Duration;

use bench_model::{EventBatch, Phase, PluginFault, ResourceRef, Subscription, TimeNs, Verb};

use crate::{
    GuestLimits,
    bindings::exports::bench::plugin::measurement,
    grants::Grants,
    host::log::cut,
    instantiate::{CallError, CallLimit, Guest},
};

/// Most subscriptions of a measurement.
const MAX_SUBSCRIPTIONS: usize = 32;
/// Most columns of a subscription.
const MAX_PROJECTIONS: usize = 64;
/// Longest path or selector, in bytes.
const MAX_PATH: usize = 1 << 10;
/// Most namespaces that a subscription names.
const MAX_NAMESPACES: usize = 1_000;
/// Shortest time between ticks.
const MIN_TICK: Duration = Duration::from_millis(10);
/// Longest report of `finish`, in bytes.
const MAX_REPORT: usize = 4 << 20;

/// What a measurement wants to be called for. Everything in it is granted; namespaces are for whoever opens
/// the watch to cut down, with [`Grants::namespaces`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasurementPlan {
    /// Watches, in the order in which batches name them.
    pub subscriptions: Vec<Subscription>,
    /// How often it wants a tick.
    pub tick_every: Option<Duration>,
}

/// A live measurement. Calls never overlap; after a fault every call answers with that fault.
pub struct Measurement {
    guest: Guest,
    exports: measurement::Guest,
    limits: GuestLimits,
    grants: Grants,
}

impl Measurement {
    pub(crate) fn new(
        guest: Guest,
        exports: measurement::Guest,
        limits: GuestLimits,
        grants: Grants,
    ) -> Self {
        Self { guest, exports, limits, grants }
    }

    /// The fault that ended the instance, if one did.
    pub fn fault(&self) -> Option<&PluginFault> {
        self.guest.fault()
    }

    /// Asks what it wants to see, with its configuration as JSON, valid against the plugin's schema.
    ///
    /// # Errors
    /// [`CallError::Gave`] with the guest's own text, a fault (a plan that is not granted is one), or a
    /// failure of the host.
    pub async fn setup(&mut self, config: &str) -> Result<MeasurementPlan, CallError> {
        let limit = CallLimit { time: self.limits.setup, renews: false };
        let exports = self.exports.clone();
        let config = config.to_owned();
        let call = self
            .guest
            .call("setup", limit, |store| Box::pin(async move { exports.call_setup(store, &config).await }));
        let plan = call.await?.map_err(CallError::Gave)?;
        check_plan(plan, &self.grants).map_err(|message| self.guest.broke_contract("setup", message))
    }

    /// Hands over rows of a subscription.
    ///
    /// # Errors
    /// As [`Measurement::setup`].
    pub async fn on_events(&mut self, batch: EventBatch) -> Result<(), CallError> {
        let (limit, exports) = (self.call_limit(), self.exports.clone());
        let batch = measurement::EventBatch::from(batch);
        let call = self.guest.call("on-events", limit, |store| {
            Box::pin(async move { exports.call_on_events(store, &batch).await })
        });
        call.await?.map_err(CallError::Gave)
    }

    /// Tells the time, as the plan asked.
    ///
    /// # Errors
    /// As [`Measurement::setup`].
    pub async fn on_tick(&mut self, now: TimeNs) -> Result<(), CallError> {
        let (limit, exports) = (self.call_limit(), self.exports.clone());
        let call = self.guest.call("on-tick", limit, |store| {
            Box::pin(async move { exports.call_on_tick(store, now.0).await })
        });
        call.await?.map_err(CallError::Gave)
    }

    /// Tells that a phase began.
    ///
    /// # Errors
    /// As [`Measurement::setup`].
    pub async fn on_phase(&mut self, phase: Phase, at: TimeNs) -> Result<(), CallError> {
        let (limit, exports) = (self.call_limit(), self.exports.clone());
        let call = self.guest.call("on-phase", limit, |store| {
            Box::pin(async move { exports.call_on_phase(store, phase.as_str(), at.0).await })
        });
        call.await?.map_err(CallError::Gave)
    }

    /// Asks for the last word: JSON, or the empty text.
    ///
    /// # Errors
    /// As [`Measurement::setup`]; a report that is not JSON is a fault.
    pub async fn finish(&mut self) -> Result<String, CallError> {
        let (limit, exports) = (self.call_limit(), self.exports.clone());
        let call = self
            .guest
            .call("finish", limit, |store| Box::pin(async move { exports.call_finish(store).await }));
        let report = call.await?.map_err(CallError::Gave)?;
        check_report(&report).map_err(|message| self.guest.broke_contract("finish", message))?;
        Ok(report)
    }

    fn call_limit(&self) -> CallLimit {
        CallLimit { time: self.limits.call, renews: false }
    }
}

fn check_report(report: &str) -> Result<(), String> {
    if report.len() > MAX_REPORT {
        return Err(format!("returned a report of {} bytes, at most {MAX_REPORT} are kept", report.len()));
    }
    if report.is_empty() {
        return Ok(());
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(report) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("returned a report that is not JSON: {error}")),
    }
}

/// Checks sizes and grants of a plan; the text says which rule it breaks.
fn check_plan(plan: measurement::Plan, grants: &Grants) -> Result<MeasurementPlan, String> {
    refuse_options(&plan.options)?;
    if plan.subscriptions.len() > MAX_SUBSCRIPTIONS {
        return Err(format!(
            "asked for {} subscriptions, at most {MAX_SUBSCRIPTIONS} are kept open",
            plan.subscriptions.len()
        ));
    }
    let mut subscriptions = Vec::with_capacity(plan.subscriptions.len());
    for subscription in plan.subscriptions {
        refuse_options(&subscription.options)?;
        let subscription = Subscription::from(subscription);
        check_sizes(&subscription)?;
        check_grants(&subscription, grants)?;
        subscriptions.push(subscription);
    }
    let tick_every = (plan.tick_every_ns > 0).then(|| Duration::from_nanos(plan.tick_every_ns));
    if let Some(tick) = tick_every.filter(|tick| *tick < MIN_TICK) {
        return Err(format!(
            "asked for a tick every {} ns, at least {} are possible",
            tick.as_nanos(),
            MIN_TICK.as_nanos()
        ));
    }
    Ok(MeasurementPlan { subscriptions, tick_every })
}

fn refuse_options(options: &[crate::bindings::bench::base::types::Label]) -> Result<(), String> {
    match options.first() {
        None => Ok(()),
        Some(option) => {
            Err(format!("gave the option `{}`, which this host does not know", shown(&option.name)))
        }
    }
}

fn check_sizes(subscription: &Subscription) -> Result<(), String> {
    if subscription.projections.len() > MAX_PROJECTIONS {
        return Err(format!(
            "asked for {} columns, at most {MAX_PROJECTIONS} are projected",
            subscription.projections.len()
        ));
    }
    if subscription.namespaces.len() > MAX_NAMESPACES {
        return Err(format!(
            "named {} namespaces, at most {MAX_NAMESPACES} are watched",
            subscription.namespaces.len()
        ));
    }
    let paths = subscription.projections.iter().map(|projection| &projection.path);
    let selectors = [
        &subscription.group,
        &subscription.version,
        &subscription.plural,
        &subscription.label_selector,
        &subscription.field_selector,
    ];
    match paths.chain(selectors).chain(&subscription.namespaces).find(|text| text.len() > MAX_PATH) {
        Some(text) => {
            Err(format!("gave a text of {} bytes in a subscription, at most {MAX_PATH} are read", text.len()))
        }
        None => Ok(()),
    }
}

fn check_grants(subscription: &Subscription, grants: &Grants) -> Result<(), String> {
    let target = ResourceRef {
        group: subscription.group.clone(),
        version: subscription.version.clone(),
        plural: subscription.plural.clone(),
        namespace: String::new(),
    };
    for verb in [Verb::List, Verb::Watch] {
        if !grants.covers(verb, &target) {
            let name = shown(&target.to_string());
            return Err(format!(
                "subscribed to `{name}`, which is not granted; it needs `{verb}` on `{name}` in `permissions.kubernetes` of the manifest and in `allow` of the scenario"
            ));
        }
    }
    let ungranted = subscription.projections.iter().find(|projection| !grants.projection(projection.parse));
    match ungranted {
        Some(projection) => Err(format!(
            "asked for `{}` as raw JSON, which is not granted; it needs `raw` in the manifest and in `allow` of the scenario",
            shown(&projection.path)
        )),
        None => Ok(()),
    }
}

fn shown(text: &str) -> String {
    cut(text.to_owned(), 100).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Allow,
        bindings::bench::{
            base::types::Label,
            plugin::events::{self, ParseAs},
        },
    };

    fn subscription() -> events::Subscription {
        events::Subscription {
            group: String::new(),
            version: "v1".to_owned(),
            plural: "pods".to_owned(),
            namespaces: Vec::new(),
            label_selector: String::new(),
            field_selector: String::new(),
            projections: Vec::new(),
            options: Vec::new(),
        }
    }

    fn check(subscription: events::Subscription, tick_every_ns: u64, expected: &str) {
        let asked = serde_json::from_str(
            r#"{"kubernetes":[{"apiGroups":[""],"resources":["pods"],"verbs":["list","watch"]}]}"#,
        );
        let grants = Grants::new(asked.expect("permissions"), Allow::all_asked());
        let plan =
            measurement::Plan { subscriptions: vec![subscription], tick_every_ns, options: Vec::new() };
        let shown = match check_plan(plan, &grants) {
            Ok(plan) => format!("{} subscriptions, tick {:?}", plan.subscriptions.len(), plan.tick_every),
            Err(message) => message,
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_plan_keeps_to_grants_and_sizes() {
        check(subscription(), 0, "1 subscriptions, tick None");
        check(subscription(), 10_000_000, "1 subscriptions, tick Some(10ms)");
        check(subscription(), 5, "asked for a tick every 5 ns, at least 10000000 are possible");
        let raw = events::Projection { path: "spec".to_owned(), parse: ParseAs::Raw };
        check(
            events::Subscription { projections: vec![raw], ..subscription() },
            0,
            "asked for `spec` as raw JSON, which is not granted; it needs `raw` in the manifest and in `allow` of the scenario",
        );
        let long = events::Subscription { label_selector: "x".repeat(1_025), ..subscription() };
        check(long, 0, "gave a text of 1025 bytes in a subscription, at most 1024 are read");
        let option = Label { name: "new".to_owned(), value: String::new() };
        let optional = events::Subscription { options: vec![option], ..subscription() };
        check(optional, 0, "gave the option `new`, which this host does not know");
    }

    #[test]
    fn a_report_is_json_or_nothing() {
        assert_eq!(check_report(""), Ok(()));
        assert_eq!(check_report(r#"{"a":1}"#), Ok(()));
        assert!(check_report("{").is_err_and(|message| message.contains("not JSON")));
    }
}
