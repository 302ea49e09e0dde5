//! `events.k8s.io/v1`: the same stored events as core `v1`, with other names for some fields.

use serde_json::Value;

use crate::registry::Kind;

/// Names in core `v1`, and in `events.k8s.io/v1`.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// Whether objects of the kind are stored as those of core events.
pub(crate) fn is_alias(kind: &Kind) -> bool {
    kind.is("events.k8s.io", "events")
}

/// Turns a core event into one of `events.k8s.io/v1`.
pub(crate) fn from_core(event: &mut Value) {
    rename(event, "events.k8s.io/v1", NAMES.into_iter());
}

/// Turns an event of `events.k8s.io/v1` into a core one.
pub(crate) fn to_core(event: &mut Value) {
    rename(event, "v1", NAMES.into_iter().map(|(core, other)| (other, core)));
}

fn rename(event: &mut Value, version: &str, names: impl Iterator<Item = (&'static str, &'static str)>) {
    let Some(map) = event.as_object_mut() else { return };
    for (from, to) in names {
        if let Some(value) = map.shift_remove(from) {
            map.insert(to.to_owned(), value);
        }
    }
    map.insert("apiVersion".into(), version.into());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_survives_the_way_there_and_back() {
        let core = json!({"apiVersion": "v1", "kind": "Event", "message": "m", "involvedObject": {"name": "x"}, "count": 2});
        let mut event = core.clone();
        from_core(&mut event);
        assert_eq!(event["note"], "m");
        assert_eq!(event["regarding"]["name"], "x");
        to_core(&mut event);
        assert_eq!(event, core);
    }
}
