use std::{net::IpAddr, str::FromStr, sync::Arc};

use ipnet::{IpNet, Ipv4Net};

use crate::{Error, ErrorKind};

/// Networks of addresses: which proxies are trusted, or who is not limited.
///
/// Written as `10.0.0.0/8` or `2001:db8::/32`, or as one address; in one text, with commas between them.
///
/// ```
/// use buttress_ratelimit::Networks;
///
/// let proxies: Networks = "10.0.0.0/8, 2001:db8::/32, 192.0.2.1".parse()?;
/// assert!(proxies.contains([10, 1, 2, 3].into()));
/// assert!(!proxies.contains([192, 0, 2, 2].into()));
///
/// let error = Networks::new(["10.0.0.1/8"]).expect_err("it is an address");
/// assert!(error.to_string().contains("10.0.0.0/8"));
/// # Ok::<(), buttress_ratelimit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks(Arc<[IpNet]>);

impl Networks {
    /// These networks. None at all are fine: nobody is in them.
    ///
    /// # Errors
    ///
    /// When one is no network and no address, names an address inside of a network, or all addresses (`/0`): the text
    /// names it.
    pub fn new<I>(networks: I) -> Result<Self, Error>
    where
        I: IntoIterator<Item: AsRef<str>>,
    {
        let networks = networks.into_iter();
        let networks = networks.map(|text| network(text.as_ref()));
        Ok(Self(networks.collect::<Result<_, _>>()?))
    }

    /// Whether this address is in one of them. An IPv4 address that is mapped into IPv6 is that IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Networks with commas between them; a text without any is none.
impl FromStr for Networks {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "" => Ok(Self([].into())),
            text => Self::new(text.split(',')),
        }
    }
}

fn network(text: &str) -> Result<IpNet, Error> {
    let text = text.trim();
    let invalid = |reason: &str| {
        Error::new(
            ErrorKind::InvalidConfiguration,
            format!("the network {text:?} {reason}"),
        )
    };
    let network = if text.contains('/') {
        text.parse().ok()
    } else {
        text.parse::<IpAddr>().ok().map(IpNet::from)
    };
    let network: IpNet = network.ok_or_else(|| {
        invalid("is none: 192.0.2.0/24, 2001:db8::/32 and single addresses are allowed")
    })?;
    if network.addr() != network.network() {
        let (whole, one) = (network.trunc(), network.addr());
        return Err(invalid(&format!(
            "names an address inside of it: {whole} or {one} are allowed"
        )));
    }
    let network = unmapped(network);
    if network.prefix_len() == 0 {
        return Err(invalid(
            "is all addresses: 1 bit and more are allowed, and a fixed number of proxies by ClientIp::behind_hops",
        ));
    }
    Ok(network)
}

/// Addresses are looked for as IPv4 addresses when they are mapped into IPv6.
fn unmapped(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else {
        return network;
    };
    let v4 = v6
        .addr()
        .to_ipv4_mapped()
        .zip(v6.prefix_len().checked_sub(96));
    match v4.map(|(address, bits)| Ipv4Net::new(address, bits)) {
        Some(Ok(v4)) => v4.into(),
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(networks: &str, address: &str) -> bool {
        let networks: Networks = networks.parse().expect("networks");
        networks.contains(address.parse().expect("an address"))
    }

    #[test]
    fn addresses_are_in_networks_however_either_is_written() {
        for (networks, address, expected) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.0/104", "::ffff:11.0.0.1", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            (" 192.0.2.1 ,\t2001:db8::/32 ", "2001:db8:ffff::", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::1", "127.0.0.1", false),
            ("", "127.0.0.1", false),
            ("  ", "127.0.0.1", false),
        ] {
            assert_eq!(
                contains(networks, address),
                expected,
                "{networks} {address}"
            );
        }
        assert_eq!(Networks::new([""; 0]).ok(), "".parse().ok());
    }

    #[test]
    fn what_is_no_network_is_named() {
        for (text, value, words) in [
            ("10.0.0.0/33", "\"10.0.0.0/33\"", "192.0.2.0/24"),
            ("10.0.0.0/8,", "\"\"", "single addresses"),
            ("10.0.0.0/8,,::1", "\"\"", "single addresses"),
            ("10.0.0.0/8 ::1", "\"10.0.0.0/8 ::1\"", "single addresses"),
            ("proxy.local", "\"proxy.local\"", "single addresses"),
            ("10.0.0/8", "\"10.0.0/8\"", "single addresses"),
            ("10.1.0.0/8", "\"10.1.0.0/8\"", "10.0.0.0/8 or 10.1.0.0"),
            ("2001:db8::1/64", "\"2001:db8::1/64\"", "2001:db8::/64"),
            ("0.0.0.0/0", "\"0.0.0.0/0\"", "behind_hops"),
            ("::/0", "\"::/0\"", "all addresses"),
            (
                "::ffff:0.0.0.0/96",
                "\"::ffff:0.0.0.0/96\"",
                "all addresses",
            ),
        ] {
            let error = text.parse::<Networks>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
            let shown = error.to_string();
            assert!(shown.contains(value) && shown.contains(words), "{shown}");
        }
    }
}
