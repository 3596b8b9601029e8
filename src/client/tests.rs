//! Who a request comes from, whatever header fields say.

use super::*;
use http::{HeaderName, HeaderValue};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn trusted() -> Vec<Network> {
    ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]
        .map(|network| network.parse().unwrap())
        .to_vec()
}

/// The client of a request from 127.0.0.1 with these lines of header fields.
fn of(lines: &[(&str, &str)]) -> Option<String> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::try_from(*name).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    forwarded(ip("127.0.0.1"), &headers, &trusted()).map(|client| client.to_string())
}

#[test]
fn clients_are_addresses_and_ipv6_by_its_first_64_bits() {
    for (address, expected) in [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
    ] {
        assert_eq!(Client::at(ip(address)).to_string(), expected);
    }
    assert!(!Client::UNKNOWN.is_known() && Client::default() == Client::UNKNOWN);
}

#[test]
fn peers() {
    for (address, expected) in [
        ("127.0.0.1", Peer::Trusted),
        ("::ffff:127.0.0.1", Peer::Trusted),
        ("10.255.0.1", Peer::Trusted),
        ("fd12::1", Peer::Trusted),
        ("127.0.0.2", Peer::Unlisted),
        ("172.17.0.1", Peer::Unlisted),
        ("::ffff:192.168.0.1", Peer::Unlisted),
        ("100.64.0.1", Peer::Unlisted),
        ("::1", Peer::Unlisted),
        ("fe80::1", Peer::Unlisted),
        ("fc00::1", Peer::Unlisted),
        ("100.128.0.1", Peer::Client(Client::at(ip("100.128.0.1")))),
        ("172.32.0.1", Peer::Client(Client::at(ip("172.32.0.1")))),
        ("2001:db8::1", Peer::Client(Client::at(ip("2001:db8::2")))),
    ] {
        assert_eq!(Peer::at(ip(address), &trusted()), expected, "{address}");
    }
}

#[test]
fn the_last_address_that_is_not_trusted() {
    for (value, expected) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("[2001:db8::1]", "2001:db8::/64"),
        ("2001:db8::1", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("198.51.100.9, 192.0.2.1", "192.0.2.1"),
        ("198.51.100.9,192.0.2.1, 10.0.0.2,\tfd00::7", "192.0.2.1"),
        ("garbage, \"; , 192.0.2.1", "192.0.2.1"),
        ("192.0.2.1,,  ,", "192.0.2.1"),
        // A private address behind a proxy is a client like any other.
        ("192.168.1.7", "192.168.1.7"),
        // Nobody says who.
        ("", "unknown"),
        ("10.0.0.3, 10.0.0.2", "unknown"),
        ("192.0.2.1, unknown", "unknown"),
        ("192.0.2.1, _hidden", "unknown"),
        // Not what a proxy writes: the share of the one that handed it over.
        ("192.0.2.1, garbage", "127.0.0.1"),
        ("192.0.2.1, garbage, 10.0.0.2", "10.0.0.2"),
        ("1.2.3, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1:99999", "127.0.0.1"),
        ("192.0.2.1 ü", "127.0.0.1"),
    ] {
        let client = of(&[("x-forwarded-for", value)]);
        assert_eq!(client.as_deref(), Some(expected), "{value:?}");
    }
    let long = format!("{}, 192.0.2.1", "192.0.2.9,".repeat(1000));
    assert_eq!(
        of(&[("x-forwarded-for", &long)]).as_deref(),
        Some("127.0.0.1")
    );
    assert_eq!(of(&[("x-real-ip", "192.0.2.1")]), None);
}

