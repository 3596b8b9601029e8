//! Which image URLs are sent through the image proxy, and what they become.
//!
//! Invariants: the same image becomes the same string wherever and however its URL is
//! written; a URL that was rewritten is never rewritten again.

pub(super) mod decision;
pub(super) mod rule;

use std::sync::LazyLock;

use url::Url;

use crate::rewrite::budget::URL_BYTES_MAX;
use crate::rewrite::domains::{Domains, host_suffix, is_under};
use crate::rewrite::image_url::ImageUrl;
use crate::rewrite::options::RuleOptions;
use crate::rewrite::passes::images::Marks;
use crate::rewrite::target::{TargetError, Through};
use decision::{Decision, KeepReason, ProxiedUrl};
use rule::{RULES_MAX, Rule};

/// The mark of elements that `skip_images` matches.
pub(super) const SKIPPED: Marks = 1 << 63;

/// Image proxies by host: what is there came through one already.
const PROXY_HOSTS: &[&str] = &[
    "images.weserv.nl",
    "wsrv.nl",
    "i0.wp.com",
    "i1.wp.com",
    "i2.wp.com",
    "i3.wp.com",
    "external-content.duckduckgo.com",
];

/// Image proxies that share their host with other things.
const PROXY_PREFIXES: &[&str] = &[
    "https://www.inoreader.com/camo/",
    "http://www.inoreader.com/camo/",
];

static PROXY_DOMAINS: LazyLock<Domains> = LazyLock::new(|| {
    let hosts = PROXY_HOSTS.iter().copied();
    Domains::of(hosts.chain(["www.inoreader.com"]))
});

/// What stands behind our public URL where we serve images. Other things may stand there, too: the
/// publisher itself, when both share a host.
const OWN_PATHS: [&str; 3] = ["/image/", "/image?", "/mirror/"];

/// Which URLs are rewritten and to what; built once from [`RuleOptions`].
#[derive(Debug, Clone)]
pub(super) struct ImageUrlRules {
    /// What images are sent through that no rule is for.
    images: Option<Through>,
    rules: Vec<Rule>,
    /// What our own and the image proxies' URLs start with, as written and as [`Url`] writes it.
    own_prefixes: Vec<String>,
    /// Lowercase, without a leading dot.
    skip_hosts: Vec<String>,
}

impl ImageUrlRules {
    /// `None` when the options leave every image alone.
    ///
    /// # Errors
    /// When an image proxy's template or a glob is refused, or there is no key to sign with.
    pub(super) fn new(options: &RuleOptions) -> Result<Option<Self>, TargetError> {
        let (keys, public_url) = (
            &options.image_keys,
            options.public_url.trim_end_matches('/'),
        );
        let through = |images| Through::new(images, keys, public_url);
        let images = options.images.as_ref().map(through).transpose()?;
        let rules = options.image_rules.iter().take(RULES_MAX).enumerate();
        let rules: Vec<Rule> = rules
            .map(|rule| Rule::new(rule, keys, public_url))
            .collect::<Result<_, _>>()?;
        let all = images
            .iter()
            .chain(rules.iter().filter_map(|rule| rule.through.as_ref()));
        let mut own_prefixes: Vec<String> =
            all.map(|through| through.prefix().to_owned()).collect();
        if own_prefixes.is_empty() {
            return Ok(None);
        }
        if !public_url.is_empty() {
            own_prefixes.extend(OWN_PATHS.map(|path| format!("{public_url}{path}")));
        }
        for at in 0..own_prefixes.len() {
            own_prefixes.push(normal_prefix(&own_prefixes[at]));
        }
        own_prefixes.sort();
        own_prefixes.dedup();
        let skip_hosts = options.skip_hosts.iter().map(|host| host_suffix(host));
        Ok(Some(Self {
            images,
            rules,
            own_prefixes,
            skip_hosts: skip_hosts.filter(|host| !host.is_empty()).collect(),
        }))
    }

    /// What becomes of the image at `written`, in an element with these marks, or why it stays.
    ///
    /// `written` is decoded, as it is in the feed, and may be relative to `base`.
    pub(super) fn decide(&self, written: &str, base: Option<&Url>, marks: Marks) -> Decision {
        if written.len() > URL_BYTES_MAX {
            // Images written out in the URL itself are the longest there are.
            let is_inline = written.trim_start().starts_with("data:");
            return Err(if is_inline {
                KeepReason::NotHttp
            } else {
                KeepReason::TooLong
            });
        }
        if let Some(plain) = ImageUrl::of_plain(written) {
            return self.send(&plain, marks);
        }
        let url = resolve(written, base)?;
        self.send(&ImageUrl::of_url(&url).ok_or(KeepReason::NotHttp)?, marks)
    }

    /// Whether a URL is one of ours or of an image proxy of this feed.
    pub(super) fn is_own(&self, written: &str) -> bool {
        let written = written.trim_ascii();
        self.own_prefixes.iter().any(|own| written.starts_with(own))
    }

    /// Whether there may be images on the web that stay as they are.
    pub(super) fn may_leave(&self) -> bool {
        self.images.is_none() || !self.rules.is_empty() || !self.skip_hosts.is_empty()
    }

    fn send(&self, image: &ImageUrl<'_>, marks: Marks) -> Decision {
        let ImageUrl { whole, host, .. } = *image;
        if self.own_prefixes.iter().any(|own| whole.starts_with(own)) {
            return Err(KeepReason::Own);
        }
        let is_listed = || {
            PROXY_HOSTS.iter().any(|proxy| is_under(host, proxy))
                || PROXY_PREFIXES.iter().any(|proxy| whole.starts_with(proxy))
        };
        let is_proxied = host.starts_with("camo.") || PROXY_DOMAINS.may_hold(host) && is_listed();
        if is_proxied {
            return Err(KeepReason::Proxied);
        }
        if marks & SKIPPED != 0 {
            return Err(KeepReason::SkippedSelector);
        }
        // The configuration writes IPv6 addresses without their brackets.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if self.skip_hosts.iter().any(|skip| is_under(host, skip)) {
            return Err(KeepReason::SkippedHost);
        }
        let rule = self
            .rules
            .iter()
            .position(|rule| rule.covers(host, image.path, marks));
        let through = match rule {
            Some(index) => self.rules[index]
                .through
                .as_ref()
                .ok_or(KeepReason::Rule(index)),
            None => self.images.as_ref().ok_or(KeepReason::NoRule),
        }?;
        let url = through.apply(image).ok_or(KeepReason::Query)?;
        Ok(ProxiedUrl { url, rule })
    }
}

/// The URL meant by `written`, by the URL standard's parser, which trims
/// whitespace and drops tabs and newlines.
fn resolve(written: &str, base: Option<&Url>) -> Result<Url, KeepReason> {
    let trimmed = written.trim_matches(|c: char| c <= ' ');
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return Err(KeepReason::NotHttp);
    }
    match Url::options().base_url(base).parse(trimmed) {
        Err(url::ParseError::RelativeUrlWithoutBase) if trimmed.starts_with("//") => {
            Url::parse(&format!("https:{trimmed}")).map_err(|_| KeepReason::NoUrl)
        }
        parsed => parsed.map_err(|_| KeepReason::NoUrl),
    }
}

fn normal_prefix(prefix: &str) -> String {
    Url::parse(prefix).map_or_else(|_| prefix.to_owned(), String::from)
}

#[cfg(test)]
mod tests;
