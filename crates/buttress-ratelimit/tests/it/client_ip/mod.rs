//! Who asks, behind proxies, and who only says so.

mod hostile;
#[cfg(feature = "axum")]
mod served;

use buttress_ratelimit::{ClientIp, ErrorKind, Networks, RequestKey};
use http::{HeaderName, HeaderValue, request::Parts};

use crate::keys::{Errors, from, ip, parts};

/// A trusted proxy.
const PROXY: &str = "10.0.0.1";

const X_FORWARDED_FOR: &str = "x-forwarded-for";

fn networks(text: &str) -> Networks {
    text.parse().expect("networks")
}

/// Behind proxies in 10.0.0.0/8 and 2001:db8:ffff::/48.
fn behind() -> ClientIp {
    ClientIp::behind(networks("10.0.0.0/8, 2001:db8:ffff::/48"))
}

fn asked(peer: &str, lines: &[(&str, &str)]) -> Parts {
    let mut parts = from(peer);
    for (name, value) in lines {
        let name = HeaderName::try_from(*name).expect("a name");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        parts.headers.append(name, value);
    }
    parts
}

fn says(client_ip: &ClientIp, peer: &str, lines: &[(&str, &str)]) -> String {
    let address = client_ip.of(&asked(peer, lines)).expect("an address");
    address.to_string()
}

/// One line of a table: what a trusted proxy passes on, and who it is.
fn each(client_ip: &ClientIp, header: &str, table: &[(&[&str], &str)]) {
    for (lines, expected) in table {
        let named: Vec<_> = lines.iter().map(|line| (header, *line)).collect();
        assert_eq!(says(client_ip, PROXY, &named), *expected, "{lines:?}");
    }
}

