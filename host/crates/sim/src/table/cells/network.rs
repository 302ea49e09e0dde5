//! Cells of Services, endpoints and Ingresses.

use jiff::Timestamp;
use serde_json::Value;

use super::{joined, list, number, text};

pub(in crate::table) fn service_ports(service: &Value, _: Timestamp) -> Value {
    let ports = list(service, "/spec/ports").map(|port| {
        let (number, protocol) = (number(port, "/port"), text(port, "/protocol"));
        match port.get("nodePort").and_then(Value::as_i64) {
            Some(node) if node != 0 => format!("{number}:{node}/{protocol}"),
            Some(_) | None => format!("{number}/{protocol}"),
        }
    });
    joined(ports.collect())
}

pub(in crate::table) fn endpoints(object: &Value, _: Timestamp) -> Value {
    let mut all = Vec::new();
    for subset in list(object, "/subsets") {
        for address in list(subset, "/addresses") {
            for port in list(subset, "/ports") {
                all.push(format!("{}:{}", text(address, "/ip"), number(port, "/port")));
            }
        }
    }
    shortened(&all)
}

/// The first three, and how many more there are.
fn shortened(all: &[String]) -> Value {
    let Some(rest) = all.len().checked_sub(3).filter(|rest| *rest > 0) else { return joined(all.to_vec()) };
    format!("{} + {rest} more...", all.get(..3).unwrap_or_default().join(",")).into()
}

pub(in crate::table) fn slice_ports(slice: &Value, _: Timestamp) -> Value {
    let ports: Vec<String> = list(slice, "/ports").map(|port| number(port, "/port").to_string()).collect();
    if ports.is_empty() { "<unset>".into() } else { shortened(&ports) }
}

pub(in crate::table) fn slice_endpoints(slice: &Value, _: Timestamp) -> Value {
    let all: Vec<String> = list(slice, "/endpoints")
        .flat_map(|endpoint| list(endpoint, "/addresses"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if all.is_empty() { "<unset>".into() } else { shortened(&all) }
}

pub(in crate::table) fn ingress_hosts(ingress: &Value, _: Timestamp) -> Value {
    let hosts: Vec<String> = list(ingress, "/spec/rules")
        .map(|rule| text(rule, "/host").to_owned())
        .filter(|host| !host.is_empty())
        .collect();
    if hosts.is_empty() { "*".into() } else { hosts.join(",").into() }
}
