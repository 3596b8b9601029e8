//! Which picture addresses are sent through the image proxy, and what they become.
//!
//! Invariants: the same picture becomes the same string wherever and however its address is
//! written; an address that was rewritten is never rewritten again.

use url::Url;

use crate::rewrite::RuleOptions;
use crate::rewrite::picture::Picture;
use crate::rewrite::target::{Target, TargetError};

/// Image proxies by host: what is there came through one already.
const PROXY_HOSTS: &[&str] = &[
    "images.weserv.nl",
    "wsrv.nl",
    "wp.com",
    "external-content.duckduckgo.com",
    "camo.githubusercontent.com",
];

/// Image proxies that share their host with other things.
const PROXY_PREFIXES: &[&str] = &["https://www.inoreader.com/camo/"];

/// Which addresses are rewritten and to what; built once from [`RuleOptions`].
#[derive(Debug, Clone)]
pub struct Addresses {
    target: Target,
    /// What our own and the target's addresses start with, as [`Url`] writes it.
    own_prefixes: Vec<String>,
    /// Lowercase, without a leading dot.
    skip_hosts: Vec<String>,
}

impl Addresses {
    /// `None` when the options leave pictures alone.
    ///
    /// # Errors
    /// When the template of the image proxy is refused.
    pub fn new(options: &RuleOptions) -> Result<Option<Self>, TargetError> {
        let Some(proxy) = &options.images else {
            return Ok(None);
        };
        let target = Target::new(proxy)?;
        let mut own_prefixes = vec![normal_prefix(target.prefix())];
        if own_prefixes[0] != target.prefix() {
            own_prefixes.push(target.prefix().to_owned());
        }
        if !options.public_url.is_empty() {
            own_prefixes.push(normal_prefix(&format!(
                "{}/",
                options.public_url.trim_end_matches('/')
            )));
        }
        let skip_hosts = options
            .skip_hosts
            .iter()
            .map(|host| {
                host.trim_start_matches("*.")
                    .trim_matches('.')
                    .to_lowercase()
            })
            .filter(|host| !host.is_empty())
            .collect();
        Ok(Some(Self {
            target,
            own_prefixes,
            skip_hosts,
        }))
    }

    /// The proxy's address for the picture at `written`; `None`: leave it as it is.
    ///
    /// `written` is decoded, as it stands in the feed, and may be relative to `base`.
    #[must_use]
    pub fn rewrite(&self, written: &str, base: Option<&Url>) -> Option<String> {
        if let Some(plain) = Picture::of_plain(written) {
            return self.rewrite_picture(&plain);
        }
        let url = resolve(written, base)?;
        self.rewrite_picture(&Picture::of_url(&url)?)
    }

    /// Whether an address is one of ours or of the image proxy.
    pub(super) fn is_own(&self, written: &str) -> bool {
        let written = written.trim_ascii();
        self.own_prefixes.iter().any(|own| written.starts_with(own))
    }

    /// Whether a text may hold such an address; cheap.
    pub(super) fn may_be_own(&self, text: &str) -> bool {
        let find = |own: &String| {
            let plain = own.split('&').next().unwrap_or_default();
            memchr::memmem::find(text.as_bytes(), plain.as_bytes()).is_some()
        };
        self.own_prefixes.iter().any(find)
    }

    fn rewrite_picture(&self, picture: &Picture<'_>) -> Option<String> {
        let Picture { whole, host, .. } = *picture;
        let is_own = self.own_prefixes.iter().any(|own| whole.starts_with(own));
        let is_proxied = is_own
            || PROXY_HOSTS.iter().any(|proxy| is_under(host, proxy))
            || PROXY_PREFIXES.iter().any(|proxy| whole.starts_with(proxy));
        let is_left = is_proxied || self.skip_hosts.iter().any(|skip| is_under(host, skip));
        if is_left {
            return None;
        }
        self.target.apply(picture)
    }
}