#[test]
fn the_standard_field() {
    for (value, expected) in [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1"),
        ("proto=https ; for=\"192.0.2.1:4711\"", "192.0.2.1"),
        ("for=192.0.2.1:4711", "192.0.2.1"),
        ("for=\"192.0.2.1:_port\"", "192.0.2.1"),
        ("for=\"[2001:db8::1]:4711\";host=x", "2001:db8::/64"),
        ("for=\"[2001:db8::1]\"", "2001:db8::/64"),
        ("for=\"\\[2001:db8::1\\]\"", "2001:db8::/64"),
        ("for=198.51.100.9, for=192.0.2.1, for=10.1.1.1", "192.0.2.1"),
        ("host=\"a,b;for=198.51.100.9\";for=192.0.2.1", "192.0.2.1"),
        (",, for=192.0.2.1 ,", "192.0.2.1"),
        ("for=_hidden", "unknown"),
        ("for=\"_hidden:80\"", "unknown"),
        ("for=unknown", "unknown"),
        ("for=192.0.2.1, proto=https", "unknown"),
        ("for=10.0.0.3", "unknown"),
        // A quote that a client left open, with what a proxy added behind it.
        ("for=\", for=192.0.2.1", "127.0.0.1"),
        ("for=\"a, for=\"[2001:db8::1]\"", "127.0.0.1"),
        ("for=unknown;x=\", for=\"[2001:db8::1]:4\"", "127.0.0.1"),
        ("for=192.0.2.1;for=198.51.100.9", "127.0.0.1"),
        ("for=", "127.0.0.1"),
        ("=192.0.2.1", "127.0.0.1"),
        ("192.0.2.1", "127.0.0.1"),
        ("for=\"192.0.2.1", "127.0.0.1"),
        ("for=\"192.0.2.1\"x", "127.0.0.1"),
        ("for = 192.0.2.1", "127.0.0.1"),
        ("for=ü", "127.0.0.1"),
    ] {
        let client = of(&[("forwarded", value)]);
        assert_eq!(client.as_deref(), Some(expected), "{value:?}");
    }
}

#[test]
fn lines_are_read_from_the_last_one() {
    for name in ["forwarded", "x-forwarded-for"] {
        let write = |hop: &str| match name {
            "forwarded" => format!("for={hop}"),
            _ => hop.to_owned(),
        };
        let own = "for=\"open, \\";
        let added = write("192.0.2.1");
        let near = write("10.0.0.2");
        let client = of(&[(name, own), (name, &added), (name, &near)]);
        assert_eq!(client.as_deref(), Some("192.0.2.1"), "{name}");
    }
}

#[test]
fn two_fields_must_agree() {
    let both = |standard: &str, usual: &str| {
        of(&[("forwarded", standard), ("x-forwarded-for", usual)]).unwrap()
    };
    assert_eq!(both("for=192.0.2.1", "192.0.2.1, 10.0.0.2"), "192.0.2.1");
    // The client wrote the one that the proxy does not know.
    assert_eq!(both("for=198.51.100.9", "192.0.2.1"), "127.0.0.1");
    assert_eq!(both("for=unknown", "192.0.2.1"), "127.0.0.1");
    assert_eq!(both("for=192.0.2.1", "198.51.100.9"), "127.0.0.1");
}

#[test]
fn a_chain_has_an_end() {
    let chain = |length: usize| format!("192.0.2.1{}", ", 10.0.0.2".repeat(length));
    let of = |length| of(&[("x-forwarded-for", &chain(length))]).unwrap();
    assert_eq!(of(HOPS_MAX - 1), "192.0.2.1");
    assert_eq!(of(HOPS_MAX), "unknown");
}

#[test]
fn networks() {
    for (text, inside, outside) in [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.0/31", "::ffff:192.0.2.1", "192.0.2.2"),
        ("0.0.0.0/0", "255.255.255.255", "::1"),
        ("::/0", "2001:db8::", "127.0.0.1"),
        ("fd00::/8", "fdff:ffff::1", "fc00::1"),
        ("2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"),
        ("::1", "::1", "::2"),
        ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"),
    ] {
        let network: Network = text.parse().unwrap();
        assert!(network.contains(ip(inside)), "{inside} in {text}");
        assert!(!network.contains(ip(outside)), "{outside} in {text}");
    }
    for (text, expected) in [
        ("", "must be an IP address or a network"),
        ("localhost", "must be an IP address or a network"),
        ("10.0.0/8", "must be an IP address or a network"),
        ("127.0.0.1:80", "must be an IP address or a network"),
        ("10.0.0.0/33", "must be from 0 to 32"),
        ("10.0.0.0/", "must be from 0 to 32"),
        ("10.0.0.0/+8", "must be from 0 to 32"),
        ("fd00::/129", "must be from 0 to 128"),
        ("10.0.0.1/8", "the network is \"10.0.0.0/8\""),
    ] {
        let error = text.parse::<Network>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}: {error}");
    }
}
