//! Addresses: which range a node gets, and which address a pod gets from its node's range.
//!
//! Pods are served as by the CNI plugin `host-local`: the first address of the range is the gateway and the last
//! one is broadcast, the search starts behind the address given last and goes round, and one that is given back
//! may be given again. Only IPv4.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// An IPv4 range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Cidr {
    network: u32,
    prefix: u8,
}

impl Cidr {
    /// Reads `10.244.0.0/24`; bits behind the prefix are dropped.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix) = (address.parse::<Ipv4Addr>().ok()?, prefix.parse::<u8>().ok()?);
        (prefix <= 32).then(|| Self { network: u32::from(address) & mask(prefix), prefix })
    }

    /// Returns the sub-range with this number, if it is within the range.
    pub(crate) fn subnet(self, prefix: u8, number: u32) -> Option<Self> {
        let extra = u32::from(prefix.checked_sub(self.prefix).filter(|_| prefix <= 32)?);
        if u64::from(number) >= 1u64 << extra {
            return None;
        }
        let offset = u64::from(number) << (32 - u32::from(prefix));
        let network = self.network.checked_add(u32::try_from(offset).ok()?)?;
        Some(Self { network, prefix })
    }

    /// Returns the number of the sub-range, if it is one of this range.
    pub(crate) fn subnet_number(self, subnet: Self) -> Option<u32> {
        let within = subnet.prefix >= self.prefix && subnet.network & mask(self.prefix) == self.network;
        within
            .then(|| u64::from(subnet.network - self.network) >> (32 - u32::from(subnet.prefix)))
            .and_then(|number| u32::try_from(number).ok())
    }

    /// Gateway and last usable address, as `host-local` names the range in its errors.
    fn ends(self) -> (u32, u32) {
        let last = self.network | !mask(self.prefix);
        if self.prefix >= 31 {
            return (self.network, last);
        }
        (self.network + 1, last - 1)
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.network), self.prefix)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

/// The addresses for the pods of one node.
#[derive(Debug)]
pub(crate) struct AddressPool {
    cidr: Cidr,
    taken: BTreeSet<u32>,
    last: u32,
}

impl AddressPool {
    pub(crate) fn new(cidr: Cidr) -> Self {
        Self { cidr, taken: BTreeSet::new(), last: cidr.ends().0 }
    }

    /// Takes the next free address, or fails with the range as text: `10.244.0.1-10.244.0.254`.
    pub(crate) fn take(&mut self) -> Result<Ipv4Addr, String> {
        let (gateway, end) = self.cidr.ends();
        let first = gateway.saturating_add(1);
        let free = (self.last.saturating_add(1).max(first)..=end)
            .chain(first..=self.last.min(end))
            .find(|address| !self.taken.contains(address));
        let Some(address) = free else {
            return Err(format!("{}-{}", Ipv4Addr::from(gateway), Ipv4Addr::from(end)));
        };
        self.taken.insert(address);
        self.last = address;
        Ok(Ipv4Addr::from(address))
    }

    /// Gives an address back.
    pub(crate) fn give_back(&mut self, address: Ipv4Addr) {
        self.taken.remove(&u32::from(address));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pool(text: &str) -> AddressPool {
        AddressPool::new(Cidr::parse(text).expect("valid"))
    }

    #[test]
    fn a_range_of_24_bits_serves_253_pods_and_then_names_its_ends() {
        let mut pool = pool("10.244.0.0/24");
        let given: Vec<_> = std::iter::from_fn(|| pool.take().ok()).collect();
        assert_eq!(given.len(), 253);
        assert_eq!(given[0], Ipv4Addr::new(10, 244, 0, 2));
        assert_eq!(pool.take(), Err("10.244.0.1-10.244.0.254".into()));
    }

    #[test]
    fn an_address_given_back_is_used_only_when_its_turn_comes() {
        let mut pool = pool("10.0.0.0/29");
        let first = pool.take().expect("free");
        pool.give_back(first);
        assert_eq!(pool.take(), Ok(Ipv4Addr::new(10, 0, 0, 3)));
    }

    #[test]
    fn subnets_are_cut_in_order_until_none_is_left() {
        let cluster = Cidr::parse("10.244.0.0/14").expect("valid");
        let name = |number| cluster.subnet(24, number).map(|subnet| subnet.to_string());
        assert_eq!(name(0).as_deref(), Some("10.244.0.0/24"));
        assert_eq!(name(256).as_deref(), Some("10.245.0.0/24"));
        assert_eq!(name(1024), None);
    }

    proptest! {
        #[test]
        fn a_subnet_knows_its_number(prefix in 8u8..=24, extra in 0u8..=8, number in any::<u32>()) {
            let cluster = Cidr::parse(&format!("10.0.0.0/{prefix}")).expect("valid");
            if let Some(subnet) = cluster.subnet(prefix + extra, number) {
                prop_assert_eq!(cluster.subnet_number(subnet), Some(number));
            }
        }

        #[test]
        fn any_text_is_survived(text in ".{0,20}") {
            let _ = Cidr::parse(&text);
        }

        #[test]
        fn no_address_is_given_twice(steps in proptest::collection::vec(any::<bool>(), 0..200)) {
            let mut pool = pool("10.0.0.0/28");
            let mut held = Vec::new();
            for take in steps {
                if take {
                    if let Ok(address) = pool.take() {
                        prop_assert!(!held.contains(&address));
                        held.push(address);
                    }
                } else if !held.is_empty() {
                    pool.give_back(held.remove(0));
                }
            }
        }
    }
}
