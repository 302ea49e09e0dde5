//! Free TCP ports on loopback.
//!
//! A port is free only at the moment it is looked at: whoever uses it must be ready to try again with another one
//! (`component` does). Ports come from below the kernel's ephemeral range (32768 and up by default), so that outgoing
//! connections of other processes do not take them in between.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 18_000;
const COUNT: u16 = 14_000;

/// Port that was free on 127.0.0.1 a moment ago; never the same one twice in this process until all were tried.
pub(crate) fn free() -> io::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        // Processes start at different places, so that two of them seldom look at the same port.
        let start = u16::try_from(std::process::id().wrapping_mul(37) % u32::from(COUNT)).unwrap_or_default();
        let offset = u32::from(start).wrapping_add(u32::from(step)) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).unwrap_or_default();
        if TcpListener::bind(loopback(port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        format!("no free port between {FIRST} and {}", FIRST + COUNT),
    ))
}

/// `127.0.0.1:port`.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_handed_out() {
        let first = free().unwrap();
        let held = TcpListener::bind(loopback(first)).unwrap();
        let others: Vec<u16> = (0..50).map(|_| free().unwrap()).collect();
        assert!(!others.contains(&held.local_addr().unwrap().port()), "{others:?}");
    }
}