/// Tests 11 and 12 of the specification: D2, D10, D11, D21, and lists with holes.
#[test]
fn a_list_is_believed_from_its_end_to_the_first_stranger() {
    each(
        &behind(),
        X_FORWARDED_FOR,
        &[
            // D2: not the leftmost, which anybody may write, and not only the first line.
            (&["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            (&["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
            (&["6.6.6.6", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            (
                &["6.6.6.6, 203.0.113.9", "10.0.0.3", "10.0.0.2"],
                "203.0.113.9",
            ),
            // D10: addresses of proxies are recognised however they are written, and clients stay apart.
            (
                &["6.6.6.6, ::ffff:203.0.113.9, ::ffff:10.0.0.2"],
                "203.0.113.9",
            ),
            (&["203.0.113.8, 2001:db8:ffff::1"], "203.0.113.8"),
            (&["203.0.113.7, [::ffff:10.0.0.2]:80"], "203.0.113.7"),
            // D11: what cannot be read ends the walk, and ports and brackets can be read.
            (&["6.6.6.6, 203.0.113.9:51234"], "203.0.113.9"),
            (&["6.6.6.6, unknown"], PROXY),
            (&["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
            (&["6.6.6.6, [2001:db8::1]:443"], "2001:db8::1"),
            (&["6.6.6.6, \"[2001:db8::1]:443\""], "2001:db8::1"),
            (&["6.6.6.6, \"203.0.113.9\""], "203.0.113.9"),
            (&["6.6.6.6, _hidden, 10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["6.6.6.6, for=203.0.113.9"], PROXY),
            (&["6.6.6.6, 203.0.113.9 10.0.0.2"], PROXY),
            // D21: IPv6 has colons.
            (&["6.6.6.6, 2001:db8::1"], "2001:db8::1"),
            (&["6.6.6.6,2001:db8::1 ,\t10.0.0.2"], "2001:db8::1"),
            // Holes are entries that cannot be read.
            (&["6.6.6.6,"], PROXY),
            (&["6.6.6.6, 10.0.0.2,"], PROXY),
            (&["6.6.6.6,, 10.0.0.2"], "10.0.0.2"),
            (&["6.6.6.6", ""], PROXY),
            (&["6.6.6.6", "", "10.0.0.2"], "10.0.0.2"),
            (&[","], PROXY),
            (&[""], PROXY),
            (&[], PROXY),
            // Nothing but ASCII is an address.
            (&["6.6.6.6, ünknown"], PROXY),
            (&["6.6.6.6, ２０３.0.113.9, 10.0.0.2"], "10.0.0.2"),
            // All are trusted: the leftmost is somebody inside.
            (&["10.0.0.4, 10.0.0.3, 10.0.0.2"], "10.0.0.4"),
            (&["10.0.0.4"], "10.0.0.4"),
        ],
    );
}

/// Test 12 of the specification: D12.
#[test]
fn forwarded_is_believed_from_its_end_to_the_first_stranger() {
    each(
        &behind().with_forwarded(),
        "forwarded",
        &[
            (&["for=6.6.6.6, for=203.0.113.9"], "203.0.113.9"),
            (
                &["for=6.6.6.6", "for=203.0.113.9;proto=https, for=10.0.0.2"],
                "203.0.113.9",
            ),
            (
                &["for=6.6.6.6, for=\"203.0.113.9:80\";by=10.0.0.1"],
                "203.0.113.9",
            ),
            (&["for=6.6.6.6, For=\"[2001:db8::1]:443\""], "2001:db8::1"),
            (
                &["for=6.6.6.6, for=\"[::ffff:203.0.113.9]\", for=\"[2001:db8:ffff::9]\""],
                "203.0.113.9",
            ),
            (&["for=6.6.6.6, for=unknown"], PROXY),
            (&["for=6.6.6.6, for=_hidden, for=10.0.0.2"], "10.0.0.2"),
            (&["for=6.6.6.6, proto=https"], PROXY),
            (&["for=6.6.6.6, for=203.0.113.9;for=6.6.6.6"], PROXY),
            (&["for=6.6.6.6, for=2001:db8::1"], PROXY),
            (&["for=6.6.6.6,"], PROXY),
            // Quotes that a client opens do not swallow what a proxy adds.
            (&["for=\"6.6.6.6, for=203.0.113.9"], "203.0.113.9"),
            (&["for=\"6.6.6.6, for=\"203.0.113.9\""], "203.0.113.9"),
            (&["for=\"6.6.6.6\\", "for=203.0.113.9"], "203.0.113.9"),
            (
                &["for=6.6.6.6;x=\"\\\", for=\"203.0.113.9\", for=10.0.0.2"],
                "203.0.113.9",
            ),
            (&["for=\"6.6.6.6, for=10.0.0.2"], "10.0.0.2"),
            // Nor does what a proxy quotes make entries.
            (&["for=203.0.113.9;host=\"x, for=6.6.6.6\""], "203.0.113.9"),
            (
                &["for=203.0.113.9;host=\"x\\\", for=6.6.6.6\""],
                "203.0.113.9",
            ),
            (&["6.6.6.6"], PROXY),
            (&[], PROXY),
        ],
    );
}

#[test]
fn one_address_is_believed_if_there_is_no_other() {
    let single = behind().with_single_address(HeaderName::from_static("cf-connecting-ip"));
    each(
        &single,
        "cf-connecting-ip",
        &[
            (&["203.0.113.9"], "203.0.113.9"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["::ffff:203.0.113.9"], "203.0.113.9"),
            (&["6.6.6.6, 203.0.113.9"], PROXY),
            (&["6.6.6.6", "203.0.113.9"], PROXY),
            (&["203.0.113.9", "203.0.113.9"], PROXY),
            (&["unknown"], PROXY),
            (&[""], PROXY),
            (&[], PROXY),
        ],
    );
    let cloudflare = [("cf-connecting-ip", "6.6.6.6")];
    assert_eq!(says(&single, "198.51.100.1", &cloudflare), "198.51.100.1");
}

/// Test 12 of the specification: D12. A proxy that writes one header passes the others on as the client wrote them.
#[test]
fn only_the_one_header_is_read() {
    let lines = [
        ("x-forwarded-for", "203.0.113.1"),
        ("forwarded", "for=203.0.113.2"),
        ("x-real-ip", "203.0.113.3"),
        ("x-original-forwarded-for", "203.0.113.4"),
        ("cf-connecting-ip", "203.0.113.5"),
        ("x-client-ip", "203.0.113.6"),
    ];
    let real = HeaderName::from_static("x-real-ip");
    let original = HeaderName::from_static("x-original-forwarded-for");
    for (client_ip, read) in [
        (behind(), 0),
        (behind().with_forwarded(), 1),
        (behind().with_single_address(real), 2),
        (behind().with_list(original), 3),
    ] {
        assert_eq!(
            says(&client_ip, PROXY, &lines),
            format!("203.0.113.{}", read + 1)
        );
        let mut others = lines.to_vec();
        others.remove(read);
        assert_eq!(says(&client_ip, PROXY, &others), PROXY);
    }
}

/// Test 12 of the specification: D13. Whoever is no proxy says nothing about themselves, and is not refused for it.
#[test]
fn strangers_are_who_they_are_whatever_they_say() {
    let long = "6.6.6.6, ".repeat(7_000);
    for header in [
        "6.6.6.6",
        "10.0.0.1",
        "for=6.6.6.6",
        "junk",
        "",
        long.as_str(),
    ] {
        let lines = [(X_FORWARDED_FOR, header), ("forwarded", header)];
        for peer in ["203.0.113.9", "::ffff:203.0.113.9"] {
            assert_eq!(says(&behind(), peer, &lines), "203.0.113.9");
            assert_eq!(
                says(&behind().with_forwarded(), peer, &lines),
                "203.0.113.9"
            );
        }
        // Nobody is trusted.
        assert_eq!(says(&ClientIp::behind(networks("")), PROXY, &lines), PROXY);
    }
    // D10: the peer's address is unmapped before it is looked for among the trusted ones.
    let lines = [(X_FORWARDED_FOR, "203.0.113.9")];
    assert_eq!(says(&behind(), "::ffff:10.0.0.1", &lines), "203.0.113.9");
}

/// Test 11 of the specification.
#[test]
fn a_client_is_an_address_or_a_network() {
    let key = |client_ip: &ClientIp, header: &str| {
        let parts = asked(PROXY, &[(X_FORWARDED_FOR, header)]);
        client_ip.key(&parts).expect("a key")
    };
    let usual = behind();
    // All of a /64 are one, so that nobody gets new buckets by changing their address.
    for suffix in ["::", "::1", ":ffff:ffff:ffff:ffff", ":1:2:3:4"] {
        let address = format!("2001:db8:1:2{suffix}");
        assert_eq!(key(&usual, &address), ip("2001:db8:1:2::"), "{address}");
    }
    assert_ne!(key(&usual, "2001:db8:1:3::1"), ip("2001:db8:1:2::"));
    // Two clients with IPv4 are two, whichever way they come.
    assert_eq!(key(&usual, "::ffff:203.0.113.9"), ip("203.0.113.9"));
    assert_eq!(key(&usual, "203.0.113.9"), ip("203.0.113.9"));
    assert_ne!(key(&usual, "::ffff:203.0.113.8"), ip("203.0.113.9"));

    let wide = behind().with_ipv6_prefix(48).expect("bits");
    let wide = wide.with_ipv4_prefix(24).expect("bits");
    assert_eq!(key(&wide, "2001:db8:1:2::1"), ip("2001:db8:1::"));
    assert_eq!(key(&wide, "::ffff:203.0.113.9"), ip("203.0.113.0"));
    let narrow = behind().with_ipv6_prefix(128).expect("bits");
    assert_eq!(key(&narrow, "2001:db8:1:2::1"), ip("2001:db8:1:2::1"));
    for error in [
        behind().with_ipv6_prefix(32).expect_err("too wide"),
        behind().with_ipv4_prefix(33).expect_err("too narrow"),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
    }
}

#[test]
fn so_many_proxies_are_counted_from_the_end() {
    let of = |proxies: u8, lines: &[&str]| {
        let named: Vec<_> = lines.iter().map(|line| (X_FORWARDED_FOR, *line)).collect();
        says(&ClientIp::behind_hops(proxies), "198.51.100.1", &named)
    };
    let chain = ["6.6.6.6, 203.0.113.9", "192.0.2.2, 192.0.2.1"];
    assert_eq!(of(0, &chain), "198.51.100.1");
    assert_eq!(of(1, &chain), "192.0.2.1");
    assert_eq!(of(2, &chain), "192.0.2.2");
    assert_eq!(of(3, &chain), "203.0.113.9");
    // Somebody came past a proxy: it is who the last one has seen.
    assert_eq!(of(3, &["192.0.2.2, 192.0.2.1"]), "192.0.2.2");
    assert_eq!(of(3, &["6.6.6.6, unknown, 192.0.2.1"]), "192.0.2.1");
    assert_eq!(of(3, &["6.6.6.6, 192.0.2.1,"]), "198.51.100.1");
    assert_eq!(of(3, &[]), "198.51.100.1");
    // A Unix socket has no address, and needs none.
    let mut parts = parts();
    let line = HeaderValue::from_static("6.6.6.6, 203.0.113.9");
    parts.headers.append(X_FORWARDED_FOR, line);
    assert_eq!(
        ClientIp::behind_hops(1).key(&parts),
        Some(ip("203.0.113.9"))
    );
}

#[test]
fn those_of_whom_nothing_is_known_share_a_bucket_and_one_error_is_logged() {
    let errors = Errors::default();
    tracing::subscriber::with_default(errors.clone(), || {
        let client_ip = behind();
        let mut keys: Vec<_> = ["6.6.6.6", "10.0.0.1", "junk"]
            .into_iter()
            .map(|line| {
                let mut parts = parts();
                let line = HeaderValue::from_static(line);
                parts.headers.append(X_FORWARDED_FOR, line);
                assert_eq!(client_ip.of(&parts), None);
                client_ip.key(&parts).expect("never exempt")
            })
            .collect();
        keys.dedup();
        assert_eq!(keys.len(), 1);
    });
    assert_eq!(errors.count(), 1);
}
