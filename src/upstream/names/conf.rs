//! `/etc/resolv.conf`: whom to ask, how patiently, and which names a short one stands for. Pure.
//!
//! Limits and defaults are those of glibc (resolv.conf(5)): what it does not understand in a line it
//! leaves out, and without a usable name server it asks this machine.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Name servers that are asked; glibc takes no more.
const SERVERS_MAX: usize = 3;
/// Search domains that are tried.
const SEARCH_MAX: usize = 16;
const NDOTS_MAX: u32 = 15;
const TIMEOUT_S: (u32, u32) = (1, 30);
const ATTEMPTS: (u32, u32) = (1, 5);

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conf {
    /// Never empty.
    pub(super) servers: Vec<IpAddr>,
    /// Without dots at their ends.
    pub(super) search: Vec<String>,
    /// A name with as many dots is tried as it is first.
    pub(super) ndots: u32,
    /// How long one server is waited for.
    pub(super) timeout: Duration,
    /// How often the servers are gone through.
    pub(super) attempts: u32,
    /// Whether each lookup begins with another server.
    pub(super) rotates: bool,
    /// Whether UDP is left out.
    pub(super) uses_tcp: bool,
    /// Whether requests carry EDNS.
    pub(super) uses_edns: bool,
    /// Whether only IPv4 addresses are asked for.
    pub(super) skips_ipv6: bool,
    /// Name servers that were left out since they name an interface.
    pub(super) refused: Vec<String>,
}

impl Conf {
    /// Reads the file; `hostname` is this machine's, whose domain is searched where the file names
    /// none.
    pub(super) fn parse(text: &str, hostname: &str) -> Self {
        let mut conf = Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotates: false,
            uses_tcp: false,
            uses_edns: false,
            skips_ipv6: false,
            refused: Vec::new(),
        };
        let mut search = None;
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => conf.add_server(words.next().unwrap_or_default()),
                // The last of both counts.
                Some("search") => search = Some(domains(words)),
                Some("domain") => search = Some(domains(words.take(1))),
                Some("options") => words.for_each(|word| conf.set(word)),
                _ => {}
            }
        }
        conf.search = search.unwrap_or_else(|| {
            let (_, domain) = hostname.trim().split_once('.').unwrap_or_default();
            domains(std::iter::once(domain))
        });
        if conf.servers.is_empty() {
            conf.servers.push(Ipv4Addr::LOCALHOST.into());
        }
        conf
    }

    /// The absolute names, without the dot at their end, that `name` may stand for, best first.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let dots = name.bytes().filter(|byte| *byte == b'.').count();
        let searched = self.search.iter().map(|domain| format!("{name}.{domain}"));
        let as_it_is = std::iter::once(name.to_owned());
        match u32::try_from(dots).is_ok_and(|dots| dots < self.ndots) {
            true => searched.chain(as_it_is).collect(),
            false => as_it_is.chain(searched).collect(),
        }
    }

    fn add_server(&mut self, text: &str) {
        match text.parse() {
            Ok(address) if self.servers.len() < SERVERS_MAX => self.servers.push(address),
            // An address with a zone means one interface, which sockets of ours don't choose.
            Err(_) if text.contains('%') => self.refused.push(text.to_owned()),
            _ => {}
        }
    }

    fn set(&mut self, option: &str) {
        let (name, number) = option.split_once(':').unwrap_or((option, ""));
        let number = number.parse::<u32>().ok();
        match (name, number) {
            ("ndots", Some(dots)) => self.ndots = dots.min(NDOTS_MAX),
            ("timeout", Some(seconds)) => {
                let seconds = seconds.clamp(TIMEOUT_S.0, TIMEOUT_S.1);
                self.timeout = Duration::from_secs(seconds.into());
            }
            ("attempts", Some(times)) => self.attempts = times.clamp(ATTEMPTS.0, ATTEMPTS.1),
            ("rotate", None) => self.rotates = true,
            ("use-vc", None) => self.uses_tcp = true,
            ("edns0", None) => self.uses_edns = true,
            ("no-aaaa", None) => self.skips_ipv6 = true,
            _ => {}
        }
    }
}

fn domains<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let bare = words.map(|word| word.trim_matches('.').to_ascii_lowercase());
    let usable = bare.filter(|word| !word.is_empty());
    usable.take(SEARCH_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_glibc_understands_is_understood() {
        let conf = Conf::parse(
            "# made by hand\n; too\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver 2001:db8::1\n\
             nameserver nonsense\nnameserver 192.0.2.2 trailing\nnameserver 192.0.2.3\n\
             domain old.example\nsearch Lan.Example. corp.example .\nsortlist 10.0.0.0\n\
             options ndots:99 timeout:0 attempts:9 rotate use-vc edns0 no-aaaa inet6 ndots:x\n",
            "host.elsewhere.example",
        );
        let servers: Vec<_> = conf.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1", "2001:db8::1", "192.0.2.2"]);
        assert_eq!(conf.refused, ["fe80::1%eth0"]);
        assert_eq!(conf.search, ["lan.example", "corp.example"]);
        assert_eq!((conf.ndots, conf.attempts), (15, 5));
        assert_eq!(conf.timeout, Duration::from_secs(1));
        assert!(conf.rotates && conf.uses_tcp && conf.uses_edns && conf.skips_ipv6);
    }

    #[test]
    fn without_a_file_this_machine_is_asked() {
        let conf = Conf::parse("", "host.corp.example\n");
        assert_eq!(conf.servers, [IpAddr::from(Ipv4Addr::LOCALHOST)]);
        assert_eq!(conf.search, ["corp.example"]);
        assert_eq!((conf.ndots, conf.attempts), (1, 2));
        assert_eq!(conf.timeout, Duration::from_secs(5));
        assert!(!conf.rotates && !conf.uses_tcp && !conf.uses_edns && !conf.skips_ipv6);
        // An empty list is a list: nothing is searched.
        assert!(
            Conf::parse("search\n", "host.corp.example")
                .search
                .is_empty()
        );
        assert!(Conf::parse("", "host").search.is_empty());
    }

    #[test]
    fn short_names_are_searched_for() {
        let check = |file: &str, name: &str, expected: &[&str]| {
            assert_eq!(Conf::parse(file, "").candidates(name), expected, "{name}");
        };
        let two = "search a.example b.example\n";
        check(two, "nas", &["nas.a.example", "nas.b.example", "nas"]);
        check(
            two,
            "x.org",
            &["x.org", "x.org.a.example", "x.org.b.example"],
        );
        check(two, "x.org.", &["x.org"]);
        check(two, "nas.", &["nas"]);
        check(
            "search a.example\noptions ndots:2\n",
            "x.org",
            &["x.org.a.example", "x.org"],
        );
        check(
            "search a.example\noptions ndots:0\n",
            "nas",
            &["nas", "nas.a.example"],
        );
    }
}
