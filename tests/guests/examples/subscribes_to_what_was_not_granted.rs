//! Asks to watch secrets without asking for the right.

use guest::{Guest, Plan, bindings::bench::plugin::events::Subscription, export_guest};

struct Subscribes;

impl Guest for Subscribes {
    fn plan() -> Result<Plan, String> {
        let secrets = Subscription {
            group: String::new(),
            version: "v1".to_owned(),
            plural: "secrets".to_owned(),
            namespaces: Vec::new(),
            label_selector: String::new(),
            field_selector: String::new(),
            projections: Vec::new(),
            options: Vec::new(),
        };
        Ok(Plan { subscriptions: vec![secrets], tick_every_ns: 0, options: Vec::new() })
    }
}

export_guest!(Subscribes);