/// The URL meant by `written`, by the URL standard's parser, which trims
/// whitespace and drops tabs and newlines.
fn resolve(written: &str, base: Option<&Url>) -> Option<Url> {
    let trimmed = written.trim_matches(|c: char| c <= ' ');
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return None;
    }
    let url = match Url::options().base_url(base).parse(trimmed) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) if trimmed.starts_with("//") => {
            Url::parse(&format!("https:{trimmed}")).ok()?
        }
        Err(_) => return None,
    };
    Some(url)
}

/// Whether `host` is `suffix` or a name below it.
fn is_under(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn normal_prefix(prefix: &str) -> String {
    Url::parse(prefix).map_or_else(|_| prefix.to_owned(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        Addresses::new(&RuleOptions {
            images: Some("https://Proxy.example?url={url_enc}".into()),
            skip_hosts: vec!["skip.org".into(), "*.Starred.org".into(), String::new()],
            public_url: "https://feeds.example.org".into(),
            ..RuleOptions::default()
        })
        .unwrap()
        .unwrap()
    }

    #[test]
    fn rewritten_to_one_string() {
        let base = Url::parse("https://x.org/blog/item").unwrap();
        let expected = "https://Proxy.example?url=https%3A%2F%2Fx.org%2Fa%2520b.png%3Fq%3D1";
        for written in [
            "https://x.org/a b.png?q=1",
            " \thttps://X.ORG:443/a%20b.png?q=1\n",
            "https://x.o\nrg/a%20b.png?q=1#part",
            "//x.org/a b.png?q=1",
            "/a b.png?q=1",
            "../a b.png?q=1",
            "HTTPS:/a b.png?q=1",
        ] {
            let actual = addresses().rewrite(written, Some(&base));
            assert_eq!(actual.as_deref(), Some(expected), "{written}");
        }
        assert_eq!(
            addresses().rewrite("//x.org/a b.png?q=1", None).as_deref(),
            Some(expected)
        );
    }

    #[test]
    fn left_alone() {
        let base = Url::parse("https://x.org/blog/item").unwrap();
        for written in [
            "",
            "  ",
            "#icon",
            "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
            "blob:https://x.org/1",
            "cid:1",
            "about:blank",
            "javascript:void(0)",
            "ftp://x.org/a.png",
            "https://",
            "http://[bad/a.png",
            "https://proxy.example/?url=https%3A%2F%2Fx.org%2Fa.png",
            "https://Proxy.example?url=https%3A%2F%2Fx.org%2Fa.png",
            "https://feeds.example.org/image/sig/opts/abc",
            "https://images.weserv.nl/?url=x.org/a.png",
            "//wsrv.nl/?url=x.org/a.png",
            "http://i0.wp.com/x.org/a.png?ssl=1",
            "https://external-content.duckduckgo.com/iu/?u=x",
            "https://camo.githubusercontent.com/abc/def",
            "https://www.inoreader.com/camo/sig,b64/abc",
            "https://skip.org/a.png",
            "https://img.skip.org/a.png",
            "https://img.starred.org/a.png",
        ] {
            assert_eq!(addresses().rewrite(written, Some(&base)), None, "{written}");
        }
        assert_eq!(addresses().rewrite("a.png", None), None);
    }

    #[test]
    fn labels_and_prefixes_end_where_they_end() {
        for written in [
            "https://noskip.org/a.png",
            "https://skip.org.evil.net/a.png",
            "https://notwp.com/a.png",
            "https://feeds.example.org.evil.net/a.png",
            "https://www.inoreader.com/logo.png",
            "https://proxy.example/logo.png",
        ] {
            let once = addresses().rewrite(written, None).unwrap();
            assert_eq!(addresses().rewrite(&once, None), None, "{written}");
        }
    }

    #[test]
    fn none_without_a_target() {
        assert!(Addresses::new(&RuleOptions::default()).unwrap().is_none());
    }
}
