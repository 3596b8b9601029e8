//! `/etc/hosts`: names that need no name server. Pure.

use std::collections::HashMap;
use std::net::IpAddr;

/// Addresses of one name that are kept.
const ADDRESSES_MAX: usize = 16;

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct Hosts(HashMap<Box<str>, Vec<IpAddr>>);

impl Hosts {
    /// Reads the file. Lines that are none, and addresses with a zone, are left out.
    pub(super) fn parse(text: &str) -> Self {
        let mut names: HashMap<Box<str>, Vec<IpAddr>> = HashMap::new();
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else {
                continue;
            };
            for word in words {
                let name = word.trim_end_matches('.').to_ascii_lowercase();
                let addresses = names.entry(name.into()).or_default();
                if addresses.len() < ADDRESSES_MAX && !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        Self(names)
    }

    /// The addresses of a name in lower case without a dot at its end.
    pub(super) fn addresses(&self, name: &str) -> Option<&[IpAddr]> {
        self.0.get(name).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_have_their_addresses() {
        let hosts = Hosts::parse(
            "\u{feff}127.0.0.1\tlocalhost loop # this machine\n::1 localhost\n\n# 10.0.0.9 nas\n\
             10.0.0.1 NAS.lan. nas\n10.0.0.1 nas\nfe80::1%eth0 zoned\nnonsense name\n10.0.0.2\n",
        );
        let check = |name: &str, expected: &[&str]| {
            let expected: Vec<IpAddr> = expected.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(
                hosts.addresses(name).unwrap_or_default(),
                expected,
                "{name}"
            );
        };
        check("localhost", &["127.0.0.1", "::1"]);
        check("loop", &["127.0.0.1"]);
        check("nas.lan", &["10.0.0.1"]);
        check("nas", &["10.0.0.1"]);
        check("zoned", &[]);
        check("name", &[]);
        assert!(hosts.addresses("other").is_none());
    }
}
