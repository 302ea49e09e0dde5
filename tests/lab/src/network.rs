//! The network of one lab: a bridge in the control plane's namespace, and one link out of it.
//!
//! Everything has an address in 198.18.N.0/24 (RFC 2544: set aside for benchmarks), where N is the lab's number. The
//! number is claimed by making the interface `benchlabN` in the root namespace, which the kernel grants only once; it
//! goes when the namespace at its other end does. Neither routes nor rules are added to the root namespace: from there
//! only the addresses on the bridge can be reached, and pods reach nothing outside.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use crate::namespaces::{NamespaceError, Namespaces, run_in};

/// Addresses of pods, in all labs: they exist in the lab's namespaces only.
pub(crate) const POD_RANGE: &str = "10.240.0.0/12";
/// Addresses of services, likewise.
pub(crate) const SERVICE_RANGE: &str = "10.96.0.0/16";

/// A lab's network, there for as long as the control plane's namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    number: u8,
}

/// Reasons for which a lab has no network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A command of iproute2 failed.
    #[error("failed to set up the lab's network")]
    Ip(#[from] NamespaceError),
    /// Every number is taken.
    #[error("no free network between 198.18.0.0/24 and 198.18.255.0/24")]
    NoneFree,
}

impl Network {
    /// Claims a number and connects the namespace with the root namespace.
    pub(crate) fn claim(control_plane: &Namespaces) -> Result<Self, NetworkError> {
        let routes = fs::read_to_string("/proc/net/route").unwrap_or_default();
        let free = (0..=u8::MAX).map(|number| Self { number });
        for network in free.filter(|network| !network.is_routed(&routes)) {
            let link = network.link();
            let peer = control_plane.pid();
            match ip(None, &format!("link add {link} type veth peer name out netns {peer}\n")) {
                Ok(()) => {}
                Err(NamespaceError::Command { stderr, .. }) if stderr.contains("File exists") => continue,
                Err(error) => return Err(error.into()),
            }
            network.connect(control_plane)?;
            return Ok(network);
        }
        Err(NetworkError::NoneFree)
    }

    /// Address of the control plane.
    pub(crate) fn host(self) -> Ipv4Addr {
        self.address(1)
    }

    /// Address of a node, counted from 1.
    pub(crate) fn node(self, index: u8) -> Ipv4Addr {
        self.address(10_u8.saturating_add(index))
    }

    /// Connects a node's namespaces with the bridge; gives its address.
    pub(crate) fn attach(
        self,
        control_plane: &Namespaces,
        node: &Namespaces,
        index: u8,
    ) -> Result<(), NetworkError> {
        let (peer, address, host) = (node.pid(), self.node(index), self.host());
        ip(
            Some(control_plane),
            &format!(
                "link add node{index} type veth peer name eth0 netns {peer}\n\
                 link set node{index} master bridge up\n"
            ),
        )?;
        ip(
            Some(node),
            &format!(
                "link set lo up\naddr add {address}/24 dev eth0\nlink set eth0 up\nroute add default via {host}\n"
            ),
        )?;
        Ok(())
    }

    /// Tells a namespace on the bridge through which node a range is reached.
    pub(crate) fn route(self, from: &Namespaces, range: &str, index: u8) -> Result<(), NetworkError> {
        let via = self.node(index);
        Ok(ip(Some(from), &format!("route replace {range} via {via}\n"))?)
    }

    fn connect(self, control_plane: &Namespaces) -> Result<(), NetworkError> {
        let (link, host, outside) = (self.link(), self.host(), self.address(254));
        ip(
            Some(control_plane),
            &format!(
                "link set lo up\nlink add bridge type bridge\naddr add {host}/24 dev bridge\nlink set bridge up\n\
                 link set out master bridge up\n"
            ),
        )?;
        Ok(ip(None, &format!("addr add {outside}/24 dev {link}\nlink set {link} up\n"))?)
    }

    /// Name of the interface in the root namespace.
    pub(crate) fn link(self) -> String {
        format!("benchlab{}", self.number)
    }

    fn address(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.number, last)
    }

    /// Whether the machine has a route, not its default one, that leads there: `/proc/net/route` in hexadecimal.
    fn is_routed(self, routes: &str) -> bool {
        let ours = u32::from(self.address(0));
        routes.lines().skip(1).any(|line| {
            let field = |index| {
                let text = line.split_whitespace().nth(index)?;
                u32::from_str_radix(text, 16).ok().map(u32::swap_bytes)
            };
            match (field(1), field(7)) {
                (Some(destination), Some(mask)) if mask != 0 => {
                    let both = mask & 0xffff_ff00;
                    destination & both == ours & both
                }
                _ => false,
            }
        })
    }
}

/// Runs lines of `ip` commands.
fn ip(namespaces: Option<&Namespaces>, lines: &str) -> Result<(), NamespaceError> {
    let mut command = Command::new("ip");
    command.args(["-batch", "-"]);
    run_in(namespaces, "network", command, lines).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(routes: &str, number: u8, routed: bool) {
        let header = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
        assert_eq!(Network { number }.is_routed(&format!("{header}{routes}")), routed, "{routes}");
    }

    #[test]
    fn a_network_that_the_machine_uses_is_not_taken() {
        check("eth0\t000312C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", 3, true);
        check("eth0\t000312C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", 4, false);
        check("eth0\t000012C6\t00000000\t0001\t0\t0\t0\t0000FEFF\t0\t0\t0\n", 4, true);
    }

    #[test]
    fn the_default_route_does_not_count() {
        check("eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n", 0, false);
        check("", 0, false);
    }
}
