//! The part of an address that is a key.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Error, ErrorKind, Key};

/// How many leading bits of an address are one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefixes {
    v4: u8,
    v6: u8,
}

impl Prefixes {
    pub(super) fn with_ipv4(self, bits: u8) -> Result<Self, Error> {
        check("IPv4", bits, 8, 32)?;
        Ok(Self { v4: bits, ..self })
    }

    pub(super) fn with_ipv6(self, bits: u8) -> Result<Self, Error> {
        check("IPv6", bits, 48, 128)?;
        Ok(Self { v6: bits, ..self })
    }

    /// The network that this address stands for. An IPv4 address that is mapped into IPv6 is that IPv4 address.
    #[inline]
    pub(super) fn network(self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let mask = u32::MAX << (32 - self.v4);
                Ipv4Addr::from_bits(address.to_bits() & mask).into()
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX << (128 - self.v6);
                Ipv6Addr::from_bits(address.to_bits() & mask).into()
            }
        }
    }

    #[inline]
    pub(super) fn key(self, address: IpAddr) -> Key {
        self.network(address).into()
    }
}

/// One IPv4 address, and what one subscriber of IPv6 gets at least.
impl Default for Prefixes {
    fn default() -> Self {
        Self { v4: 32, v6: 64 }
    }
}

fn check(version: &str, bits: u8, least: u8, most: u8) -> Result<(), Error> {
    if (least..=most).contains(&bits) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidConfiguration,
        format!(
            "a prefix of {bits} bits of {version} addresses is no client: {least} to {most} are allowed"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(prefixes: Prefixes, address: &str) -> String {
        let address: IpAddr = address.parse().expect("an address");
        prefixes.network(address).to_string()
    }

    #[test]
    fn addresses_are_cut_to_their_prefix_after_they_were_unmapped() {
        let usual = Prefixes::default();
        let wide = usual.with_ipv4(8).expect("bits").with_ipv6(48);
        let wide = wide.expect("bits");
        let narrow = usual.with_ipv6(128).expect("bits");
        for (prefixes, address, expected) in [
            (usual, "192.0.2.77", "192.0.2.77"),
            (usual, "::ffff:192.0.2.77", "192.0.2.77"),
            (usual, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            (wide, "::ffff:192.0.2.77", "192.0.0.0"),
            (wide, "2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            (narrow, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        ] {
            assert_eq!(network(prefixes, address), expected, "{address}");
        }
    }

    #[test]
    fn prefixes_that_are_no_client_are_named() {
        let refused = |result: Result<Prefixes, Error>| {
            let error = result.expect_err("it makes no sense");
            assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
            error.to_string()
        };
        let usual = Prefixes::default();
        for bits in [0, 47, 129, 255] {
            let text = refused(usual.with_ipv6(bits));
            assert!(text.contains(&bits.to_string()) && text.contains("48 to 128"));
        }
        for bits in [0, 7, 33] {
            let text = refused(usual.with_ipv4(bits));
            assert!(text.contains(&bits.to_string()) && text.contains("8 to 32"));
        }
    }
}
