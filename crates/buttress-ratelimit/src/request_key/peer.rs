use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::request::Parts;

use super::{RequestKey, address::Prefixes};
#[cfg(feature = "axum")]
use crate::axum::connect_info;
use crate::{Error, Key};

/// Who is at the other end of the connection, for the extensions of a request.
///
/// The server that accepts connections inserts it into the requests of each. With the feature `axum`, axum's own
/// `ConnectInfo<SocketAddr>` does as well, which `into_make_service_with_connect_info::<SocketAddr>()` inserts, and
/// `MockConnectInfo` in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is a name for what it holds")]
pub struct PeerAddr(pub SocketAddr);

/// The key of the address that the connection comes from: for a service with no proxy in front of it.
///
/// An IPv4 address is one client, and so are all IPv6 addresses that have the first 64 bits in common, for whoever has
/// one of these has them all. IPv4 addresses that are mapped into IPv6, as sockets for both show them, are IPv4
/// addresses.
///
/// The address comes from [`PeerAddr`], or from axum's `ConnectInfo<SocketAddr>` (feature `axum`). Requests without either one share
/// one bucket: they are neither free nor an error, but one is logged, once, that says what to add.
#[derive(Clone, Debug, Default)]
pub struct PeerIp {
    prefixes: Prefixes,
    missing: Missing,
}

impl PeerIp {
    /// By whole IPv4 addresses, and by the first 64 bits of IPv6 addresses.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// By this many leading bits of IPv4 addresses, instead of all 32.
    ///
    /// # Errors
    ///
    /// When it is less than 8 or more than 32.
    pub fn with_ipv4_prefix(mut self, bits: u8) -> Result<Self, Error> {
        self.prefixes = self.prefixes.with_ipv4(bits)?;
        Ok(self)
    }

    /// By this many leading bits of IPv6 addresses, instead of 64.
    ///
    /// # Errors
    ///
    /// When it is less than 48 or more than 128.
    pub fn with_ipv6_prefix(mut self, bits: u8) -> Result<Self, Error> {
        self.prefixes = self.prefixes.with_ipv6(bits)?;
        Ok(self)
    }

    /// The address that the connection comes from, for logs: all of it, and unmapped. `None` when nobody says it.
    #[must_use]
    pub fn of(&self, parts: &Parts) -> Option<IpAddr> {
        peer_ip(parts)
    }
}

impl RequestKey for PeerIp {
    fn key(&self, parts: &Parts) -> Option<Key> {
        Some(match peer_ip(parts) {
            Some(address) => self.prefixes.key(address),
            None => self.missing.key(),
        })
    }
}

/// The address of the peer, an IPv4 address if it is one.
pub(super) fn peer_ip(parts: &Parts) -> Option<IpAddr> {
    let given = parts.extensions.get::<PeerAddr>().map(|peer| peer.0);
    let address = given.or_else(|| connect_info(parts))?;
    Some(address.ip().to_canonical())
}

#[cfg(not(feature = "axum"))]
fn connect_info(_: &Parts) -> Option<SocketAddr> {
    None
}

/// What becomes of requests whose peer nobody knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Missing {
    reported: Arc<AtomicBool>,
}

impl Missing {
    /// The one key of them all.
    pub(super) fn key(&self) -> Key {
        // Read first: there may be very many of them.
        if !self.reported.load(Ordering::Relaxed) && !self.reported.swap(true, Ordering::Relaxed) {
            tracing::error!(
                target: "buttress_ratelimit::keys",
                "requests do not say which address they come from, and share one bucket: serve the router with \
                 into_make_service_with_connect_info::<SocketAddr>() and turn on the feature `axum` of \
                 buttress-ratelimit, or insert a PeerAddr into the extensions of each request"
            );
        }
        Key::nobody()
    }
}
