//! What is known of single hosts: which `Referer` they want, and other things that help. Pure.

use http::{HeaderName, HeaderValue};
use url::Url;

use crate::images::transform::OutputFormat;

/// How images of some hosts are fetched and handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRule {
    /// A host's name: it and everything below it.
    pub host: String,
    /// The `Referer` to send; `None` where none helps.
    pub referer: Option<HeaderValue>,
    /// What to call ourselves.
    pub user_agent: Option<String>,
    /// Other header fields.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// An outbound proxy.
    pub proxy: Option<Url>,
    /// Clients are sent to the image itself.
    pub bypass: bool,
    /// What its images are written as where nothing is asked.
    pub format: Option<OutputFormat>,
}

/// Rules, the narrowest of which counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostRules(Vec<HostRule>);

impl HostRules {
    /// Rules in any order.
    #[must_use]
    pub fn new(mut rules: Vec<HostRule>) -> Self {
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.host.len()));
        Self(rules)
    }

    /// The rule for a host: that with the longest name.
    #[must_use]
    pub fn of(&self, host: &str) -> Option<&HostRule> {
        self.0.iter().find(|rule| is_below(host, &rule.host))
    }

    /// The outbound proxies that they name.
    pub(super) fn proxies(&self) -> impl Iterator<Item = &Url> {
        self.0.iter().filter_map(|rule| rule.proxy.as_ref())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a host is this one, or below it.
pub(super) fn is_below(host: &str, suffix: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.strip_suffix(suffix)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(host: &str) -> HostRule {
        HostRule {
            host: host.into(),
            referer: None,
            user_agent: None,
            headers: Vec::new(),
            proxy: None,
            bypass: false,
            format: None,
        }
    }

    #[test]
    fn the_narrowest_rule_counts() {
        let rules = HostRules::new(vec![
            rule("example.org"),
            rule("img.example.org"),
            rule("org"),
        ]);
        for (host, expected) in [
            ("example.org", Some("example.org")),
            ("www.example.org", Some("example.org")),
            ("img.example.org", Some("img.example.org")),
            ("a.img.example.org.", Some("img.example.org")),
            ("badexample.org", Some("org")),
            ("example.com", None),
        ] {
            assert_eq!(
                rules.of(host).map(|rule| rule.host.as_str()),
                expected,
                "{host}"
            );
        }
    }
}
