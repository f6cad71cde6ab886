//! Free ports.

use std::{
    net::{Ipv4Addr, TcpListener},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
    process,
    sync::atomic::{AtomicU16, Ordering},
};

use crate::Result;

/// Ports are looked for from here on. They lie below those that the system gives to clients: a client that
/// reconnects to a port of that range while its server is down may be connected to itself.
const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;

/// The second port of a server, for its talk with others of its kind, is so much higher. Redis Cluster wants it so.
const SECOND: u16 = 10_000;

/// A free port of 127.0.0.1 and the one 10,000 above it, which no other test takes while this value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// A name that one process of the machine can have; the system takes it back when the process dies.
    _mark: UnixListener,
}

impl Port {
    /// Finds a port on which no process listens.
    ///
    /// # Errors
    /// All ports are taken.
    pub fn free() -> Result<Self> {
        /// Each process begins elsewhere, so that processes seldom meet.
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let begin = process::id().wrapping_mul(613) % u32::from(COUNT);
        (0..COUNT)
            .map(|_| (begin + u32::from(NEXT.fetch_add(1, Ordering::Relaxed))) % u32::from(COUNT))
            .filter_map(|offset| u16::try_from(offset).ok())
            .find_map(|offset| Self::take(FIRST + offset))
            .ok_or_else(|| "no port is free".into())
    }

    fn take(number: u16) -> Option<Self> {
        let name = SocketAddr::from_abstract_name(format!("cloakroom-services-{number}")).ok()?;
        let mark = UnixListener::bind_addr(&name).ok()?;
        let nobody_listens = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        (nobody_listens(number) && nobody_listens(number + SECOND)).then_some(Self { number, _mark: mark })
    }

    /// Returns the port.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Returns the second port.
    pub fn second(&self) -> u16 {
        self.number + SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_out_once() {
        let first = Port::free().unwrap();
        assert!(Port::take(first.number()).is_none());
        let number = first.number();
        drop(first);
        assert!(Port::take(number).is_some());
    }

    #[test]
    fn a_port_that_a_process_listens_on_is_not_free() {
        let port = Port::free().unwrap();
        let number = port.number();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        drop(port);
        assert!(Port::take(number).is_none());
        drop(listener);
    }
}
