//! What is refused, key by key.

use super::*;

#[test]
fn renamed_keys() {
    check(
        "defaults.promote_pictures = true",
        &["1:10 defaults.promote_pictures: `promote_pictures` is now `promote_images`"],
    );
    check_feed(
        "linked_pictures = true",
        &["4:1 feed[0].linked_pictures (feed \"a\"): `linked_pictures` is now `linked_images`"],
    );
    check(
        "archive = { pictures_max = 1, images_max = 2 }",
        &["1:13 archive.pictures_max: `pictures_max` is now `images_max`"],
    );
    check(
        "archive.picture_bytes_max = 'x'",
        &["1:9 archive.picture_bytes_max: `picture_bytes_max` is now `image_bytes_max`"],
    );
    check_feed(
        "archive = { pictures = true }",
        &["4:13 feed[0].archive.pictures (feed \"a\"): `pictures` is now `images`"],
    );
    check_feed(
        "pictures = true",
        &["4:1 feed[0].pictures (feed \"a\"): there is no such key [help:"],
    );
}

#[test]
fn shapes() {
    check(
        "[feed]",
        &["1:1 feed: expected a list of tables, each written `[[feed]]`, found a table"],
    );
    check(
        "[[server]]",
        &["1:1 server: expected a table, written `[server]`, found a list"],
    );
    check("feed = [1]", &["1:9 feed[0]: expected a list of tables"]);
    check("server = 1", &["1:10 server: expected a table"]);
    check(
        "image_proxy.x = 1",
        &["1:13 image_proxy.x: expected a table, written `[image_proxy.x]`"],
    );
    check(
        "[images]",
        &["1:2 images: there is no such key [help: did you mean `image`?"],
    );
    check(
        "feeds = []",
        &["1:1 feeds: there is no such key [help: did you mean `feed`?"],
    );
    check(
        "server.index = 1",
        &["1:16 server.index: expected `true` or `false`, found a bare number"],
    );
    check(
        "fetch.ratio_max = '9'",
        &["1:19 fetch.ratio_max: expected a whole number, found text"],
    );
    check_feed(
        "skip_hosts = 'x'",
        &["4:14 feed[0].skip_hosts (feed \"a\"): expected a list of texts"],
    );
    check_feed(
        "skip_hosts = ['x', 1]",
        &["4:20 feed[0].skip_hosts[1] (feed \"a\"): expected text"],
    );
}

#[test]
fn bounds() {
    check(
        "fetch.redirects_max = 6",
        &["1:23 fetch.redirects_max: must be from 0 to 5"],
    );
    check(
        "fetch.redirects_max = -1",
        &["1:23 fetch.redirects_max: must be from 0 to 5"],
    );
    check(
        "server.connections_max = 0",
        &["1:26 server.connections_max: must be from 1 to 1000000"],
    );
    check("fetch.ratio_max = 0x10", &[]);
    check(
        "store.memory_bytes = '1KiB'",
        &["1:22 store.memory_bytes: must be from 1MiB to 1TiB"],
    );
    check(
        "store.memory_bytes = 5",
        &["1:22 store.memory_bytes: expected a number with a unit: `B`"],
    );
    check(
        "defaults.refresh = '31d'",
        &["1:20 defaults.refresh: must be from 1s to 30d"],
    );
    check("defaults.serve_stale_after = '0s'", &[]);
    check(
        "defaults.refresh = 30",
        &["1:20 defaults.refresh: expected a number with a unit: `ms`"],
    );
}

