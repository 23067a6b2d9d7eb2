//! Headers that are long, or mean.

use std::net::IpAddr;

use buttress_ratelimit::{ClientIp, RequestKey};
use buttress_testkit::alloc;
use http::{HeaderValue, request::Parts};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{PROXY, X_FORWARDED_FOR, asked, behind, networks, says};
use crate::keys::{from, ip};

/// Test 12 of the specification: how much is read of a header does not depend on how long it is.
#[test]
fn a_long_header_is_read_to_a_bound() {
    let line = |text: &str| says(&behind(), PROXY, &[(X_FORWARDED_FOR, text)]);
    let proxies = |count: usize| ", 10.0.0.2".repeat(count);
    assert_eq!(line(&format!("6.6.6.6{}", proxies(31))), "6.6.6.6");
    assert_eq!(line(&format!("6.6.6.6{}", proxies(32))), "10.0.0.2");
    assert_eq!(line(&format!("6.6.6.6{}", proxies(6_500))), "10.0.0.2");
    let many = vec![(X_FORWARDED_FOR, "10.0.0.2"); 20_000];
    assert_eq!(says(&behind(), PROXY, &many), "10.0.0.2");
    // An entry is no address when so much space is around it that it was not looked for any further.
    let spaces = |count: usize| " ".repeat(count);
    assert_eq!(
        line(&format!("6.6.6.6,{}203.0.113.9", spaces(100))),
        "203.0.113.9"
    );
    assert_eq!(
        line(&format!("6.6.6.6,{}203.0.113.9", spaces(65_000))),
        PROXY
    );
    assert_eq!(line(&format!("{}203.0.113.9", spaces(65_000))), PROXY);
    for junk in [
        "x", ",", "\"", "\\", "1", ":", "[", ";", "=", "\\\"", "for=\"", "é",
    ] {
        let header = format!("6.6.6.6, {}", junk.repeat(65_536 / junk.len()));
        assert_eq!(line(&header), PROXY, "{junk}");
        let forwarded = [("forwarded", header.as_str())];
        assert_eq!(says(&behind().with_forwarded(), PROXY, &forwarded), PROXY);
    }
}

#[test]
fn to_find_out_who_asks_does_not_allocate() {
    let long = "10.0.0.2, ".repeat(6_500);
    for header in [
        "203.0.113.9",
        "6.6.6.6, \"[2001:db8::1]:443\", 10.0.0.2",
        long.as_str(),
    ] {
        let parts = asked(PROXY, &[(X_FORWARDED_FOR, header)]);
        let client_ip = behind();
        let allocations = alloc::count(|| client_ip.key(&parts).is_some());
        assert_eq!(allocations.count, 0, "{header}");
    }
    let forwarded = r#"for="6.6.6.6", for="[2001:db8::1]:443";proto=https;by=10.0.0.1"#;
    let parts = asked(PROXY, &[("forwarded", forwarded)]);
    let client_ip = behind().with_forwarded();
    let allocations = alloc::count(|| client_ip.key(&parts).is_some());
    assert_eq!(allocations.count, 0);
}

/// An entry as somebody may write it, and the address that it is.
fn entry(forwarded: bool) -> impl Strategy<Value = (String, Option<IpAddr>)> {
    let v4 = || any::<[u8; 4]>().prop_map(IpAddr::from);
    let v6 = || any::<[u16; 8]>().prop_map(IpAddr::from);
    let proxy = any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c]));
    let address = prop_oneof![1 => v4(), 1 => v6(), 3 => proxy];
    let plain = move |address: IpAddr, style: u8| match (address, style % 4) {
        (IpAddr::V4(v4), 0) => v4.to_string(),
        (IpAddr::V4(v4), 1) => format!("{v4}:4711"),
        (IpAddr::V4(v4), 2) => format!("\"{v4}:80\""),
        (IpAddr::V4(v4), _) => format!("\"[{}]:443\"", v4.to_ipv6_mapped()),
        (IpAddr::V6(v6), 0) if !forwarded => v6.to_string(),
        (IpAddr::V6(v6), 1) => format!("[{v6}]:4711"),
        (IpAddr::V6(v6), _) => format!("\"[{v6}]\""),
    };
    let named = move |node: String, style: u8| match (forwarded, style / 4 % 3) {
        (false, _) => node,
        (true, 0) => format!("for={node}"),
        (true, 1) => format!("For={node};proto=https"),
        (true, _) => format!("host=\"a, for=6.6.6.6;\\\"\"; by=_x ;FOR={node};"),
    };
    let good = (address, any::<u8>()).prop_map(move |(address, style)| {
        (
            named(plain(address, style), style),
            Some(address.to_canonical()),
        )
    });
    let junk = select(vec![
        "",
        "unknown",
        "_x",
        "for=",
        "for=unknown",
        "::g",
        "1.2.3",
        "a=b;c",
        "é",
        "for",
    ]);
    prop_oneof![5 => good, 1 => junk.prop_map(|junk| (junk.to_owned(), None))]
}

