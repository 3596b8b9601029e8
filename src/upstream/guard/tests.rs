//! The address policy, address by address.

use super::*;
use proptest::prelude::*;

/// The first and last address of every refused block, and known metadata addresses.
const REFUSED: &str = "\
    0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255 \
    127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 169.254.255.255 \
    172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.192 192.0.0.255 192.0.2.0 192.31.196.1 \
    192.52.193.1 192.88.99.1 192.168.0.0 192.168.255.255 192.175.48.1 198.18.0.0 \
    198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.0 239.255.255.255 240.0.0.0 \
    255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 \
    64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::a00:1 100::1 1fff:ffff::1 2001::f5ff:fffe \
    2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff::1 2001:db8::1 2002:7f00:1:: \
    2002:808:808:: 2a00::5efe:7f00:1 2a00::200:5efe:7f00:1 3fff::1 3fff:fff:ffff::1 4000::1 \
    5f00::1 fc00::1 fd00:ec2::254 fe00::1 fe80::1 fec0::1 ff02::1";

fn judge(url: &str, configured: Option<&str>, allow: &[&str]) -> Result<Permit, Refusal> {
    let url = Url::parse(url).unwrap();
    let configured = configured.map(|text| Url::parse(text).unwrap());
    let hop = configured.as_ref().map_or(Hop::Configured, Hop::Redirect);
    let allow: Vec<_> = allow
        .iter()
        .map(|text| HostPort::parse(text).unwrap())
        .collect();
    check_url(&url, hop, &allow)
}

#[test]
fn public_addresses_pass() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.1",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.0.1",
        "169.255.0.0",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.0",
        "192.169.0.1",
        "198.17.255.255",
        "198.20.0.1",
        "223.255.255.255",
        "2606:2800:220:1:248:1893:25c8:1946",
        "2001:4860:4860::8888",
        "2001:200::1",
        "2003::1",
        "2a00:1450:4001:830::200e",
        "3ffe::1",
    ] {
        assert_eq!(check_address(address.parse().unwrap()), Ok(()), "{address}");
    }
}

#[test]
fn everything_else_is_refused_to_the_edges_of_each_block() {
    for address in REFUSED.split_whitespace() {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(
            check_address(address),
            Err(Refusal::Address(address)),
            "{address}"
        );
    }
}

#[test]
fn local_names_are_refused_before_dns() {
    for name in [
        "localhost",
        "LOCALHOST.",
        "foo.localhost",
        "ip6-localhost",
        "metadata",
        "nas.lan",
        "router.local",
        "metadata.google.internal",
        "kubernetes.default.svc",
        "api.default.svc.cluster.local",
        "localhost.localdomain",
        "box.home.arpa",
        "facebookcorewwwi.onion",
        "a..example.com",
    ] {
        let verdict = judge(&format!("http://{name}/"), None, &[]);
        assert!(
            matches!(verdict, Err(Refusal::Name(_))),
            "{name}: {verdict:?}"
        );
    }
    for name in [
        "example.com",
        "example.com.",
        "mylocalhost.example",
        "plan.example",
        "local.example",
    ] {
        assert_eq!(
            judge(&format!("http://{name}/"), None, &[]),
            Ok(Permit::Public),
            "{name}"
        );
    }
}

#[test]
fn ports_follow_who_wrote_the_url() {
    let configured = Some("http://feeds.example.com:9000/rss");
    for (url, hop, expected) in [
        ("http://example.com:9000/", None, Ok(Permit::Public)),
        ("http://example.com:0/", None, Err(Refusal::Port(0))),
        ("https://example.com/", configured, Ok(Permit::Public)),
        ("http://example.com:8080/", configured, Ok(Permit::Public)),
        ("https://example.com:8443/", configured, Ok(Permit::Public)),
        (
            "http://feeds.example.com:9000/new",
            configured,
            Ok(Permit::Public),
        ),
        (
            "http://other.example.com:9000/",
            configured,
            Err(Refusal::Port(9000)),
        ),
        (
            "http://feeds.example.com:22/",
            configured,
            Err(Refusal::Port(22)),
        ),
        (
            "http://example.com:6379/",
            configured,
            Err(Refusal::Port(6379)),
        ),
    ] {
        assert_eq!(judge(url, hop, &[]), expected, "{url}");
    }
}

#[test]
fn redirects_carry_no_userinfo_and_never_downgrade() {
    let https = Some("https://example.com/");
    for (url, hop, expected) in [
        ("https://u:p@example.com/", None, Ok(Permit::Public)),
        ("https://u:p@example.com/", https, Err(Refusal::Userinfo)),
        ("https://u@example.com/", https, Err(Refusal::Userinfo)),
        ("http://example.com/", https, Err(Refusal::Downgrade)),
        (
            "http://example.com/",
            Some("http://example.com/"),
            Ok(Permit::Public),
        ),
        (
            "file:///etc/passwd",
            None,
            Err(Refusal::Scheme("file".into())),
        ),
        (
            "gopher://127.0.0.1:6379/",
            https,
            Err(Refusal::Scheme("gopher".into())),
        ),
    ] {
        assert_eq!(judge(url, hop, &[]), expected, "{url}");
    }
}

#[test]
fn exceptions_name_one_host_and_port() {
    let allow = ["rsshub:1200", "127.0.0.1:8000", "[::1]:8000"];
    for (url, expected) in [
        ("http://rsshub:1200/", Ok(Permit::Excepted)),
        ("http://127.0.0.1:8000/", Ok(Permit::Excepted)),
        ("http://0x7f.1:8000/", Ok(Permit::Excepted)),
        ("http://[::1]:8000/", Ok(Permit::Excepted)),
        ("http://rsshub:1201/", Err(Refusal::Name("rsshub".into()))),
        (
            "http://127.0.0.2:8000/",
            Err(Refusal::Address("127.0.0.2".parse().unwrap())),
        ),
        ("http://example.com/", Ok(Permit::Public)),
        ("ftp://127.0.0.1:8000/", Err(Refusal::Scheme("ftp".into()))),
    ] {
        assert_eq!(judge(url, None, &allow), expected, "{url}");
    }
}

proptest! {
    /// The standard library's own classification is narrower than ours; it must never be wider.
    #[test]
    fn what_passes_is_not_special_to_the_standard_library(bits: u32, wide: u128) {
        let v4 = Ipv4Addr::from_bits(bits);
        if check_address(v4.into()).is_ok() {
            prop_assert!(!(v4.is_private() || v4.is_loopback() || v4.is_link_local()
                || v4.is_multicast() || v4.is_broadcast() || v4.is_documentation()
                || v4.is_unspecified()));
        }
        // Uniform bits would seldom land in 2000::/3.
        let v6 = Ipv6Addr::from_bits(wide >> 3 | 1 << 125);
        if check_address(v6.into()).is_ok() {
            prop_assert!(!(v6.is_loopback() || v6.is_multicast() || v6.is_unique_local()
                || v6.is_unicast_link_local() || v6.is_unspecified()));
            prop_assert!(v6.to_ipv4().is_none());
        }
    }
}
