//! Outbound proxies: who looks names up.

use url::Url;

use super::error::SettingError;
use super::reader::Written;

/// Why a proxy can't be used without a word about names; `None` where it can.
pub(super) fn unfit(proxy: &Url, resolves: bool) -> Option<String> {
    // SECURITY: a name that leads to an address inside is refused where it is looked up here, and
    // nowhere else.
    let scheme = proxy.scheme();
    (scheme != "socks5" && !resolves).then(|| {
        format!(
            "with `{scheme}://` the proxy looks names up, and nothing here judges the addresses that they \
             lead to: allow it by `proxy_resolves = true`, or use `socks5://`"
        )
    })
}

/// Notes what is wrong with a proxy that is used with this `proxy_resolves`.
pub(super) fn check(
    proxy: Option<&Written<Option<Url>>>,
    resolves: Option<&Written<bool>>,
    problems: &mut Vec<SettingError>,
) {
    let Some(written) = proxy else { return };
    let resolves = resolves.is_some_and(|resolves| resolves.value);
    let reason = written.value.as_ref().and_then(|url| unfit(url, resolves));
    let problem = reason.map(|reason| SettingError::new(written.spot.clone(), reason));
    // All that inherit one find the same.
    problems.extend(problem.filter(|problem| !problems.contains(problem)));
}