#[test]
fn texts_of_single_keys() {
    check(
        "server.listen = 'localhost:80'",
        &["1:17 server.listen: expected an IP address"],
    );
    check(
        "server.public_url = 'x.example'",
        &["1:21 server.public_url: expected an address that starts with"],
    );
    check(
        "server.public_url = 'https://x/?a'",
        &["1:21 server.public_url: must have no `?`"],
    );
    check(
        "log.level = 'loud=loud'",
        &["1:13 log.level: expected `error`, `warn`"],
    );
    check("log.level = 'info,hyper=warn'", &[]);
    check(
        "fetch.user_agent = ' '",
        &["1:20 fetch.user_agent: must not be empty"],
    );
    check_feed(
        "user_agent = \"a\\u0007\"",
        &["4:14 feed[0].user_agent (feed \"a\"): a header's value is printable"],
    );
    check_feed(
        "envelope = 'mine'",
        &["4:12 feed[0].envelope (feed \"a\"): expected `ours` or `keep`"],
    );
    check_feed(
        "skip_hosts = ['*.x.example']",
        &["4:15 feed[0].skip_hosts[0] (feed \"a\"): expected a host name"],
    );
    check_feed(
        "allow_private = ['x']",
        &["4:18 feed[0].allow_private[0] (feed \"a\"): expected a host and a port"],
    );
    check_feed(
        "allow_private = ['x:0']",
        &["4:18 feed[0].allow_private[0] (feed \"a\"): the port must be"],
    );
    check_feed(
        "proxy = 'ftp://x'",
        &["4:9 feed[0].proxy (feed \"a\"): must start with `http://`"],
    );
    check_feed("proxy = 'socks5://x'", &[]);
    check_feed("proxy = 'http://x'\nproxy_resolves = true", &[]);
    for scheme in ["http", "https", "socks5h"] {
        check_feed(
            &format!("proxy = '{scheme}://x'"),
            &[&format!(
                "4:9 feed[0].proxy (feed \"a\"): with `{scheme}://` the proxy looks names up"
            )],
        );
    }
    check_feed(
        "proxy = 'http://x/y'",
        &["4:9 feed[0].proxy (feed \"a\"): must end after the host"],
    );
}

#[test]
fn image_proxies_and_names() {
    check_feed(
        "images = 'mien'\n[image_proxy.mine]\ntemplate = 'https://p.example/?u={url_enc}'",
        &[
            "4:10 feed[0].images (feed \"a\"): there is no such image proxy [help: did you mean `mine`? known here: `none`, …`mine`]",
        ],
    );
    check(
        "defaults.images = 'nope'\n[[feed]]\nname='a'\nurl='http://x/'\n",
        &["1:19 defaults.images: there is no such"],
    );
    check(
        "image_proxy.none.template = 'https://p/{url}'",
        &["1:13 image_proxy.none: `none` has a meaning of its own"],
    );
    check(
        "image_proxy.Mine.template = 'https://p/{url}'",
        &["1:13 image_proxy.Mine: an image proxy's name has"],
    );
    check(
        "[image_proxy.mine]",
        &["…image_proxy.mine: `template` is missing"],
    );
    check(
        "[[feed]]\nname='a'\nurl='http://x/'\n[[feed]]\nname='a'\nurl='http://x/'",
        &["5:6 feed[1].name (feed \"a\"): another feed has this name"],
    );
    for name in ["", ".a", "a/b", "A", "ä", &"a".repeat(65)] {
        assert_eq!(FeedName::parse(name), Err(FeedNameError), "{name}");
    }
    assert_eq!(
        FeedName::parse("0a.b_c-d").map(|name| name.to_string()),
        Ok("0a.b_c-d".into())
    );
}

#[test]
fn headers_that_are_refused() {
    let refused = |name: &str, reason: &str| {
        let expected = format!("4:13 feed[0].headers.{name} (feed \"a\"): {reason}");
        check_feed(&format!("headers = {{ {name} = 'x' }}"), &[&expected]);
    };
    refused("Host", "this header can't be set: it follows from");
    refused(
        "connection",
        "this header can't be set: it belongs to one connection",
    );
    refused(
        "If-None-Match",
        "this header can't be set: conditional requests",
    );
    refused("Accept-Encoding", "this header can't be set: the codings");
    refused("Cookie", "this header can't be set: there is a key");
    check_feed(
        "headers = { 'a b' = 'x' }",
        &["4:13 feed[0].headers.a b (feed \"a\"): this is no name"],
    );
    check_feed(
        "headers = { a = 'x', A = 'y' }",
        &["4:… feed[0].headers.a (feed \"a\"): this header is written twice"],
    );
}