/// Anything at all that may stand in a header.
fn junk() -> impl Strategy<Value = Vec<u8>> {
    let pieces = || select(b"for=\"\\,;:[].x1f \t\xff".to_vec());
    let bytes = prop_oneof![3 => pieces(), 1 => 0x20_u8..=0x7e, 1 => 0x80_u8..];
    vec(bytes, 0..200)
}

fn with_line(mut parts: Parts, header: &'static str, line: &[u8]) -> Parts {
    let line = HeaderValue::from_bytes(line).expect("a value");
    parts.headers.append(header, line);
    parts
}

proptest! {
    /// The rule once more, on a list of addresses instead of text.
    #[test]
    fn a_chain_is_believed_as_by_the_rule(
        (forwarded, chain) in any::<bool>().prop_flat_map(|form| (Just(form), vec(entry(form), 0..12))),
        lines in vec(any::<bool>(), 12),
        space in select(vec![",", ", ", " ,\t"]),
    ) {
        let trusted = networks("10.0.0.0/8");
        let mut expected = PROXY.parse::<IpAddr>().expect("an address");
        for (_, hop) in chain.iter().rev() {
            match hop {
                Some(hop) if trusted.contains(expected) => expected = *hop,
                _ => break,
            }
        }
        let header = if forwarded { "forwarded" } else { X_FORWARDED_FOR };
        let mut texts: Vec<String> = Vec::new();
        for ((text, _), new) in chain.iter().zip(&lines) {
            match texts.last_mut() {
                Some(line) if !new => line.extend([space, text]),
                _ => texts.push(text.clone()),
            }
        }
        let parts = texts.iter().fold(from(PROXY), |parts, line| with_line(parts, header, line.as_bytes()));
        let client_ip = ClientIp::behind(trusted);
        let client_ip = if forwarded { client_ip.with_forwarded() } else { client_ip };
        prop_assert_eq!(client_ip.of(&parts), Some(expected), "{:?}", texts);
    }

    /// Whatever a client has written before, it is who the proxy has seen.
    #[test]
    fn nothing_that_a_client_writes_chooses_the_key(
        lines in vec(junk(), 0..4), same_line: bool, more in vec(junk(), 0..2),
    ) {
        for (header, seen) in [(X_FORWARDED_FOR, "203.0.113.9"), ("forwarded", "for=\"203.0.113.9\"")] {
            let client_ip = behind();
            let client_ip = if header == "forwarded" { client_ip.with_forwarded() } else { client_ip };
            let mut lines = lines.clone();
            match lines.last_mut() {
                Some(last) if same_line => last.extend([b", ", seen.as_bytes()].concat()),
                _ => lines.push(seen.into()),
            }
            let parts = lines.iter().fold(from(PROXY), |parts, line| with_line(parts, header, line));
            prop_assert_eq!(client_ip.key(&parts), Some(ip("203.0.113.9")));
            // And of whom the proxy has seen nothing, nothing breaks.
            let parts = more.iter().fold(from(PROXY), |parts, line| with_line(parts, header, line));
            prop_assert!(client_ip.key(&parts).is_some());
            let hops = ClientIp::behind_hops(3);
            let hops = if header == "forwarded" { hops.with_forwarded() } else { hops };
            prop_assert!(hops.key(&parts).is_some());
        }
    }
}
