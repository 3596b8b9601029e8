//! Hosts by their suffixes, and sets of them with a quick test that rules out nearly every host.

use crate::html::{Name, Table};

/// The domains that some hosts belong to: their last two labels.
pub(super) struct Domains(Table<(), 128>);

impl Domains {
    pub(super) fn of<'a>(hosts: impl Iterator<Item = &'a str>) -> Self {
        let mut domains = Table::new();
        for host in hosts {
            domains.add(domain(host), ());
        }
        Self(domains)
    }

    /// Whether a host may be one of those or below one.
    pub(super) fn may_hold(&self, host: &str) -> bool {
        self.0.get(domain(host)).is_some()
    }
}

fn domain(host: &str) -> Name {
    let bytes = host.as_bytes();
    let last = memchr::memrchr(b'.', bytes).unwrap_or_default();
    let start = memchr::memrchr(b'.', &bytes[..last]).map_or(0, |dot| dot + 1);
    Name::of(&host[start..])
}

/// A host suffix in lower case, without the dot or `*.` that it may be written with.
pub(super) fn host_suffix(host: &str) -> String {
    host.trim_start_matches("*.")
        .trim_matches('.')
        .to_lowercase()
}

/// Whether `host` is `suffix` or a name below it.
pub(super) fn is_under(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_below_a_domain_may_be_in_it() {
        let domains = Domains::of(["a.example.org", "t.co", "b.example.org"].into_iter());
        for host in ["a.example.org", "x.a.Example.org", "t.co", "x.t.co"] {
            assert!(domains.may_hold(host), "{host}");
        }
        for host in [
            "",
            "org",
            "example.com",
            "a.example.org:80",
            "t.co.uk",
            "at.co",
        ] {
            assert!(!domains.may_hold(host), "{host}");
        }
    }
}