#[test]
fn secrets_that_are_not_there() {
    check_feed(
        "cookies = { env = 'NO' }",
        &["4:19 feed[0].cookies.env (feed \"a\"): the variable NO is not set"],
    );
    check_feed(
        "cookies = { file = '/no/such' }",
        &["4:20 feed[0].cookies.file (feed \"a\"): the file can't be read"],
    );
    check_feed(
        "cookies = {}",
        &["4:11 feed[0].cookies (feed \"a\"): expected text in quotes, `{ env"],
    );
    check_feed(
        "cookies = { env = 'A', file = 'B' }",
        &["4:31 feed[0].cookies.file (feed \"a\"): `env` and `file`"],
    );
    check_feed(
        "cookies = { evn = 'A' }",
        &["4:13 feed[0].cookies.evn (feed \"a\"): there is no such key [help: did you mean `env`?"],
    );
    check_feed(
        "cookies = { env = 5 }",
        &["4:19 feed[0].cookies.env (feed \"a\"): expected text"],
    );
    check_feed(
        "headers = { X = 5 }",
        &["4:17 feed[0].headers.X (feed \"a\"): expected text in quotes, `{ env"],
    );
}

#[test]
fn conditions_that_are_refused() {
    let refused = |condition: &str, expected: &[&str]| {
        check_feed(&format!("drop = [{condition}]"), expected);
    };
    refused("{ field = ['title', 'any'], pattern = 'a' }", &[]);
    refused(
        "{ field = 'titel', pattern = 'a' }",
        &["4:19 feed[0].drop[0].field (feed \"a\"): expected `title` or `link` or"],
    );
    refused(
        "{ field = ['title', 5], pattern = 'a' }",
        &["…drop[0].field (feed \"a\"): expected text in quotes, found a bare number"],
    );
    refused(
        "{ field = [], pattern = 'a' }",
        &["…drop[0].field (feed \"a\"): the list is empty"],
    );
    refused(
        "{ field = 'title', pattern = '(' }",
        &["…drop[0].pattern (feed \"a\"): the pattern can't be used: "],
    );
    refused(
        "{ pattern = 'a' }",
        &["…drop[0] (feed \"a\"): `field` is missing"],
    );
    refused(
        "'a'",
        &["…drop[0] (feed \"a\"): expected a list, `[{ field ="],
    );
    let many = "{ field = 'any', pattern = 'a' },".repeat(65);
    refused(
        &many,
        &["…drop[64] (feed \"a\"): there can be no more than 64"],
    );
    check_feed(
        "limit = -1",
        &["…limit (feed \"a\"): must be from 0 to 100000"],
    );
    check_feed(
        "footer = '<!--/feedwright:footer-->'",
        &["…footer (feed \"a\"): line 1 of the template: it holds a mark"],
    );
}

#[test]
fn media_through_what_serves_images_only() {
    let refused =
        |name: &str| format!("…media (feed \"a\"): the image proxy `{name}` serves images only");
    for name in ["builtin", "weserv", "wsrv"] {
        check_feed(
            &format!("media = true\nimages = '{name}'"),
            &[&refused(name)],
        );
        check_feed(&format!("media = false\nimages = '{name}'"), &[]);
    }
    check_feed("media = true", &[]);
    check_feed("media = true\nimages = 'none'", &[]);
    let proxied = |proxy: &str, expected: &[&str]| {
        check_feed(
            &format!("media = true\nimages = 'p'\n[image_proxy.p]\n{proxy}"),
            expected,
        );
    };
    proxied("template = 'https://p.example/{url_enc}'", &[]);
    proxied(
        "preset = 'miniflux'\nbase = 'https://p.example'\nkey = 'k'",
        &[],
    );
    proxied(
        "preset = 'imgproxy'\nbase = 'https://p.example'",
        &[&refused("p")],
    );
    proxied("preset = 'builtin'", &[&refused("p")]);
    // By a rule for a host; one for some paths may be for images alone.
    let ruled = |rule: &str, expected: &[&str]| {
        let proxy = "[image_proxy.p]\ntemplate = 'https://p.example/{url_enc}'";
        check_feed(
            &format!("media = true\nimages = 'p'\nimage_rules = [{rule}]\n{proxy}"),
            expected,
        );
    };
    ruled(
        "{ host = 'a.example', images = 'wsrv' }",
        &[&refused("wsrv")],
    );
    ruled("{ path = '*.gif', images = 'wsrv' }", &[]);
    // What a public address makes the default.
    let public = "[server]\npublic_url = 'https://f.example'\n[defaults]\nmedia = true\n\
                  [[feed]]\nname = 'a'\nurl = 'http://x.example/'";
    check(
        public,
        &["4:9 defaults.media: the image proxy `builtin` serves images only"],
    );
}
