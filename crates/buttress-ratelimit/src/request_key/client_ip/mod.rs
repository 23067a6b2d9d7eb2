mod entries;
mod forwarded;
mod node;

use std::net::IpAddr;

use entries::{Entries, Form};
use http::{HeaderName, header::FORWARDED, request::Parts};

use super::{
    RequestKey,
    address::Prefixes,
    peer::{Missing, peer_ip},
};
use crate::{Error, Key, Networks};

/// The key of the address that a request comes from, behind proxies.
///
/// Proxies write into a header who has asked them; so can anybody else. What is believed is what trusted proxies have
/// written:
///
/// - If the peer is not one of them, the request comes from the peer, and the header does not matter.
/// - Else the header is read from its end, where the last proxy has added whom it has seen. All of its lines are one
///   list. The request comes from the first address that is not a trusted proxy's, or from the leftmost one if all are.
/// - What cannot be read as an address ends it too, with the last one that could: beyond it, anything may have been made up.
///   So do entries beyond the 32nd, and those that are longer than any address: a header costs no more for being long.
///
/// Exactly one header is read: `X-Forwarded-For` by default, [`Forwarded`](Self::with_forwarded), another
/// [list](Self::with_list), or one of a [single address](Self::with_single_address). It is the one that
/// the trusted proxies write themselves: what they pass on unread is the client's. A request is never refused for what
/// is in it.
///
/// Addresses are read with and without a port, IPv6 with and without brackets, with and without quotes. IPv4 addresses that
/// are mapped into IPv6 are IPv4 addresses. An IPv4 address is one client, and so are all
/// IPv6 addresses that have the first 64 bits in common.
///
/// Where the peer's address comes from, and what becomes of requests without one, is as for [`PeerIp`](crate::PeerIp).
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use buttress_ratelimit::{ClientIp, PeerAddr};
///
/// let client_ip = ClientIp::behind("10.0.0.0/8".parse()?);
///
/// let request = http::Request::builder()
///     .extension(PeerAddr(SocketAddr::from(([10, 0, 0, 1], 40_000))))
///     .header("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2");
/// let (parts, ()) = request.body(()).expect("a request").into_parts();
/// assert_eq!(client_ip.of(&parts), Some(IpAddr::from([203, 0, 113, 9])));
/// # Ok::<(), buttress_ratelimit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClientIp {
    trust: Trust,
    header: HeaderName,
    form: Form,
    prefixes: Prefixes,
    missing: Missing,
}

#[derive(Clone, Debug)]
enum Trust {
    Networks(Networks),
    Hops(u8),
}

impl ClientIp {
    /// Behind proxies in these networks, which write `X-Forwarded-For`.
    #[must_use]
    pub fn behind(trusted: Networks) -> Self {
        Self::new(Trust::Networks(trusted))
    }

    /// Behind exactly this many proxies, wherever they are: the client is the entry of this number from the end of the
    /// header, or the last one before it that there is and that can be read. None is the peer.
    ///
    /// The peer is not looked at, which may have no address, such as that of a Unix socket. So this is only for a service that
    /// cannot be reached past any of its proxies: whoever does so says who they are.
    #[must_use]
    pub fn behind_hops(proxies: u8) -> Self {
        Self::new(Trust::Hops(proxies))
    }

    fn new(trust: Trust) -> Self {
        Self {
            trust,
            header: HeaderName::from_static("x-forwarded-for"),
            form: Form::List,
            prefixes: Prefixes::default(),
            missing: Missing::default(),
        }
    }

    /// Reads `Forwarded` (RFC 7239) instead, in it the parameter `for`. An element that has none, two, or one that is
    /// `unknown` or made up (`_hidden`) cannot be read.
    #[must_use]
    pub fn with_forwarded(mut self) -> Self {
        (self.header, self.form) = (FORWARDED, Form::Forwarded);
        self
    }

    /// Reads this header instead, which is written like `X-Forwarded-For`.
    #[must_use]
    pub fn with_list(mut self, header: HeaderName) -> Self {
        (self.header, self.form) = (header, Form::List);
        self
    }

    /// Reads this header instead, which has one address, such as `X-Real-IP` or `CF-Connecting-IP`. Two lines of it, or two
    /// addresses, cannot be read.
    #[must_use]
    pub fn with_single_address(mut self, header: HeaderName) -> Self {
        (self.header, self.form) = (header, Form::Single);
        self
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

    /// The address that a request comes from, for logs and the like: all of it, and unmapped. `None` when nobody says it.
    #[must_use]
    pub fn of(&self, parts: &Parts) -> Option<IpAddr> {
        let peer = peer_ip(parts);
        let mut entries = Entries::of(parts, &self.header, self.form).map_while(|entry| entry);
        match &self.trust {
            Trust::Networks(trusted) => {
                let mut client = peer?;
                for _ in 0..MAX_ENTRIES {
                    if !trusted.contains(client) {
                        break;
                    }
                    match entries.next() {
                        Some(hop) => client = hop,
                        None => break,
                    }
                }
                Some(client)
            }
            Trust::Hops(proxies) => entries.take(usize::from(*proxies)).last().or(peer),
        }
    }

    /// Whether a request comes from one of these networks, for [`unless`](RequestKey::unless).
    pub fn within(&self, networks: Networks) -> impl Fn(&Parts) -> bool + Send + Sync + use<> {
        let client_ip = self.clone();
        move |parts| {
            let address = client_ip.of(parts);
            address.is_some_and(|address| networks.contains(address))
        }
    }
}

/// How many entries of a header are looked at.
const MAX_ENTRIES: usize = 32;

impl RequestKey for ClientIp {
    fn key(&self, parts: &Parts) -> Option<Key> {
        Some(match self.of(parts) {
            Some(address) => self.prefixes.key(address),
            None => self.missing.key(),
        })
    }
}
