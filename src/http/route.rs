//! Routing: from method and path to a route. Pure.

use http::Method;

use crate::images::signed_url;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route<'a> {
    /// `/feeds/{name}`: a rewritten feed.
    Feed(&'a str),
    /// `/feeds/{name}/archive` and `/feeds/{name}/archive/{place}`: the items that a feed had.
    Archive {
        /// The feed's name.
        name: &'a str,
        /// Which page; `None` for the newest.
        place: Option<u64>,
    },
    /// `/mirror/{name}/*`: an origin under a prefix; `rest` starts with its slash, or is empty.
    Mirror {
        /// The mirror's name.
        name: &'a str,
        /// What stands behind it.
        rest: &'a str,
    },
    /// `/image/{signature}/{options}/{URL}`: an image by its signed URL.
    Image(&'a str),
    /// `/image?url=…`: an image, by weserv's parameters.
    ImageQuery,
    /// `/`: the feeds, for people.
    Index,
    /// `/healthz`: whether the process is alive.
    Health,
    /// `/readyz`: whether it takes requests.
    Ready,
    /// A known path with another method.
    MethodNotAllowed,
    /// Anything else.
    NotFound,
}

/// Finds the route. The query plays no part: readers append cache-busters, which must not split
/// the cache.
#[must_use]
pub fn find<'a>(method: &Method, path: &'a str) -> Route<'a> {
    if let Some(path) = path.strip_prefix("/mirror/") {
        let (name, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
        // Which methods there are is the mirror's affair.
        return Route::Mirror { name, rest };
    }
    let route = match path {
        "/" => Route::Index,
        "/healthz" => Route::Health,
        "/readyz" => Route::Ready,
        "/image" | "/image/" => Route::ImageQuery,
        _ if path.starts_with(signed_url::PATH) => Route::Image(&path[signed_url::PATH.len()..]),
        _ => match path.strip_prefix("/feeds/").and_then(feed) {
            Some(route) => route,
            None => return Route::NotFound,
        },
    };
    if matches!(*method, Method::GET | Method::HEAD) {
        route
    } else {
        Route::MethodNotAllowed
    }
}

/// What stands behind `/feeds/`.
fn feed(path: &str) -> Option<Route<'_>> {
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    let place = match rest {
        "" if !path.contains('/') => return (!name.is_empty()).then_some(Route::Feed(name)),
        "archive" => None,
        _ => Some(place(rest.strip_prefix("archive/")?)?),
    };
    (!name.is_empty()).then_some(Route::Archive { name, place })
}

/// Reads a number in canonical form only: other forms would be other URLs of one page.
fn place(text: &str) -> Option<u64> {
    let place: u64 = text.parse().ok()?;
    (place.to_string() == text).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        let mirror = |name, rest| Route::Mirror { name, rest };
        let archive = |name, place| Route::Archive { name, place };
        for (method, path, expected) in [
            (Method::GET, "/", Route::Index),
            (Method::HEAD, "/feeds/dw", Route::Feed("dw")),
            (Method::GET, "/feeds/dw/", Route::NotFound),
            (Method::GET, "/feeds/dw/archive", archive("dw", None)),
            (Method::GET, "/feeds/dw/archive/50", archive("dw", Some(50))),
            (Method::POST, "/feeds/dw/archive", Route::MethodNotAllowed),
            (Method::GET, "/feeds/dw/archive/", Route::NotFound),
            (Method::GET, "/feeds/dw/archive/050", Route::NotFound),
            (Method::GET, "/feeds/dw/archive/+5", Route::NotFound),
            (Method::GET, "/feeds/dw/archive/5/", Route::NotFound),
            (Method::GET, "/feeds/dw/other", Route::NotFound),
            (Method::GET, "/feeds//archive", Route::NotFound),
            (Method::GET, "/image", Route::ImageQuery),
            (Method::HEAD, "/image/", Route::ImageQuery),
            (Method::GET, "/image/s/-/u", Route::Image("s/-/u")),
            (Method::GET, "/images", Route::NotFound),
            (Method::GET, "/feeds/", Route::NotFound),
            (Method::GET, "/feeds", Route::NotFound),
            (Method::GET, "/healthz", Route::Health),
            (Method::GET, "/readyz", Route::Ready),
            (Method::POST, "/feeds/dw", Route::MethodNotAllowed),
            (Method::DELETE, "/", Route::MethodNotAllowed),
            (Method::OPTIONS, "/nowhere", Route::NotFound),
            (Method::GET, "//feeds/dw", Route::NotFound),
            (Method::GET, "/mirror/", mirror("", "")),
            (Method::GET, "/mirror/m", mirror("m", "")),
            (Method::POST, "/mirror/m/", mirror("m", "/")),
            (Method::GET, "/mirror/m/a//b", mirror("m", "/a//b")),
            (Method::GET, "/mirror//m", mirror("", "/m")),
            (Method::GET, "/mirror", Route::NotFound),
        ] {
            assert_eq!(find(&method, path), expected, "{method} {path}");
        }
    }
}
