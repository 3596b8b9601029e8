//! Sets of hosts, of which it is quickly seen that nearly every host is in none.

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
