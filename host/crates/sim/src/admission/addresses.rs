//! Cluster addresses and node ports of services, each given out once.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use serde_json::Value;

use super::member;
use crate::registry::Kind;
use crate::status::Status;

/// 10.96.0.0/16; the first address belongs to the `kubernetes` service.
const NETWORK: u32 = u32::from_be_bytes([10, 96, 0, 0]);
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// What was given out so far. Addresses are not returned: the network is larger than a simulation.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    next_address: u32,
    ports: HashSet<u16>,
}

impl Addresses {
    /// Gives a new service its address and ports.
    pub(crate) fn assign(&mut self, kind: &Kind, object: &mut Value) -> Result<(), Status> {
        if !kind.is("", "services") {
            return Ok(());
        }
        let spec = member(object, "spec");
        let service_type = spec.get("type").and_then(Value::as_str).unwrap_or("ClusterIP").to_owned();
        if service_type == "ExternalName" {
            return Ok(());
        }
        let wanted = spec.get("clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
        let address = if wanted.is_empty() { self.address() } else { wanted };
        spec.insert("clusterIP".into(), address.clone().into());
        spec.insert("clusterIPs".into(), vec![Value::from(address)].into());
        if matches!(service_type.as_str(), "NodePort" | "LoadBalancer") {
            for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                self.port(port);
            }
        }
        Ok(())
    }

    fn address(&mut self) -> String {
        self.next_address = self.next_address.wrapping_add(1);
        let host = (self.next_address + 9) % 0xffff;
        Ipv4Addr::from(NETWORK + host).to_string()
    }

    fn port(&mut self, port: &mut Value) {
        let wanted = port.get("nodePort").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
        let chosen = match wanted {
            Some(wanted) if wanted != 0 => Some(wanted),
            Some(_) | None => NODE_PORTS.into_iter().find(|port| !self.ports.contains(port)),
        };
        if let (Some(chosen), Some(port)) = (chosen, port.as_object_mut()) {
            self.ports.insert(chosen);
            port.insert("nodePort".into(), chosen.into());
        }
    }
}
