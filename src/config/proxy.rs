//! Outbound proxies: who looks names up.

use url::Url;

use super::file::{Feed, Shared};
use super::problem::Problem;
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
    problems: &mut Vec<Problem>,
) {
    let Some(written) = proxy else { return };
    let resolves = resolves.is_some_and(|resolves| resolves.value);
    let reason = written.value.as_ref().and_then(|url| unfit(url, resolves));
    let problem = reason.map(|reason| Problem::new(written.spot.clone(), reason));
    // All that inherit one find the same.
    problems.extend(problem.filter(|problem| !problems.contains(problem)));
}

/// The same for feeds and what they inherit.
pub(super) fn check_feeds(feeds: &[Feed], defaults: &Shared, problems: &mut Vec<Problem>) {
    let inherited = (defaults.proxy.as_ref(), defaults.proxy_resolves.as_ref());
    check(inherited.0, inherited.1, problems);
    for own in feeds.iter().map(|feed| &feed.shared) {
        let proxy = own.proxy.as_ref().or(inherited.0);
        let resolves = own.proxy_resolves.as_ref().or(inherited.1);
        check(proxy, resolves, problems);
    }
}
