//! The file with what is known of image hosts: which `Referer` they want, and other things that help.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::SystemTime;

use http::HeaderValue;
use serde::Deserialize;

use super::texts;
use crate::images::fetching::{HostRule, HostRules};
use crate::images::transform::OutputFormat;

/// The name of the file beside the configuration.
pub(super) const FILE: &str = "image-hosts.toml";
const BUILT_IN: &str = include_str!("../../config/image-hosts.toml");
const FILE_BYTES_MAX: u64 = 4 << 20;
const RULES_MAX: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    host: BTreeMap<String, Rule>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rule {
    referer: Option<String>,
    user_agent: Option<String>,
    headers: BTreeMap<String, String>,
    proxy: Option<String>,
    proxy_resolves: bool,
    bypass: bool,
    format: Option<String>,
}

/// The rules of a file; ours where there is none.
///
/// # Errors
/// What is wrong with it, in a sentence that names the host and the key.
pub fn load(path: Option<&Path>) -> Result<HostRules, String> {
    let Some(path) = path else {
        return Ok(built_in());
    };
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&text).map_err(|reason| format!("{}: {reason}", path.display()))
}

/// When a file was changed last, and its length.
#[must_use]
pub fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The rules that the program comes with.
#[must_use]
pub fn built_in() -> HostRules {
    // A test reads them.
    parse(BUILT_IN).unwrap_or_default()
}

fn parse(text: &str) -> Result<HostRules, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    if file.host.len() > RULES_MAX {
        return Err(format!("there are more than {RULES_MAX} hosts"));
    }
    let rules = file.host.into_iter().map(|(host, rule)| {
        let place = |key: &str, reason: String| format!("host `{host}`: `{key}`: {reason}");
        let name =
            texts::host_suffix(&host).map_err(|reason| format!("host `{host}`: {reason}"))?;
        let referer = rule.referer.filter(|referer| !referer.is_empty());
        let header = |key: &str, text: &str| {
            HeaderValue::from_str(text).map_err(|_| {
                place(
                    key,
                    "a header's value is printable ASCII in one line".into(),
                )
            })
        };
        let headers = rule.headers.iter().map(|(name, value)| {
            let key = format!("headers.{name}");
            let parsed = texts::header_name(name).map_err(|reason| place(&key, reason))?;
            Ok((parsed, header(&key, value)?))
        });
        Ok(HostRule {
            referer: referer
                .map(|referer| header("referer", &referer))
                .transpose()?,
            user_agent: rule
                .user_agent
                .as_deref()
                .map(|text| texts::user_agent(text).map_err(|reason| place("user_agent", reason)))
                .transpose()?,
            headers: headers.collect::<Result<_, String>>()?,
            proxy: rule
                .proxy
                .as_deref()
                .map(|text| {
                    let url = texts::proxy_url(text)?;
                    super::proxy::unfit(&url, rule.proxy_resolves).map_or(Ok(url), Err)
                })
                .map(|proxy| proxy.map_err(|reason| place("proxy", reason)))
                .transpose()?,
            bypass: rule.bypass,
            format: rule
                .format
                .as_deref()
                .map(|text| {
                    format(text).ok_or_else(|| {
                        place(
                            "format",
                            "expected `jpg`, `png`, `webp`, `gif` or `auto`".into(),
                        )
                    })
                })
                .transpose()?,
            host: name,
        })
    });
    Ok(HostRules::new(rules.collect::<Result<_, String>>()?))
}

fn format(text: &str) -> Option<OutputFormat> {
    Some(match text {
        "jpg" | "jpeg" => OutputFormat::Jpeg,
        "png" => OutputFormat::Png,
        "webp" => OutputFormat::WebP,
        "gif" => OutputFormat::Gif,
        "auto" => OutputFormat::Auto,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_read() {
        let rules = parse(BUILT_IN).unwrap();
        assert!(rules.len() > 20, "{}", rules.len());
        for (host, referer) in [
            ("wx1.sinaimg.cn", Some("https://weibo.com/")),
            ("i.pximg.net", Some("https://www.pixiv.net/")),
            ("img9.doubanio.com", Some("https://movie.douban.com/")),
            ("mmbiz.qpic.cn", None),
        ] {
            let rule = rules.of(host).unwrap();
            assert_eq!(
                rule.referer.as_ref().map(|value| value.to_str().unwrap()),
                referer,
                "{host}"
            );
        }
        assert_eq!(rules.of("example.org"), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("[host.\"a.org\"]\nreferrer = \"x\"", "referrer"),
            ("[host.\"a b\"]", "a b"),
            (
                "[host.\"a.org\"]\nheaders = { host = \"b\" }",
                "headers.host",
            ),
            ("[host.\"a.org\"]\nproxy = \"ftp://x\"", "`proxy`"),
            ("[host.\"a.org\"]\nformat = \"avif\"", "`format`"),
            ("[host.\"a.org\"]\nreferer = \"a\\nb\"", "`referer`"),
            ("host = 5", "host"),
        ] {
            let reason = parse(text).unwrap_err();
            assert!(reason.contains(expected), "{text}: {reason}");
        }
    }
}
